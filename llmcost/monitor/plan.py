"""Which prompts of newer traffic are watched, and who is asked for the answer that the log does not have.

A call is drawn with the same chance as every other of its task: the seeded draw of `replay.sample`, without regard to
costs, so that nothing has to be weighted. What is drawn depends on the log alone, not on what was watched before;
a prompt that was is not asked again, and enters the bet once only, with the first of its calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmcost import logs
from llmcost.answers import Answer
from llmcost.calls import Call, Calls
from llmcost.config import CheckSettings, ModelSettings
from llmcost.endpoint import ChatRequest
from llmcost.errors import InputError
from llmcost.grading import Answered, Pair, Planted, may_need_judge, plant
from llmcost.monitor.promises import Promise
from llmcost.pricing import PriceBook
from llmcost.replay import draw, replayable, requests
from llmcost.replay.sample import UNTAGGED
from llmcost.serving import CandidateModel
from llmcost.trial import ModelCost, Tariff
from llmcost.trial.controls import PLANTED
from llmcost.trial.estimate import asking, grading

Ints = npt.NDArray[np.int64]
Side = Literal["new", "former"]

NEITHER = "answered by neither the new model nor the former one"
IN_THE_RUN = "of a prompt that the run itself has asked: no new evidence"


@dataclass(frozen=True, slots=True)
class Shadow:
    """One prompt to watch. `answered` is who did in the log; the request asks the other one."""

    key: bytes
    body: Call
    answered: Side
    asked: CandidateModel
    request: ChatRequest

    def pair(self, fresh: Answer | None) -> Pair:
        """The former model's answer (left) and the new one's, whichever is fresh: its grade is new − former."""
        logged = self.body.answer
        left, right = (logged, fresh) if self.answered == "former" else (fresh, logged)
        return Pair(self.body.request or {}, left, right, self.body.expected)

    def stand_in(self) -> Pair:
        """The pair before the other model has answered: the logged answer stands in its place."""
        return Pair(self.body.request or {}, self.body.answer, self.body.answer, self.body.expected)


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """What is to be watched of one task in a log.

    calls        of the task in the log; `by_side` of those that the new and the former model answered
    population   distinct prompts that could be watched
    fresh        those drawn and not watched yet, in order of time
    errors       logged answers beside grossly damaged ones, for graders that the run has not tested
    left_out     calls that cannot be watched, by reason
    adjustments  what was not sent as logged, and how often
    """

    promise: Promise
    calls: int
    by_side: Mapping[Side, int]
    population: int
    fresh: tuple[Shadow, ...]
    errors: tuple[Planted, ...]
    left_out: Mapping[str, int]
    adjustments: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Asking:
    """How prompts are drawn and models are asked."""

    book: PriceBook
    models: Mapping[str, ModelSettings]
    graders: Sequence[str]
    sample: int
    seed: int


def plan(calls: Calls, promise: Promise, watched: Collection[bytes], asking: Asking) -> TaskPlan:
    """What of this traffic shows whether the promise holds; `watched` are the prompts that need not be asked."""
    task = pc.fill_null(pc.cast(calls.column("task"), pa.string()), UNTAGGED)
    own = calls.filter(pc.equal(task, promise.task))
    sides = _sides(own, promise, asking.book)
    reasons = [why or _obstacle(side, key, promise) for why, side, key in zip(
        replayable(own), sides, own.column("prompt_key").to_pylist(), strict=True)]  # fmt: skip
    sample = draw(own, np.zeros(len(own)), per_task=asking.sample, seed=asking.seed, replayable=reasons)
    rows = _in_order_of_time(own, sample.rows)
    chosen = own.take(rows)
    bodies = logs.bodies(chosen)
    keys: list[bytes] = chosen.column("prompt_key").to_pylist()
    drawn = [(key, body, sides[row]) for key, body, row in zip(keys, bodies, rows.tolist(), strict=True)]
    fresh, told = _shadows([(k, b, side) for k, b, side in drawn if side and k not in watched], promise, asking)
    return TaskPlan(
        promise=promise,
        calls=len(own),
        by_side={side: sides.count(side) for side in ("new", "former")},
        population=sample.population.get(promise.task, 0),
        fresh=tuple(fresh),
        errors=_errors(promise, asking.graders) if fresh else (),
        left_out=sample.not_replayable,
        adjustments=told,
    )


def lines(
    plans: Sequence[TaskPlan],
    checks: Mapping[str, CheckSettings],
    graders: Sequence[str],
    tariff: Tariff,
    stored: Callable[[ChatRequest], bool],
) -> list[ModelCost]:
    """What asking would cost: one line a model that answers, one a grader. What is stored already costs nothing."""
    by_model: dict[CandidateModel, list[Shadow]] = {}
    for shadow in (shadow for task in plans for shadow in task.fresh):
        if not stored(shadow.request):
            by_model.setdefault(shadow.asked, []).append(shadow)
    asked = [
        asking(model, "shadow", [s.request for s in own], [s.body.usage.output_tokens for s in own], tariff)
        for model, own in by_model.items()
    ]
    return [*asked, *(_grading(plans, grader, checks, tariff) for grader in graders)]


def _grading(plans: Sequence[TaskPlan], grader: str, checks: Mapping[str, CheckSettings], tariff: Tariff) -> ModelCost:
    pairs = [pair for task in plans for pair in _to_grade(task, grader, checks.get(task.promise.task), tariff)]
    return grading(grader, pairs, tariff)


def judged(pairs: Iterable[Pair], check: CheckSettings | None) -> bool:
    """Whether some of these pairs may be left to a judge."""
    return any(may_need_judge(pair, check) for pair in pairs)


def _to_grade(task: TaskPlan, grader: str, check: CheckSettings | None, tariff: Tariff) -> Iterable[tuple[int, Pair]]:
    """What checks may leave to a judge, and errors planted to test it; with the tokens still to be added to each."""
    open_ones = [shadow for shadow in task.fresh if may_need_judge(shadow.stand_in(), check)]
    if open_ones and grader not in task.promise.tested:
        yield from ((0, error.pair) for error in task.errors)
    yield from ((tariff.output_limit(shadow.request), shadow.stand_in()) for shadow in open_ones)


def _errors(promise: Promise, graders: Sequence[str]) -> tuple[Planted, ...]:
    """The answers of the run's own prompts beside grossly damaged ones, as the run planted them; for new graders only.

    Not the new traffic's: where the new model fails, its answers would be as bad as the damaged ones, and a grader that
    rightly sees no difference would seem blind. None where the run's log is gone.
    """
    if all(name in promise.tested for name in graders):
        return ()
    try:
        bodies = logs.bodies(promise.calls)
    except InputError:
        return ()
    return tuple(plant(list(_answered(bodies)), "gross", PLANTED, promise.seed))


def _answered(bodies: Iterable[Call]) -> Iterable[Answered]:
    for body in bodies:
        if body.answer is not None and body.answer.refusal is None:
            yield Answered(body.request or {}, body.answer)


def _obstacle(side: Side | None, key: bytes | None, promise: Promise) -> str | None:
    """Why a call cannot be watched: what the new model would answer to a prompt of the run is known from the run."""
    if side is None:
        return NEITHER
    return IN_THE_RUN if side == "former" and key in promise.sampled else None


def _sides(calls: Calls, promise: Promise, book: PriceBook) -> list[Side | None]:
    """Who answered each call: the new model, the former one, or neither."""
    names = ("response_model", "request_model", "reasoning_effort")
    columns = list(zip(*(calls.labels(name) for name in names), strict=True))
    known = {which: _side(which[:2], which[2], promise, book) for which in set(columns)}
    return [known[which] for which in columns]


def _side(names: Sequence[str | None], effort: str | None, promise: Promise, book: PriceBook) -> Side | None:
    """Who goes by these names, the surest first: as they are written, then as the price book knows them."""
    new = [promise.new.model] if promise.new.effort in (None, effort) else []
    for name in (name for name in names if name):
        for same in (_written_alike, _known_alike):
            if any(same(name, model, book) for model in new):
                return "new"
            if any(same(name, model, book) for model in promise.formers):
                return "former"
    return None


def _written_alike(one: str, other: str, book: PriceBook) -> bool:
    return one == other


def _known_alike(one: str, other: str, book: PriceBook) -> bool:
    mine, others = book.find(one), book.find(other)
    return mine is not None and others is not None and mine.id == others.id


def _in_order_of_time(calls: Calls, rows: Ints) -> Ints:
    """The rows, the earliest first; those without a time last."""
    chosen = calls.take(rows)
    table = pa.table({"time": chosen.column("start_time"), "key": chosen.column("prompt_key")})
    order = pc.sort_indices(table, sort_keys=[("time", "ascending"), ("key", "ascending")])
    return rows[np.asarray(order.to_numpy(), dtype=np.int64)]


def _shadows(
    drawn: Sequence[tuple[bytes, Call, Side]], promise: Promise, asking: Asking
) -> tuple[list[Shadow], Counter[str]]:
    """The prompts with the request that asks the other model, in the same order, and what was not sent as logged."""
    told: Counter[str] = Counter()
    found = []
    for key, body, side in drawn:
        other = promise.new if side == "former" else promise.former
        [request], adjusted = requests([_before(body, side, promise)], other, asking.models.get(other.model))
        told.update(f"{other.label()}: {what}" for what in adjusted)
        found.append(Shadow(key, body, side, other, request))
    return found, told


def _before(body: Call, side: Side, promise: Promise) -> Call:
    """The call without the effort that came with the switch, where the former model is asked."""
    if side == "former" or promise.new.effort is None or body.request is None:
        return body
    return replace(body, request={name: value for name, value in body.request.items() if name != "reasoning_effort"})
