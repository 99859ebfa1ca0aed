"""MinHash sketches of prompts: how alike two are, without their text.

Two prompts are compared by the runs of five bytes ("shingles") that they share, after case, punctuation and white space
are evened out. Digits stay: "order 123" and "order 456" are different questions. Runs of bytes beat pairs of words
where it matters here: a typo costs five shingles and not three of far fewer, and a changed number weighs more
(benchmarks/near_duplicates.py has the figures). They also need no word boundaries, which Chinese does not write.

A sketch is 64 bytes. The share of equal bytes estimates the Jaccard index of the shingles, at 1/256 too much of the
rest, because unequal shingles agree in a byte that often (b-bit MinHash, Li and König 2010, b = 8). One permutation
serves all 64 places (Li, Owen and Zhang 2012): every shingle is thrown at one of them and the smallest stays. A second
throw fills the places that the first left empty (Dahlgaard, Knudsen and Thorup 2017), and what is still empty copies a
full place, in an order of its own (optimal densification, Shrivastava 2017).

A sketch depends on its text alone: not on the batch, the machine or the order. numpy is all that is needed here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SKETCH_BYTES = 64  # one byte for each of 64 hash functions
SHINGLE = 5  # bytes
SPACE, END = 0x20, 0x00
GAP = "\0\0\0 "  # ends a text, so far that its last shingle does not reach the next one, and begins another
THROWS = 2
BY_CHANCE = 1 / 256  # bytes that agree although their shingles differ
TEMPLATE_PROMPTS, TEMPLATE_SHARE = 20, 0.3  # a byte that 30 % of at least 20 prompts of a call site share is template
TELLING = 12  # bytes outside the template that a comparison needs
EMPTY = np.uint64(2**64 - 1)
WINDOW = np.uint64(2 ** (8 * SHINGLE) - 1)
VALUE_BITS = np.uint64(58)  # of a hash; the six above them are its place
VALUE = np.uint64(2**58 - 1)
# Odd multipliers: two of splitmix64's finaliser, and the golden ratio's.
FIRST, SECOND, AGAIN = (np.uint64(n) for n in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0x9E3779B97F4A7C15))

# What is not ASCII and separates words: general and CJK punctuation, and the marks of Latin-1, Arabic and Devanagari.
SEPARATORS = (
    (0xA0, 0xA9), (0xAB, 0xB1), (0xB4, 0xB4), (0xB6, 0xB8), (0xBB, 0xBB), (0xBF, 0xBF), (0x60C, 0x60C), (0x61B, 0x61B),
    (0x61F, 0x61F), (0x964, 0x965), (0x2000, 0x206F), (0x3000, 0x3004), (0x3008, 0x3020), (0x3030, 0x3030),
    (0xFEFF, 0xFEFF),
)  # fmt: skip
TWO, THREE, FOUR = 0xC2, 0xE0, 0xF0  # the first byte of a character of so many, at least


def _folded(code: int) -> int:
    """What stands for a byte: a letter in lower case, a digit or part of a longer character as it is, else a space."""
    letter = chr(code)
    return code if code >= 128 or code == END else ord(letter.lower()) if letter.isalnum() else SPACE


def _probes() -> Ints:
    """For every place the order in which it looks at the others when it is empty; [attempt, place].

    Steps of a fixed odd length from a start of its own: each place sees every other once, no two in the same order.
    """
    place, attempt = np.arange(SKETCH_BYTES), np.arange(SKETCH_BYTES)[:, None]
    return np.asarray((place * 29 + 7 + attempt * (2 * place + 1)) % SKETCH_BYTES, dtype=np.int64)


def _separates() -> Mask:
    """Whether a character below 2^16 is a separator."""
    found = np.zeros(1 << 16, np.bool_)
    for first, last in SEPARATORS:
        found[first : last + 1] = True
    return found


FOLDED, SEPARATES, PROBES = bytes(map(_folded, range(256))), _separates(), _probes()


def sketch(texts: Sequence[str]) -> tuple[Bytes, Mask]:
    """The sketches of these texts, [text, byte]; and which of the texts have one: those with a letter or digit."""
    shingles, owners = shingled(texts)
    slots = _thrown(_hashed(shingles), owners, len(texts))
    return np.ascontiguousarray((slots & np.uint64(255)).astype(np.uint8)), slots[:, 0] != EMPTY


def estimate(equal: Floats) -> Floats:
    """The Jaccard index that so large a share of equal bytes says (Li and König 2010)."""
    return np.maximum(0.0, (equal - BY_CHANCE) / (1 - BY_CHANCE))


def estimate_apart(equal: Mask, telling: Mask) -> Floats:
    """The estimated Jaccard index of what is no template; 0: too little to tell. [pair, byte] → [pair].

    equal    which bytes of two prompts are equal
    telling  which bytes of one of them are no template. A byte that is template in it and not the same in the other
             tells that they differ
    """
    shared, differ = ones(equal & telling), SKETCH_BYTES - ones(equal)
    told = shared + differ
    return np.where(told >= TELLING, estimate(shared / np.maximum(told, 1)), 0.0)


def ones(mask: Mask) -> Floats:
    """How many of the 64 of every row are true. Eight are summed at once, as a number whose digits do not carry."""
    digits = np.ascontiguousarray(mask).view(np.uint64).sum(axis=1)
    return np.asarray((digits * np.uint64(0x0101010101010101)) >> np.uint64(56), dtype=np.float64)


def jaccard(one: str, other: str) -> float:
    """The exact Jaccard index of the shingles of two texts, which their sketches estimate; 0 if both have none."""
    shingles, texts = shingled([one, other])
    ours, theirs = np.unique(shingles[texts == 0]), np.unique(shingles[texts == 1])
    shared = len(np.intersect1d(ours, theirs, assume_unique=True))
    return shared / max(1, len(ours) + len(theirs) - shared)


def _plain(texts: Sequence[str]) -> Bytes:
    """The texts with a gap behind each, as bytes: case, punctuation and white space evened out.

    What is not ASCII is folded to one form of each letter first.
    """
    joined = GAP.join([text.replace("\0", " ") if "\0" in text else text for text in texts])
    if not joined.isascii():
        joined = unicodedata.normalize("NFKC", joined).casefold()
    written = f" {joined}{GAP}\0\0\0\0".encode("utf-8", "replace").translate(FOLDED)
    found = np.frombuffer(written, np.uint8)
    return found if joined.isascii() else _spaced(found)


def _spaced(written: Bytes) -> Bytes:
    """The same UTF-8 with spaces in the place of every separator."""
    found = written.copy()
    for low, high, size in ((TWO, THREE, 2), (THREE, FOUR, 3)):
        at = np.flatnonzero((found >= low) & (found < high))
        code = found[at].astype(np.int64) & (0x1F if size == 2 else 0x0F)
        for place in range(1, size):
            code = code << 6 | found[at + place] & 0x3F
        separators = at[SEPARATES[code]]
        for place in range(size):
            found[separators + place] = SPACE
    return found


def shingled(texts: Sequence[str]) -> tuple[Hashes, Ints]:
    """Every run of five bytes as a number, and the index of its text; a run across a border is of none (`len(texts)`).

    A text is taken as a space, its words with a space between them, and an end; the shortest make one shingle.
    """
    raw = _plain(texts)
    kept = raw != SPACE
    kept[:-1] |= raw[1:] > SPACE  # of a run of spaces the last, if a word follows
    line = raw[kept]
    ends = np.flatnonzero(line == END)[: 3 * len(texts) : 3]
    begins = np.append(0, ends[:-1] + 3)
    lengths = ends - begins
    counts = np.where(lengths > 0, np.maximum(1, lengths + 2 - SHINGLE), 0)
    between = np.append(begins[1:], ends[-1]) - begins - counts
    owners = np.full((len(texts), 2), len(texts))
    owners[:, 0] = np.arange(len(texts))
    runs = np.ndarray((len(line) - 7,), np.dtype("<u8"), line, strides=(1,))[: ends[-1]]
    return runs & WINDOW, np.repeat(owners.ravel(), np.column_stack((counts, between)).ravel())


def _hashed(shingles: Hashes) -> Hashes:
    """Hashes of the shingles: splitmix64's finaliser (Steele, Lea and Flood 2014)."""
    mixed = shingles * AGAIN
    mixed ^= mixed >> np.uint64(30)
    mixed *= FIRST
    mixed ^= mixed >> np.uint64(27)
    mixed *= SECOND
    mixed ^= mixed >> np.uint64(31)
    return mixed


def _thrown(hashes: Hashes, owners: Ints, texts: int) -> Hashes:
    """For every text and place the smallest hash thrown there, those of an earlier throw first; [text, place]."""
    slots = np.full((texts + 1) * SKETCH_BYTES, EMPTY)
    first = owners * SKETCH_BYTES
    for throw in range(THROWS):
        places = first + (hashes >> VALUE_BITS).astype(np.int64)
        np.minimum.at(slots, places, (hashes & VALUE) | np.uint64(throw << 58))
        hashes = hashes * AGAIN
    return _filled(slots[: texts * SKETCH_BYTES]).reshape(texts, SKETCH_BYTES)


def _filled(slots: Hashes) -> Hashes:
    """The same with each empty place a copy of the first full one that it finds."""
    found, empty = slots.copy(), np.flatnonzero(slots == EMPTY)
    for probe in PROBES:
        if not empty.size:
            break
        place = empty % SKETCH_BYTES
        found[empty] = slots[empty - place + probe[place]]
        empty = empty[found[empty] == EMPTY]
    return found
