"""Texts, request bodies and records of logs → the same with placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from llmcost.redaction.finder import Finder
from llmcost.redaction.found import Found, is_json
from llmcost.redaction.names import LITERAL, Names

# What an API itself reads, and what tells records of a log apart: texts under these keys stay. (Not inside a text that
# is JSON itself: there the same words mean anything.)
STRUCTURE = frozenset((
    "model", "role", "type", "id", "object", "tool_call_id", "tool_use_id", "call_id", "format", "detail",
    "finish_reason", "stop_reason", "created", "created_at", "timestamp", "start_time", "end_time", "startTime",
    "endTime", "service_tier", "system_fingerprint", "provider", "media_type", "mime_type", "encoding", "effort",
    "reasoning_effort", "tool_choice", "$schema", "$ref", "trace_id", "span_id", "parent_span_id", "request_id",
    "traceId", "spanId", "parentSpanId", "response_id", "previous_response_id",
))  # fmt: skip
NAMES_OF = frozenset(("name", "names"))  # tools', which stay, or people's
ATTACHMENTS = frozenset((
    "image_url", "input_image", "image", "input_audio", "audio", "file", "input_file", "document", "video_url",
))  # fmt: skip
CONTENTS = frozenset(("url", "uri", "data", "file_data", "file_id", "image_url", "file_url", "b64_json", "base64"))
DEEPEST = 100
MOST_ROUNDS = 8
ATTACHED = "\0attached"
_NUMBER = re.compile(r"-?[0-9]+")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.$/-]{0,127}")
# Keys that say what stands under them: the text is read as `password: …` is.
_TELLING = re.compile(
    r"pass|pwd|secret|token|key|credential|auth|cookie|session|jwt|sig|otp|\bpin|cvv|cvc|phone|mobile|cell|tel|fax|sms|"
    r"whatsapp|msisdn|handy|movil|móvil|kennwort|contrase|clave|mdp|密|电话|手机|電話|هاتف|جوال|كلمة",
    re.IGNORECASE,
)


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
    return Hidden(hidden, known, _attachments(body.get("messages")))


def hide_text(text: str, finder: Finder, names: Names) -> str:
    """The text with placeholders. One that is JSON stays JSON, with its numbers and spaces as they were."""
    hidden = _replaced(text, finder.find(text), names)
    for _ in range(MOST_ROUNDS):  # what stood beside a value may be one itself, now that the value is gone
        if hidden is text or not (more := finder.find(hidden)):
            break
        text, hidden = hidden, _replaced(hidden, more, names)
    return hidden


def hide_json(value: Any, finder: Finder, names: Names) -> Any:
    """JSON with placeholders in its texts; the same object where nothing was found. What is too deep is left out."""
    return _hidden(value, finder, names, "", 0)


def _replaced(text: str, found: Sequence[Found], names: Names) -> str:
    if not found:
        return text
    pieces, last = list[str](), 0
    bare = _bare_numbers(text, found)
    for value in found:
        name = names.placeholder(value.kind, text[value.start : value.end])
        pieces += (text[last : value.start], f'"{name}"' if value in bare else name)
        last = value.end
    return "".join([*pieces, text[last:]])


def _bare_numbers(text: str, found: Sequence[Found]) -> Set[Found]:
    """Those that are numbers of a JSON text: what stands for one needs quotes, or the text is JSON no more."""
    if text.lstrip()[:1] not in ("{", "["):
        return frozenset()
    numbers = {
        value for value in found
        if _NUMBER.fullmatch(text, value.start, value.end)
        and text[: value.start].rstrip()[-1:] in (":", "[", ",") and text[value.end :].lstrip()[:1] in (",", "]", "}")
    }  # fmt: skip
    return numbers if numbers and is_json(text) else frozenset()


def _hidden(value: Any, finder: Finder, names: Names, key: str, depth: int) -> Any:
    if isinstance(value, str):
        return _text(value, finder, names, key)
    if isinstance(value, Mapping):
        return None if depth > DEEPEST else _mapping(value, finder, names, key, depth)
    if isinstance(value, list | tuple):
        if depth > DEEPEST:
            return None
        items = [_hidden(item, finder, names, key, depth + 1) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value


def _mapping(value: Mapping[str, Any], finder: Finder, names: Names, key: str, depth: int) -> Mapping[str, Any]:
    kind = value.get("type")
    attached = key == ATTACHED or (isinstance(kind, str) and kind in ATTACHMENTS)  # a schema may name several types
    items = {}
    for name, item in value.items():
        under = ATTACHED if attached and isinstance(item, Mapping) else str(name)
        stays = isinstance(item, str) and (name in STRUCTURE or (attached and name in CONTENTS and not _prose(item)))
        items[_key(name, finder, names)] = item if stays else _hidden(item, finder, names, under, depth + 1)
    same = all(new is old for new, old in zip(items.values(), value.values(), strict=True))
    return value if same and items.keys() == value.keys() else items


def _key(name: Any, finder: Finder, names: Names) -> Any:
    """A key: it stays, unless it is no name of a field but a value itself, as in a table by address."""
    return name if not isinstance(name, str) or _IDENTIFIER.fullmatch(name) else hide_text(name, finder, names)


def _text(text: str, finder: Finder, names: Names, key: str) -> str:
    if key in NAMES_OF:
        # A tool's stays, and an API takes no brackets in a person's.
        return text if _IDENTIFIER.fullmatch(text) else LITERAL.sub(_unbracketed, hide_text(text, finder, names))
    if not _TELLING.search(key) or "\n" in key:
        return hide_text(text, finder, names)
    said = f"{key}: "
    hidden = hide_text(f"{said}{text}", finder, names)
    if not hidden.startswith(said):  # something was found across both
        return hide_text(text, finder, names)
    return text if hidden[len(said) :] == text else hidden[len(said) :]


def _unbracketed(match: re.Match[str]) -> str:
    return match[0][1:-1]


def _prose(text: str) -> bool:
    """Whether it is for readers: contents and links hold no spaces."""
    return " " in text[:1_000] and not text.startswith("data:")


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
