"""The trial itself: test the graders and the replay, then ask, grade and decide, look by look."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from llmcost.endpoint import Ask
from llmcost.serving import Served, plainly
from llmcost.trial import cell as cells
from llmcost.trial.beyond import beyond_models
from llmcost.trial.cell import Cell
from llmcost.trial.controls import Controls, run_controls, together
from llmcost.trial.design import Design
from llmcost.trial.means import Means, Watch
from llmcost.trial.pilot import PILOT, plan_sizes
from llmcost.trial.remembered import Remembered
from llmcost.trial.result import Trial
from llmcost.trial.task import TaskRun
from llmcost.trial.walks import Rung

NO_RUNGS: Mapping[str, Sequence[Rung]] = MappingProxyType({})


async def run(design: Design, means: Means, near: Mapping[str, Sequence[Rung]] = NO_RUNGS) -> Trial:
    """Every task's trial. Raises BudgetError or EndpointError when the asking has to stop; answers stay stored.

    near  by task the rungs of its walk through near-duplicates
    """
    graders = [Remembered(grader) for grader in means.graders]
    tasks = [
        TaskRun(design, means, name, _cells(design, name), graders, controls)
        for name, controls in zip(design.tasks(), await _all_controls(design, means), strict=True)
    ]
    if design.replay.sample == "auto":
        await _pilot(design, means, tasks)
    for look, fraction in enumerate(design.looks(), start=1):
        await _ask(means.ask, [cell for task in tasks for cell in task.active()], design, fraction)
        await asyncio.gather(*(task.look(look) for task in tasks))
        _tell(means.watch, look, design, tasks)
        if not any(task.active() for task in tasks):
            break
    beyond = await asyncio.gather(*(beyond_models(task, near.get(task.name, ())) for task in tasks))
    found = zip(tasks, beyond, strict=True)
    results = [replace(task.result(), walks=tuple(walks), cascades=tuple(climbs)) for task, (walks, climbs) in found]
    return Trial(results, [pair for task in tasks for pair in task.cells])


async def _all_controls(design: Design, means: Means) -> list[Controls]:
    tested = (run_controls(design, task, means.ask, means.control_graders) for task in design.tasks())
    return together(await asyncio.gather(*tested))


def _cells(design: Design, task: str) -> list[Cell]:
    found = [(arm, design.positions(arm, task)) for arm in design.arms]
    return [Cell(arm, task, places, len(places)) for arm, places in found if len(places)]


async def _ask(ask: Ask, asked: Sequence[Cell], design: Design, fraction: float) -> None:
    """Asks these cells what they need for a look, prompt by prompt across them: a run cut short has seen all alike."""
    order = sorted(
        (int(cell.arm.positions[place]), number, place)
        for number, cell in enumerate(asked)
        for place in cell.waiting(fraction)
    )
    requests = [asked[number].arm.requests[place] for _, number, place in order]
    answers: dict[int, list[Served]] = {}
    for (_, number, _), request, completion in zip(order, requests, await ask(requests, "replay"), strict=True):
        answers.setdefault(number, []).append(plainly(request, completion))
    for number, served in answers.items():
        asked[number].take(design, served)


async def _pilot(design: Design, means: Means, tasks: Sequence[TaskRun]) -> None:
    """Asks a few prompts without looking at who wins, and plans from how often answers differ how many are needed."""
    every = [cell for task in tasks for cell in task.active()]
    whole = {id(cell): cell.most for cell in every}
    for cell in every:
        cell.most = min(cell.most, PILOT)
    await _ask(means.ask, every, design, 1.0)
    await asyncio.gather(*(task.regrade() for task in tasks))
    for cell in every:
        cell.most = whole[id(cell)]
    usd = {id(c): cells.usd_per_prompt(c, task.graders, means.tariff) for task in tasks for c in task.active()}
    plan_sizes(design, every, {task.name: task.reliability_of() for task in tasks}, usd, means.money_left())


def _tell(watch: Watch | None, look: int, design: Design, tasks: Sequence[TaskRun]) -> None:
    if watch is not None:
        standing: dict[str, dict[str, str]] = {}
        for cell in (cell for task in tasks for cell in task.cells):
            standing.setdefault(cell.label, {})[cell.task] = cell.ended or ""
        watch.looked(look, len(design.looks()), standing)
