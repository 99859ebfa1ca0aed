"""The tasks of a baseline beside what they are now, and how sure each difference is.

Log against log, each task's mean cost per call is compared at the baseline's mix of tasks. A suite of prompts that was
asked before and after a change is compared case by case: what differs between cases is then no noise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from llmcost.evidence.cost_change import Change, Mean, at_past_mix, of_pairs
from llmcost.gate.result import BaselineFile, BaselineTask


@dataclass(frozen=True, slots=True)
class Pair:
    """One task then and now; `now` is None where the log no longer has it. US dollars.

    shown    its name in the log, else in the baseline
    weight   the baseline's calls of known cost; of a suite, the cases that both have
    change   of the cost per call; None: unknown on a side, or nothing before or after
    units    independent units on the side that has fewer
    """

    past: BaselineTask
    now: BaselineTask | None
    shown: str
    weight: float
    past_per_call: float | None
    now_per_call: float | None
    change: Change | None
    units: int

    @property
    def both(self) -> bool:
        """Whether a cost is known then and now."""
        return self.past_per_call is not None and self.now_per_call is not None

    @property
    def past_usd(self) -> float:
        """What the baseline's calls cost."""
        return self.weight * (self.past_per_call or 0.0)

    @property
    def effect_usd(self) -> float:
        """What the change costs on the baseline's own calls; 0 where one side is not known."""
        if self.past_per_call is None or self.now_per_call is None:
            return 0.0
        return self.weight * (self.now_per_call - self.past_per_call)

    @property
    def relative(self) -> float | None:
        """The relative change of the cost per call."""
        return relative(self.past_per_call, self.now_per_call)

    @property
    def new_models(self) -> list[str]:
        """Models that the baseline did not know in this task."""
        return [] if self.now is None else [model for model in self.now.models if model not in self.past.models]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All tasks of the baseline, worst first, those it did not know, and all together at the baseline's mix.

    matched, unmatched   cases of a suite that both sides have, and that one of them lacks; None: no suite
    """

    pairs: list[Pair]
    added: list[tuple[BaselineTask, str]]
    total: Change | None
    matched: int | None = None
    unmatched: int | None = None

    @property
    def past_usd(self) -> float:
        """What the baseline's calls, or cases, cost."""
        return sum(pair.past_usd for pair in self.pairs)

    @property
    def now_usd(self) -> float:
        """What they would cost today; a task that has none today keeps its cost."""
        return sum(pair.past_usd + pair.effect_usd for pair in self.pairs)

    @property
    def weight(self) -> float:
        """How many there are."""
        return sum(pair.weight for pair in self.pairs)

    @property
    def units(self) -> int:
        """Independent units that all together rests on."""
        return sum(pair.units for pair in self.pairs if pair.both)


def by_mix(past: BaselineFile, now: BaselineFile, names: Mapping[str, str]) -> Comparison:
    """Two logs, task by task. `names`: a task of the log → its name there."""
    found = {task.task: task for task in now.tasks}
    pairs = [_pair(task, found.get(task.task), names) for task in past.tasks]
    means = [(_mean(pair.past, pair.both), _mean(pair.now if pair.both else pair.past, pair.both)) for pair in pairs]
    total = at_past_mix([m for m, _ in means], [m for _, m in means], [pair.weight for pair in pairs])
    return Comparison(_worst_first(pairs), _added(past, now, names), total)


def by_case(past: BaselineFile, now: BaselineFile, names: Mapping[str, str]) -> Comparison:
    """A suite before and after: cases are found again whatever task they are of by now."""
    today = _found_again(past, now)
    found = [_cases_of(task, today, names) for task in past.tasks if task.cases]
    then = [cost for _, costs, _ in found for cost in costs]
    after = [cost for _, _, costs in found for cost in costs]
    total = of_pairs(np.array(then), np.array(after)) if then else None
    lost = sum(len(task.cases) for side in (past, now) for task in side.tasks) - 2 * len(then)
    return Comparison(_worst_first([pair for pair, *_ in found]), [], total, len(then), lost)


def relative(past: float | None, now: float | None) -> float | None:
    """The relative change; None where a side is unknown or the past is nothing."""
    if past is None or now is None:
        return None
    if past == 0:
        return 0.0 if now == 0 else None
    return now / past - 1


