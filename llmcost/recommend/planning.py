"""The best plan: for every task the option under which the log would have cost least, all else as it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from llmcost.audit import money_sums
from llmcost.audit.savings import Stack, Wanted
from llmcost.recommend.bill import BilledLog
from llmcost.recommend.options import Option, margin_of, options
from llmcost.recommend.plan import certified
from llmcost.recommend.result import TaskReport
from llmcost.serving import Batching, Caching, Compression, TaskPlan, Tier, parse_candidate
from llmcost.serving.plan import Predicted
from llmcost.strategies import Batches, NearPolicy
from llmcost.trial.result import CascadeTrial, RungTrial, TaskTrial
from llmcost.trial.walks import BATCHING, NEAR_DUPLICATES

NOT_RUN = frozenset({"batch_api", "prompt_cache"})  # steps that a provider does, and no plan of ours


@dataclass(frozen=True, slots=True)
class NearOption:
    """Earlier answers of nearly the same prompts, as far as they were shown to do.

    hits    calls of the log that they would have answered      margin  the loss that is ruled out on these
    """

    rule: Caching
    hits: int
    margin: float
    judged: bool


@dataclass(frozen=True, slots=True)
class BestPlan:
    """What is chosen for every task, and what the measured steps of the stack rest on then.

    predicted  by task what a call costs under it, in US dollars, of what a plan of ours runs; None: unknown
    exact_ttl  by task how long an exact cache keeps answers, where that saves anything
    """

    options: Mapping[str, Option]
    near: Mapping[str, NearOption]
    evidence: Mapping[str, Any]
    predicted: Mapping[str, float | None]
    exact_ttl: Mapping[str, float]


def best_plan(log: BilledLog, trials: Sequence[TaskTrial], tasks: Sequence[TaskReport], stack: Stack) -> BestPlan:
    """The plan of these trials.

    Every option is tried on the log's own timeline, behind caches and with a Batch API or a prompt cache where these
    pay then: what it saves alone may be nothing there.
    """
    best = {task.task: found.model if (found := certified(task.candidates)) else None for task in tasks}
    possible = {trial.task: options(log, trial, best[trial.task]) for trial in trials}
    near = {trial.task: earlier for trial in trials if (earlier := _near(trial)) is not None}
    chosen = _cheapest(possible, near, stack)
    evidence = _evidence(chosen.values(), near, stack)
    return BestPlan(chosen, near, evidence, _predicted(evidence, stack), _exact_ttl(stack))


def _near(trial: TaskTrial) -> NearOption | None:
    rung: RungTrial | None = next((walk.chosen for walk in trial.walks if walk.strategy == NEAR_DUPLICATES), None)
    if rung is None:
        return None
    assert isinstance(rung.rule, Caching)
    return NearOption(rung.rule, rung.calls, margin_of(rung.found), "judge" in rung.found.basis)


def _cheapest(
    possible: Mapping[str, Sequence[Option]], near: Mapping[str, NearOption], stack: Stack
) -> dict[str, Option]:
    chosen = {task: found[0] for task, found in possible.items()}
    for task in sorted(task for task, found in possible.items() if len(found) > 1):
        bills = [
            (stack.total(_after(_evidence({**chosen, task: option}.values(), near, stack), stack)), number)
            for number, option in enumerate(possible[task])
        ]
        chosen[task] = possible[task][min(bills)[1]]
    return chosen


def _after(evidence: Mapping[str, Any], stack: Stack) -> Any:
    return stack.after(stack.evidence(Wanted(measured=evidence)))


def _evidence(chosen: Iterable[Option], near: Mapping[str, NearOption], stack: Stack) -> dict[str, Any]:
    """What the measured steps of the stack rest on when these options are taken together."""
    found: dict[str, dict[str, Any]] = {}
    for option in chosen:
        for step, own in option.evidence.items():
            found.setdefault(step, {})[option.task] = own
    whole: dict[str, Any] = dict(found)
    if BATCHING in found:
        whole[BATCHING] = Batches(stack.waiting.rows, found[BATCHING])
    if near:
        ttl = {task: each.rule.ttl_s for task, each in near.items()}
        whole[NEAR_DUPLICATES] = NearPolicy(ttl, {task: each.rule.near or 1.0 for task, each in near.items()})
    return whole


def _predicted(evidence: Mapping[str, Any], stack: Stack) -> dict[str, float | None]:
    """By task dollars a call behind all that a plan of ours runs: caches, shorter prompts, models, batches.

    Over all calls of the log whose cost is known, cache hits among them; those that could not be replayed are taken to
    change as the others do, and one whose cost would no longer be known to cost what it does today. What a provider
    does besides (Batch API, prompt cache) is left out: no plan of ours asks for it.
    """
    tasks = stack.entries.tasks
    run = {name: found for name, found in stack.evidence(Wanted(measured=evidence)).items() if name not in NOT_RUN}
    after = stack.priced(stack.after(run))
    usd = np.where(np.isnan(after) | ~stack.entries.priced, stack.entries.costs, after)
    counted = stack.entries.counts(tasks, stack.entries.priced)
    sums = money_sums(tasks.codes, len(tasks.names), usd)
    return {
        task: None if dollars is None or not calls else dollars / calls
        for task, dollars, calls in zip(tasks.names, sums, counted, strict=True)
    }


def _exact_ttl(stack: Stack) -> dict[str, float]:
    """The tasks whose requests an exact cache would have answered, and how long it keeps their answers."""
    tasks, ttl = stack.entries.tasks, stack.cache.ttl_s
    hits = stack.entries.counts(tasks, stack.hits)
    found = [task for task, n in zip(tasks.names, hits, strict=True) if n]
    return {task: ttl.get(task, 0.0) if isinstance(ttl, Mapping) else ttl for task in found}


def task_plan(option: Option, plan: BestPlan, task: TaskReport) -> TaskPlan | None:
    """The plan of one task, to be executed; None: its requests stay as they are."""
    near = plan.near.get(task.task)
    caching = near.rule if near else Caching(ttl) if (ttl := plan.exact_ttl.get(task.task)) else None
    if not option.evidence and caching is None:
        return None
    rule = option.rung.rule if option.rung else None
    return TaskPlan(
        task=task.task,
        tiers=_tiers(option, task) if option.evidence else [],
        grader=option.cascade.grader if option.cascade else None,
        compression=rule if isinstance(rule, Compression) else None,
        batching=rule if isinstance(rule, Batching) else None,
        caching=caching,
        fallback=task.incumbent.model if option.on else None,
        predicted=_range(plan.predicted.get(task.task), option),
    )


def _tiers(option: Option, task: TaskReport) -> list[Tier]:
    """The models asked; none where each request stays with its own of today's models, as it was tried."""
    if option.on is None and option.cascade is None and len(task.incumbent.models) > 1:
        return []
    last = _asked(option.on or task.incumbent.model)
    return [*_first(option.cascade), last] if option.cascade else [last]


def _first(cascade: CascadeTrial) -> list[Tier]:
    """The tiers that keep something: one that keeps nothing is not asked."""
    return [_asked(tier.label, tier.keep_from) for tier in cascade.tiers if tier.kept > 0]


def _asked(label: str, keep_from: float | None = None) -> Tier:
    candidate = parse_candidate(label)
    return Tier(candidate.model, candidate.effort, keep_from)


def _range(usd: float | None, option: Option) -> Predicted | None:
    """What a call costs, with the relative interval of the option's cost, at the traffic of the log.

    The interval is for which prompts were drawn, how their costs vary and, in a cascade, which of them escalate. It is
    not for other traffic: longer requests, or fewer that repeat. Without an option nothing was estimated: the calls are
    the log's own behind its cache, and the interval is a point.
    """
    if usd is None:
        return None
    ratio = option.ratio
    if ratio is None or not ratio.value or ratio.low is None or ratio.high is None:
        return Predicted(usd, usd, usd)
    return Predicted(usd, usd * ratio.low / ratio.value, usd * ratio.high / ratio.value)
