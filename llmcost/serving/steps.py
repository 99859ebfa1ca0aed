"""Steps: an answer that takes more than one question, written once and driven by whoever can ask.

A generator yields the questions that may be asked at once, and is sent their completions, in order. So the same steps
run in a replay (asked through the runner, within its budget), in a service (async) and in a script (blocking).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from llmcost.endpoint.messages import ChatRequest, Completion

T = TypeVar("T")
Role = Literal["answer", "grader", "compressor"]


@dataclass(frozen=True, slots=True)
class Question:
    """Something to ask, and what for."""

    role: Role
    request: ChatRequest


Steps: TypeAlias = Generator[list[Question], list[Completion], T]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A question that was asked on the way to an answer, and what came back.

    share  of it that this request has to bear: one k-th of a question that was asked for k requests at once
    """

    role: Role
    request: ChatRequest
    completion: Completion
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Served:
    """What became of a request.

    completion  the answer as the caller gets it; its usage is that of the answering model alone
    attempts    all that was asked for it, in order, itself included: what is paid for
    latency_ms  how long the caller waited, all rounds one after the other; None: not known of one of them
    """

    completion: Completion
    attempts: tuple[Attempt, ...]
    latency_ms: float | None


def plainly(request: ChatRequest, completion: Completion) -> Served:
    """What was answered at once."""
    return Served(completion, (Attempt("answer", request, completion),), completion.latency_ms)


def gather(running: Sequence[Steps[T]]) -> Steps[list[T]]:
    """All of these at once: what they wait for is asked together, round by round. Results in order."""
    results: dict[int, T] = {}
    waiting: dict[int, list[Question]] = {}

    def advance(place: int, completions: list[Completion] | None) -> None:
        try:
            steps = running[place]
            waiting[place] = next(steps) if completions is None else steps.send(completions)
        except StopIteration as stop:
            waiting.pop(place, None)
            results[place] = stop.value

    for place in range(len(running)):
        advance(place, None)
    while waiting:
        places = sorted(waiting)
        completions = iter((yield [question for place in places for question in waiting[place]]))
        for place in places:
            advance(place, [next(completions) for _ in waiting[place]])
    return [results[place] for place in range(len(running))]


async def ask_together(steps: Steps[T], ask: Callable[[list[ChatRequest]], Awaitable[list[Completion]]]) -> T:
    """The result of these steps, their questions put by `ask`."""
    try:
        questions = next(steps)
        while True:
            questions = steps.send(await ask([question.request for question in questions]))
    except StopIteration as stop:
        result: T = stop.value
        return result


def ask_now(steps: Steps[T], ask: Callable[[list[ChatRequest]], list[Completion]]) -> T:
    """The result of these steps, for callers that wait."""
    try:
        questions = next(steps)
        while True:
            questions = steps.send(ask([question.request for question in questions]))
    except StopIteration as stop:
        result: T = stop.value
        return result


def waited(rounds: Sequence[Sequence[Completion]]) -> float | None:
    """Milliseconds of rounds that follow each other; each lasts as long as its slowest. None: one is not known."""
    slowest = [max((c.latency_ms for c in asked if c.latency_ms is not None), default=None) for asked in rounds]
    unknown = any(completion.latency_ms is None for asked in rounds for completion in asked)
    return None if unknown else sum(ms for ms in slowest if ms is not None)
