"""What trying strategies could cost, said before anything is spent: every setting of every walk, on every prompt.

Whom a walk is on is known only when the models are decided, so at most it is on the dearest of them. Expected is the
first setting of every walk, on today's model: most walks end early, or start from a cheaper one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from llmcost.calls import Call
from llmcost.endpoint import ChatRequest
from llmcost.grading import Pair, may_need_judge
from llmcost.replay.arms import requests
from llmcost.serving import CandidateModel
from llmcost.serving.compression import EXTRACTIVE, compressed
from llmcost.serving.scoring import ASKINGS, write_rating_prompt
from llmcost.trial.cost import Tariff
from llmcost.trial.design import CASCADE_TIERS, Arm, Design
from llmcost.trial.estimate import ModelCost, grading, total
from llmcost.trial.walks import Rung

BATCH_OVERHEAD = 400  # tokens of what a batch is told besides its items
A_SCORE = 2  # tokens of a usual rating

NAMES: Mapping[str, str] = {
    "cascade": "scores of cheaper answers",
    "compress": "shorter prompts",
    "batch": "several in one question",
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A sampled prompt: its call, and its requests to today's model and to every candidate that is asked it."""

    body: Call
    today: ChatRequest
    candidates: Mapping[str, ChatRequest]

    def all(self) -> list[ChatRequest]:
        return [self.today, *self.candidates.values()]

    def as_logged(self) -> tuple[ChatRequest, int | None]:
        """The request to today's model, and an answer as long as the logged one."""
        return self.today, self.body.usage.output_tokens


def besides(
    design: Design, tariff: Tariff, graders: Sequence[str], near: Mapping[str, Sequence[Rung]]
) -> list[ModelCost]:
    """One line a strategy that is tried, and one a grader for what it adds to grade."""
    lines = [_line(design, tariff, name) for name in NAMES if any(name in design.tried.of(t) for t in design.tasks())]
    first, more = (list(_to_grade(design, tariff, near, beyond)) if graders else [] for beyond in (False, True))
    return [*lines, *(_graded(grader, first, more, tariff) for grader in graders if first)]


def _graded(
    grader: str, first: Sequence[tuple[int, Pair]], more: Sequence[tuple[int, Pair]], tariff: Tariff
) -> ModelCost:
    """A grader's line: the pairs of all settings at most, those of the first ones as expected."""
    expected, beyond = grading(grader, first, tariff), grading(grader, more, tariff)
    most = total([expected.max_usd, beyond.max_usd])
    return ModelCost(grader, expected.role, expected.calls + beyond.calls, most, expected.expected_usd)


def _line(design: Design, tariff: Tariff, name: str) -> ModelCost:
    tasks = [task for task in design.tasks() if name in design.tried.of(task)]
    asked = [each for task in tasks for each in _prompts(design, task, tariff)]
    parts = list({"cascade": _scoring, "compress": _shortening, "batch": _batching}[name](design, tariff, asked))
    most = total(part.most for part in parts)
    return ModelCost(NAMES[name], "strategy", sum(part.calls for part in parts), most, _expected(tariff, parts))


def _expected(tariff: Tariff, parts: Sequence[_Part]) -> float | None:
    """What is likely to be asked, model by model."""
    by_model: dict[str, list[tuple[ChatRequest, int | None]]] = {}
    for request, tokens in (each for part in parts for each in part.likely):
        by_model.setdefault(request.model, []).append((request, tokens))
    return total(
        tariff.expected(model, [request for request, _ in asked], [tokens for _, tokens in asked])
        for model, asked in by_model.items()
    )


def _prompts(design: Design, task: str, tariff: Tariff) -> Iterator[_Asked]:
    by_position = [(arm.candidate.label(), _by_position(arm)) for arm in design.arms]
    for place, name in enumerate(design.sample.tasks):
        if name == task:
            body = design.bodies[place]
            model = body.request_model or body.response_model or ""
            [today], _ = requests([body], CandidateModel(model), tariff.models.get(model))
            yield _Asked(body, today, {label: own[place] for label, own in by_position if place in own})


