"""What a trial would send, to which models, and what it would cost: said before anything is spent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from llmcost.endpoint import ChatRequest
from llmcost.grading import Pair, judge_requests_upper_bound, may_need_judge, write_prompt
from llmcost.grading.damage import Kind
from llmcost.serving import CandidateModel
from llmcost.trial.controls import judged, planted
from llmcost.trial.cost import Tariff
from llmcost.trial.design import Arm, Design

KINDS: tuple[Kind, ...] = ("gross", "subtle")


@dataclass(frozen=True, slots=True)
class ModelCost:
    """What asking one model could cost. `calls` at most; dollars None: the model has no price.

    role  "candidate", "grader", "strategy" (what else is tried), or "control" (the incumbent that answers once more)
    """

    model: str
    role: str
    calls: int
    max_usd: float | None
    expected_usd: float | None


def estimate(
    design: Design, tariff: Tariff, graders: Sequence[str], stored: Callable[[ChatRequest], bool]
) -> list[ModelCost]:
    """One line a candidate, one an incumbent asked again, one a grader. What is stored already costs nothing."""
    asked = [_asked(design, arm, "candidate", tariff, stored) for arm in design.arms]
    again = [_asked(design, arm, "control", tariff, stored) for arm in design.again]
    pairs = list(_to_grade(design, tariff)) if graders else []
    return [*asked, *again, *(grading(grader, pairs, tariff) for grader in graders)]


def merged(lines: Iterable[ModelCost]) -> list[ModelCost]:
    """One line for each model in each role."""
    found: dict[tuple[str, str], list[ModelCost]] = {}
    for each in lines:
        found.setdefault((each.model, each.role), []).append(each)
    return [
        ModelCost(
            model, role, sum(e.calls for e in own), total(e.max_usd for e in own), total(e.expected_usd for e in own)
        )
        for (model, role), own in found.items()
    ]


def _asked(design: Design, arm: Arm, role: str, tariff: Tariff, stored: Callable[[ChatRequest], bool]) -> ModelCost:
    fresh = [(r, design.bodies[i]) for r, i in zip(arm.requests, arm.positions, strict=True) if not stored(r)]
    lengths = [body.usage.output_tokens for _, body in fresh]
    return asking(arm.candidate, role, [request for request, _ in fresh], lengths, tariff)


def asking(
    candidate: CandidateModel,
    role: str,
    requests: Sequence[ChatRequest],
    output_tokens: Sequence[int | None],
    tariff: Tariff,
) -> ModelCost:
    """The line of a model that is asked these requests, if its answers are as long as is told of each."""
    most = total(tariff.most(request) for request in requests)
    expected = tariff.expected(candidate.model, requests, output_tokens)
    return ModelCost(candidate.label(), role, len(requests), most, expected)


def grading(grader: str, pairs: Sequence[tuple[int, Pair]], tariff: Tariff) -> ModelCost:
    """The line of a grader that compares these pairs, each with the tokens that are still to be added to it."""
    requests = judge_requests_upper_bound(1)
    most = total(
        _times(tariff.most(ChatRequest({"model": grader, **write_prompt(pair, False)}), extra_input=room), requests)
        for room, pair in pairs
    )
    expected = tariff.judging(grader, [pair for _, pair in pairs])
    return ModelCost(grader, "grader", judge_requests_upper_bound(len(pairs)), most, expected)


def _to_grade(design: Design, tariff: Tariff) -> Iterator[tuple[int, Pair]]:
    """The planted pairs, and those that checks may leave to a judge; with the tokens that are still to be added.

    The candidate's answer is not known yet: the logged one stands in its place, and at most it is as long as its
    request allows.
    """
    for task in design.tasks():
        if judged(design, task):
            yield from ((0, pair) for kind in KINDS for pair in planted(design, task, kind))
    for arm in (*design.arms, *design.again):
        for request, position in zip(arm.requests, arm.positions, strict=True):
            body = design.bodies[position]
            pair = Pair(body.request or {}, body.answer, body.answer, body.expected)
            if may_need_judge(pair, design.checks.get(design.sample.tasks[position])):
                yield tariff.output_limit(request), pair


def _times(usd: float | None, count: int) -> float | None:
    return None if usd is None else usd * count


def total(parts: Iterable[float | None]) -> float | None:
    """The sum of dollars; None as soon as one part is unknown."""
    known = list(parts)
    return None if None in known else math.fsum(part for part in known if part is not None)
