"""Verdicts → which model a task may move to, and the yardsticks to hold a plan against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmcost.recommend.result import Candidate, TaskReport

PASSED = frozenset({"SWITCH", "SWITCH_AT"})


@dataclass(frozen=True, slots=True)
class Pick:
    """One candidate taken for one task."""

    task: str
    model: str


def certified(candidates: Sequence[Candidate]) -> Candidate | None:
    """The cheapest candidate that passed and is certainly cheaper; None: stay with the incumbent.

    The only place that recommends a switch: nothing but a passed verdict gets through.
    """
    passed = [c for c in candidates if c.verdict in PASSED and _saves(c)]
    return min(passed, key=_ratio, default=None)


def oracle(tasks: Sequence[TaskReport]) -> list[Pick]:
    """What hindsight would pick: per task the cheapest whose *estimate* is within the margin. Not a recommendation."""
    picks = []
    for task in tasks:
        near = [c for c in task.candidates if c.difference is not None and c.difference > -task.margin and _saves(c)]
        if near:
            picks.append(Pick(task.task, min(near, key=_ratio).model))
    return picks


def single(tasks: Sequence[TaskReport]) -> list[list[Pick]]:
    """For each candidate model the plan "this model everywhere", whatever its verdicts."""
    models = sorted({c.model for t in tasks for c in t.candidates})
    return [[Pick(t.task, model) for t in tasks if any(c.model == model for c in t.candidates)] for model in models]


def failing(tasks: Sequence[TaskReport], picks: Sequence[Pick]) -> list[str]:
    """The tasks of a plan whose model did not pass there."""
    verdicts: Mapping[tuple[str, str], str] = {(t.task, c.model): c.verdict for t in tasks for c in t.candidates}
    return [pick.task for pick in picks if verdicts[pick.task, pick.model] not in PASSED]


def _ratio(candidate: Candidate) -> tuple[float, str]:
    return (1.0 if candidate.cost_ratio is None else candidate.cost_ratio, candidate.model)


def _saves(candidate: Candidate) -> bool:
    interval = candidate.cost_ratio_interval
    return interval is not None and interval[1] < 1.0
