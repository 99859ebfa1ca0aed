"""The trial itself: test the graders, ask, grade, decide. One look at a sample of fixed size."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum

import numpy as np
import numpy.typing as npt

from llmcost.endpoint import Ask, Completion
from llmcost.evidence import Rule, Verdict, decide
from llmcost.evidence.survey import Ratio, cost_ratio
from llmcost.evidence.verdict import UNCALIBRATED_RELIABILITY
from llmcost.grading import Grade, GradedPairs, Grader, Pair, excluded, grade, to_outcomes
from llmcost.trial.controls import Control, gross_bad, judged
from llmcost.trial.cost import Tariff
from llmcost.trial.design import Arm, Design
from llmcost.trial.result import CandidateTrial, TaskTrial

# Of several graders all must pass: the verdict is the first of these that any of them gives.
WORST_FIRST = ("CANNOT_JUDGE", "KEEP", "INCONCLUSIVE", "SWITCH_AT", "SWITCH")
UNREACHABLE = "unreachable"
MOST_UNREACHABLE = 0.10  # share of a task's prompts; what is missing beyond that could turn a verdict
PRICED_PAIRS = 50  # pairs from which the price of grading one more is told
MOST_UNMETERED = 0.05  # share of a task's answers whose usage the endpoint may leave out before savings are unknown

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cell:
    """One candidate on one task: the prompts that were reached, what came back, and the grades of every grader.

    judging_usd   what grading one more prompt would cost on average
    """

    arm: Arm
    task: str
    positions: npt.NDArray[np.int64]
    completions: tuple[Completion, ...]
    graded: GradedPairs
    unreachable: int
    judging_usd: float


async def run(design: Design, ask: Ask, graders: Sequence[Grader], tariff: Tariff) -> list[TaskTrial]:
    """Every task's trial. Raises BudgetError or EndpointError when the asking has to stop; answers stay stored."""
    tested = await _test_graders(design, graders)
    completions = await _ask_all(design, ask)
    cells = await asyncio.gather(
        *(
            _grade_cell(design, arm, task, answers, _believed(graders, tested.get(task, [])), tariff)
            for arm, answers in zip(design.arms, completions, strict=True)
            for task in design.tasks()
            if len(design.positions(arm, task))
        )
    )
    by_judge = {cell.task for cell in cells if cell.graded.judged}
    return [
        _task(design, task, [c for c in cells if c.task == task], tested.get(task, []), task in by_judge, tariff)
        for task in design.tasks()
    ]


async def _test_graders(design: Design, graders: Sequence[Grader]) -> dict[str, list[Control]]:
    """Every grader on the planted bad answers of every task where it may be needed."""
    needed = [task for task in design.tasks() if graders and judged(design, task)]
    return dict(zip(needed, await asyncio.gather(*(gross_bad(design, task, graders) for task in needed)), strict=True))


def _believed(graders: Sequence[Grader], tested: Sequence[Control]) -> Sequence[Grader]:
    """The graders, or none of them: where one failed the task cannot be judged, and nothing more is spent on it."""
    return graders if all(control.passed for control in tested) else ()


async def _ask_all(design: Design, ask: Ask) -> list[list[Completion]]:
    """Completions of every arm. Asked prompt by prompt across the arms: a run cut short has seen them all alike."""
    order = sorted(
        (int(position), number, index)
        for number, arm in enumerate(design.arms)
        for index, position in enumerate(arm.positions)
    )
    answers = await ask([design.arms[number].requests[index] for _, number, index in order], "replay")
    found: list[list[Completion]] = [[] for _ in design.arms]
    for (_, number, _), completion in zip(order, answers, strict=True):
        found[number].append(completion)
    return found


async def _grade_cell(
    design: Design, arm: Arm, task: str, answers: Sequence[Completion], graders: Sequence[Grader], tariff: Tariff
) -> Cell:
    chosen = design.positions(arm, task)
    positions = arm.positions[chosen]
    completions = tuple(answers[i] for i in chosen)
    reached = [(design.bodies[p], c) for p, c in zip(positions, completions, strict=True) if c.status != "unreachable"]
    pairs = [Pair(body.request or {}, body.answer, c.answer, body.expected) for body, c in reached]
    kept = np.array([c.status != "unreachable" for c in completions], dtype=bool)
    graded = await grade(pairs, design.checks.get(task), graders)
    some = pairs[:PRICED_PAIRS]
    judging = fsum(tariff.judging(grader.name, some) or 0.0 for grader in graders) / max(len(some), 1)
    usd = judging * graded.judged / max(len(pairs), 1)
    return Cell(arm, task, positions[kept], tuple(c for _, c in reached), graded, int((~kept).sum()), usd)