def amount(text: str | None) -> float | None:
    """A decimal string of a baseline as a number."""
    return None if text is None else float(text)


def mean_cost(task: BaselineTask) -> Mean | None:
    """The mean cost of a call of the task, with its error; None where none is known."""
    return _as_mean(task.cost_per_call_usd, task.cost_error_usd, task.units)


def mean_tokens(task: BaselineTask) -> Mean | None:
    """The mean of a call's tokens, with its error."""
    return _as_mean(task.tokens_per_call, task.tokens_error, task.units)


def change_of(past: Mean | None, now: Mean | None) -> Change | None:
    """The change of one task's mean."""
    return at_past_mix([past], [now], [1.0]) if past is not None and now is not None else None


def _as_mean(mean: str | None, error: str | None, units: int) -> Mean | None:
    return None if mean is None else Mean(float(mean), float("inf") if error is None else float(error), units)


def _pair(past: BaselineTask, now: BaselineTask | None, names: Mapping[str, str]) -> Pair:
    return Pair(
        past=past,
        now=now,
        shown=names.get(past.task, past.task),
        weight=past.priced_calls,
        past_per_call=amount(past.cost_per_call_usd),
        now_per_call=None if now is None else amount(now.cost_per_call_usd),
        change=None if now is None else change_of(mean_cost(past), mean_cost(now)),
        units=0 if now is None else min(past.units, now.units),
    )


def _mean(task: BaselineTask | None, compared: bool) -> Mean:
    """A task's part of the total: one that has no other side stays what it was, for certain.

    Of one or no unit the error is not known; it is taken to be as large as the mean, which keeps a sum useful.
    """
    mean = None if task is None else mean_cost(task)
    if mean is None:
        return Mean(0.0, 0.0, 2)
    if not compared:
        return Mean(mean.mean, 0.0, 2)
    return mean if np.isfinite(mean.error) else Mean(mean.mean, mean.mean, 2)


def _found_again(past: BaselineFile, now: BaselineFile) -> dict[tuple[str, str], tuple[float, BaselineTask]]:
    """Task and case of the baseline → its cost today and its task today.

    A case is looked for in its own task first. Another system prompt makes another call site: a case that no task of
    the same name has is the one of its key that is left over, if just one is on each side.
    """
    before = {(task.task, key) for task in past.tasks for key in task.cases}
    today = {(task.task, key): (float(usd), task) for task in now.tasks for key, usd in task.cases.items()}
    left, new = _by_key(before - today.keys()), _by_key(today.keys() - before)
    moved = {old[0]: new[key][0] for key, old in left.items() if len(old) == len(new.get(key, ())) == 1}
    return {case: today[moved.get(case, case)] for case in before if case in today or case in moved}


def _by_key(cases: Iterable[tuple[str, str]]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for case in cases:
        found.setdefault(case[1], []).append(case)
    return found


def _cases_of(
    past: BaselineTask, today: Mapping[tuple[str, str], tuple[float, BaselineTask]], names: Mapping[str, str]
) -> tuple[Pair, list[float], list[float]]:
    """The cases of one task that are still there, as a pair, and their costs then and now."""
    keys = [key for key in past.cases if (past.task, key) in today]
    then, after = [float(past.cases[key]) for key in keys], [today[past.task, key][0] for key in keys]
    now = today[past.task, keys[0]][1] if keys else None
    pair = Pair(
        past=past,
        now=now,
        shown=names.get(past.task, past.task),
        weight=len(keys),
        past_per_call=float(np.mean(then)) if keys else None,
        now_per_call=float(np.mean(after)) if keys else None,
        change=of_pairs(np.array(then), np.array(after)) if keys else None,
        units=len(keys),
    )
    return pair, then, after


def _worst_first(pairs: Sequence[Pair]) -> list[Pair]:
    return sorted(pairs, key=lambda pair: (-pair.effect_usd, pair.past.task))


def _added(past: BaselineFile, now: BaselineFile, names: Mapping[str, str]) -> list[tuple[BaselineTask, str]]:
    known = {task.task for task in past.tasks}
    return [(task, names.get(task.task, task.task)) for task in now.tasks if task.task not in known]
