"""What is asked of an endpoint and what comes back, without a word of HTTP."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import msgspec

from llmcost.answers import Answer, Usage

Status = Literal["answered", "rejected", "unreachable"]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One chat-completions request as it goes on the wire; `body["model"]` names the model.

    `replicate` tells apart several askings of the same question (an incumbent asked again, say).
    """

    body: Mapping[str, Any]
    replicate: int = 0

    @property
    def model(self) -> str:
        """The model asked."""
        return str(self.body["model"])

    def key(self, base_url: str) -> bytes:
        """The 32-byte content address of this question at this endpoint: SHA-256 of the canonical JSON."""
        return hashlib.sha256(_canonical([base_url, self.replicate, self.body])).digest()

    def content(self) -> bytes:
        """The body as JSON, as it goes on the wire."""
        try:
            return msgspec.json.encode(self.body)
        except UnicodeEncodeError:  # a lone surrogate of the log, sent as it was logged: escaped
            return json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Completion:
    """What came of one request.

    answered      the model answered (perhaps with a refusal, or cut off: that is its answer)
    rejected      this model cannot take this request (too long, filtered, unsupported): its own failure
    unreachable   the network or the service failed after every retry: nobody's answer, excluded and reported; so is
                  the answer of another model than the one asked, which `served_model` names then

    `first_token`: what the answer's first token could have been, each with its log-probability, if that was asked for.
    `answer_sha256`: of an answer whose text was not kept; `answer` is None then.
    """

    model: str
    status: Status
    answer: Answer | None = None
    usage: Usage = Usage()
    latency_ms: float | None = None
    served_model: str | None = None
    error: str | None = None
    first_token: tuple[tuple[str, float], ...] = ()
    answer_sha256: str | None = None

    @property
    def substitute(self) -> str | None:
        """The other model that answered in the place of the one asked; None: no other did."""
        return self.served_model if self.status == "unreachable" else None


def _canonical(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value, order="deterministic")
    except UnicodeEncodeError:
        return json.dumps(value, sort_keys=True).encode()


class Ask(Protocol):
    """Puts requests to their endpoints within budget, durably, and returns completions in the same order."""

    async def __call__(self, requests: Sequence[ChatRequest], purpose: str) -> list[Completion]:
        """Completions parallel to `requests`; `purpose` ("replay", "grading") is the line of the bill."""
