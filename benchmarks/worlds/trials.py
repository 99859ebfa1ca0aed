"""A whole trial of the product in this process: one open-ended task, one candidate, simulated answers and judges.

What is true of an answer stands in its text, so that a judge can be as good or as bad as a world wants it.
`llmcost.trial` does all the rest: plants its errors, asks the incumbent again, asks, grades and decides look by look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np

from llmcost.answers import Answer, Usage
from llmcost.calls import Call
from llmcost.config import ReplaySettings
from llmcost.endpoint import Ask, ChatRequest, Completion
from llmcost.evidence import Verdict
from llmcost.grading import Grade, Grader, Pair
from llmcost.grading.damage import Answered, Kind, Planted, plant
from llmcost.replay.sample import Sample
from llmcost.serving import Attempt, CandidateModel
from llmcost.trial.design import Arm, Design
from llmcost.trial.means import Means
from llmcost.trial.result import TaskTrial
from llmcost.trial.run import run
from worlds.draws import Floats

TASK = "task"
WORTH = {"well": 0, "poor": -1, "best": 1}  # words of one length: it is no matter here
PLACES = ("Oslo", "Lima", "Cairo", "Quito", "Hanoi", "Dakar", "Perth", "Turin")

Say = Callable[[np.random.Generator, int], list[Answer]]
Opinion = Callable[[np.random.Generator, Pair], float]


def said(word: str, number: int) -> Answer:
    """An answer whose worth a judge who reads can tell. Long enough that half of it is no answer."""
    place = PLACES[number % len(PLACES)]
    told = f"Parcel {number} weighs {11 + number % 80} kilos and is served {word}. " + "It was seen on its way. " * 16
    return Answer(f"{told}It left the depot of {place} on time and it must be paid for.", finish_reason="stop")


def answers(wins: float, losses: float) -> Say:
    """A model that is better and worse than the logged one on these shares of the prompts, in the log's own words."""

    def say(rng: np.random.Generator, count: int) -> list[Answer]:
        words = rng.choice(["best", "poor", "well"], count, p=[wins, losses, 1 - wins - losses])
        return [said(str(word), number) for number, word in enumerate(words)]

    return say


def worth(answer: Answer | None, number: int) -> float | None:
    """−1, 0 or 1 for what a model said of this prompt; None for an answer that was damaged."""
    text = answer.text if answer else None
    return next((float(value) for word, value in WORTH.items() if text == said(word, number).text), None)


def not_worse(answer: Answer) -> bool:
    return "served poor" not in (answer.text or "")


def truth(pair: Pair) -> float:
    """Score(right) − score(left); a damaged answer is worse than any."""
    left, right = (worth(answer, _number(pair.request)) for answer in (pair.left, pair.right))
    return -1.0 if right is None else float(np.clip(right - (left or 0.0), -1, 1))


@dataclass(slots=True)
class Judge:
    """A grader as the product knows them, with an opinion of its own; answers of the same text never reach it."""

    name: str
    opinion: Opinion
    rng: np.random.Generator

    async def grade(self, pairs: Sequence[Pair]) -> list[Grade]:
        """Both orders say the same: what differs between them is the business of other rows."""
        said = [self.opinion(self.rng, pair) for pair in pairs]
        return [Grade(value, "judge", orders=(value, value)) for value in said]


def verdict(
    seed: int,
    say: Say,
    opinions: Mapping[str, Opinion],
    *,
    prompts: int = 200,
    again: Say | None = None,
    reached: Callable[[Answer], bool] = lambda answer: True,
) -> Verdict:
    """The verdict of one trial at a margin of 5 %.

    again    what the incumbent says when it is asked once more; None: it is not asked
    reached  whether the service delivers an answer
    """
    rng = np.random.default_rng(seed)
    spoken = {"candidate": say(rng, prompts), "incumbent": again(rng, prompts) if again else []}

    async def ask(requests: Sequence[ChatRequest], purpose: str) -> list[Completion]:
        found = [spoken[request.model][_number(request.body)] for request in requests]
        return [
            _completion(request, answer if reached(answer) else None)
            for request, answer in zip(requests, found, strict=True)
        ]

    judges = [Judge(name, each, np.random.default_rng([seed, i])) for i, (name, each) in enumerate(opinions.items())]
    return held(ask, judges, prompts, prompts if again else 0).candidates[0].verdict


def held(ask: Ask, judges: Sequence[Grader], prompts: int, again: int = 0) -> TaskTrial:
    """One trial of the candidate that `ask` plays, before these judges; `again` prompts are asked of the incumbent."""
    means = Means(ask, judges, judges, TARIFF, key=lambda request: request.key(""))  # type: ignore[arg-type]
    with patch("llmcost.trial.controls.plant", _planted_once):
        return asyncio.run(run(_design(prompts, again), means)).tasks[0]


def _usd(answers: Sequence[Sequence[Attempt]]) -> Floats:
    """A tariff by which all answers of a model cost the same."""
    each = [[0.1 if attempt.request.model == "candidate" else 1.0 for attempt in attempts] for attempts in answers]
    return np.array([sum(usd) for usd in each])


TARIFF = SimpleNamespace(of_attempts=_usd, judging=lambda grader, pairs: 0.0)
_PLANTED: dict[tuple[int, Kind], list[Planted]] = {}


def _planted_once(own: Sequence[Answered], kind: Kind, count: int, seed: int) -> list[Planted]:
    """The product's planted errors; all worlds of so many prompts have one log, so they are planted once."""
    if (len(own), kind) not in _PLANTED:
        _PLANTED[len(own), kind] = plant(own, kind, count, seed)
    return _PLANTED[len(own), kind]


def _number(body: Mapping[str, Any]) -> int:
    return int(str(body["messages"][0]["content"]).split()[3])  # a note to graders may follow


def _completion(request: ChatRequest, answer: Answer | None) -> Completion:
    if answer is None:
        return Completion(request.model, "unreachable")
    return Completion(request.model, "answered", answer, Usage(100, output_tokens=10))


@cache
def _design(prompts: int, aa: int) -> Design:
    bodies = [
        {"model": "incumbent", "messages": [{"role": "user", "content": f"Where is parcel {number}"}]}
        for number in range(prompts)
    ]
    places, ones = np.arange(prompts), np.ones(prompts)
    return Design(
        sample=Sample(places, [TASK] * prompts, ones, ones, {TASK: prompts}, {TASK: prompts}, {}),
        calls=None,  # type: ignore[arg-type]
        bodies=tuple(
            Call(request_model="incumbent", request=body, answer=said("well", number), usage=Usage(100, None, None, 10))
            for number, body in enumerate(bodies)
        ),
        logged_usd=ones,
        clusters=places,
        arms=(_arm("candidate", bodies, prompts),),
        again=(_arm("incumbent", bodies, aa),) if aa else (),
        checks={},
        replay=ReplaySettings(aa=aa),
    )


def _arm(model: str, bodies: Sequence[Mapping[str, Any]], count: int) -> Arm:
    requests = tuple(ChatRequest({**body, "model": model}) for body in bodies[:count])
    return Arm(CandidateModel(model), np.arange(count), requests, {})
