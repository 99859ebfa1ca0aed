"""Prompts as a provider's cache sees them, and where two of them part.

Every provider puts tools first, then the system prompt, then the messages, and compares from the first byte on:
Anthropic's documentation says so, and OpenAI puts tools and the schema of the answer before the system prompt. Of the
markup between the parts a request says nothing, so only texts are counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from llmcost.call_site import volatile
from llmcost.logs.features import utf8_length
from llmcost.prompts import SYSTEM_ROLES

WINDOW = 512  # characters looked at on either side of a difference
MOST_STEPS = 64  # volatile spans skipped in one part of a prompt
LEAST_TAIL = 64  # characters that a part must end alike for what differs before them to be skipped
TEXT = "text"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a prompt, in order.

    place  in the user's words      mark  what has to be the same besides the text: a role, a picture
    fixed  written by the developer: tools and system prompt      said  text of a message, not of a tool or its call
    """

    place: str
    mark: str
    text: str
    fixed: bool
    said: bool


@dataclass(frozen=True, slots=True)
class Break:
    """Where two prompts part: the place, and what stands there, from its beginning.

    byte        of the whole prompt, from 0      byte_in_place, character  of the part, from 0
    kind        time, id, name, number, url, email, or text for what no pattern knows
    """

    place: str
    byte: int
    byte_in_place: int
    character: int
    kind: str


@dataclass(frozen=True, slots=True)
class Alignment:
    """What two prompts have in common, in bytes.

    shared  before the first difference      static  also behind what a program filled in differently
    at      the first difference; None if one of them only goes on
    """

    shared: int
    static: int
    at: Break | None


def parts(request: Mapping[str, Any]) -> list[Part]:
    """The prompt of a request, in the order in which a provider caches it."""
    found = [Part(f"tool {n}", "tool", _json(tool), True, False) for n, tool in enumerate(_tools(request), 1)]
    schema = request.get("response_format")
    if isinstance(schema, Mapping) and "json_schema" in schema:
        found.append(Part("schema of the answer", "schema", _json(schema), True, False))
    return [*found, *_messages(request)]


def size(prompt: Sequence[Part]) -> int:
    """Bytes of a prompt's texts."""
    return sum(utf8_length(part.text) for part in prompt)


def align(one: Sequence[Part], two: Sequence[Part]) -> Alignment:
    """How far two prompts agree, from the first byte on."""
    static, at = 0, None
    for a, b in zip(one, two, strict=False):
        if a.mark != b.mark:
            at = at or Break(a.place, static, 0, 0, TEXT)
            break
        if a.text == b.text:
            static += utf8_length(a.text)
            continue
        same, first, kind, to_the_end = _walk(a, b)
        if at is None:
            here = utf8_length(a.text[:first])
            at = Break(a.place, static + here, here, first, kind)
        static += same
        if not to_the_end:
            break
    return Alignment(static if at is None else at.byte, static, at)


def _walk(a: Part, b: Part) -> tuple[int, int, str, bool]:
    """Of two parts: bytes in common, the character where they first differ, what stands there, whether the end came."""
    i = j = same = 0
    first, found = -1, TEXT
    for _ in range(MOST_STEPS):
        run = _common(a.text, i, b.text, j)
        if i + run == len(a.text) and j + run == len(b.text):
            return same + utf8_length(a.text[i:]), first, found, True
        span = _filled_in(a.text, i, i + run, b.text, j, j + run)
        if span is None:
            break
        before, end_a, end_b, kind = span
        if first < 0:
            first, found = i + before, kind
        same += utf8_length(a.text[i : i + before])
        i, j = end_a, end_b
    run = _common(a.text, i, b.text, j)
    first = first if first >= 0 else i + run
    tail = _common(a.text[i + run :][::-1], 0, b.text[j + run :][::-1], 0) if a.fixed else 0
    tail = tail if tail >= LEAST_TAIL else 0
    return same + utf8_length(a.text[i : i + run]) + utf8_length(a.text[len(a.text) - tail :]), first, found, tail > 0


def _filled_in(a: str, i: int, at_a: int, b: str, j: int, at_b: int) -> tuple[int, int, int, str] | None:
    """What a program filled in where the texts part: characters before it from `i`, its ends in both, its kind.

    It has to begin at the same place in both; that the texts are equal up to there is known from `i` and `j` on.
    """
    for spans in (_volatile, _digits):
        for start_a, end_a, kind in spans(a, at_a):
            for start_b, end_b, _ in spans(b, at_b):
                before = max(start_a - i, 0)
                if before == max(start_b - j, 0) and (end_a > at_a or end_b > at_b):
                    return before, end_a, end_b, kind
    return None


def _volatile(text: str, at: int) -> list[tuple[int, int, str]]:
    """The spans that a program filled in and that hold or touch this place."""
    left = max(at - WINDOW, 0)
    spans = volatile(text[left : at + WINDOW])
    return [(left + start, left + end, kind) for start, end, kind in spans if start <= at - left <= end]


def _digits(text: str, at: int) -> list[tuple[int, int, str]]:
    """The digits around this place: a number too short to be known for one, were it not that it changed."""
    start = end = at
    while start > 0 and text[start - 1].isdigit():
        start -= 1
    while end < len(text) and text[end].isdigit():
        end += 1
    return [(start, end, "number")] if end > start else []


def _common(a: str, i: int, b: str, j: int) -> int:
    """Characters that the texts have in common from these places on, found by comparing ever larger pieces."""
    most = min(len(a) - i, len(b) - j)
    low, step = 0, 64
    while low < most and a[i + low : i + min(low + step, most)] == b[j + low : j + min(low + step, most)]:
        low, step = min(low + step, most), step * 2
    high = min(low + step, most)
    while low < high:
        middle = (low + high + 1) // 2
        if a[i + low : i + middle] == b[j + low : j + middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _tools(request: Mapping[str, Any]) -> list[Any]:
    declared = request.get("tools") or request.get("functions")
    return list(declared) if isinstance(declared, list | tuple) else []


def _messages(request: Mapping[str, Any]) -> Iterator[Part]:
    messages = request.get("messages")
    seen: set[str] = set()
    for number, message in enumerate(messages if isinstance(messages, list | tuple) else (), 1):
        if not isinstance(message, Mapping):
            continue
        role = "system" if message.get("role") in SYSTEM_ROLES else str(message.get("role"))
        place = _place(role, number, role not in seen, bool(seen - {"system"}))
        seen.add(role)
        for mark, text, said in _contents(message):
            yield Part(place, role + mark, text, role == "system", said)


def _place(role: str, number: int, first: bool, talking: bool) -> str:
    if role == "system" and first and not talking:
        return "system prompt"
    return "first user message" if role == "user" and first else f"message {number} ({role})"


def _contents(message: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """(what is not text, text, whether it was said) of every piece of a message."""
    content = message.get("content")
    pieces = content if isinstance(content, list | tuple) else () if content is None else (content,)
    for is_text, run in groupby(pieces, lambda piece: _text(piece) is not None):
        if is_text:
            yield "", "".join(_text(piece) or "" for piece in run), True
        else:
            yield from ((_json(piece), "", False) for piece in run)
    calls = message.get("tool_calls")
    if isinstance(calls, list | tuple):
        yield from (("", _json(call), False) for call in calls)


def _text(piece: object) -> str | None:
    text = piece.get("text") if isinstance(piece, Mapping) else piece
    return text if isinstance(text, str) else None


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (RecursionError, TypeError, ValueError):
        return ""
