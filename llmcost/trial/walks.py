"""What else may stand between a request and its answer, tried from careful to bold.

A walk is one strategy on one task: shorter prompts, several items in one question, the answers of nearly the same
prompts. Its next rung is asked only where the one before has passed, so all its rungs share one level: to be wrong, a
walk has to pass its first rung that loses too much (a fixed sequence). A walk on today's model has a level of its own.
On a model that had to pass itself, the level that it has won is divided among the walks on it.

Every rung is compared with the logged answer, not with the rung before: what is shown is true of all that it does.

Source: F. Bretz, W. Maurer, W. Brannath and M. Posch, "A graphical approach to sequentially rejective multiple test
procedures", Statistics in Medicine 28 (2009), 586–604.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from llmcost.calls import Call
from llmcost.config import ModelSettings
from llmcost.endpoint import ChatRequest
from llmcost.replay.arms import requests
from llmcost.serving import Batching, Caching, CandidateModel, Compression, Served, Server, Steps, TaskPlan
from llmcost.serving.compression import SYSTEM, template_key
from llmcost.trial.design import Arm, Design, Way

Ints = npt.NDArray[np.int64]
Rule = Compression | Batching | Caching

SHARED_BY = 0.1  # of a task's requests: a system prompt that so many have is a template
COMPRESSION, BATCHING, NEAR_DUPLICATES = "compression", "batching", "near_duplicates"


@dataclass(frozen=True, slots=True)
class Rung:
    """One setting of a strategy, and the arm that shows what it does to the answers.

    design     whose sample the arm is asked about
    templates  system prompts that were shortened for it, once and for all: before → after
    """

    rule: Rule
    design: Design
    arm: Arm
    templates: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Walk:
    """A strategy on one task, from careful to bold.

    on           the candidate whose requests they are; None: today's models
    comparisons  how many share alpha with it
    replays      whether models are asked: if not, it does not matter that a replay shows something else than the log
    """

    strategy: str
    task: str
    on: str | None
    comparisons: int
    rungs: tuple[Rung, ...]
    replays: bool = True


@dataclass(frozen=True, slots=True)
class Base:
    """Whom the requests of a task go to: a candidate that has passed, or today's models. Arrays are parallel.

    positions  in the sample      requests  as that model takes them
    """

    label: str | None
    candidate: CandidateModel
    positions: Ints
    requests: tuple[ChatRequest, ...]


def todays(design: Design, task: str, models: Mapping[str, ModelSettings]) -> Base:
    """The prompts of a task that can be asked of the models that answered them, and those requests."""
    own = [place for place, name in enumerate(design.sample.tasks) if name == task]
    known = [(place, model) for place in own if (model := _model(design.bodies[place])) is not None]
    asked = [
        requests([design.bodies[place]], CandidateModel(model), models.get(model, ModelSettings()))[0][0]
        for place, model in known
    ]
    most = max((model for _, model in known), key=[model for _, model in known].count, default="")
    return Base(None, CandidateModel(most), np.array([place for place, _ in known], dtype=np.int64), tuple(asked))


def _model(body: Call) -> str | None:
    return body.request_model or body.response_model


def compression_rungs(design: Design, base: Base, templates: Sequence[Mapping[str, str]]) -> Iterator[Rung]:
    """Shorter prompts, to smaller and smaller shares; system prompts as they were shortened once and for all.

    templates  for every setting: before → after
    """
    for bare, texts in zip(design.tried.compressions, templates, strict=True):
        sent = {template_key(before): after for before, after in texts.items()}
        rule = Compression(bare.by, bare.ratio, bare.min_tokens, bare.last_user_turn, sent)
        arm = _arm(base, TaskPlan("", [], compression=rule), f"{100 * rule.ratio:g} % prompts")
        yield Rung(rule, design, arm, texts)


def batching_rungs(design: Design, base: Base) -> Iterator[Rung]:
    """More and more items in one question."""
    for rule in design.tried.batchings:
        yield Rung(rule, design, _arm(base, TaskPlan("", [], batching=rule), f"{rule.items} in one question"))


def _arm(base: Base, plan: TaskPlan, what: str) -> Arm:
    name = f"{base.label or base.candidate.model}, {what}"
    return Arm(base.candidate, base.positions, base.requests, {}, _served_by(plan, base.requests), name)


def _served_by(plan: TaskPlan, asked: Sequence[ChatRequest]) -> Way:
    server = Server(plan)

    def way(places: Sequence[int]) -> Steps[list[Served]]:
        return (yield from server.serve([asked[place] for place in places]))

    return way


def shared_templates(requests: Sequence[ChatRequest]) -> list[str]:
    """The system prompts that many of a task's requests have: what is worth shortening once and for all."""
    counts = Counter(text for request in requests for text in system_texts(request))
    return [text for text, count in counts.most_common() if count >= max(SHARED_BY * len(requests), 2)]


def system_texts(request: ChatRequest) -> Iterator[str]:
    """The texts of a request's system messages."""
    messages = request.body.get("messages")
    for message in messages if isinstance(messages, list | tuple) else ():
        if isinstance(message, Mapping) and message.get("role") in SYSTEM and isinstance(message.get("content"), str):
            yield message["content"]
