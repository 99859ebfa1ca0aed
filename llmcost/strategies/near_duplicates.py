"""Near-duplicate ("semantic") response cache: an almost identical prompt is answered with an earlier answer.

What the table knows of a prompt is its sketch (llmcost.logs.sketch), so that likeness is estimated: the share of equal
bytes, less what agrees by chance. Candidates come from banding: prompts that agree in four neighbouring bytes. They are
grouped around leading prompts, the most frequent first, and each group is simulated like an exact cache; a hit counts
only if it is near the very entry that answers it. So every hit has a witness, and what is found is a lower bound of
what such a cache would hit: it could also look beyond a group, and beyond the first few of a crowded band.

A cache never crosses an end user, and the request must be the same otherwise: same call site (tools and normalised
system prompt), model, number of messages, output limit and reasoning effort, and of about the same size. Other
parameters (temperature, response format, the filled-in parts of a system prompt) stand in the prompt's fingerprint
alone and cannot be compared here.

A prompt that is mostly template is like all others of its call site, whatever is asked. Therefore bytes that many
prompts of a call site share count as template, and what is left must be alike too: given that the smallest shingle of
two prompts is none of the template's, the chance that it is the same is the Jaccard index of the rest.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.calls import SKETCH_BYTES, Calls
from llmcost.strategies.response_cache import CachePolicy, answered_from_cache, hits
from llmcost.strategies.timeline import (
    Ints,
    Mask,
    can_fill,
    chronological,
    dense,
    is_true,
    key_codes,
    served_by,
    times,
    ttl_us,
)

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]

BAND = 4  # bytes
LEADERS = 8  # of a band that each of its prompts is compared with
CROWDED = 64  # prompts in a band from which on those that agree in the next band too are compared as well
BLOCK = 1 << 16  # pairs compared at once
AT_ONCE = 1 << 20  # calls whose sketches are in memory at once, unless one scope has more
BY_CHANCE = 1 / 256  # bytes that agree although their shingles differ
TEMPLATE_PROMPTS, TEMPLATE_SHARE = 20, 0.3  # a byte that 30 % of at least 20 prompts of a call site share is template
TELLING = 12  # bytes outside the template that a comparison needs
SECOND_CHANCES = 4  # simulations of a group: calls that were not near the entry may be near each other
SCOPE_LABELS = ("call_site", "request_model", "reasoning_effort")
SCOPE_NUMBERS = ("messages", "max_output_tokens")
SALT = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class NearPolicy:
    """How long an answer may be reused, in seconds (for all tasks, or by task), and for how like a prompt."""

    ttl_s: Mapping[str, float] | float
    threshold: float = 0.8


@dataclass(frozen=True, slots=True)
class NearHits:
    """What a near-duplicate cache would have answered. Arrays are parallel to the calls.

    entry       row of the earlier call whose answer it would have been; −1: none
    similarity  estimated Jaccard index of the two prompts; NaN: no hit
    """

    entry: Ints
    similarity: Floats

    @property
    def hit(self) -> Mask:
        """True for every call that the cache would have answered."""
        return self.entry >= 0


@dataclass(frozen=True, slots=True)
class NearDuplicateCache:
    """The strategy `near_duplicates`, behind an exact cache of the same time to live; its evidence is a NearPolicy."""

    name: str = "near_duplicates"

    def apply(self, calls: Calls, evidence: NearPolicy) -> Calls:
        """The calls with every hit of either cache turned into a row without tokens and without latency."""
        exact = hits(calls, CachePolicy(evidence.ttl_s))
        return answered_from_cache(calls, exact | near_hits(calls, evidence, exact).hit)


@dataclass(frozen=True, slots=True)
class Prompts:
    """Distinct prompts of a scope, the most frequent first, equally frequent ones by content.

    sketches  [prompt, byte]          telling  packed bits, [prompt, byte / 8]: no template
    """

    scope: Ints
    sketches: Bytes
    telling: Bytes

    def likeness(self, one: Ints, other: Ints) -> tuple[Floats, Floats]:
        """Estimated Jaccard index of these pairs, and of what is no template in them (0: too little to tell)."""
        equal = self.sketches[one] == self.sketches[other]
        telling = np.unpackbits(self.telling[one], axis=1).view(bool) | ~equal
        whole, left = equal.mean(axis=1), telling.sum(axis=1)
        rest = (equal & telling).sum(axis=1) / np.maximum(left, 1)
        return _jaccard(whole), np.where(left >= TELLING, _jaccard(rest), 0.0)

    def near(self, one: Ints, other: Ints, threshold: float) -> tuple[Mask, Floats]:
        """Which of these pairs are near, and how like they are."""
        whole, rest = self.likeness(one, other)
        return (whole >= threshold) & (rest >= threshold) & (self.scope[one] == self.scope[other]), whole


def near_hits(calls: Calls, policy: NearPolicy, skipped: Mask) -> NearHits:
    """What the cache would have answered of the calls that are not `skipped` (because another cache has them already).

    Calls without sketch, fingerprint, call site, model or time and failed ones neither hit nor fill; refused and
    truncated ones never fill.
    """
    found = NearHits(np.full(len(calls), -1), np.full(len(calls), np.nan))
    ttl = ttl_us(calls, policy.ttl_s)
    rows = np.flatnonzero(_usable(calls) & ~skipped & (ttl > 0))
    timeline = Timeline(calls, times(calls), ttl, can_fill(calls), calls.floats("prompt_bytes"))
    scopes, (sites, _) = _scopes(calls, rows), calls.codes("call_site")
    for batch in _batches(scopes):
        sketches = _raw(calls.column("sketch").take(pa.array(rows[batch])), SKETCH_BYTES)
        prompts, of_call = _prompts(sketches, scopes[batch], sites[rows[batch]])
        _simulate(timeline, rows[batch], prompts, of_call, policy.threshold, found)
    return found


@dataclass(frozen=True, slots=True)
class Timeline:
    """What a cache needs to know of every call: when, how long its answer is kept, if at all, and the prompt's size."""

    calls: Calls
    moments: Ints
    ttl: Ints
    fills: Mask
    sizes: Floats


