"""The product's own walk, asked and graded look by look: does it do what the worlds of `worlds.walks` take it to do?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from unittest.mock import patch

import numpy as np

from llmcost.answers import Answer, Usage
from llmcost.config import ReplaySettings
from llmcost.endpoint import ChatRequest, Completion
from llmcost.serving import Batching, CandidateModel, Served, Steps, plainly
from llmcost.trial.controls import Controls
from llmcost.trial.design import Arm, Design
from llmcost.trial.means import Means
from llmcost.trial.result import PASSED, RungTrial, WalkTrial
from llmcost.trial.task import TaskRun
from llmcost.trial.walking import walked
from llmcost.trial.walks import BATCHING, Rung, Walk
from worlds.counts import Plan
from worlds.draws import Floats
from worlds.paths import by_looks, followed
from worlds.rows import Row
from worlds.trials import TARIFF, TASK, _design

PROMPTS, MARGIN = 200, 0.05
COMPARISONS = 2
LOGGED_WRONG = 0.1  # share of the logged answers: those that a rung may better
BETTERED, WORSENED = 0.1, 0.025  # shares of the wrong, and of the right ones


def row(worlds: int) -> Row:
    """How many rungs pass, as the product walks and as the tables of counts say.

    The guard is that the walk ends where a rung does not pass; without, all are asked.
    """
    plan, rng, apart = Plan(PROMPTS, MARGIN, COMPARISONS), np.random.default_rng(46), np.zeros(2)
    for _ in range(worlds):
        wrong, rungs = _world(rng)
        by_counts = int(np.cumprod(followed(plan, *by_looks(plan, rungs)).passed).sum())
        apart[0] += _walked(wrong, rungs) != by_counts
        with patch.object(RungTrial, "passed", True):
            apart[1] += _walked(wrong, rungs) != by_counts
    ends, goes_on = (apart / worlds).tolist()
    what = f"the product's own walk, {worlds} times: other rungs than by the tables of counts"
    return Row(what, ends, 0, 0, "an end at the first failure", goes_on)


def _world(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Which logged answers are wrong, and what three rungs make of each; [prompt], [rung, prompt]."""
    wrong = rng.random(PROMPTS) < LOGGED_WRONG
    luck = rng.random((3, PROMPTS))
    return wrong.astype(np.float64), np.where(wrong, luck < BETTERED, -1.0 * (luck < WORSENED))


def _walked(wrong: Floats, rungs: Floats) -> int:
    """How many rungs the product's walk passes."""
    return sum(rung.found.verdict.decision in PASSED for rung in asyncio.run(_walk(wrong, rungs)).rungs)


async def _walk(wrong: Floats, rungs: Floats) -> WalkTrial:
    design = _logged(wrong)
    answered = [[_said(bool(good)) for good in (1 - wrong) + differences > 0] for differences in rungs]
    means = Means(_nobody, (), (), TARIFF, key=lambda request: request.key(""))  # type: ignore[arg-type]
    task = TaskRun(design, means, TASK, [], (), Controls())
    each = tuple(Rung(Batching(number + 2), design, _arm(said)) for number, said in enumerate(answered))
    return await walked(task, Walk(BATCHING, TASK, None, COMPARISONS, each), {})


async def _nobody(requests: Sequence[ChatRequest], purpose: str) -> list[Completion]:
    raise AssertionError("all answers are known")


def _logged(wrong: Floats) -> Design:
    """A log of questions with an expected answer, of which these were answered wrongly."""
    design = _design(PROMPTS, 0)
    bodies = tuple(
        replace(body, expected="yes", answer=_said(not bad)) for body, bad in zip(design.bodies, wrong, strict=True)
    )
    return replace(design, bodies=bodies, arms=(), replay=ReplaySettings(margin=MARGIN))


def _said(right: bool) -> Answer:
    return Answer("yes" if right else "no", finish_reason="stop")


def _arm(said: Sequence[Answer]) -> Arm:
    """Requests that are answered so, without anybody being asked."""
    requests = tuple(ChatRequest({"model": "candidate", "messages": []}) for _ in said)

    def way(places: Sequence[int]) -> Steps[list[Served]]:
        yield from ()
        return [plainly(requests[place], _completion(said[place])) for place in places]

    return Arm(CandidateModel("candidate"), np.arange(len(said)), requests, {}, way)


def _completion(answer: Answer) -> Completion:
    return Completion("candidate", "answered", answer, Usage(100, output_tokens=1))
