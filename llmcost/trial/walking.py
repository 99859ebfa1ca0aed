"""A walk is walked: rung after rung is asked, graded and decided like a candidate, while the one before has passed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from llmcost.answers import Usage
from llmcost.endpoint import ChatRequest, Completion
from llmcost.serving import Compression, ask_together
from llmcost.serving.compression import BYTES_A_TOKEN, template_key
from llmcost.trial import cell as cells
from llmcost.trial.cell import Cell
from llmcost.trial.result import RungTrial, Shortening, WalkTrial
from llmcost.trial.stopping import stop
from llmcost.trial.task import TaskRun
from llmcost.trial.walks import Rung, Walk, system_texts


async def walked(task: TaskRun, walk: Walk, beside: Mapping[int, Usage]) -> WalkTrial:
    """What became of a walk; `beside` are the tokens of the model it is on, by the position in the sample."""
    found: list[RungTrial] = []
    for rung in walk.rungs:
        cell = await _asked(task, walk, rung)
        usages = [beside.get(int(position), Usage()) for position in cell.positions]
        trial = task.candidate(cell, rung.design, usages, walk.replays)
        concerned = rung.design.sample.calls_per_task.get(walk.task, 0)
        found.append(RungTrial(rung.rule, trial, _shortening(cell, rung), concerned, _prefix(rung), rung.templates))
        if not found[-1].passed:
            break
    return WalkTrial(walk.strategy, walk.on, tuple(found))


async def _asked(task: TaskRun, walk: Walk, rung: Rung) -> Cell:
    """The cell of a rung, after as many looks as it takes."""
    places = np.arange(len(rung.arm.requests))
    cell = Cell(rung.arm, walk.task, places, len(places), comparisons=walk.comparisons)
    looks = rung.design.looks()
    for look, fraction in enumerate(looks, start=1):
        await _ask(task, cell, rung, fraction)
        await cell.regrade(rung.design, task.graders)
        cell.look = look
        cell.verdict = cells.verdict(rung.design, cell, task.judging(cell, look, walk.replays))
        stop([cell], {cell.label: cells.ratio(rung.design, cell, task.means.tariff)}, len(looks))
        if cell.ended is not None:
            break
    return cell


async def _ask(task: TaskRun, cell: Cell, rung: Rung, fraction: float) -> None:
    async def ask(requests: list[ChatRequest]) -> list[Completion]:
        return await task.means.ask(requests, "replay") if requests else []

    waiting = cell.waiting(fraction)
    assert rung.arm.way is not None
    if waiting:
        cell.take(rung.design, await ask_together(rung.arm.way(waiting), ask))


def _shortening(cell: Cell, rung: Rung) -> Shortening | None:
    """What the compressor took; None where no model shortens."""
    attempts = [a for served in cell.served for a in served.attempts if a.role == "compressor"]
    if not isinstance(rung.rule, Compression) or not attempts:
        return None
    weights = rung.design.sample.weights[cell.positions]
    logged = [rung.design.bodies[position].usage.input_tokens for position in cell.positions]
    asked, written = (
        cells.token_ratio(cells.tokens(cell, "compressor", name), logged, weights)
        for name in ("input_tokens", "output_tokens")
    )
    if asked is None or written is None:
        return None
    return Shortening(attempts[0].request.model, asked, written, np.sort(_waited(cell)))


def _prefix(rung: Rung) -> int:
    """Tokens of the usual system prompt as it is sent: what a provider's prompt cache can still find."""
    if not isinstance(rung.rule, Compression):
        return 0
    templates = rung.rule.templates
    sent = [
        sum(len(templates.get(template_key(text), text).encode(errors="replace")) for text in system_texts(request))
        for request in rung.arm.requests
    ]
    return int(np.median(sent)) // BYTES_A_TOKEN if sent else 0


def _waited(cell: Cell) -> cells.Floats:
    """Milliseconds that each prompt waited for its compressor; those that asked none waited for nothing."""
    rounds = [[a.completion.latency_ms for a in cell.served[i].attempts if a.role == "compressor"] for i in cell.known]
    known = [[ms for ms in each if ms is not None] for each in rounds]
    return np.array([max(each, default=0.0) for each in known], dtype=np.float64)