def _by_position(arm: Arm) -> dict[int, ChatRequest]:
    return {int(position): request for position, request in zip(arm.positions, arm.requests, strict=True)}


@dataclass(frozen=True, slots=True)
class _Part:
    """What is asked about one prompt: how often, for what at most, and what is likely, with tokens of the answer."""

    calls: int
    most: float | None
    likely: Sequence[tuple[ChatRequest, int | None]] = ()


def _scoring(design: Design, tariff: Tariff, asked: Sequence[_Asked]) -> Iterator[_Part]:
    """Every answer of two tiers, each perhaps asked about twice: by the dearest that may score, likely by the first."""
    named = design.tried.grader
    models = [named] if named else [arm.candidate.label() for arm in design.arms]
    tiers = min(len(design.arms), CASCADE_TIERS)
    for each in asked:
        prompt = write_rating_prompt(each.today.body, each.body.answer)
        rating = [ChatRequest({"model": name.partition("@")[0], **prompt}) for name in models]
        room = max(tariff.output_limit(request) for request in each.all())
        most = _most(tariff.most(request, room) for request in rating)
        yield _Part(tiers * ASKINGS, _times(most, tiers * ASKINGS), [(rating[0], A_SCORE)] * tiers)


def _shortening(design: Design, tariff: Tariff, asked: Sequence[_Asked]) -> Iterator[_Part]:
    """What every setting asks of the compressor, and the shortened request at the size that it has now."""
    for each in asked:
        answer = _most(map(tariff.most, each.all()))
        for number, rule in enumerate(design.tried.compressions):
            questions = [] if rule.by == EXTRACTIVE else next(compressed(each.today, rule), [])
            shorten = [question.request for question in questions or []]
            most = total([answer, *map(tariff.most, shorten)])
            likely = [each.as_logged(), *((request, len(request.content()) // 8) for request in shorten)]
            yield _Part(1 + len(shorten), most, () if number else likely)


def _batching(design: Design, tariff: Tariff, asked: Sequence[_Asked]) -> Iterator[_Part]:
    """Every item as if it bore a question of its own, and once more alone."""
    for each in asked:
        most = _most(tariff.most(request, BATCH_OVERHEAD) for request in each.all())
        for number in range(len(design.tried.batchings)):
            yield _Part(2, _times(most, 2), () if number else [each.as_logged()])


def _to_grade(
    design: Design, tariff: Tariff, near: Mapping[str, Sequence[Rung]], beyond: bool
) -> Iterator[tuple[int, Pair]]:
    """The pairs of the first settings, or of those `beyond` the first, with the tokens that are still to be added.

    Of a cache none: its earlier answers are there already.
    """
    for task in design.tasks():
        rungs = near.get(task, ()) if "cache" in design.tried.of(task) else ()
        for rung in rungs[1:] if beyond else rungs[:1]:
            yield from ((0, pair) for _, pair in _judged(rung.design, task))
        for _ in range(_replayed(design, task, beyond)):
            for body, pair in _judged(design, task):
                asked = ChatRequest({**(body.request or {}), "model": body.request_model or ""})
                yield tariff.output_limit(asked), pair


def _replayed(design: Design, task: str, beyond: bool) -> int:
    """How many first settings are asked of a task, or how many beyond them."""
    settings = {"compress": design.tried.compressions, "batch": design.tried.batchings}
    walks = [len(rules) for name, rules in settings.items() if name in design.tried.of(task) and rules]
    return sum(walks) - len(walks) if beyond else len(walks)


def _judged(design: Design, task: str) -> Iterator[tuple[Call, Pair]]:
    """The prompts of a task that may be left to a judge, each with its logged answer twice."""
    for body, name in zip(design.bodies, design.sample.tasks, strict=True):
        pair = Pair(body.request or {}, body.answer, body.answer, body.expected)
        if name == task and may_need_judge(pair, design.checks.get(task)):
            yield body, pair


def _most(parts: Iterable[float | None]) -> float | None:
    known = list(parts)
    return None if None in known else max(part for part in known if part is not None)


def _times(usd: float | None, count: int) -> float | None:
    return None if usd is None else usd * count