def _simulate(timeline: Timeline, rows: Ints, prompts: Prompts, of_call: Ints, threshold: float, to: NearHits) -> None:
    """Writes down what the cache would have answered of these rows; `of_call` are their prompts."""
    group = _leaders(prompts, threshold)[of_call]
    left = np.flatnonzero((np.bincount(group) > 1)[group])
    left = left[_order(timeline, rows[left], group[left], of_call[left])]
    for _ in range(SECOND_CHANCES):
        at = rows[left]
        index = served_by(group[left], timeline.moments[at], timeline.ttl[at], timeline.fills[at])
        one, other = left[index[index >= 0]], left[index >= 0]
        near, likeness = _near(prompts, of_call[one], of_call[other], threshold)
        near &= _same_size(timeline.sizes[rows[one]], timeline.sizes[rows[other]], threshold)
        to.entry[rows[other[near]]], to.similarity[rows[other[near]]] = rows[one[near]], likeness[near]
        left = other[~near]


def _order(timeline: Timeline, rows: Ints, group: Ints, prompt: Ints) -> Ints:
    """By group and time; of the same moment by content, so that it does not matter where a call stood in the log."""
    keys = [_ranks(timeline.calls.column(name).take(pa.array(rows))) for name in ("answer_key", "prompt_key")]
    order = np.lexsort((*keys, prompt))
    return order[chronological(timeline.calls, rows[order], group[order], timeline.moments[rows[order]])]


def _same_size(one: Floats, other: Floats, threshold: float) -> Mask:
    """True for requests of about the same size in bytes; a size that is not known is no reason against it."""
    return ~(np.minimum(one, other) < threshold * np.maximum(one, other))


def _usable(calls: Calls) -> Mask:
    usable = is_true(pc.is_null(calls.column("error_type")))
    for name in ("sketch", "prompt_key", "call_site", "request_model", "start_time"):
        usable = usable & is_true(pc.is_valid(calls.column(name)))
    return usable


def _scopes(calls: Calls, rows: Ints) -> Ints:
    """A number for all that must be the same for one call to answer another, but the prompt itself."""
    columns = [calls.codes(name)[0] for name in SCOPE_LABELS]
    columns += [key_codes(calls, "user_key")]
    columns += [np.nan_to_num(calls.floats(name), nan=-1.0).astype(np.int64) for name in SCOPE_NUMBERS]
    scopes = np.zeros(len(rows), np.int64)
    for column in columns:
        numbers = dense(column[rows])
        scopes = dense(scopes * (numbers.max(initial=0) + 1) + numbers)
    return scopes


