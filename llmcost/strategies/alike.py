"""Which prompts are alike, by their sketches: candidates, comparison, groups.

The share of equal bytes, less what agrees by chance, estimates the Jaccard index of two prompts. Candidates come from
banding: prompts that agree in four neighbouring bytes. They are grouped around leading prompts, the most frequent
first. In a crowded band every prompt is compared with the band's first few alone, so that nothing is quadratic.

A prompt that is mostly template is like all others of its call site, whatever is asked. Therefore bytes that many
prompts of a call site share count as template, and what is left must be alike too: given that the smallest shingle of
two prompts is none of the template's, the chance that it is the same is the Jaccard index of the rest.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmcost.minhash import SKETCH_BYTES, TEMPLATE_PROMPTS, TEMPLATE_SHARE, estimate, estimate_apart, ones
from llmcost.strategies.timeline import Ints, Mask, dense

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]

BAND = "<u4"  # bytes that stand together
LEADERS = 8  # of a band that each of its prompts is compared with
CROWDED = 64  # prompts in a band from which on those that agree in the next band too are compared as well
BLOCK = 1 << 16  # pairs compared at once
PAIRS_WAITING = 1 << 20  # found ones, until those found twice are dropped
SALT = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Prompts:
    """Distinct prompts of a scope, the most frequent first, equally frequent ones by content.

    sketches  [prompt, byte]          telling  packed bits, [prompt, byte / 8]: no template
    """

    scope: Ints
    sketches: Bytes
    telling: Bytes

    def near(self, one: Ints, other: Ints, threshold: float) -> tuple[Mask, Floats]:
        """Which of these pairs are near, and the estimated Jaccard index of all of them."""
        equal = self.sketches[one] == self.sketches[other]
        likeness = estimate(ones(equal) / SKETCH_BYTES)
        near = (likeness >= threshold) & (self.scope[one] == self.scope[other])
        rows = np.flatnonzero(near)
        telling = np.unpackbits(self.telling[one[rows]], axis=1).view(bool)
        near[rows] = estimate_apart(equal[rows], telling) >= threshold
        return near, likeness


def distinct_prompts(sketches: Bytes, scopes: Ints, sites: Ints) -> tuple[Prompts, Ints]:
    """The distinct prompts of these calls, and which of them each call has."""
    content = np.zeros(len(sketches), np.uint64)
    for word in sketches.view("<u8").T:
        content = _mixed(content + word)
    keys = _mixed(content + _mixed(scopes.astype(np.uint64)))
    _, first, of_call, sizes = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((content[first], -sizes))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    chosen = first[order]
    distinct = sketches[chosen]
    return Prompts(scopes[chosen], distinct, _telling(distinct, dense(sites[chosen]))), place[of_call]


def _telling(sketches: Bytes, sites: Ints) -> Bytes:
    """Packed bits: which bytes of each prompt are not shared by many prompts of its call site."""
    telling = np.ones(sketches.shape, bool)
    large = np.flatnonzero(np.bincount(sites)[sites] >= TEMPLATE_PROMPTS)
    if large.size:
        site = dense(sites[large])
        many = TEMPLATE_SHARE * np.bincount(site)
        for place in range(SKETCH_BYTES):
            codes = site * 256 + sketches[large, place]
            telling[large, place] = np.bincount(codes)[codes] < many[site]
    return np.packbits(telling, axis=1)


def leaders(prompts: Prompts, threshold: float) -> Ints:
    """For each prompt the leading prompt of its group: the nearest leader that is near it, or itself.

    A prompt leads unless it is near to one before it that does. Each round decides all that wait for nobody; as the
    order is as good as random, a few rounds decide all (Blelloch, Fineman and Shun 2012).
    """
    one, other, likeness = near_pairs(prompts, threshold)
    follows = np.zeros(len(prompts.scope), bool)
    early, late = one, other
    while early.size:
        waits = np.zeros(len(follows), bool)
        waits[late] = True
        follows[late[~waits[early]]] = True
        open_ = ~follows[early] & ~follows[late]
        early, late = early[open_], late[open_]
    leader = np.arange(len(follows))
    kept = np.flatnonzero(~follows[one])
    kept = kept[np.lexsort((-one[kept], likeness[kept]))]
    leader[other[kept]] = one[kept]  # of several the last written stays: the nearest, of those the first
    return leader


def near_pairs(prompts: Prompts, threshold: float) -> tuple[Ints, Ints, Floats]:
    """Pairs of near prompts, the earlier first, each once, and how like they are."""
    known, fresh, waiting = np.zeros(0, np.int64), [np.zeros(0, np.int64)], 0
    size = len(prompts.scope)
    for one, other in candidates(prompts):
        near, _ = near_ones(prompts, one, other, threshold)
        fresh.append(one[near] * size + other[near])
        waiting += len(fresh[-1])
        if waiting > max(len(known), PAIRS_WAITING):
            known, fresh, waiting = np.unique(np.concatenate((known, *fresh))), [], 0
    known = np.unique(np.concatenate((known, *fresh)))
    one, other = known // size, known % size
    return one, other, near_ones(prompts, one, other, threshold)[1]


def candidates(prompts: Prompts) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of prompts that agree in a band which is not all template, the earlier first."""
    bands, scopes = prompts.sketches.view(BAND), _mixed(prompts.scope.astype(np.uint64))
    last = bands.shape[1]
    for band in range(last):
        keys = _mixed(scopes + bands[:, band])
        telling = prompts.telling[:, band // 2] & (0x0F if band % 2 else 0xF0)
        crowded = yield from _withleaders(keys, np.flatnonzero(telling))
        keys[crowded] = _mixed(keys[crowded] + bands[crowded, (band + 1) % last])
        yield from _withleaders(keys, crowded)


def _withleaders(keys: Hashes, prompts: Ints) -> Generator[tuple[Ints, Ints], None, Ints]:
    """Pairs of these prompts with each of the first of the same key; returns those that share it with many.

    Sorted are the upper bits of the keys with the prompts in the lower ones: one sort of plain numbers.
    """
    low = np.uint64(max(1, int(prompts.max(initial=0)).bit_length()))
    ordered = np.sort((keys[prompts] >> low << low) | prompts.astype(np.uint64))
    prompt = (ordered & ~(~np.uint64(0) << low)).astype(np.int64)
    starts = np.flatnonzero(np.diff(ordered >> low, prepend=~np.uint64(0)))
    sizes = np.diff(np.append(starts, len(ordered)))
    first, size = np.repeat(starts, sizes), np.repeat(sizes, sizes)
    place = np.arange(len(ordered)) - first
    for leader in range(LEADERS):
        later = np.flatnonzero(place > leader)
        yield prompt[first[later] + leader], prompt[later]
    return prompt[size > CROWDED]


def near_ones(prompts: Prompts, one: Ints, other: Ints, threshold: float) -> tuple[Mask, Floats]:
    """Which of these pairs are near, and how like they are."""
    near, likeness = np.zeros(len(one), bool), np.zeros(len(one))
    for start in range(0, len(one), BLOCK):
        block = slice(start, start + BLOCK)
        near[block], likeness[block] = prompts.near(one[block], other[block], threshold)
    return near, likeness


def _mixed(numbers: Hashes) -> Hashes:
    mixed = numbers * SALT
    mixed ^= mixed >> np.uint64(32)
    mixed *= SALT
    mixed ^= mixed >> np.uint64(29)
    return mixed


def raw_bytes(column: pa.ChunkedArray, width: int) -> Bytes:
    """The bytes of a column of fingerprints without a null; [row, byte]."""
    values = column.combine_chunks()
    start = values.offset * width
    return np.frombuffer(values.buffers()[1], np.uint8)[start : start + len(values) * width].reshape(-1, width)
