"""Templates of untagged lone prompts: the static part that an application writes, told from what it fills in.

A prompt's opening holds fingerprints of its first and of its last words (`llmcost.logs.opening`). They nest: first
line, first 4, 8, 16, 32 words. From the short to the long, prompts that begin alike are a template if enough different
ones do, and a longer beginning is followed as long as nearly all go on in one of a few ways: that is still the
application's text. Where they go on in many ways, what was filled in begins, but for a share of them that goes on
alike for long: that is another template with the same first words. What begins like nothing else may end alike. The
rest are free prompts, which have no template.

Every step counts different prompts by group: the result does not depend on the order of the calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Prints = npt.NDArray[np.uint32]

ROOT = 0
MOST_BITS = 22  # of a table that counts fingerprints by their low bits
MOST_FORKS = 4  # ways in which the application's own text may go on
GOES_ON = 0.8  # share of a beginning's prompts that must go on so
ANOTHER = 0.1  # share of a beginning's prompts that may be of another template, if they share so many words
LONG = 16
MOSTLY = 0.5  # share of a short beginning's prompts whose longer ones are templates' without doubt


@dataclass(frozen=True, slots=True)
class Level:
    """One fingerprint of an opening: how many different prompts must share it, and which share of all lone prompts.

    words   how many words it is of; 0: of a line
    """

    part: int
    words: int
    at_end: bool
    prompts: int
    share: float


# The shorter what is shared, the more must share it: people begin alike too. Of 10,003 questions to a bank that people
# typed 95 share their first 4 words, 7 the first 8, 3 the first 16, 6 the last 8; a first or last line none.
BEGINNINGS = (
    Level(0, 0, False, 4, 0.0003),
    Level(1, 4, False, 8, 0.03),
    Level(2, 8, False, 4, 0.001),
    Level(3, 16, False, 4, 0.0005),
    Level(4, 32, False, 4, 0.0003),
)
ENDS = (Level(5, 0, True, 4, 0.0003), Level(6, 8, True, 4, 0.001), Level(7, 16, True, 4, 0.0005))
LEVELS = (*BEGINNINGS, *ENDS)


@dataclass(frozen=True, slots=True)
class Template:
    """A static part: which fingerprint its prompts share, and its value."""

    level: Level
    key: int


@dataclass(frozen=True, slots=True)
class Mined:
    """The template of every row as an index, −1 for free prompts; templates by level and key."""

    codes: Ints
    templates: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows grouped by parent and key: the group of every row, and the groups' parents, keys and sizes."""

    of: Ints
    parent: Ints
    key: Ints
    size: Ints


def mine(openings: Prints, prompts: npt.NDArray[np.uint64]) -> Mined:
    """The templates of these rows.

    openings   (rows, 8) fingerprints, 0 where a prompt has none
    prompts    which rows are the same prompt: a thousand copies of one prompt make no template
    """
    order = np.argsort(prompts)
    fresh = np.ones(len(order), bool)
    fresh[1:] = prompts[order[1:]] != prompts[order[:-1]]
    back = np.empty(len(order), np.int64)
    back[order] = np.cumsum(fresh) - 1
    distinct = openings[order[fresh]]
    begins, ends = _grown(distinct, BEGINNINGS), _grown(distinct, ENDS)
    chosen = np.where((begins == ROOT) | _filled_in(begins, ends), ends, begins)
    found, codes, size = np.unique(chosen, return_inverse=True, return_counts=True)
    few = size < np.array([LEVELS[max(node >> 32, 1) - 1].prompts for node in found.tolist()])
    found, codes = np.unique(np.where(few, ROOT, found)[codes], return_inverse=True)
    free = int(len(found) > 0 and found[0] == ROOT)
    templates = tuple(Template(LEVELS[(node >> 32) - 1], node & 0xFFFFFFFF) for node in found[free:].tolist())
    return Mined((codes - free)[back], templates)


