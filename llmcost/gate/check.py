"""This log against a baseline: is a call dearer than it was, at the baseline's mix of tasks?

The check fails for one of these, and says which:

1. the cost per call over all tasks, weighted as in the baseline, rose by more than `max_increase`;
2. a task that carries at least 1 % of the cost (then, or at today's cost per call) rose by more than `max_increase`:
   one dear change cannot hide behind a cheap crowd;
3. costs that were known have become unknown, or there is nothing to compare: a gate that cannot see does not say yes.

A changed task mix or volume never fails by itself. New and missing tasks and new models are named, and fail nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from llmcost.calls import Calls
from llmcost.errors import LLMCostError
from llmcost.gate.compared import Compared, past_usd, relative
from llmcost.gate.decomposition import decompose
from llmcost.gate.measure import TaskCost, measure
from llmcost.gate.result import BaselineFile, CheckDiff, CheckResult, CheckTotals, TaskCheck
from llmcost.gate.wording import Facts, notes, reasons
from llmcost.pricing.result import PriceStamp


def check(
    calls: Calls,
    costs: npt.NDArray[np.float64],
    baseline: BaselineFile,
    *,
    max_increase: float,
    stamp: PriceStamp,
    version: str,
) -> CheckResult:
    """Whether the calls are dearer than the baseline allows, and which tasks are to blame, worst first.

    `costs`: US dollars, parallel to `calls`, NaN where unknown. `max_increase`: a share, 0.05 allows 5 %.
    """
    if not max_increase >= 0:
        raise LLMCostError(f"an increase of {max_increase} cannot be allowed", "give a share of 0 or more, such as 5%")
    now = measure(calls, costs)
    compared = [Compared(task, now.get(task.task)) for task in baseline.tasks]
    compared.sort(key=lambda task: (-task.effect_usd, task.past.task))
    past, current = _past(baseline), _current(compared, now, round(float(calls.weights().sum())))
    facts = Facts(compared, _added(baseline, now), past, current, max_increase, baseline.prices, stamp)
    why = list(reasons(facts))
    return CheckResult(
        llmcost_version=version,
        prices=stamp,
        passed=not why,
        reasons=why,
        max_increase=max_increase,
        past=past,
        current=current,
        diff=_diff(past, current),
        tasks=[_task(task, max_increase) for task in compared] + [_new_task(task) for task in facts.added],
        decomposition=decompose(baseline, now),
        notes=list(notes(facts)),
    )


def _past(baseline: BaselineFile) -> CheckTotals:
    priced = sum(task.priced_calls for task in baseline.tasks)
    return _totals(baseline.calls, priced, priced, sum(map(past_usd, baseline.tasks)))


def _current(compared: list[Compared], now: dict[str, TaskCost], calls: int) -> CheckTotals:
    """The baseline's own calls at today's cost per call; a task that has none today keeps its cost."""
    mix = sum(task.past.priced_calls for task in compared)
    usd = sum(task.past_usd + task.effect_usd for task in compared)
    return _totals(calls, sum(task.priced_calls for task in now.values()), mix, usd)


def _totals(calls: int, priced: int, mix: int, usd: float) -> CheckTotals:
    return CheckTotals(calls, priced, usd if mix else None, usd / mix if mix else None)


def _added(baseline: BaselineFile, now: dict[str, TaskCost]) -> list[TaskCost]:
    known = {task.task for task in baseline.tasks}
    return [task for name, task in now.items() if name not in known]


def _diff(past: CheckTotals, current: CheckTotals) -> CheckDiff:
    before, after = past.cost_per_call_usd, current.cost_per_call_usd
    return CheckDiff(None if before is None or after is None else after - before, relative(before, after))


def _task(task: Compared, max_increase: float) -> TaskCheck:
    return TaskCheck(
        task=task.past.task,
        past_calls=task.past.calls,
        current_calls=0 if task.now is None else task.now.calls,
        past_cost_per_call_usd=task.past_per_call,
        current_cost_per_call_usd=task.now_per_call,
        change=task.change,
        lower_bound=None,
        regressed=task.regressed(max_increase),
        new_models=task.new_models,
    )


def _new_task(task: TaskCost) -> TaskCheck:
    return TaskCheck(task.task, 0, task.calls, None, task.cost_per_call_usd, None, None, False, list(task.models))
