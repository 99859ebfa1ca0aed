"""Contents of messages as the JSON that a log holds: measured and hashed as they stand, decoded only where one is read.

Most of a log is texts that nobody has to look into. A JSON string without the escapes that have another spelling
(\\u00e9 and \\/) is spelled as this project would spell it, so that its very bytes can be hashed, and its size is their
number without the quotes and without the backslashes that begin an escape.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Raw

from llmcost.fingerprints import canonical
from llmcost.logs.features import utf8_length
from llmcost.logs.requests import LONGEST_MARKER, state_of_texts
from llmcost.prompts import texts_of

Ints = npt.NDArray[np.int64]

_decode, _encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
NULL = Raw(b"null")
QUOTE, BACKSLASH = ord('"'), ord("\\")
SPELLED_OTHERWISE = np.isin(np.arange(256), [ord("u"), ord("/")])
MOST_BYTES = 4  # of a character
CUT = b"runcated"  # in every mark of a logger that cuts texts


class Contents:
    """The contents of some messages.

    sizes  bytes of the text of each
    """

    def __init__(self, raws: Sequence[Raw | None]) -> None:
        self._raws = [NULL if raw is None else raw for raw in raws]
        joined = b"".join(self._raws)
        content = np.frombuffer(joined, np.uint8)
        lengths = np.fromiter(map(len, self._raws), np.int64, len(self._raws))
        ends = np.cumsum(lengths)
        escapes = _escapes(content)
        owners = np.searchsorted(ends, escapes, "right")
        other = content[ends - lengths] != QUOTE
        odd = other.copy()
        odd[owners[SPELLED_OTHERWISE[content[escapes + 1]]]] = True
        self.sizes = lengths - 2 - np.bincount(owners, minlength=len(lengths))
        self._values = {place: _decode(self._raws[place]) for place in np.flatnonzero(odd).tolist()}
        for place, value in self._values.items():
            self.sizes[place] = utf8_length(value) if type(value) is str else sum(map(utf8_length, texts_of(value)))
        short = self.sizes <= MOST_BYTES * LONGEST_MARKER
        said = self.sizes > 0
        self._suspected = np.flatnonzero(said if CUT in joined else said & (short | other))

    def respelled(self) -> Iterator[tuple[int, Raw | None]]:
        """The contents that may have another spelling: which, and as this project spells them; None for no content."""
        for place, value in self._values.items():
            yield place, None if value is None else Raw(_encode(value) if type(value) is str else canonical(value))

    def raw(self, place: int) -> Raw:
        """A content as it stands in the log."""
        return self._raws[place]

    def value(self, place: int) -> Any:
        """A content, decoded."""
        return self._values[place] if place in self._values else _decode(self._raws[place])

    def text(self, place: int) -> str:
        """The text of a content."""
        return "".join(texts_of(self.value(place)))

    def not_full(self) -> Iterator[tuple[int, str]]:
        """The contents that a logger cut or blacked out: which, and how. Only those with a sign of it are read."""
        for place in self._suspected.tolist():
            if (state := state_of_texts(texts_of(self.value(place)))) != "full":
                yield place, state


def _escapes(content: npt.NDArray[np.uint8]) -> Ints:
    """Where the escapes begin: at every backslash but those that one before them escapes."""
    found: Ints = np.flatnonzero(content == BACKSLASH)
    alone = np.diff(found, prepend=-2) != 1
    if alone.all():
        return found
    place = np.arange(len(found))
    first = np.maximum.accumulate(np.where(alone, place, 0))
    escapes: Ints = found[(place - first) % 2 == 0]
    return escapes
