"""What the table keeps of a call's text: sizes, a fingerprint of the answer, and the texts to be fingerprinted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import xxhash

from llmcost.calls import Answer, Call
from llmcost.logs.values import count

SYSTEM_ROLES = ("system", "developer")
MAX_OUTPUT = ("max_completion_tokens", "max_tokens", "max_output_tokens")
LONGEST_SKETCHED = 4096  # characters: what is longer is a document, and hardly asked twice in other words


class Features(NamedTuple):
    """Of one call. `opening` and `sketched` are texts: they are fingerprinted by the batch and then dropped."""

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
    texts = ["".join(_texts(message.get("content"))) for message in messages]
    limit = next((found for name in MAX_OUTPUT if (found := count(request.get(name))) is not None), None)
    size, key = answer_print(call.answer)
    return Features(
        limit,
        effort_of(request),
        len(messages) if messages else None,
        sum(map(utf8_length, texts)) if messages else None,
        size,
        key,
        _opening(request, messages, texts),
        _sketched(messages, texts),
    )


def effort_of(request: Mapping[str, Any]) -> str | None:
    """The reasoning effort that a request asks for."""
    inner = request.get("reasoning")
    effort = request.get("reasoning_effort") or (inner.get("effort") if isinstance(inner, dict) else None)
    return effort if isinstance(effort, str) else None


def answer_print(answer: Answer | None) -> tuple[int | None, bytes | None]:
    """Size in bytes and fingerprint of an answer; None for none, and for one that says nothing."""
    if answer is None or (answer.text is None and not answer.tool_calls):
        return None, None
    text = (answer.text or "").strip()
    called = "".join(f"\x00{tool.name}\x00{tool.arguments}" for tool in answer.tool_calls)
    written = (text + called).encode("utf-8", "replace")
    return len(written), xxhash.xxh3_128_digest(written)


def utf8_length(text: str) -> int:
    """Bytes of a text."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _opening(request: Mapping[str, Any], messages: Sequence[Mapping[str, Any]], texts: Sequence[str]) -> str | None:
    """The first prompt of a call without tools and without a system prompt: only its words say where it came from."""
    if not messages or request.get("tools") or request.get("functions") or messages[0].get("role") != "user":
        return None
    return texts[0] or None


def _sketched(messages: Sequence[Mapping[str, Any]], texts: Sequence[str]) -> str | None:
    """The prompt of a call of a single turn, if it is short enough to be asked again in other words."""
    asked = [index for index, message in enumerate(messages) if message.get("role") not in SYSTEM_ROLES]
    if len(asked) != 1 or messages[asked[0]].get("role") != "user" or len(texts[asked[0]]) > LONGEST_SKETCHED:
        return None
    return texts[asked[0]] or None


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, dict) and isinstance(part.get("text"), str):
                yield part["text"]
