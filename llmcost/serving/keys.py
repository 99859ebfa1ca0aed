"""Cache keys: which requests are the same, and which are the same but for the words of their question.

What shapes an answer is told by `llmcost.fingerprints` in one place, for the logs too: two requests that share a key
here share the prompt key by which a simulated cache finds them in a log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from llmcost.fingerprints import canonical, shaping
from llmcost.prompts import single_turn, texts_of
from llmcost.serving.plan import TaskPlan

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wording:
    """A request apart from the words of its question, and those.

    rest  32 bytes: SHA-256 of all that must be the same for one request's answer to serve the other
    text  the question
    size  of all messages, in bytes of UTF-8
    """

    rest: bytes
    text: str
    size: int


class Keys:
    """Keys of one task's requests. Those of another task, plan, endpoint or scope are never equal to them."""

    def __init__(self, base_url: str, plan: TaskPlan) -> None:
        answering = msgspec.structs.replace(plan, caching=None, predicted=None)
        self._where = [base_url, msgspec.to_builtins(answering)]
        self._mapped = bool(plan.tiers)

    def exact(self, request: Body, scope: str | None) -> bytes:
        """32 bytes: SHA-256 of all that shapes the answer, and of who may see it; None: everybody."""
        return self._digest("exact", request, scope)

    def wording(self, request: Body, scope: str | None) -> Wording | None:
        """The request apart from its question; None unless it is a short question of a single turn."""
        messages = request.get("messages")
        if not isinstance(messages, list) or not all(isinstance(message, Mapping) for message in messages):
            return None
        texts = ["".join(texts_of(message.get("content"))) for message in messages]
        text = single_turn([message.get("role") for message in messages], texts)
        if text is None:
            return None
        silent = {**request, "messages": [*messages[:-1], _without_words(messages[-1])]}
        size = sum(len(said.encode("utf-8", "replace")) for said in texts)
        return Wording(self._digest("wording", silent, scope), text, size)

    def _digest(self, kind: str, request: Body, scope: str | None) -> bytes:
        model = None if self._mapped else request.get("model")  # a plan's models stand for the one asked for
        head = canonical([kind, *self._where, model, scope or None])
        return hashlib.sha256(head + b"\n" + shaping(request)).digest()  # JSON holds no bare line feed


def _without_words(message: Body) -> Body:
    content = message.get("content")
    if not isinstance(content, list):
        return {**message, "content": ""}
    return {
        **message,
        "content": [{**part, "text": ""} if isinstance(part, Mapping) and "text" in part else part for part in content],
    }