def _grown(openings: Prints, levels: Sequence[Level]) -> Ints:
    """The longest static part of every prompt: 1 + its fingerprint's place and the fingerprint; ROOT for none."""
    node, active = np.zeros(len(openings), np.int64), np.ones(len(openings), bool)
    for level, longer in zip(levels, [*levels[1:], None], strict=True):
        keys = openings[:, level.part].astype(np.int64)
        enough = min(_enough(it, len(openings)) for it in (level, longer) if it)
        rows = _frequent(keys, active, enough)
        encoded = pa.array(node).dictionary_encode()
        parents, at = np.asarray(encoded.dictionary, dtype=np.int64), np.asarray(encoded.indices, dtype=np.int64)
        children = _grouped(at[rows], keys[rows])
        strong = _strong(openings, rows, children, level, longer)
        goes_on = _goes_on(parents == ROOT, at[active], children, strong)
        another = _another(openings[rows], children, level, np.bincount(at[active], minlength=len(parents)))
        follow = strong & (goes_on[children.parent] | another)
        moves = follow[children.of]
        node[rows[moves]] = ((level.part + 1) << 32) | keys[rows[moves]]
        active &= node == ROOT
        active[rows[moves]] = True
    return node


def _frequent(keys: Ints, active: Mask, enough: float) -> Ints:
    """Rows whose fingerprint may be that of so many prompts: nearly all of free text is sorted out by its low bits."""
    rows = np.flatnonzero(active & (keys != 0))
    low = keys[rows] & ((1 << min(len(rows).bit_length() + 1, MOST_BITS)) - 1)
    often: Ints = rows[(np.bincount(low) >= enough)[low]]
    return often


def _strong(openings: Prints, rows: Ints, children: Groups, level: Level, longer: Level | None) -> Mask:
    """Children that enough prompts share; a short one also if most of its prompts share longer parts."""
    enough: Mask = children.size >= _enough(level, len(openings))
    if longer is None or level.share <= longer.share:
        return enough
    deeper = _grouped(children.of, openings[rows, longer.part].astype(np.int64))
    sure = (deeper.key != 0) & (deeper.size >= _enough(longer, len(openings)))
    covered = np.bincount(deeper.parent[sure], weights=deeper.size[sure], minlength=len(children.size))
    return enough | ((children.size >= level.prompts) & (covered >= MOSTLY * children.size))


def _enough(level: Level, prompts: int) -> float:
    return max(level.prompts, level.share * prompts)


def _goes_on(is_root: Mask, at: Ints, children: Groups, strong: Mask) -> Mask:
    """Of each parent, whether its prompts go on in a few ways; from nothing shared any way is one."""
    size = np.bincount(at, minlength=len(is_root))
    forks = np.bincount(children.parent[strong], minlength=len(is_root))
    covered = np.bincount(children.parent[strong], weights=children.size[strong], minlength=len(is_root))
    return is_root | ((forks <= MOST_FORKS) & (covered >= GOES_ON * size))


def _another(openings: Prints, children: Groups, level: Level, parent_size: Ints) -> Mask:
    """Children that are a good share of their parent, and whose prompts share 16 words or more with each other."""
    longer = next((it for it in LEVELS if it.at_end == level.at_end and it.words >= LONG > level.words), None)
    if longer is None:
        return np.zeros(len(children.size), bool)
    deeper = _grouped(children.of, openings[:, longer.part].astype(np.int64))
    most = np.zeros(len(children.size), np.int64)
    np.maximum.at(most, deeper.parent, np.where(deeper.key != 0, deeper.size, 0))
    found: Mask = (children.size >= ANOTHER * parent_size[children.parent]) & (most >= GOES_ON * children.size)
    return found


def _filled_in(begins: Ints, ends: Ints) -> Mask:
    """Prompts whose short beginning was filled in ("Hi, I am Ana:"): many such share one ending of 8 words or more."""
    short = (begins != ROOT) & (begins >> 32 <= BEGINNINGS[1].part + 1)
    rows = np.flatnonzero(short & (ends >> 32 > ENDS[0].part + 1))
    starts, at = np.unique(begins[short], return_inverse=True)
    size = np.bincount(at, minlength=len(starts))
    tails, tail = np.unique(ends[rows], return_inverse=True)
    pairs = _grouped(tail.astype(np.int64), np.searchsorted(starts, begins[rows]).astype(np.int64))
    alike = pairs.size >= GOES_ON * size[pairs.key]
    many = np.bincount(pairs.parent[alike], minlength=len(tails)) > MOST_FORKS
    found = np.zeros(len(begins), bool)
    found[rows] = (alike & many[pairs.parent])[pairs.of]
    return found


def _grouped(parents: Ints, keys: Ints) -> Groups:
    encoded = pa.array((parents << 32) | keys).dictionary_encode()
    pairs, of = np.asarray(encoded.dictionary, dtype=np.int64), np.asarray(encoded.indices, dtype=np.int64)
    return Groups(of, pairs >> 32, pairs & 0xFFFFFFFF, np.bincount(of, minlength=len(pairs)))
