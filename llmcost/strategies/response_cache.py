"""Exact response cache: an identical request within the time to live is answered from the cache.

Identical: same model asked for, same fingerprint of all that shapes the answer, same end user.

The time to live counts from when the request was made, and so does the place that its answer takes. While it is still
being answered, the same request waits for it (single flight): a hit that takes the rest of the first one's latency.
Without single flight it is asked again: a miss, and one that does not renew the entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.calls import SCHEMA, Calls
from llmcost.strategies.alike import Floats, Hashes, raw_bytes
from llmcost.strategies.bounded import Stream, most_alive, served_within
from llmcost.strategies.timeline import (
    LONGEST_TTL_US,
    TOKENS,
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

__all__ = [
    "TOKENS",
    "Answered",
    "CachePolicy",
    "ResponseCache",
    "answered",
    "answered_from_cache",
    "entries",
    "hits",
    "same_requests",
    "waits_ms",
]


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """What the cache keeps, and for how long.

    ttl_s          how long an answer may be reused, in seconds: for all tasks, or by task (one not named is not cached)
    capacity       entries of the whole cache, the least recently used of which is evicted; None: of any size
    single_flight  whether a request waits for the same one that is still being answered; otherwise it is asked again
    """

    ttl_s: Mapping[str, float] | float
    capacity: int | None = None
    single_flight: bool = True


@dataclass(frozen=True, slots=True)
class Answered:
    """What a cache would have answered, where that is known: True, and after how long a wait, one value a call."""

    rows: Mask
    waits_ms: Floats

    def take(self, rows: Ints) -> Answered:
        """The same of these rows alone."""
        return Answered(self.rows[rows], self.waits_ms[rows])


@dataclass(frozen=True, slots=True)
class ResponseCache:
    """The strategy `response_cache`; its evidence is a CachePolicy, or what that comes to: Answered."""

    name: str = "response_cache"

    def apply(self, calls: Calls, evidence: CachePolicy | Answered) -> Calls:
        """The calls with every hit turned into a row without tokens and with no latency but its wait, in its place."""
        found = evidence if isinstance(evidence, Answered) else answered(calls, evidence)
        return answered_from_cache(calls, found.rows, found.waits_ms)


def answered(calls: Calls, policy: CachePolicy, requests: Ints | None = None) -> Answered:
    """What the cache would have answered; `requests` are the calls' `same_requests`, where they are known already."""
    entry = entries(calls, policy, requests)
    return Answered(entry >= 0, waits_ms(calls, entry))


def hits(calls: Calls, policy: CachePolicy, requests: Ints | None = None) -> Mask:
    """True for every call that the cache would have answered."""
    return entries(calls, policy, requests) >= 0


def entries(calls: Calls, policy: CachePolicy, requests: Ints | None = None) -> Ints:
    """For every call the row of the earlier one whose answer the cache would have given; −1: none.

    `requests` are the calls' `same_requests`, where they are known already.

    Failed calls and calls without fingerprint, model or time neither hit nor fill; refused and truncated ones never
    fill.
    """
    entry = np.full(len(calls), -1)
    groups, moments = same_requests(calls) if requests is None else requests, times(calls)
    ttl = ttl_us(calls, policy.ttl_s)
    usable = (groups >= 0) & (ttl > 0)
    usable &= is_true(pc.is_null(calls.column("error_type"))) & is_true(pc.is_valid(calls.column("start_time")))
    repeated = np.bincount(groups[usable], minlength=groups.max(initial=0) + 1) > 1
    rows = np.flatnonzero(usable & repeated[groups])
    if rows.size:
        order = rows[chronological(calls, rows, groups[rows], moments[rows])]
        index = served_by(groups[order], moments[order], ttl[order], can_fill(calls)[order])
        entry[order[index >= 0]] = order[index[index >= 0]]
    if policy.capacity is not None:
        filled = usable & can_fill(calls) & (entry < 0)
        if most_alive(moments[filled], ttl[filled]) > policy.capacity:
            return _bounded(calls, np.flatnonzero(usable), groups, ttl, policy)
    return entry if policy.single_flight else np.where(waits_ms(calls, entry) > 0, -1, entry)


