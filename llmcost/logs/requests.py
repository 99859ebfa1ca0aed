"""Logged request bodies → a chat-completions request, the operation, and how much of the body is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llmcost.calls import BodyState
from llmcost.logs.responses_api import HISTORY, to_chat

Normalised = tuple[Mapping[str, Any] | None, str, BodyState]

LEGACY_ONLY = frozenset({"prompt", "echo", "best_of", "suffix", "logprobs"})
RESPONSES_ONLY = frozenset({"input", "instructions", "max_output_tokens", *HISTORY})
TRUNCATED = ("litellm_truncated", "[truncated]", "...(truncated")
REDACTED = frozenset(
    {"redacted", "[redacted]", "<redacted>", "redacted-by-litellm", "[hidden]", "***", "[filtered]", "__redacted__"}
)
LONGEST_MARKER = 40


def normalised(request: Mapping[str, Any] | None, embedding: bool = False) -> Normalised:
    """The chat request that asks the same, its operation, and the state of the body."""
    if embedding:
        return None, "embeddings", "unsupported"
    if not request:
        return None, "chat", "absent"
    if request.get("messages"):
        return _of_chat(request)
    if not RESPONSES_ONLY.isdisjoint(request):
        return _of_responses(request)
    if request.get("prompt") is not None:
        return _of_legacy(request)
    return None, "chat", "absent"


def state_of(messages: Sequence[Mapping[str, Any]]) -> BodyState:
    """Whether a logger cut or blacked out the text of these messages."""
    for message in messages:
        content = message.get("content")
        if (state := state_of_texts((content,) if isinstance(content, str) else _texts(content))) != "full":
            return state
    return "full"


def state_of_texts(texts: Iterable[str]) -> BodyState:
    """The same of texts."""
    for text in texts:
        if "truncated" in text and any(marker in text for marker in TRUNCATED):
            return "truncated"
        if len(text) <= LONGEST_MARKER and text.strip().casefold() in REDACTED:
            return "redacted"
    return "full"


def _texts(content: Any) -> list[str]:
    parts = content if isinstance(content, list) else ()
    return [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]


def _of_chat(request: Mapping[str, Any]) -> Normalised:
    messages = request["messages"]
    if not isinstance(messages, list) or not all(isinstance(item, dict) for item in messages):
        return None, "chat", "unsupported"
    return request, "chat", state_of(messages)


def _of_responses(request: Mapping[str, Any]) -> Normalised:
    if request.get("input") is None and not any(request.get(key) for key in HISTORY):
        return None, "responses", "absent"
    chat, state = to_chat(request)
    return chat, "responses", state if chat is None else state_of(chat["messages"])


def _of_legacy(request: Mapping[str, Any]) -> Normalised:
    prompt = request["prompt"]
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str) or request.get("suffix"):
        return None, "completion", "unsupported"
    messages = [{"role": "user", "content": prompt}]
    kept = {key: value for key, value in request.items() if key not in LEGACY_ONLY}
    return {**kept, "messages": messages}, "completion", state_of(messages)
