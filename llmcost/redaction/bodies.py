"""Texts, request bodies and records of logs → the same with placeholders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llmcost.redaction.finder import Finder
from llmcost.redaction.names import Names

# What an API itself reads, and what tells records of a log apart: texts under these keys stay. (Not inside a text that
# is JSON itself: there the same words mean anything.)
STRUCTURE = frozenset((
    "model", "role", "type", "id", "object", "name", "tool_call_id", "tool_use_id", "call_id", "format", "detail",
    "finish_reason", "stop_reason", "created", "created_at", "timestamp", "start_time", "end_time", "startTime",
    "endTime", "service_tier", "system_fingerprint", "provider", "media_type", "mime_type", "encoding", "effort",
    "reasoning_effort", "tool_choice", "$schema", "$ref", "trace_id", "span_id", "parent_span_id", "request_id",
    "traceId", "spanId", "parentSpanId", "response_id", "previous_response_id",
))  # fmt: skip
ATTACHMENTS = frozenset((
    "image_url", "input_image", "image", "input_audio", "audio", "file", "input_file", "document", "video_url",
))  # fmt: skip
DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Hidden:
    """A request body with placeholders, and what they stand for; the body itself where nothing was found.

    unseen  its pictures, sounds and files, which nobody has looked into
    """

    body: Mapping[str, Any]
    names: Names
    unseen: int = 0


def hide(body: Mapping[str, Any], finder: Finder, names: Names | None = None) -> Hidden:
    """The body with placeholders in all of its free texts: messages, tools' arguments, results and descriptions.

    Roles, types, models, ids and names of tools stay, as do pictures. Numbers follow the order of the body, so that the
    same body always gets the same placeholders.
    """
    known = Names() if names is None else names
    _reserve(body, known, 0)
    hidden = hide_json(body, finder, known)
    return Hidden(hidden if known.values else body, known, _attachments(body.get("messages")))


def hide_text(text: str, finder: Finder, names: Names) -> str:
    """The text with placeholders. One that is JSON stays JSON, with its numbers and spaces as they were."""
    found = finder.find(text)
    if not found:
        return text
    pieces, last = [], 0
    for value in found:
        pieces += [text[last : value.start], names.placeholder(value.kind, text[value.start : value.end])]
        last = value.end
    return "".join([*pieces, text[last:]])


def hide_json(value: Any, finder: Finder, names: Names) -> Any:
    """JSON with placeholders in its texts. What is too deep is left out."""
    return _hidden(value, finder, names, 0)


def _hidden(value: Any, finder: Finder, names: Names, depth: int) -> Any:
    if isinstance(value, str):
        return hide_text(value, finder, names)
    if depth > DEEPEST:
        return None
    if isinstance(value, Mapping):
        if isinstance(kind := value.get("type"), str) and kind in ATTACHMENTS:  # a schema may name several types
            return value
        return {
            key: item if key in STRUCTURE and isinstance(item, str) else _hidden(item, finder, names, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_hidden(item, finder, names, depth + 1) for item in value]
    return value


def _reserve(value: Any, names: Names, depth: int) -> None:
    """Placeholders that the body holds already are not given again."""
    for text in _texts(value, depth):
        names.reserve(text)


def _texts(value: Any, depth: int) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif depth <= DEEPEST and isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item, depth + 1)


def _attachments(messages: Any) -> int:
    parts = [part for message in _listed(messages) for part in _listed(_of(message, "content"))]
    return sum(_of(part, "type") in ATTACHMENTS for part in parts)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _of(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None
