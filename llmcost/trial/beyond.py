"""Beyond other models: once the candidates of a task are decided, what else may be done about its requests.

Walks and cascades start from the cheapest candidate that has passed, or from today's model where none has: what they
certify is the whole of it, other model and all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from llmcost.answers import Usage
from llmcost.endpoint import ChatRequest, Completion
from llmcost.evidence.verdict import prompts_floor
from llmcost.serving import Compression, ask_together
from llmcost.serving.compression import shortened_templates, template_key
from llmcost.trial import cell as cells
from llmcost.trial.cascading import cascades
from llmcost.trial.cell import Cell
from llmcost.trial.controls import judged
from llmcost.trial.design import cascades as count_cascades
from llmcost.trial.result import PASSED, CascadeTrial, WalkTrial
from llmcost.trial.stopping import saves
from llmcost.trial.task import TaskRun
from llmcost.trial.walking import walked
from llmcost.trial.walks import (
    BATCHING,
    COMPRESSION,
    NEAR_DUPLICATES,
    Base,
    Rung,
    Walk,
    batching_rungs,
    compression_rungs,
    shared_templates,
    todays,
)


async def beyond_models(task: TaskRun, near: Sequence[Rung]) -> tuple[list[WalkTrial], list[CascadeTrial]]:
    """What the walks and cascades of a task came to; nothing where no grader of it may be believed.

    near  the rungs of its walk through near-duplicates
    """
    tried = task.design.tried.of(task.name)
    if not tried or (task.controls.untrusted is not None and task.design.open_ended(task.name)):
        return [], []
    found: list[WalkTrial] = []
    climbed: list[CascadeTrial] = []
    if "cache" in tried and near:
        comparisons = _shared_with(task, None)
        rungs = _from_enough(task, near, comparisons)
        walk = Walk(NEAR_DUPLICATES, task.name, None, comparisons, rungs, replays=False)
        found.append(await walked(task, walk, {}))
    if not task.hopeless:
        best = _best(task)
        found += await _on(task, best, tried)
        if "cascade" in tried:
            climbed = await cascades(task, best, _shared_with(task, best))
    return found, climbed


def _from_enough(task: TaskRun, near: Sequence[Rung], comparisons: int) -> tuple[Rung, ...]:
    """The rungs from the first that has pairs enough to pass if none of them differed; all where none has.

    A few hits of the strictest cache would end the walk before it has begun. How many pairs there are is known before
    any is graded, and those of a stricter cache are among those of a looser one.
    """
    believed = min((found.value for found in task.reliability_of().values()), default=1.0)
    margin = task.design.margin(task.name) * (believed if judged(task.design, task.name) else 1.0)
    least = prompts_floor(margin, task.design.critical_values(comparisons)[-1]) if margin > 0 else inf
    first = next((place for place, rung in enumerate(near) if len(rung.arm.requests) >= least), 0)
    return tuple(near[first:])


def _best(task: TaskRun) -> Cell | None:
    """The cheapest candidate that has passed and saves."""
    ratios = {cell.label: cells.ratio(task.design, cell, task.means.tariff) for cell in task.cells}
    good = [
        cell
        for cell in task.cells
        if cell.verdict is not None and cell.verdict.decision in PASSED and saves(ratios[cell.label])
    ]

    def cost(cell: Cell) -> float:
        ratio = ratios[cell.label]
        return inf if ratio is None or ratio.value is None else ratio.value

    return min(good, key=lambda cell: (cost(cell), cell.label), default=None)


def _shared_with(task: TaskRun, best: Cell | None) -> int:
    """How many comparisons share alpha: of a model that has passed, those on it divide the level that it has won."""
    every = task.design.comparisons(task.name)
    if best is None:
        return every
    tried = task.design.tried.of(task.name)
    models = len(task.cells)
    on_it = len(tried & {"compress", "batch"}) + (count_cascades(models) if "cascade" in tried else 0)
    return every * max(on_it, 1)


async def _on(task: TaskRun, best: Cell | None, tried: frozenset[str]) -> list[WalkTrial]:
    """The walks on the requests as they go to the best model so far."""
    design = task.design
    base = _base(task, best)
    if base.positions.size == 0:
        return []
    beside, comparisons = _usages(task, best, base), _shared_with(task, best)
    found = []
    if "compress" in tried and design.tried.compressions:
        templates = [await _templates(task, base, rule) for rule in design.tried.compressions]
        rungs = tuple(compression_rungs(design, base, templates))
        found.append(await walked(task, Walk(COMPRESSION, task.name, base.label, comparisons, rungs), beside))
    if "batch" in tried and design.tried.batchings:
        walk = Walk(BATCHING, task.name, base.label, comparisons, tuple(batching_rungs(design, base)))
        found.append(await walked(task, walk, beside))
    return found


def _base(task: TaskRun, best: Cell | None) -> Base:
    if best is None:
        return todays(task.design, task.name, task.means.tariff.models)
    arm = best.arm
    return Base(
        best.label, arm.candidate, arm.positions[best.places], tuple(arm.requests[place] for place in best.places)
    )


def _usages(task: TaskRun, best: Cell | None, base: Base) -> dict[int, Usage]:
    """The tokens of the model that walks are on, by the position in the sample; what was not asked is not in it."""
    if best is None:
        return {int(position): task.design.bodies[position].usage for position in base.positions}
    known = zip(best.positions, best.known, strict=True)
    return {int(position): best.served[place].completion.usage for position, place in known}


async def _templates(task: TaskRun, base: Base, rule: Compression) -> Mapping[str, str]:
    """The system prompts that many requests of the task share, shortened as the rule says: before → after."""
    shared = shared_templates(base.requests)

    async def ask(requests: list[ChatRequest]) -> list[Completion]:
        return await task.means.ask(requests, "replay") if requests else []

    found = await ask_together(shortened_templates(shared, rule), ask)
    return {text: found.texts[template_key(text)] for text in shared if template_key(text) in found.texts}
