"""Cascades of the models that were replayed: their answers are scored as at run time, and the thresholds are learned.

Tiers are candidates that did not pass alone. Which of their answers a threshold keeps, and what those lose, is known of
every prompt, so no answer is asked for but what the candidates owe yet: one that was dropped early is asked the rest of
its prompts first. Its early end must not choose the prompts that thresholds are learned from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import combinations
from math import inf

import numpy as np
import numpy.typing as npt

from llmcost.endpoint import ChatRequest, Completion
from llmcost.errors import ConfigError
from llmcost.evidence import Decision
from llmcost.evidence.cascade import (
    Auc,
    CascadeRefusal,
    Judged,
    Tier,
    auc,
    choose,
    frontier,
    in_the_mean,
)
from llmcost.evidence.survey import hajek_mean
from llmcost.serving import RunTimeGrader, Scored, Steps, TaskPlan, ask_together, gather, refuse_self_grading, scored
from llmcost.serving import Tier as AskedTier
from llmcost.trial import cell as cells
from llmcost.trial.cell import Cell
from llmcost.trial.climb import Climb, Rated, Thresholds
from llmcost.trial.design import CASCADE_TIERS
from llmcost.trial.result import PASSED, CascadeTrial, FrontierTrial, ScoredTier
from llmcost.trial.task import TaskRun

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

WORTH_TRYING = 0.7  # of what the last tier costs: a dearer tier leaves nothing to pay the grader with
RATING_TOKENS = 2


async def cascades(task: TaskRun, last: Cell | None, comparisons: int) -> list[CascadeTrial]:
    """Every cascade of a task: of each of its two cheapest tiers before the last one, and of both.

    last         the candidate that escalated requests go to; None: today's model
    comparisons  how many share alpha with each
    """
    tiers = _tiers(task, last)
    if not tiers:
        return []
    grader, why = _grader(task, tiers)
    if last is None and len(today := _todays(task)) > 1:
        grader, why = None, f"{', '.join(today)} answer this task today, and a cascade ends at one model"
    if grader is None:
        return [_refused(task, [tier.label for tier in tiers], last, "", why)]
    everybody = [*tiers, *([last] if last else [])]
    await asyncio.gather(*(_complete(task, cell) for cell in everybody))
    rated = [Rated(cell, await _marks(task, cell, RunTimeGrader(grader))) for cell in tiers]
    chosen = [[each] for each in rated] + [list(pair) for pair in combinations(rated, 2)]
    return [_cascade(Climb(task, some, last), grader, comparisons) for some in chosen]


def _todays(task: TaskRun) -> list[str]:
    """The models that answered the prompts of a task."""
    own = zip(task.design.bodies, task.design.sample.tasks, strict=True)
    return sorted({body.request_model or body.response_model or "" for body, name in own if name == task.name})


def _tiers(task: TaskRun, last: Cell | None) -> list[Cell]:
    """The candidates that may answer first: they failed alone, and are much cheaper than the last tier."""
    price = 1.0 if last is None else _cost(task, last)
    failed = [cell for cell in task.cells if cell is not last and _failed(cell)]
    cheap = [(cost, cell) for cell in failed if (cost := _cost(task, cell)) < WORTH_TRYING * price]
    return [cell for _, cell in sorted(cheap, key=lambda item: (item[0], item[1].label))][:CASCADE_TIERS]


def _failed(cell: Cell) -> bool:
    return cell.verdict is not None and cell.verdict.decision not in PASSED | {"CANNOT_JUDGE"}


def _cost(task: TaskRun, cell: Cell) -> float:
    ratio = cells.ratio(task.design, cell, task.means.tariff)
    return inf if ratio is None or ratio.value is None else ratio.value


def _grader(task: TaskRun, tiers: Sequence[Cell]) -> tuple[str | None, str]:
    """The model that scores at run time, as configured or the cheapest candidate that may; or why there is none."""
    named = task.design.tried.grader
    candidates = [arm.candidate.label() for arm in task.design.arms] if named is None else [named]
    able, why = list[str](), ""
    for name in candidates:
        try:
            refuse_self_grading(_plan(tiers, name))
        except ConfigError as error:
            why = error.message
            continue
        if name in task.named:
            why = f"{name} judges this replay, and would find its own verdicts right"
            continue
        able.append(name)
    if able:
        return task.means.tariff.cheapest(able, RATING_TOKENS) or able[0], ""
    return None, f"nobody may score its answers ({why}): name another model in [cascade] grader"


def _plan(tiers: Sequence[Cell], grader: str) -> TaskPlan:
    asked = [AskedTier(cell.arm.candidate.model, keep_from=1.0) for cell in tiers]
    return TaskPlan(tiers[0].task, [*asked, AskedTier("")], grader)


async def _complete(task: TaskRun, cell: Cell) -> None:
    """Asks a candidate what it owes yet, whatever its verdict."""
    cell.most = len(cell.places)
    if waiting := cell.waiting(1.0):
        requests = [cell.arm.requests[place] for place in waiting]
        completions = await task.means.ask(requests, "replay")
        cell.take_answers(task.design, requests, completions)
    await cell.regrade(task.design, task.graders)


async def _marks(task: TaskRun, cell: Cell, grader: RunTimeGrader) -> list[Scored]:
    """The scores of a candidate's answers. The first is asked for alone: it tells what the grader's endpoint takes."""

    async def ask(requests: list[ChatRequest]) -> list[Completion]:
        return await task.means.ask(requests, "replay") if requests else []

    def steps(index: int) -> Steps[Scored]:
        return scored(cell.arm.requests[cell.places[index]], cell.served[index].completion, grader)

    first, rest = cell.known[:1], cell.known[1:]
    marks = [await ask_together(steps(int(index)), ask) for index in first]
    return marks + await ask_together(gather([steps(int(index)) for index in rest]), ask)


def _cascade(climb: Climb, grader: str, comparisons: int) -> CascadeTrial:
    task, margin = climb.task, climb.task.design.margin(climb.task.name)
    labels = [tier.cell.label for tier in climb.tiers]
    if climb.positions.size < 2:
        return _refused(task, labels, climb.last, grader, "its models have hardly a prompt in common")
    if (unscored := next(climb.unscored(), None)) is not None:
        why = f"no answer of {unscored} got a score that can be read from {grader}"
        return _refused(task, labels, climb.last, grader, why, climb.positions.size)
    alpha = task.design.replay.alpha / max(comparisons, 1)
    judges = climb.judged(margin)
    found = choose(judges, climb.prompts, alpha, task.design.replay.seed)
    drawn = _frontier(climb, judges, alpha)
    if isinstance(found, CascadeRefusal):
        return _refused(task, labels, climb.last, grader, found.reason, climb.positions.size, drawn)
    paid, scoring, wasted = climb.spent(found.thresholds)
    weights = climb.prompts.weights
    total = float(weights @ np.nan_to_num(paid))
    shares = [float(weights @ np.nan_to_num(part)) / total if total > 0 else None for part in (scoring, wasted)]
    return CascadeTrial(
        labels=tuple(labels),
        last=climb.last.label if climb.last else None,
        grader=grader,
        decision="SWITCH",
        reason=f"loses less than {100 * margin:g} points, {100 * found.escalated:.0f} % of the calls escalate",
        margin=margin,
        n=found.n,
        basis=tuple(basis for basis, _ in climb.tiers[0].cell.graded.basis().most_common()),
        tiers=tuple(_tier(climb, number, found.thresholds, judges) for number in range(len(labels))),
        escalated=hajek_mean((climb.ended(found.thresholds) == len(labels)).astype(np.float64), weights),
        cost_ratio=climb.ratio(found.thresholds),
        grading=shares[0],
        wasted=shares[1],
        latencies_ms=climb.latencies(found.thresholds),
        frontier=drawn,
    )


def _refused(
    task: TaskRun,
    labels: Sequence[str],
    last: Cell | None,
    grader: str,
    why: str,
    n: int = 0,
    drawn: tuple[FrontierTrial, ...] = (),
) -> CascadeTrial:
    decision: Decision = "INCONCLUSIVE"
    margin = task.design.margin(task.name)
    return CascadeTrial(tuple(labels), last.label if last else None, grader, decision, why, margin, n, frontier=drawn)


def _frontier(climb: Climb, judges: Sequence[Judged], alpha: float) -> tuple[FrontierTrial, ...]:
    """Cost against quality at all thresholds, in the mean of the judges, on the scale of the one believed least."""
    margin = climb.task.design.margin(climb.task.name)
    believed = min(judged.delta for judged in judges) / margin
    return tuple(
        FrontierTrial(
            thresholds=point.thresholds,
            escalated=point.escalated,
            cost_ratio=climb.ratio(point.thresholds).value,
            difference=max(point.difference / believed, -1.0),
            lower_bound=max(point.lower_bound / believed, -1.0),
        )
        for point in frontier(in_the_mean(judges), climb.prompts, alpha)
    )


def _tier(climb: Climb, number: int, step: Thresholds, judges: Sequence[Judged]) -> ScoredTier:
    rated, ended, weights = climb.tiers[number], climb.ended(step), climb.prompts.weights
    trial = climb.task.candidate(rated.cell, climb.task.design)
    asked = [mark for mark in rated.marks if mark.attempts]
    failed = np.array([mark.why is not None for mark in rated.marks], dtype=np.float64)
    unread = np.array([mark.why is None and mark.score is None for mark in rated.marks], dtype=np.float64)
    share = climb.task.design.sample.weights[rated.cell.positions]
    took = [mark.latency_ms for mark in asked if mark.latency_ms is not None]
    return ScoredTier(
        model=rated.cell.arm.candidate.model,
        label=rated.cell.label,
        keep_from=step[number],
        kept=hajek_mean((ended == number).astype(np.float64), weights),
        reached=hajek_mean((ended >= number).astype(np.float64), weights),
        auc=min((_auc(judged.tiers[number]) for judged in judges), key=lambda found: found.lower),
        input_ratio=trial.input_ratio,
        output_ratio=trial.output_ratio,
        latencies_ms=trial.latencies_ms,
        failed_checks=hajek_mean(failed, share),
        unread=hajek_mean(unread, share),
        grader_input_tokens=_mean_tokens(rated, share, "input_tokens"),
        grader_output_tokens=_mean_tokens(rated, share, "output_tokens"),
        grader_latencies_ms=np.sort(np.array(took, dtype=np.float64)),
    )


def _auc(tier: Tier) -> Auc:
    known = ~np.isnan(tier.scores)
    return auc(tier.scores[known], tier.differences[known] < 0)


def _mean_tokens(rated: Rated, weights: Floats, name: str) -> float:
    """Of scoring one answer of the task, all askings included; what an endpoint does not tell is not in it.

    weights  calls that each known answer stands for: prompts that cost more are likelier to be in the sample
    """
    asked = np.array([bool(mark.attempts) for mark in rated.marks], dtype=bool)
    found = [[getattr(attempt.completion.usage, name) or 0 for attempt in mark.attempts] for mark in rated.marks]
    tokens = np.array([sum(counts) for counts in found], dtype=np.float64)
    return hajek_mean(tokens[asked], weights[asked]) if asked.any() else 0.0
