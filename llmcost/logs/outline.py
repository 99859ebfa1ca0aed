"""What JSON is made of, without building it: how many values it has, and where the elements of an array end.

Whole blocks of bytes are looked at together, so that this costs a small part of what decoding does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt

BLOCK = 1 << 20
QUOTE, COMMA, OPENED, CLOSED = ord('"'), ord(","), ord("["), ord("]")
LONGEST_KEY = 64

_STEPS = np.zeros(256, np.int8)  # how much deeper it gets
_STEPS[[ord("["), ord("{")]] = 1
_STEPS[[ord("]"), ord("}")]] = -1
_MARKS = _STEPS.astype(bool)
_MARKS[[COMMA, QUOTE]] = True


class Outline:
    """Finds brackets and commas that are not in a text, in one block of bytes after the other."""

    def __init__(self) -> None:
        self._within = False  # a text
        self._escaped = False  # is the first byte of the next block

    def marks(self, block: bytes) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.uint8]]:
        """Where in the block they are, and which they are."""
        plain = (b" " + block[1:] if self._escaped else block).replace(b"\\\\", b"  ")
        self._escaped = plain.endswith(b"\\")
        found = np.frombuffer(plain.replace(b'\\"', b"  "), np.uint8)
        places = np.flatnonzero(_MARKS[found])
        marks = found[places]
        inside = np.logical_xor.accumulate(marks == QUOTE) ^ self._within
        self._within = bool(inside[-1]) if len(inside) else self._within
        outside = ~inside & (marks != QUOTE)
        return places[outside], marks[outside]


def values(text: bytes) -> int:
    """About how many values JSON holds."""
    outline = Outline()
    return sum(len(outline.marks(text[start : start + BLOCK])[0]) for start in range(0, len(text), BLOCK))


class Elements:
    """Cuts an array in its elements. None stands for one that is longer than `longest` bytes."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._outline = Outline()
        self._depth = 0
        self._pieces: list[bytes] = []
        self._size = 0
        self.ended = False

    def of(self, block: bytes) -> Iterator[bytes | None]:
        """The elements that end in this block; the first block begins with the array's bracket."""
        places, marks = self._outline.marks(block)
        depths = self._depth + np.cumsum(_STEPS[marks], dtype=np.int64)
        between, last = (marks == COMMA) & (depths == 1), (marks == CLOSED) & (depths == 0)
        start = 0 if self._depth or self.ended else 1
        self._depth = int(depths[-1]) if len(depths) else self._depth
        for end in places[between | last].tolist() if not self.ended else ():
            self._add(block[start:end])
            yield self.taken()
            start = end + 1
            if block[end] == CLOSED:
                self.ended = True
                break
        self._add(block[start:])

    def taken(self) -> bytes | None:
        """What stands behind the last comma, or behind the array."""
        whole = b"".join(self._pieces).strip() if self._size <= self._longest else None
        self._pieces, self._size = [], 0
        return whole

    def _add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= self._longest:
            self._pieces.append(piece)
        else:
            self._pieces.clear()


def array_in(head: bytes, keys: Collection[str]) -> int | None:
    """Where the array begins that a document is, or that stands in it under one of these keys; None for no such."""
    start = len(head) - len(head.lstrip())
    if head[start : start + 1] == b"[":
        return start
    places, marks = Outline().marks(head)
    depths = np.cumsum(_STEPS[marks], dtype=np.int64)
    opened = places[(marks == OPENED) & (depths == 2)].tolist()
    return next((place for place in opened if _key_before(head, place) in keys), None)


def _key_before(head: bytes, place: int) -> str | None:
    found = re.search(rb'"([^"\\]+)"\s*:\s*\Z', head[max(0, place - LONGEST_KEY) : place])
    return found and found[1].decode("utf-8", "replace")
