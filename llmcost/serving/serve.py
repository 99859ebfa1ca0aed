"""Requests → answers, as a task's plan says: shortened, then batched or passed from model to model."""

from __future__ import annotations

from collections.abc import Sequence

from llmcost.endpoint.messages import ChatRequest
from llmcost.serving.batching import KnownForms, batched, batches
from llmcost.serving.cascade import climb, grader_of, in_turn, reached
from llmcost.serving.compression import Compressed, compressed
from llmcost.serving.plan import TaskPlan, Tier
from llmcost.serving.scoring import Prepare, RunTimeGrader
from llmcost.serving.steps import Question, Served, Steps, gather, plainly


class Server:
    """One task's plan, and what was learned about its endpoints: one object for all of a process's requests.

    A plan without tiers asks every request as it stands. Raises ConfigError for a plan whose grader grades itself.

    prepare  adapts a grader's request body to what its model takes
    """

    def __init__(self, plan: TaskPlan, prepare: Prepare | None = None) -> None:
        self.plan = plan
        self._forms = KnownForms()
        several = bool(plan.tiers) and len(reached(plan.tiers)) > 1
        self._grader: RunTimeGrader | None = grader_of(plan, prepare) if several else None

    def serve(self, requests: Sequence[ChatRequest]) -> Steps[list[Served]]:
        """The answers to these requests, in their order."""
        groups = _groups(requests, self.plan)
        found = yield from gather([self._group([requests[place] for place in group]) for group in groups])
        places = [place for group in groups for place in group]
        answers = dict(zip(places, [served for own in found for served in own], strict=True))
        return [answers[place] for place in range(len(requests))]

    def _group(self, requests: Sequence[ChatRequest]) -> Steps[list[Served]]:
        """The answers to requests that are asked together."""
        rule = self.plan.compression
        if rule is None:
            return (yield from self._answers(requests))
        shortened = yield from gather([compressed(request, rule) for request in requests])
        answers = yield from self._answers([short.request for short in shortened])
        return [_after(short, served) for short, served in zip(shortened, answers, strict=True)]

    def _answers(self, requests: Sequence[ChatRequest]) -> Steps[list[Served]]:
        if len(requests) > 1:
            tier = self.plan.tiers[-1] if self.plan.tiers else Tier(requests[0].model)
            return (yield from batched(requests, tier, self._forms))
        return (yield from gather([self._one(request) for request in requests]))

    def _one(self, request: ChatRequest) -> Steps[Served]:
        if self.plan.tiers:
            return (yield from climb(request, self.plan, self._grader))
        [completion] = yield [Question("answer", request)]
        return plainly(request, completion)


def serve(requests: Sequence[ChatRequest], plan: TaskPlan) -> Steps[list[Served]]:
    """The answers to these requests under a plan, by somebody who learns nothing for the next ones."""
    return (yield from Server(plan).serve(requests))


def _groups(requests: Sequence[ChatRequest], plan: TaskPlan) -> list[list[int]]:
    """The places of the requests that are asked in one question: of one template, and one model where none is set."""
    if plan.batching is None:
        return [[place] for place in range(len(requests))]
    by_model: dict[str, list[int]] = {}
    for place, request in enumerate(requests):
        by_model.setdefault("" if plan.tiers else request.model, []).append(place)
    return [
        [places[index] for index in group]
        for places in by_model.values()
        for group in batches([requests[place] for place in places], plan.batching.items)
    ]


def _after(short: Compressed, served: Served) -> Served:
    """The answer to a request that was shortened first: the compressor is paid and waited for."""
    latency = in_turn([short.latency_ms, served.latency_ms])
    return Served(served.completion, (*short.attempts, *served.attempts), latency)