def _bounded(calls: Calls, usable: Ints, groups: Ints, ttl: Ints, policy: CachePolicy) -> Ints:
    """`entries` of a cache that is too small for all that it would keep; `usable` are the rows that it looks at."""
    moments = times(calls)
    order = usable[_as_they_come(calls, usable, groups[usable], moments[usable])]
    ready = moments if policy.single_flight else _ready(calls)
    stream = Stream(groups[order], moments[order], ttl[order], ready[order], can_fill(calls)[order])
    index = served_within(stream, policy.capacity or 0)
    entry = np.full(len(calls), -1)
    entry[order[index >= 0]] = order[index[index >= 0]]
    return entry


def _as_they_come(calls: Calls, rows: Ints, groups: Ints, moments: Ints) -> Ints:
    """The order of these rows in time; of the same moment by what is asked, and never by where they stood."""
    order = np.argsort(moments)
    same = np.diff(moments[order]) == 0
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    at_once = order[tied]
    order[tied] = at_once[_by_what_is_asked(calls, rows[at_once], groups[at_once], moments[at_once])]
    return order


def _by_what_is_asked(calls: Calls, rows: Ints, groups: Ints, moments: Ints) -> Ints:
    """The order of these rows by time, then request, then as `chronological` has equal requests."""
    order = chronological(calls, rows, groups, moments)
    models, names = calls.codes("request_model")
    rank = np.argsort(np.argsort(np.array(names, dtype=object)))
    users, prompts = (_numbers(calls, name)[rows[order]] for name in ("user_key", "prompt_key"))
    return order[np.lexsort((users, rank[models[rows[order]]], prompts, moments[order]))]


def _numbers(calls: Calls, name: str) -> Hashes:
    """The first eight bytes of every fingerprint of this column as a number; 0: none."""
    return raw_bytes(pc.fill_null(calls.column(name), bytes(16)), 16).view("<u8")[:, 0]


def waits_ms(calls: Calls, entry: Ints) -> Floats:
    """Milliseconds until the answer of the entry of each call is there; 0 where it is, or is not known to be late."""
    late: Floats = np.where(entry >= 0, np.maximum(0, _ready(calls)[entry] - times(calls)), 0) / 1000
    return late


def _ready(calls: Calls) -> Ints:
    """When the answer of each call is there, in microseconds; where its latency is not known, when it is asked for."""
    latency = np.clip(np.nan_to_num(calls.floats("latency_ms")) * 1000, 0, LONGEST_TTL_US)
    return times(calls) + np.rint(latency).astype(np.int64)


def answered_from_cache(calls: Calls, hit: Mask, waits_ms: Floats | None = None) -> Calls:
    """The calls with those of `hit` answered without tokens, after their wait if any; the same calls if there are none.

    `waits_ms` are parallel to the calls; None: no hit waits.
    """
    if not hit.any():
        return calls
    mask, late = pa.array(hit), pa.scalar(0.0) if waits_ms is None else pa.array(waits_ms)
    nothing = dict.fromkeys(TOKENS, pa.scalar(0)) | {"tokens_estimated": pa.scalar(False)}
    for name, value in (nothing | dict.fromkeys(("latency_ms", "time_to_first_chunk_ms"), late)).items():
        values = pc.if_else(mask, value.cast(SCHEMA.field(name).type), calls.column(name))
        calls = calls.with_column(name, values)
    return calls


def same_requests(calls: Calls) -> Ints:
    """A number for every distinct (model asked for, prompt, user); −1 where model or prompt is unknown."""
    models, _ = calls.codes("request_model")
    number = key_codes(calls, "prompt_key")
    known = (models >= 0) & (number >= 0)
    for other in (key_codes(calls, "user_key"), models):
        number = _told_apart(number, other, known)
    return np.where(known, number, -1)


def _told_apart(number: Ints, other: Ints, known: Mask) -> Ints:
    """A number for every distinct pair; the first as it is where the second never differs for it, as is usual."""
    last = np.zeros(int(number.max(initial=0)) + 1, np.int64)
    last[number[known]] = other[known]
    if (last[number] == other)[known].all():
        return number
    return dense(number * (int(other.max(initial=0)) + 2) + other + 1)
