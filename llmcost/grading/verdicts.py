"""What a judge's reply decides, whatever of the answers it quotes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from llmcost.serving.reading import objects_at

Winner = Literal["A", "B", "tie"]


def parse_verdict(text: str | None, prompt: str = "") -> Winner | None:
    """The verdict of a judge's reply, read strictly, then leniently; None if there is none, or if it is not clear.

    A reply that is one JSON object says its own verdict. In any other, what stands in the `prompt`, too, is a quotation
    unless it ends the reply on a line of its own; of verdicts that differ, the one that ends the reply is its own.
    """
    if text is None:
        return None
    spoken = _THOUGHT.sub("", text)
    strict = _whole(text) or _whole(spoken)
    if strict is not None:
        return strict
    quotable = _unspaced(prompt)
    said = [
        item for item in _statements(spoken) if item.alone or _unspaced(spoken[item.start : item.end]) not in quotable
    ]
    return _own(spoken, said)


@dataclass(frozen=True, slots=True)
class _Statement:
    """A verdict found in a reply, and where; `alone`: it ends the reply, on a line of its own or as its last field."""

    winner: Winner
    start: int
    end: int
    alone: bool


_THOUGHT = re.compile(r"\A\s*<think>.*?(?:</think>|\Z)", re.DOTALL)
_FIELD = re.compile(r'(?<!\\)"verdict"\s*:\s*"([^"\\]{1,40})"(?=\s*(?:[,}\n]|\Z))', re.IGNORECASE)
_LINE = re.compile(
    r"^[^\w\n]*(?:final )?verdict[^\w\n]*[:=][^\w\n]*([^\n]{1,40}?)[^\w\n]*$", re.IGNORECASE | re.MULTILINE
)
_CLOSING = re.compile(r"[\s}\].*_`]*")  # what may follow the last word of a reply
_WORDS: dict[str, Winner] = {
    "a": "A",
    "answer a": "A",
    "answer_a": "A",
    "a is better": "A",
    "b": "B",
    "answer b": "B",
    "answer_b": "B",
    "b is better": "B",
    "tie": "tie",
    "tied": "tie",
    "draw": "tie",
    "equal": "tie",
    "neither": "tie",
    "both": "tie",
    "no material difference": "tie",
}


def _winner(value: object) -> Winner | None:
    word = value[0] if isinstance(value, list) and len(value) == 1 else value
    return _WORDS.get(word.strip().strip("*_.\"'[]()").lower()) if isinstance(word, str) else None


def _whole(text: str) -> Winner | None:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
    return _winner(value.get("verdict")) if isinstance(value, dict) else None


def _statements(text: str) -> list[_Statement]:
    """The verdicts of a reply in order: of its objects, and of fields and lines that stand in none of them."""
    found, read = list[_Statement](), list(objects_at(text))
    for value, start, end in read:
        winner = _winner({key.lower(): item for key, item in value.items()}.get("verdict"))
        if winner is not None:
            found.append(_Statement(winner, start, end, _ends(text, end) and _begins_line(text, start)))
    for match in (*_FIELD.finditer(text), *_LINE.finditer(text)):
        start, end, winner = match.start(), match.end(), _winner(match[1])
        if winner is not None and not any(first <= match.start(1) < last for _, first, last in read):
            alone = _ends(text, end) and (match.re is _LINE or "}" in text[end:])
            found.append(_Statement(winner, start, end, alone))
    return sorted(found, key=lambda statement: statement.end)


def _ends(text: str, position: int) -> bool:
    return _CLOSING.fullmatch(text, position) is not None


def _begins_line(text: str, position: int) -> bool:
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return not line.rpartition("</think>")[2].strip(" \t*`#>")


def _own(text: str, said: Sequence[_Statement]) -> Winner | None:
    """The verdict on which all agree, else the one that ends the reply, if the reply did not begin with another."""
    if len({statement.winner for statement in said}) == 1:
        return said[0].winner
    begun = not said or not text[: said[0].start].strip()
    return None if begun or not _ends(text, said[-1].end) else said[-1].winner


def _unspaced(text: str) -> str:
    return "".join(text.split())
