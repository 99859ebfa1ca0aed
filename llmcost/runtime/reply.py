"""What a caller gets: a reply, what is kept of it in a cache, and the router's counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from llmcost.answers import Answer, ToolCall, Usage
from llmcost.errors import EndpointError
from llmcost.serving import Attempt

Cached = Literal["exact", "near"]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request.

    model       the model that answered, by the name under which it was asked
    usage       the tokens that its answer took; of a cached one, those that it took when it was asked
    latency_ms  how long the caller waited
    cached      whether an earlier answer was used: to the same request, or to one that is nearly the same
    attempts    all that was asked for this reply, in order: what is paid for. Empty for a cached one
    """

    answer: Answer
    model: str
    usage: Usage
    latency_ms: float
    cached: Cached | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def text(self) -> str | None:
        """What was said; None if nothing was."""
        return self.answer.text

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tools that the model wants to be called."""
        return self.answer.tool_calls

    @property
    def refusal(self) -> str | None:
        """Why the model refused to answer, in its words; None if it did not, or did not use this field."""
        return self.answer.refusal

    @property
    def finish_reason(self) -> str | None:
        """Why the model stopped, as the endpoint says it."""
        return self.answer.finish_reason


class Kept(msgspec.Struct, frozen=True):
    """What a cache keeps of a reply, as JSON."""

    answer: Answer
    model: str
    usage: Usage


def kept(value: bytes) -> Kept | None:
    """What a cache kept; None if it is nothing of ours."""
    try:
        return msgspec.json.decode(value, type=Kept)
    except msgspec.DecodeError:
        return None


class BatchError(EndpointError):
    """Some requests of a batch got no answer; `replies` has what came of the others, and None in their places."""

    def __init__(self, message: str, hint: str | None, replies: list[Reply | None]) -> None:
        super().__init__(message, hint)
        self.replies = replies


@dataclass(slots=True)
class Stats:
    """What a router has done so far.

    calls           requests that were made
    hits_exact      answered from the cache, or by the same request that was under way (single flight)
    hits_near       answered from the cache of a request that is nearly the same
    escalated       for which more than one model of the cascade was asked
    fell_back       that the plan's fallback was asked, because nothing else gave an answer
    failed          that got no answer at all: the caller got an error
    cache_failures  times that the cache was asked and failed
    unlogged        lines that could not be written to the log
    """

    calls: int = 0
    hits_exact: int = 0
    hits_near: int = 0
    escalated: int = 0
    fell_back: int = 0
    failed: int = 0
    cache_failures: int = 0
    unlogged: int = 0
