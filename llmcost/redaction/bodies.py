"""Texts, request bodies and records of logs → the same with placeholders."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

from llmcost.prompts import ATTACHMENTS
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
CONTENTS = frozenset(("url", "uri", "data", "file_data", "file_id", "image_url", "file_url", "b64_json", "base64"))
DEEPEST = 100
MOST_ROUNDS = 8
FEW = 30  # values: so many are looked for one by one
LEAST_AGAIN, LONGEST_AGAIN = 6, 200  # letters
NEAR = 20  # spaces around a number
ATTACHED = "\0attached"
_BEGIN, _ALNUM = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]|[^\sA-Za-z0-9]"), re.compile(r"[A-Za-z0-9]")
_BEFORE, _AFTER = re.compile(r"[:\[,]\s*\Z"), re.compile(r"\s*[,\]}]")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?', re.DOTALL)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.$/-]{0,127}")
# Keys that say what stands under them: the text is read as `password: …` is.
_TELLING = re.compile(
    r"pass|pwd|secret|token|key|credential|auth|cookie|session|jwt|sig|otp|\bpin|cvv|cvc|phone|mobile|cell|tel|fax|sms|"
    r"whatsapp|msisdn|handy|movil|móvil|kennwort|contrase|clave|mdp|密|电话|手机|電話|هاتف|جوال|كلمة",
    re.IGNORECASE,
)


Find = Callable[[str], Iterable[Found]]
Give = Callable[[str, str], str]
Change = Callable[[str, str], str]


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
    return Hidden(hide_json(body, finder, known), known, _attachments(body.get("messages")))


def hide_text(text: str, finder: Finder, names: Names) -> str:
    """The text with placeholders. One that is JSON stays JSON, with its numbers and spaces as they were."""
    hidden: str = hide_json(text, finder, names)
    return hidden


def hide_json(value: Any, finder: Finder, names: Names) -> Any:
    """JSON with placeholders in its texts; the same object where nothing was found. What is too deep is left out.

    What was found in one place is hidden in all: what was called a password once is one wherever it stands.
    """
    given: dict[str, str] = {}

    def give(kind: str, found: str) -> str:
        if _unmistakable(found):
            given[found] = kind
        return names.placeholder(kind, found)

    for _ in range(MOST_ROUNDS):  # what stands beside a value may be one itself, once the value is gone
        before = value
        value = _changed(value, partial(_put, finder.find, give), "", 0)
        if value is before:
            break
        value = _changed(value, partial(_put, _standing_alone(given), give), "", 0)
    return value


def _standing_alone(kinds: Mapping[str, str]) -> Find:
    """Finds these values again, where they are no part of another word or number; value → kind."""
    beginnings = {value[:2] for value in kinds}
    lengths = sorted({len(value) for value in kinds}, reverse=True)

    def at(text: str, start: int) -> Found | None:
        ends = (start + length for length in lengths if text[start : start + length] in kinds)
        end = next((end for end in ends if not _goes_on(text, end)), None)
        return None if end is None else Found(start, end, kinds[text[start:end]])

    def find(text: str) -> Iterator[Found]:
        last = 0
        if len(kinds) <= FEW and not any(value in text for value in kinds):
            return
        for begin in _BEGIN.finditer(text):
            start = begin.start()
            if start >= last and text[start : start + 2] in beginnings and (found := at(text, start)) is not None:
                last = found.end
                yield found

    return find


def _goes_on(text: str, end: int) -> bool:
    return _ALNUM.match(text, end - 1) is not None and _ALNUM.match(text, end) is not None


def _unmistakable(value: str) -> bool:
    """Whether it means the same wherever it stands, as no word and no short number does."""
    return LEAST_AGAIN <= len(value) <= LONGEST_AGAIN and not value.isalpha()


def _changed(value: Any, change: Change, key: str, depth: int) -> Any:
    """JSON with its free texts changed, which stand under `key`; the same object where none was."""
    if isinstance(value, str):
        return value if key in NAMES_OF and _IDENTIFIER.fullmatch(value) else change(value, key)
    if not isinstance(value, Mapping | list | tuple):
        return value
    if depth > DEEPEST:
        return None
    if isinstance(value, Mapping):
        return _mapping(value, change, key, depth)
    items = [_changed(item, change, key, depth + 1) for item in value]
    return value if all(map(operator.is_, items, value)) else items


def _mapping(value: Mapping[str, Any], change: Change, key: str, depth: int) -> Mapping[str, Any]:
    kind = value.get("type")
    attached = key == ATTACHED or (isinstance(kind, str) and kind in ATTACHMENTS)  # a schema may name several types
    items = {}
    for name, item in value.items():
        under = ATTACHED if attached and isinstance(item, Mapping) else str(name)
        stays = isinstance(item, str) and (name in STRUCTURE or (attached and name in CONTENTS and not _prose(item)))
        items[_key(name, change)] = item if stays else _changed(item, change, under, depth + 1)
    same = all(map(operator.is_, items.values(), value.values())) and items.keys() == value.keys()
    return value if same else items


def _key(name: Any, change: Change) -> Any:
    """A key: it stays, unless it is no name of a field but a value itself, as in a table by address."""
    return name if not isinstance(name, str) or _IDENTIFIER.fullmatch(name) else change(name, "")


def _put(find: Find, give: Give, text: str, key: str) -> str:
    """The text, which stands under `key`, with placeholders for what is found."""
    found = _found(find, text, key)
    if not found:
        return text
    if not is_json(text):
        hidden = _replaced(text, found, give)
        return LITERAL.sub(_unbracketed, hidden) if key in NAMES_OF else hidden  # an API takes no brackets in a name
    bare = {value for value in found if _is_number(text, value)}
    if is_json(_replaced(text, found, lambda kind, value: kind, bare)):
        return _replaced(text, found, give, bare)
    return _string_by_string(find, give, text)


def _found(find: Find, text: str, key: str) -> list[Found]:
    """What is found in a text if it is read as `key: text`, should the key say something of it."""
    if not _TELLING.search(key):
        return list(find(text))
    said = len(key) + 2
    return [
        Found(max(0, value.start - said), value.end - said, value.kind)
        for value in find(f"{key}: {text}") if value.end > said
    ]  # fmt: skip


def _replaced(text: str, found: Iterable[Found], give: Give, bare: Set[Found] = frozenset()) -> str:
    """The text with what `give` gives for what is found; in quotes for the numbers of a JSON text (`bare`)."""
    pieces, last = list[str](), 0
    for value in found:
        name = give(value.kind, text[value.start : value.end])
        pieces += (text[last : value.start], f'"{name}"' if value in bare else name)
        last = value.end
    return "".join([*pieces, text[last:]])


def _is_number(text: str, value: Found) -> bool:
    """Whether it is a number of a JSON text, rather than digits in a string."""
    before, after = _BEFORE.search(text[max(0, value.start - NEAR) : value.start]), _AFTER.match(text, value.end)
    return before is not None and after is not None and text[value.start : value.end].isdigit()


def _string_by_string(find: Find, give: Give, text: str) -> str:
    """A JSON text with placeholders inside its strings alone: what was found reached from one into another."""
    key = ""

    def changed(match: re.Match[str]) -> str:
        nonlocal key
        inside = _replaced(match[1], _found(find, match[1], "" if match[2] else key), give)
        key = match[1] if match[2] else key
        return f'"{inside}"{match[2] or ""}'

    return _STRING.sub(changed, text)


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
    return sum(str(_of(part, "type")) in ATTACHMENTS for part in parts)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _of(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None