def _task(
    design: Design, task: str, cells: Sequence[Cell], tested: Sequence[Control], is_judged: bool, tariff: Tariff
) -> TaskTrial:
    sample, margin = design.sample, design.margin(task)
    rule = Rule(
        margin=margin,
        alpha=design.replay.alpha,
        comparisons=design.comparisons(),
        reliability=UNCALIBRATED_RELIABILITY if is_judged else 1.0,
        limit=design.replay.limit,
    )
    return TaskTrial(
        task=task,
        population=sample.population[task],
        replayable_calls=sample.calls_per_task[task],
        sampled=sample.tasks.count(task),
        margin=margin,
        gross_bad=min((control.share for control in tested), default=None),
        candidates=tuple(_candidate(design, cell, tested, rule, tariff) for cell in cells),
    )


def _candidate(design: Design, cell: Cell, tested: Sequence[Control], rule: Rule, tariff: Tariff) -> CandidateTrial:
    weights, logged = design.sample.weights[cell.positions], design.logged_usd[cell.positions]
    bodies = [design.bodies[position] for position in cell.positions]
    usage = [completion.usage for completion in cell.completions]
    answered = np.array([completion.status == "answered" for completion in cell.completions], dtype=bool)
    paid = np.where(answered, tariff.uncached(cell.arm.candidate.model, usage), np.nan)
    latencies = np.sort([c.latency_ms for c in cell.completions if c.latency_ms is not None])
    return CandidateTrial(
        model=cell.arm.candidate.model,
        label=cell.arm.candidate.label(),
        verdict=_verdict(cell, tested, weights, rule),
        reliability=rule.reliability,
        basis=tuple(basis for basis, _ in cell.graded.basis().most_common()),
        unreachable=cell.unreachable,
        usd_per_prompt=cell.judging_usd + (float(np.nanmean(paid)) if np.isfinite(paid).any() else 0.0),
        cost_ratio=_cost_ratio(paid, logged, weights, answered),
        input_ratio=_token_ratio([u.input_tokens for u in usage], [b.usage.input_tokens for b in bodies], weights),
        output_ratio=_token_ratio([u.output_tokens for u in usage], [b.usage.output_tokens for b in bodies], weights),
        latencies_ms=latencies,
        adjustments=cell.arm.adjustments,
    )


def _verdict(cell: Cell, tested: Sequence[Control], weights: Floats, rule: Rule) -> Verdict:
    """The verdict that every grader gives at least."""
    verdicts = [_by_one_grader(cell, grades, tested, weights, rule) for grades in cell.graded.by_judge.values()]
    return min(verdicts, key=lambda v: (WORST_FIRST.index(v.decision), v.lower_bound or 0.0))


def _by_one_grader(
    cell: Cell, grades: Sequence[Grade], tested: Sequence[Control], weights: Floats, rule: Rule
) -> Verdict:
    verdict = decide(to_outcomes(grades, weights), rule)
    obstacle = _obstacle(cell, grades, tested)
    return verdict if obstacle is None else replace(verdict, decision="CANNOT_JUDGE", reason=obstacle)


def _obstacle(cell: Cell, grades: Sequence[Grade], tested: Sequence[Control]) -> str | None:
    """Why the graded pairs must not stand for the task; None if they may.

    Pairs that nobody could grade differ from those that are plainly equal: without them only the ties would be left.
    """
    missing = excluded(grades)
    lost = missing.pop(UNREACHABLE, 0) + cell.unreachable
    asked = len(grades) + cell.unreachable
    failed = next((control for control in tested if not control.passed), None)
    if missing and failed is not None:
        missed = failed.planted - failed.caught
        return f"grader {failed.grader} missed {missed:,} of {failed.planted:,} planted bad answers"
    if missing:
        reason, count = missing.most_common(1)[0]
        why = "no expected answer and no grader (name one with --grader)" if reason == "ungraded" else reason
        return f"{count:,} of {asked:,} answers cannot be graded: {why}"
    if lost > MOST_UNREACHABLE * asked:
        return f"the service failed for {lost:,} of {asked:,} prompts; run the same command again"
    return None


def _cost_ratio(paid: Floats, logged: Floats, weights: Floats, answered: npt.NDArray[np.bool_]) -> Ratio | None:
    """Candidate's cost over the logged one; None if too many of the candidate's answers have no known cost."""
    unknown = int(np.isnan(paid[answered]).sum())
    if unknown > MOST_UNMETERED * len(paid):
        return None
    return cost_ratio(paid, logged, weights)


def _token_ratio(asked: Sequence[int | None], logged: Sequence[int | None], weights: Floats) -> float | None:
    """Replayed over logged tokens, weighted to the calls of the task, where both are known; None: nowhere."""
    both = np.array(
        [(a, b, w) for a, b, w in zip(asked, logged, weights, strict=True) if a is not None and b is not None],
        dtype=np.float64,
    ).reshape(-1, 3)
    below = float(both[:, 2] @ both[:, 1])
    return float(both[:, 2] @ both[:, 0]) / below if below > 0 else None
