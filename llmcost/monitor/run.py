"""Asks the other model, tests the graders, and grades: what new prompts say of the promises."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from llmcost.answers import Answer
from llmcost.config import CheckSettings
from llmcost.endpoint import Ask, Completion
from llmcost.errors import BudgetError, EndpointError
from llmcost.grading import GradedPairs, Grader, Pair, grade
from llmcost.monitor.plan import Shadow, TaskPlan, judged
from llmcost.trial.cell import incomplete
from llmcost.trial.controls import Control, Controls, taken

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Means:
    """What watching works with; control graders are the same graders on another line of the bill."""

    ask: Ask
    graders: Sequence[Grader]
    control_graders: Sequence[Grader]
    checks: Mapping[str, CheckSettings]


@dataclass(frozen=True, slots=True)
class Found:
    """What the new prompts of one task have shown.

    differences  score(new) − score(former) by grader and prompt, in order of time; empty if nothing may be concluded
    missing      prompts that no comparison could be made of
    failures     answers of the new model that failed by themselves, unparsed: unreadable verdicts; both are losses
    obstacle     why nothing is concluded from these prompts
    gone         the error that kept the other model from being asked at all
    """

    differences: Mapping[str, Mapping[bytes, float]] = field(default_factory=dict)
    missing: int = 0
    failures: int = 0
    unparsed: int = 0
    obstacle: str | None = None
    gone: EndpointError | None = None


async def observe(tasks: Sequence[TaskPlan], means: Means) -> list[Found]:
    """What every task's new prompts show. Raises BudgetError or EndpointError when the asking has to stop.

    A model that is not to be had any more stops its own tasks alone, unless nothing else is left.
    """
    results = await asyncio.gather(*(_observe(task, means) for task in tasks), return_exceptions=True)
    found = [_known(result) for result in results]
    tried = [item for task, item in zip(tasks, found, strict=True) if task.fresh]
    if tried and tried[0].gone is not None and all(item.gone is not None for item in tried):
        raise tried[0].gone
    return found


def _known(result: Found | BaseException) -> Found:
    if isinstance(result, BaseException):
        raise result
    return result


async def _observe(task: TaskPlan, means: Means) -> Found:
    if not task.fresh:
        return Found()
    check, stand_ins = means.checks.get(task.promise.task), [shadow.stand_in() for shadow in task.fresh]
    tested = judged(stand_ins, check)
    if tested and (untrusted := await _untrusted(task, means.control_graders)) is not None:
        return Found(obstacle=untrusted)
    try:
        completions = await means.ask([shadow.request for shadow in task.fresh], "replay")
    except BudgetError:
        raise
    except EndpointError as error:
        return Found(obstacle=f"the other model is not to be had: {error.message}", gone=error)
    pairs = _pairs(task.fresh, completions)
    if (
        not tested
        and judged(pairs.values(), check)
        and (untrusted := await _untrusted(task, means.control_graders)) is not None
    ):
        return Found(obstacle=untrusted)
    graded = await grade(list(pairs.values()), check, means.graders)
    substitutes = Counter(name for completion in completions if (name := completion.substitute) is not None)
    return _found(list(pairs), graded, len(task.fresh) - len(pairs), substitutes)


async def _untrusted(task: TaskPlan, graders: Sequence[Grader]) -> str | None:
    """Which grader must not be believed, as it missed planted gross errors or obeyed what they said; None: all may.

    What the run found out about a grader on this task stands; another one gets the errors that the run would have
    given it.
    """
    known = [Control(grader.name, "gross", _as_tested(task, grader.name)) for grader in graders]
    others = [grader for grader in graders if grader.name not in task.promise.tested]
    if others and not task.errors:
        return f"grader {others[0].name} was not tested by the run, and the run's log is gone"
    found = await asyncio.gather(*(grader.grade([error.pair for error in task.errors]) for grader in others))
    fresh = [taken(grader.name, "gross", task.errors, grades) for grader, grades in zip(others, found, strict=True)]
    return Controls(gross=(*(item for item in known if item.planted), *fresh)).untrusted


def _as_tested(task: TaskPlan, grader: str) -> Floats:
    """What the run saw of a grader: −1 for each error that it caught, 0 for each that it missed."""
    planted, caught = task.promise.tested.get(grader, (0, 0))
    return np.repeat([-1.0, 0.0], [caught, planted - caught])


def _pairs(shadows: Sequence[Shadow], completions: Sequence[Completion]) -> dict[bytes, Pair]:
    """The pairs that can be compared, by prompt.

    What the service failed to deliver is nobody's answer. Nor is a request that the former model rejects: it was
    written for the new one, which would win by that.
    """
    found: dict[bytes, Pair] = {}
    for shadow, completion in zip(shadows, completions, strict=True):
        rejected = completion.status == "rejected" and shadow.answered == "new"
        if completion.status != "unreachable" and not rejected:
            found[shadow.key] = shadow.pair(_answer(completion))
    return found


def _answer(completion: Completion) -> Answer | None:
    return completion.answer if completion.status == "answered" else None


def _found(keys: Sequence[bytes], graded: GradedPairs, missing: int, substitutes: Counter[str]) -> Found:
    """What may be concluded: nothing from a part of the prompts that is not like the rest."""
    lists, failed = graded.by_judge.values(), missing - substitutes.total()
    obstacle = next((why for grades in lists if (why := incomplete(grades, failed, substitutes)) is not None), None)
    if obstacle is not None:
        return Found(missing=missing, obstacle=obstacle)
    differences = {
        name: {key: g.difference for key, g in zip(keys, grades, strict=True) if g.difference is not None}
        for name, grades in graded.by_judge.items()
    }
    return Found(
        differences=differences,
        missing=missing + max(sum(g.difference is None for g in grades) for grades in lists),
        failures=max(sum(g.failed for g in grades) for grades in lists),
        unparsed=max(sum(g.unparsed for g in grades) for grades in lists),
    )
