"""What the table keeps of a call's text: sizes, a fingerprint of the answer, and the texts to be fingerprinted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import xxhash

from llmcost.answers import Answer, ToolCall
from llmcost.calls import Call
from llmcost.logs.values import count
from llmcost.prompts import single_turn, texts_of

MAX_OUTPUT = ("max_completion_tokens", "max_tokens", "max_output_tokens")


class Features(NamedTuple):
    """Of one call. The last two are texts, which are fingerprinted by the batch and then dropped.

    opening   the first prompt of a call without tools and system prompt: only its words say where it came from
    sketched  the prompt of a call of a single turn
    """

    max_output_tokens: int | None
    reasoning_effort: str | None
    messages: int | None
    prompt_bytes: int | None
    answer_bytes: int | None
    answer_key: bytes | None
    opening: str | None
    sketched: str | None


def features(call: Call) -> Features:
    """What is known of the call's text; None for what is not there."""
    request: Mapping[str, Any] = call.request or {}
    found = request.get("messages")
    messages = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    roles = [message.get("role") for message in messages]
    texts = ["".join(texts_of(message.get("content"))) for message in messages]
    tools = bool(request.get("tools") or request.get("functions"))
    return Features(
        next((found for name in MAX_OUTPUT if (found := count(request.get(name))) is not None), None),
        effort_of(request),
        len(roles) if roles else None,
        sum(map(utf8_length, texts)) if roles else None,
        *_answer_print(call.answer),
        texts[0] or None if roles and roles[0] == "user" and not tools else None,
        single_turn(roles, texts),
    )


def effort_of(request: Mapping[str, Any]) -> str | None:
    """The reasoning effort that a request asks for."""
    inner = request.get("reasoning")
    effort = request.get("reasoning_effort") or (inner.get("effort") if isinstance(inner, dict) else None)
    return effort if isinstance(effort, str) else None


def written(text: str | None, tool_calls: Sequence[ToolCall]) -> str | None:
    """What an answer says, as one text: its own, stripped, and its tool calls; None for one that says nothing."""
    if not tool_calls:
        return None if text is None else text.strip()
    return (text or "").strip() + "".join(f"\x00{call.name}\x00{call.arguments}" for call in tool_calls)


def _answer_print(answer: Answer | None) -> tuple[int | None, bytes | None]:
    """Size in bytes and fingerprint of an answer."""
    said = None if answer is None else written(answer.text, answer.tool_calls)
    if said is None:
        return None, None
    encoded = said.encode("utf-8", "replace")
    return len(encoded), xxhash.xxh3_128_digest(encoded)


def utf8_length(text: str) -> int:
    """Bytes of a text."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