def _batches(scopes: Ints) -> Iterator[Ints]:
    """Indices of whole scopes with more than one call, about a million at a time."""
    sizes = np.bincount(scopes)
    order = np.argsort(scopes, kind="stable")
    order = order[sizes[scopes[order]] > 1]
    bounds = np.append(np.flatnonzero(np.diff(scopes[order], prepend=-1)), len(order))
    while len(bounds) > 1:
        last = max(1, int(np.searchsorted(bounds, bounds[0] + AT_ONCE, side="right")) - 1)
        yield order[bounds[0] : bounds[last]]
        bounds = bounds[last:]


def _prompts(sketches: Bytes, scopes: Ints, sites: Ints) -> tuple[Prompts, Ints]:
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


def _leaders(prompts: Prompts, threshold: float) -> Ints:
    """For each prompt the leading prompt of its group: the nearest leader that is near it, or itself.

    A prompt leads unless it is near to one before it that does. Each round decides all that wait for nobody; as the
    order is as good as random, a few rounds decide all (Blelloch, Fineman and Shun 2012).
    """
    one, other, likeness = _near_pairs(prompts, threshold)
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


def _near_pairs(prompts: Prompts, threshold: float) -> tuple[Ints, Ints, Floats]:
    """Pairs of near prompts, the earlier first, each once, and how like they are."""
    known, fresh, waiting = np.zeros(0, np.int64), [np.zeros(0, np.int64)], 0
    size = len(prompts.scope)
    for one, other in _candidates(prompts):
        near, _ = _near(prompts, one, other, threshold)
        fresh.append(one[near] * size + other[near])
        waiting += len(fresh[-1])
        if waiting > max(len(known), AT_ONCE):
            known, fresh, waiting = np.unique(np.concatenate((known, *fresh))), [], 0
    known = np.unique(np.concatenate((known, *fresh)))
    one, other = known // size, known % size
    return one, other, _near(prompts, one, other, threshold)[1]


def _candidates(prompts: Prompts) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of prompts that agree in a band which is not all template, the earlier first."""
    bands, scopes = prompts.sketches.view("<u4"), _mixed(prompts.scope.astype(np.uint64))
    last = bands.shape[1]
    for band in range(last):
        keys = _mixed(scopes + bands[:, band])
        telling = prompts.telling[:, band // 2] & (0x0F if band % 2 else 0xF0)
        crowded = yield from _with_leaders(keys, np.flatnonzero(telling))
        keys[crowded] = _mixed(keys[crowded] + bands[crowded, (band + 1) % last])
        yield from _with_leaders(keys, crowded)


def _with_leaders(keys: Hashes, prompts: Ints) -> Generator[tuple[Ints, Ints], None, Ints]:
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


def _near(prompts: Prompts, one: Ints, other: Ints, threshold: float) -> tuple[Mask, Floats]:
    """Which of these pairs are near, and how like they are."""
    near, likeness = np.zeros(len(one), bool), np.zeros(len(one))
    for start in range(0, len(one), BLOCK):
        block = slice(start, start + BLOCK)
        near[block], likeness[block] = prompts.near(one[block], other[block], threshold)
    return near, likeness


def _jaccard(equal: Floats) -> Floats:
    """The Jaccard index that so many equal bytes say (Li and König 2010)."""
    return np.maximum(0.0, (equal - BY_CHANCE) / (1 - BY_CHANCE))


def _mixed(numbers: Hashes) -> Hashes:
    mixed = numbers * SALT
    mixed ^= mixed >> np.uint64(32)
    mixed *= SALT
    mixed ^= mixed >> np.uint64(29)
    return mixed


def _raw(column: pa.ChunkedArray, width: int) -> Bytes:
    """The bytes of a column of fingerprints without a null; [row, byte]."""
    values = column.combine_chunks()
    start = values.offset * width
    return np.frombuffer(values.buffers()[1], np.uint8)[start : start + len(values) * width].reshape(-1, width)


def _ranks(column: pa.ChunkedArray) -> Hashes:
    """The first eight bytes of every fingerprint as a number; 0: none."""
    return _raw(pc.fill_null(column, bytes(16)), 16).view("<u8")[:, 0]
