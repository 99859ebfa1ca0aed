"""The stack on a log's own timeline, in dollars: the steps of the bill, and what each is worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from llmcost.audit import latency_quantiles
from llmcost.audit.savings import Stack
from llmcost.calls import Calls
from llmcost.recommend.result import BillSide, BillStep, ShapleyShare
from llmcost.strategies import Basis, Bills, alone, bills, changes, shapley, waterfall
from llmcost.strategies.stack import AS_STATED


def stacked_bills(stack: Stack, evidence: Mapping[str, Any], basis: Mapping[str, Basis] = AS_STATED) -> Bills:
    """The bills of the log under every subset of the steps that there is evidence for."""
    return bills(stack.billed, changes(evidence, basis))


def bill_steps(found: Bills) -> list[BillStep]:
    """What each step does to the bill that the previous ones left."""
    return [BillStep(fall.name, fall.before, fall.after, fall.latency_p95_ms, fall.basis) for fall in waterfall(found)]


def bill_shares(found: Bills) -> list[ShapleyShare]:
    """What each step is worth whatever the order, and alone."""
    rows = zip(found.changes, shapley(found), alone(found), strict=True)
    return [ShapleyShare(change.name, share, by_itself) for change, share, by_itself in rows]


def working(steps: Iterable[BillStep]) -> list[BillStep]:
    """The steps that change the bill."""
    return [step for step in steps if step.before_usd != step.after_usd]


def bill_side(stack: Stack, calls: Calls) -> BillSide:
    """The bill of these calls, over those whose cost is known today."""
    entries = stack.entries
    usd = None if stack.bill is None else stack.total(calls)
    priced = float(entries.weights[entries.priced].sum())
    p50, p95 = latency_quantiles(calls)
    return BillSide(None if usd is None else entries.monthly(usd), usd, None if usd is None else usd / priced, p50, p95)
