"""What a log would have cost behind savings that need no endpoint: the stack, step by step, and the times to live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from llmcost.audit import money_sum, money_sums, ttl_seconds
from llmcost.audit.groups import Mask
from llmcost.audit.result import SourceSummary
from llmcost.audit.savings import Stack, Wanted
from llmcost.config import CostMode
from llmcost.pricing.rates import BATCH
from llmcost.recommend.simulated import Saving, SavingTotals, SimulateResult, SweepRow
from llmcost.recommend.stacking import bill_shares, bill_side, bill_steps, stacked_bills, working
from llmcost.strategies import STACK, Basis, CachePolicy, Swap
from llmcost.strategies.response_cache import answered_from_cache, hits

MODEL_MAP = "model_map"
SWEPT = ("1m", "5m", "15m", "1h", "6h", "24h", "7d")
UNMEASURED: Mapping[str, Basis] = {MODEL_MAP: "potential"}


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is simulated: the steps that were asked for, a model for some tasks, a sweep of times to live."""

    response_cache: bool = True
    prompt_cache: bool = True
    batch_api: bool = True
    model_map: Mapping[str, str] = field(default_factory=dict)
    cache_ttl: str = "1h"
    sweep: bool = False

    @property
    def wanted(self) -> Wanted:
        """The steps, the models at today's tokens."""
        swaps = {task: Swap(model) for task, model in self.model_map.items()}
        return Wanted(self.response_cache, self.batch_api, self.prompt_cache, swaps)

    @property
    def names(self) -> list[str]:
        """The steps that are asked for, in the order of the stack."""
        asked = {
            "response_cache": self.response_cache,
            MODEL_MAP: bool(self.model_map),
            "batch_api": self.batch_api,
            "prompt_cache": self.prompt_cache,
        }
        return [step.name for step in STACK if asked.get(step.name)]


@dataclass(frozen=True, slots=True)
class SimulationFacts:
    """What is printed with a simulation."""

    version: str
    source: SourceSummary
    cost_mode: CostMode


def simulate(stack: Stack, scenario: Scenario, facts: SimulationFacts) -> SimulateResult:
    """The bill before and after the steps of the scenario, on one timeline of calls."""
    entries, wanted = stack.entries, scenario.wanted
    evidence = {} if stack.bill is None else stack.evidence(wanted)
    found = None if stack.bill is None else stacked_bills(stack, evidence, UNMEASURED)
    steps = bill_steps(found) if found else []
    before, after = bill_side(stack, entries.calls), bill_side(stack, stack.after(evidence))
    moved = {step.strategy for step in working(steps)}
    return SimulateResult(
        llmcost_version=facts.version,
        prices=stack.book.stamp,
        cost_mode=facts.cost_mode,
        source=facts.source,
        span=entries.span,
        calls=entries.total,
        priced_calls=entries.count(entries.priced),
        before=before,
        after=after,
        change=(after.logged_usd or 0.0) / before.logged_usd - 1 if before.logged_usd else None,
        steps=steps,
        shares=bill_shares(found) if found else [],
        idle=[name for name in scenario.names if name not in moved],
        totals=_savings(stack, wanted, evidence),
        cache_ttl=scenario.cache_ttl if scenario.response_cache else None,
        model_map=dict(scenario.model_map),
        sweep=list(_sweep(stack)) if scenario.sweep else [],
        cache_hits=entries.count(stack.hits) if "response_cache" in evidence else 0,
        batched_calls=_batched(stack, evidence),
    )


def _savings(stack: Stack, wanted: Wanted, evidence: Mapping[str, Any]) -> SavingTotals:
    """The three totals: the stack decided anew without the model map, and the whole of it."""
    without = Wanted(wanted.response_cache, wanted.batch_api, wanted.prompt_cache)
    unchanged = evidence if not wanted.swaps or stack.bill is None else stack.evidence(without)
    return SavingTotals(
        no_answer_change=_saving(stack, unchanged),
        measured=None,
        potential=_saving(stack, evidence) if wanted.swaps else None,
    )


def _batched(stack: Stack, evidence: Mapping[str, Any]) -> int:
    """Calls that were in no batch and are."""
    now = stack.after(evidence).says("service_tier", {BATCH})
    return stack.entries.count(now & ~stack.entries.calls.says("service_tier", {BATCH}))


def _saving(stack: Stack, evidence: Mapping[str, Any]) -> Saving:
    if stack.bill is None:
        return Saving(None, None)
    usd = stack.bill - stack.total(stack.after(evidence))
    return Saving(usd, stack.entries.monthly(usd))


def _sweep(stack: Stack) -> Iterator[SweepRow]:
    """An exact response cache alone, for every time to live: the whole log first, then the tasks, dearest first."""
    for ttl in SWEPT:
        yield from _swept(stack, ttl, hits(stack.entries.calls, CachePolicy(ttl_seconds(ttl)), stack.requests))


def _swept(stack: Stack, ttl: str, hit: Mask) -> Iterator[SweepRow]:
    entries, tasks = stack.entries, stack.entries.tasks
    saved = entries.costs - stack.priced(answered_from_cache(entries.calls, hit))
    spent = money_sums(tasks.codes, len(tasks.names), entries.costs)
    by_task = money_sums(tasks.codes, len(tasks.names), saved)
    rows = zip(tasks.names, entries.counts(tasks), entries.counts(tasks, hit), by_task, spent, strict=True)
    yield _row(ttl, None, entries.total, entries.count(hit), money_sum(saved))
    for name, calls, n, usd, _ in sorted(rows, key=lambda row: (-(row[4] or 0.0), row[0])):
        yield _row(ttl, name, calls, n, usd)


def _row(ttl: str, task: str | None, calls: int, n: int, usd: float | None) -> SweepRow:
    return SweepRow(ttl, ttl_seconds(ttl), task, calls, n, n / calls if calls else 0.0, usd)
