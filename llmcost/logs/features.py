"""What the table keeps of a call's text: sizes, a fingerprint of the answer, and the texts to be fingerprinted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import xxhash

from llmcost.answers import Answer, ToolCall
from llmcost.calls import Call
from llmcost.logs.values import count

SYSTEM_ROLES = ("system", "developer")
MAX_OUTPUT = ("max_completion_tokens", "max_tokens", "max_output_tokens")
LONGEST_SKETCHED = 512  # characters: what is longer is a document, and hardly asked twice in other words


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
        _sketched(roles, texts),
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


def _sketched(roles: Sequence[Any], texts: Sequence[str]) -> str | None:
    """The prompt of a call of a single turn, if it is short enough to be asked again in other words."""
    if not roles or roles[-1] != "user" or len(texts[-1]) > LONGEST_SKETCHED:
        return None
    alone = len(roles) == 1 or all(role in SYSTEM_ROLES for role in roles[:-1])
    return texts[-1] or None if alone else None


def texts_of(content: object) -> Iterator[str]:
    """The texts of a message's content: itself, or those of its parts."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, dict) and isinstance(part.get("text"), str):
                yield part["text"]
