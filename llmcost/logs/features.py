"""What the table keeps of a call's text: sizes, a fingerprint of the answer, and the texts to be fingerprinted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import xxhash

from llmcost.calls import Answer, Call, ToolCall
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
    limit = limit_of(request.get(name) for name in MAX_OUTPUT)
    return features_of(limit, effort_of(request), roles, texts, tools, answer_print(*_said(call.answer)))


def _said(answer: Answer | None) -> tuple[str | None, Sequence[ToolCall]]:
    return (None, ()) if answer is None else (answer.text, answer.tool_calls)


def features_of(
    limit: int | None,
    effort: str | None,
    roles: Sequence[Any],
    texts: Sequence[str],
    tools: bool,
    answer: tuple[int | None, bytes | None],
) -> Features:
    """The same of the roles and texts of a request's messages."""
    return Features(
        limit,
        effort,
        len(roles) if roles else None,
        sum(map(utf8_length, texts)) if roles else None,
        *answer,
        texts[0] or None if roles and roles[0] == "user" and not tools else None,
        _sketched(roles, texts),
    )


def limit_of(limits: Iterable[Any]) -> int | None:
    """The first of these limits of an answer's tokens that is a count."""
    return next((found for limit in limits if (found := count(limit)) is not None), None)


def effort_of(request: Mapping[str, Any]) -> str | None:
    """The reasoning effort that a request asks for."""
    inner = request.get("reasoning")
    effort = request.get("reasoning_effort") or (inner.get("effort") if isinstance(inner, dict) else None)
    return effort if isinstance(effort, str) else None


def answer_print(text: str | None, tool_calls: Sequence[ToolCall]) -> tuple[int | None, bytes | None]:
    """Size in bytes and fingerprint of an answer; None for one that says nothing."""
    if text is None and not tool_calls:
        return None, None
    written = (text or "").strip()
    for call in tool_calls:
        written += f"\x00{call.name}\x00{call.arguments}"
    encoded = written.encode("utf-8", "replace")
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
