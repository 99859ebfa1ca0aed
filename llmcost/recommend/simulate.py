"""What a log would have cost behind savings that need no endpoint: the stack, the times to live, near-duplicates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from llmcost.audit import money_sum, money_sums, ttl_seconds
from llmcost.audit.groups import Mask
from llmcost.audit.result import SourceSummary
from llmcost.audit.savings import Stack, Wanted
from llmcost.config import CacheSettings, CostMode
from llmcost.pricing.cost import from_app_cache
from llmcost.pricing.rates import BATCH
from llmcost.recommend.simulated import (
    BestTtl,
    NearRow,
    Saving,
    SavingTotals,
    SimulatedCache,
    SimulateResult,
    SweepRow,
)
from llmcost.recommend.stacking import bill_shares, bill_side, bill_steps, stacked_bills, working
from llmcost.strategies import STACK, Basis, NearPolicy, Swap
from llmcost.strategies.near_duplicates import near_hits
from llmcost.strategies.response_cache import answered_from_cache, hits

MODEL_MAP = "model_map"
SWEPT = ("1m", "5m", "15m", "1h", "6h", "24h", "7d")
NEARLY_ALL = 0.95  # of what the longest time to live saves
NEAR_SWEPT = (0.8, 0.85, 0.9, 0.95, 0.98)
UNMEASURED: Mapping[str, Basis] = {MODEL_MAP: "potential"}


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is simulated: the steps that were asked for, a model for some tasks, a sweep of times to live.

    cache  what the response cache keeps, its time to live said      near  thresholds of a near-duplicate cache
    """

    response_cache: bool = True
    prompt_cache: bool = True
    batch_api: bool = True
    model_map: Mapping[str, str] = field(default_factory=dict)
    cache: CacheSettings = field(default_factory=lambda: CacheSettings(ttl="1h"))
    sweep: bool = False
    near: tuple[float, ...] = ()

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
    cache = _cache(stack, scenario.cache) if scenario.response_cache else None
    sweep = list(_sweep(stack)) if scenario.sweep else []
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
        cache_ttl=cache.ttl if cache else None,
        model_map=dict(scenario.model_map),
        sweep=sweep,
        cache_hits=cache.hits if cache else 0,
        batched_calls=_batched(stack, evidence),
        cache=cache,
        best_ttl=list(_best(sweep)),
        near=list(_near(stack, scenario.near)),
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


def _cache(stack: Stack, settings: CacheSettings) -> SimulatedCache:
    entries, found = stack.entries, stack.cache_hits
    return SimulatedCache(
        ttl=settings.ttl or "",
        task_ttl={task: ttl for task, ttl in settings.tasks.items() if task in entries.tasks.names},
        capacity=settings.capacity,
        single_flight=settings.single_flight,
        hits=entries.count(found.rows),
        waiting=entries.count(found.rows & (found.waits_ms > 0)),
    )


def _sweep(stack: Stack) -> Iterator[SweepRow]:
    """An exact response cache alone, for every time to live: the whole log first, then the tasks, dearest first."""
    for ttl in SWEPT:
        policy = replace(stack.cache, ttl_s=ttl_seconds(ttl))
        for found in _by_task(stack, hits(stack.entries.calls, policy, stack.requests)):
            yield SweepRow(ttl, ttl_seconds(ttl), found.task, found.calls, found.hits, found.hit_rate, found.usd)


def cache_lives(stack: Stack) -> Iterator[SweepRow]:
    """The same for the whole log alone."""
    return (row for row in _sweep(stack) if row.task is None)


def _best(sweep: Iterable[SweepRow]) -> Iterator[BestTtl]:
    """For each task the shortest time to live that saves nearly all that the longest does, the dearest task first."""
    rows_of: dict[str, list[SweepRow]] = {}
    for row in sweep:
        if row.task is not None:
            rows_of.setdefault(row.task, []).append(row)
    for task, rows in rows_of.items():
        longest = rows[-1].saved_usd or 0.0
        enough = (row for row in rows if longest > 0 and (row.saved_usd or 0.0) >= NEARLY_ALL * longest)
        if (best := next(enough, None)) is not None:
            yield BestTtl(task, best.ttl, best.ttl_s, best.hit_rate, best.saved_usd or 0.0, longest)


def _near(stack: Stack, thresholds: Iterable[float]) -> Iterator[NearRow]:
    """A near-duplicate cache for what the exact one leaves, by threshold: the whole log first, then the tasks."""
    calls = stack.entries.calls
    for threshold in sorted(set(thresholds)):
        taken = stack.hits | from_app_cache(calls)
        near = near_hits(calls, NearPolicy(stack.ttl_s, threshold), taken)
        for found in _by_task(stack, near.hit):
            yield NearRow(threshold, found.task, found.calls, found.hits, found.hit_rate, found.usd)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a cache answers of a task, and the dollars that saves; task None: of the whole log."""

    task: str | None
    calls: int
    hits: int
    usd: float | None

    @property
    def hit_rate(self) -> float:
        return self.hits / self.calls if self.calls else 0.0


def _by_task(stack: Stack, hit: Mask) -> Iterator[_Found]:
    """What these hits save: of the whole log, then of the tasks, dearest first."""
    entries, tasks = stack.entries, stack.entries.tasks
    saved = entries.costs - stack.priced(answered_from_cache(entries.calls, hit))
    spent = money_sums(tasks.codes, len(tasks.names), entries.costs)
    by_task = money_sums(tasks.codes, len(tasks.names), saved)
    found = map(_Found, tasks.names, entries.counts(tasks), entries.counts(tasks, hit), by_task)
    yield _Found(None, entries.total, entries.count(hit), money_sum(saved))
    for _, row in sorted(zip(spent, found, strict=True), key=lambda each: (-(each[0] or 0.0), each[1].task)):
        yield row
