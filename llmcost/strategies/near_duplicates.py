"""Near-duplicate ("semantic") response cache: an almost identical prompt is answered with an earlier answer.

What the table knows of a prompt is its sketch, so that likeness is estimated (llmcost.strategies.alike). Prompts are
grouped, and each group is simulated like an exact cache; a hit counts only if it is near the very entry that answers
it. So every hit has a witness, and what is found is a lower bound of what such a cache would hit: it could also look
beyond a group, and beyond the first few of a crowd.

A cache never crosses an end user, and the request must be the same otherwise: same call site (tools and normalised
system prompt), model, number of messages, output limit and reasoning effort, and of about the same size. Other
parameters (temperature, response format, the filled-in parts of a system prompt) stand in the prompt's fingerprint
alone and cannot be compared here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.calls import Calls
from llmcost.minhash import SKETCH_BYTES
from llmcost.strategies.alike import Bytes, Floats, Hashes, Prompts, distinct_prompts, leaders, near_ones, raw_bytes
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

SECOND_CHANCES = 4  # simulations of a group: calls that were not near the entry may be near each other
AT_ONCE = 1 << 20  # calls whose sketches are in memory at once, unless one scope has more
SCOPE_LABELS = ("call_site", "request_model", "reasoning_effort")
SCOPE_NUMBERS = ("messages", "max_output_tokens")


@dataclass(frozen=True, slots=True)
class NearPolicy:
    """How long an answer may be reused, in seconds, and for how like a prompt: for all tasks, or by task.

    A task without a time to live is not cached at all, and one without a threshold not for prompts that are only like.
    Tasks of different thresholds do not answer each other's requests.
    """

    ttl_s: Mapping[str, float] | float
    threshold: Mapping[str, float] | float = 0.8


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


def near_hits(calls: Calls, policy: NearPolicy, skipped: Mask) -> NearHits:
    """What the cache would have answered of the calls that are not `skipped` (because another cache has them already).

    Calls without sketch, fingerprint, call site, model or time and failed ones neither hit nor fill; refused and
    truncated ones never fill.
    """
    found = NearHits(np.full(len(calls), -1), np.full(len(calls), np.nan))
    ttl, threshold = ttl_us(calls, policy.ttl_s), _thresholds(calls, policy.threshold)
    usable = _usable(calls) & ~skipped & (ttl > 0)
    timeline = Timeline(calls, times(calls), ttl, can_fill(calls), calls.floats("prompt_bytes"))
    for least in np.unique(threshold[usable & ~np.isnan(threshold)]).tolist():
        _simulate_all(timeline, np.flatnonzero(usable & (threshold == least)), least, found)
    return found


def _thresholds(calls: Calls, threshold: Mapping[str, float] | float) -> Floats:
    """How like a prompt must be to answer each call; NaN: no likeness is enough."""
    if not isinstance(threshold, Mapping):
        return np.full(len(calls), threshold)
    codes, tasks = calls.codes("task")
    return np.array([*(threshold.get(task, np.nan) for task in tasks), np.nan])[codes]


def _simulate_all(timeline: Timeline, rows: Ints, threshold: float, to: NearHits) -> None:
    """Writes down what a cache of this threshold would have answered of these rows."""
    calls = timeline.calls
    scopes, (sites, _) = _scopes(calls, rows), calls.codes("call_site")
    for batch in _batches(scopes):
        sketches = _sketches(calls, rows[batch])
        prompts, of_call = distinct_prompts(sketches, scopes[batch], sites[rows[batch]])
        _simulate(timeline, rows[batch], prompts, of_call, threshold, to)


def _sketches(calls: Calls, rows: Ints) -> Bytes:
    """The sketches of these rows, in their order; rows of many chunks are put in order where they are one array."""
    mask = np.zeros(len(calls), bool)
    mask[rows] = True
    in_order: Bytes = raw_bytes(calls.column("sketch").filter(pa.array(mask)), SKETCH_BYTES)
    return in_order.take((np.cumsum(mask) - 1)[rows], axis=0)


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
    group = leaders(prompts, threshold)[of_call]
    left = np.flatnonzero((np.bincount(group) > 1)[group])
    left = left[_order(timeline, rows[left], group[left], of_call[left])]
    for _ in range(SECOND_CHANCES):
        at = rows[left]
        index = served_by(group[left], timeline.moments[at], timeline.ttl[at], timeline.fills[at])
        one, other = left[index[index >= 0]], left[index >= 0]
        near, likeness = near_ones(prompts, of_call[one], of_call[other], threshold)
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


def _ranks(column: pa.ChunkedArray) -> Hashes:
    """The first eight bytes of every fingerprint as a number; 0: none."""
    return raw_bytes(pc.fill_null(column, bytes(16)), 16).view("<u8")[:, 0]
