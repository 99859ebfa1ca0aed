"""How a lone prompt begins and ends, as fingerprints: what the templates of untagged prompts are mined from.

Eight fingerprints of four bytes, little-endian; 0 where the text has no such part:

    lead            its first line, or what stands before its first colon
    4 8 16 32       its first words, so many
    last            its last line
    8 16            its last words, so many

Case, punctuation and white space do not count, and a word with a digit in it is any such word: "Order A1234:" begins
like "order 99". In scripts without spaces two characters are a word. Only the two ends of a
text are looked at, so that a long document costs no more than a short one, and a fingerprint depends on nothing but
the text.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pyarrow as pa
import xxhash

from llmcost.calls import OPENING_BYTES

HEAD, TAIL = 256, 160  # characters that are looked at
LONGEST_WORD = 18  # bytes a word on average; longer words are those of a script without spaces

NUMBER = b"0"
_LOWER = bytes(c + 32 if 65 <= c <= 90 else 48 if 49 <= c <= 57 else c for c in range(256))
_DROPPED = bytes(c for c in range(33, 128) if not chr(c).isalnum())
_DELIMITERS = (b"\n", b":", "：".encode())  # the last is the colon of Chinese and Japanese
_pack = struct.Struct("<8I").pack
_hash = xxhash.xxh32_intdigest


def openings(texts: Sequence[str | None]) -> pa.Array:
    """For each text its fingerprints; null for none."""
    return pa.array([None if text is None else fingerprints(text) for text in texts], pa.binary(OPENING_BYTES))


def fingerprints(text: str) -> bytes:
    """The 32 bytes of one text."""
    text = text.strip()
    head = text[:HEAD].encode("utf-8", "replace")
    tail = head if len(text) <= TAIL else text[-TAIL:].encode("utf-8", "replace")
    last = _words(tail, 16, from_end=True)
    return _pack(_segment(lead(head)), *_beginnings(_words(head, 32)), _segment(last_line(tail)), *_ends(last))


def lead(head: bytes) -> bytes:
    """What stands before the first colon or line break; empty if there is none."""
    ends = [end for delimiter in _DELIMITERS if (end := head.find(delimiter)) >= 0]
    return head[: min(ends, default=0)]


def last_line(tail: bytes) -> bytes:
    """What stands after the last line break; empty if there is none."""
    start = tail.rfind(b"\n") + 1
    return tail[start:] if start else b""


def _words(text: bytes, count: int, *, from_end: bool = False) -> list[bytes]:
    plain = text.translate(_LOWER, _DROPPED)
    found = plain.rsplit(None, count) if from_end else plain.split(None, count)
    cut = found[-count:] if from_end else found[:count]
    if not plain.isascii() and sum(map(len, cut)) > LONGEST_WORD * len(cut):
        return _pairs("".join(plain.decode("utf-8", "ignore").split()), count, from_end)
    return _numbers_alike(cut) if NUMBER in plain else cut


def _numbers_alike(words: list[bytes]) -> list[bytes]:
    return [NUMBER if NUMBER in word else word for word in words]


def _pairs(text: str, count: int, from_end: bool) -> list[bytes]:
    """A script without spaces, two characters a word, counted from the end that is asked for."""
    cut = text[-2 * count :] if from_end else text[: 2 * count]
    return [cut[at : at + 2].encode() for at in range(len(cut) % 2 if from_end else 0, len(cut), 2)]


def _segment(text: bytes) -> int:
    plain = text.translate(_LOWER, _DROPPED).strip()
    if NUMBER in plain:
        plain = b" ".join(_numbers_alike(plain.split()))
    return _hash(plain) if plain else 0


def _beginnings(words: list[bytes]) -> tuple[int, int, int, int]:
    """Of the first 4, 8, 16 and 32 words; each goes on from the one before it."""
    four = eight = sixteen = all_words = 0
    if len(words) >= 4:
        four = _hash(b" ".join(words[:4]))
    if len(words) >= 8:
        eight = _hash(b" ".join(words[4:8]), four)
    if len(words) >= 16:
        sixteen = _hash(b" ".join(words[8:16]), eight)
    if len(words) >= 32:
        all_words = _hash(b" ".join(words[16:]), sixteen)
    return four, eight, sixteen, all_words


def _ends(words: list[bytes]) -> tuple[int, int]:
    """Of the last 8 and 16 words."""
    eight = _hash(b" ".join(words[-8:])) if len(words) >= 8 else 0
    return eight, _hash(b" ".join(words[:-8]), eight) if len(words) >= 16 else 0
