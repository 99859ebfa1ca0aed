"""Baseline file and CheckResult: the contracts `llmcost.baseline/1` and `llmcost.check/1`."""

from __future__ import annotations

import msgspec

from llmcost.pricing.result import PriceStamp


class BaselineTask(msgspec.Struct, frozen=True):
    """One task of a baseline. Money is a decimal string, so that a diff in git reads well.

    cost_usd is what the priced calls cost together; cost_per_call_usd is None where no call has a known cost.
    """

    task: str
    calls: int
    priced_calls: int
    cost_usd: str
    cost_per_call_usd: str | None
    models: list[str]


class BaselineFile(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.baseline/1"):
    """What was normal: small, committed, no prompt text."""

    llmcost_version: str
    prices: PriceStamp
    calls: int
    cost_usd: str
    tasks: list[BaselineTask]


class CheckTotals(msgspec.Struct, frozen=True):
    """One side of a comparison: costs at the baseline's task mix."""

    calls: int
    priced_calls: int
    cost_usd: float | None
    cost_per_call_usd: float | None


class CheckDiff(msgspec.Struct, frozen=True):
    """current against past at the baseline's task mix; `change` is relative."""

    cost_per_call_usd: float | None
    change: float | None


class TaskCheck(msgspec.Struct, frozen=True):
    """One task then and now. lower_bound: one-sided bound of `change`; None in this version."""

    task: str
    past_calls: int
    current_calls: int
    past_cost_per_call_usd: float | None
    current_cost_per_call_usd: float | None
    change: float | None
    lower_bound: float | None
    regressed: bool
    new_models: list[str]


class Factor(msgspec.Struct, frozen=True):
    """A part of the change of the bill."""

    factor: str
    usd: float


class CheckResult(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.check/1"):
    """Whether the bill got worse than allowed, and where. `reasons` say why it failed; `notes` what else changed."""

    llmcost_version: str
    prices: PriceStamp
    passed: bool
    reasons: list[str]
    max_increase: float
    past: CheckTotals
    current: CheckTotals
    diff: CheckDiff
    tasks: list[TaskCheck]
    decomposition: list[Factor]
    notes: list[str]
