"""A text as detectors read it: what is written in code is resolved, and what cannot be seen is gone.

JSON's and HTML's escapes, percent signs of URLs, soft line breaks of mails, letters of no width; wide letters, foreign
digits, hyphens and spaces of all kinds become the plain ones. `Reading.span` leads back to the places in the text, and
never into the middle of an escape.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

LEAST_LINE = 60  # letters
_UNSEEN = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff"
_CODED = re.compile(
    r"\\{1,8}(?:u[0-9a-fA-F]{4}|[nrtbf\"/])"
    r"|%[2-7][0-9A-Fa-f]"
    r"|&(?:#[0-9]{2,4}|#[xX][0-9A-Fa-f]{2,3}|commat|lt|gt|amp|quot|apos|nbsp|period|plus);"
    rf"|=\r?\n|[{_UNSEEN}]"
)
_MAY_BE_CODED = ("\\", "%", "&", "=\n", "=\r")
_ODD = re.compile(r"[^\x00-\x7f\u00a1-\u024f]")  # neither plain nor a letter of Europe's languages
_WHITE = {"n": "\n", "r": "\r", "t": "\t", "b": " ", "f": " "}


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as it is read, and where its letters stand in what was written.

    plain    the text that detectors look at
    read     places of `plain` from which on letters have moved; empty if none has
    written  the places of the original that belong to them
    """

    plain: str
    read: tuple[int, ...] = ()
    written: tuple[int, ...] = ()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of `plain` stands in the original, with the whole of what its last letter was coded in."""
        return (start, end) if not self.read else (self._place(start), self._end(end - 1))

    def _place(self, at: int) -> int:
        step = bisect_right(self.read, at) - 1
        return at if step < 0 else self.written[step] + at - self.read[step]

    def _end(self, last: int) -> int:
        """After the letter at `last`: where what comes next is not what belongs to the next letter, up to there."""
        step = bisect_right(self.read, last) - 1
        coded = step >= 0 and self.read[step] == last and step + 1 < len(self.read) and self.read[step + 1] == last + 1
        return self.written[step + 1] if coded else self._place(last) + 1


def read(text: str) -> Reading:
    """The text as it is read."""
    even = text if text.isascii() or not _ODD.search(text) else text.translate(_plain_letters())
    if even.isascii() and not any(sign in even for sign in _MAY_BE_CODED):
        return Reading(even)
    codes = [code for code in _CODED.finditer(even) if code[0][0] != "=" or _is_soft(even, code.start())]
    return _resolved(even, codes) if codes else Reading(even)


def _resolved(text: str, codes: list[re.Match[str]]) -> Reading:
    pieces, read, written = list[str](), list[int](), list[int]()
    length = last = 0
    for code in codes:
        meant = _meant(code[0])
        pieces += (text[last : code.start()], meant)
        length += code.start() - last
        if meant:
            read.append(length)
            written.append(code.start())
            length += 1
        read.append(length)
        written.append(code.end())
        last = code.end()
    return Reading("".join([*pieces, text[last:]]), tuple(read), tuple(written))


def _is_soft(text: str, at: int) -> bool:
    """Whether a line was broken here to make it shorter: after an = at its end, which base64 has, too."""
    return text[at - 1 : at] != "=" and "\n" not in text[max(0, at - LEAST_LINE) : at] and at >= LEAST_LINE


def _meant(code: str) -> str:
    """The one letter that is coded; none for what cannot be seen."""
    if code[0] == "\\":
        said = code.lstrip("\\")
        return chr(int(said[1:], 16)) if said[0] == "u" else _WHITE.get(said, said)
    if code[0] == "%":
        return chr(int(code[1:], 16))
    if code[0] == "&":
        return html.unescape(code).replace("\u00a0", " ")[:1]
    return ""


@cache
def _plain_letters() -> Mapping[int, str]:
    """Letter → its plain form: one for one, so that places stay."""
    wide = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    hyphens = dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63), "-")
    spaces = dict.fromkeys((0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " ")
    digits = {code: str(unicodedata.digit(chr(code))) for code in range(0x660, 0xFF00) if _is_digit(chr(code))}
    quotes = {0x2019: "'", 0x201C: '"', 0x201D: '"', 0x3002: "\u3002"}
    return {**digits, **wide, **hyphens, **spaces, **quotes}


def _is_digit(letter: str) -> bool:
    return letter.isdecimal()
