"""The recorded compressor: leaves out sentences that bind nobody, longest first, and keeps the others word for word.

A sentence binds if it opens the text or an item of a list, if it holds a figure, a literal (an address, code, a
quotation) or a word of duty, negation or limit, or if it is no whole sentence. Whatever is left out, the ones that bind
stay: by them a shortened prompt is known again (`core`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from llmcost.serving.protected import facts, literals, requirements

_ITEM = re.compile(r"[ \t]*(?:[-*•]|\d+[.)])[ \t]+")
_MARK = re.compile(r"\s*(?:[-*•]|\d+[.)])(?:\s|\Z)")
_SENTENCE = re.compile(r"[^.!?]*(?:[.!?](?!\s|$)[^.!?]*)*[.!?]+(?=\s|$)\s*|.+")
_SPOKEN = re.compile(r"[.!?]\s*\Z")


def shortened(text: str, words: int) -> str:
    """The text in at most so many words, or as few as the sentences that bind have. JSON stays as it is."""
    if text.lstrip()[:1] in ("{", "["):
        return text
    lines = [_pieces(line) for line in text.split("\n")]
    too_many = len(text.split()) - words
    for _, y, x in sorted(_loose(lines)):
        if too_many <= 0:
            break
        too_many -= len(lines[y][x].split())
        lines[y][x] = ""
    return "\n".join(_joined(lines))


@lru_cache(maxsize=8_192)
def core(text: str) -> str:
    """The sentences that bind: the same for a text and for all that `shortened` makes of it."""
    return shortened(text, 0).strip()


def _pieces(line: str) -> list[str]:
    """The mark of a list item ("" if it is none), then sentence by sentence."""
    mark = _ITEM.match(line)
    start = mark.end() if mark else 0
    return [line[:start], *_SENTENCE.findall(line[start:])]


def _loose(lines: list[list[str]]) -> Iterator[tuple[int, int, int]]:
    """Line and place of each sentence that may go, after its length below 0."""
    for y, (mark, *said) in enumerate(lines):
        if any(_MARK.match(piece) for piece in said[1:]):
            continue  # without what stands before it, that would be an item of a list
        opens = bool(mark) or y == 0
        yield from ((-len(piece), y, x) for x, piece in enumerate(said, 1) if not ((opens and x == 1) or _binds(piece)))


def _joined(lines: list[list[str]]) -> Iterator[str]:
    """The lines; one of which all was left out is no line any more."""
    for mark, *said in lines:
        text = "".join(said)
        if text or not said:
            yield (mark + text).rstrip()


@lru_cache(maxsize=65_536)
def _binds(said: str) -> bool:
    whole = _SPOKEN.search(said) and not said[:1].islower()
    return not whole or bool(facts(said) or literals(said) or requirements(said))
