"""Exact response cache: an identical request within the time to live is answered from the cache.

Identical: same model asked for, same fingerprint of all that shapes the answer, same end user. An entry's time is set
on a miss and never refreshed by a hit, so a window over the previous call (`lag`) would overcount. Requests that
arrive while the first is still being answered wait for it (single flight) and count as hits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.calls import SCHEMA, Calls

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

LONGEST_TTL_US = 10**15  # three decades: keeps time + TTL inside 64 bits
NEVER_KEPT = ("length", "content_filter")  # a cut-off answer and a refusal are not what the next caller wants
TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
# Requests of the same microsecond: which comes first must not depend on the order of the lines.
TIE_NUMBERS = (*TOKENS, "latency_ms", "time_to_first_chunk_ms", "logged_cost_usd")
TIE_LABELS = ("task", "service_tier", "provider", "response_model", "finish_reason")


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """How long an answer may be reused, in seconds: for all tasks, or by task (a task not named is not cached)."""

    ttl_s: Mapping[str, float] | float


@dataclass(frozen=True, slots=True)
class ResponseCache:
    """The strategy `response_cache`; its evidence is a CachePolicy."""

    name: str = "response_cache"

    def apply(self, calls: Calls, evidence: CachePolicy) -> Calls:
        """The calls with every hit turned into a row without tokens and without latency, in its place."""
        return answered_from_cache(calls, hits(calls, evidence))


def hits(calls: Calls, policy: CachePolicy) -> Mask:
    """True for every call that the cache would have answered.

    Failed calls and calls without fingerprint, model or time neither hit nor fill; refused and truncated ones never
    fill.
    """
    hit = np.zeros(len(calls), dtype=bool)
    groups, times = _groups(calls), _times(calls)
    ttl = _ttl_us(calls, policy)
    usable = (groups >= 0) & (ttl > 0)
    usable &= _is(pc.is_null(calls.column("error_type"))) & _is(pc.is_valid(calls.column("start_time")))
    repeated = np.bincount(groups[usable], minlength=groups.max(initial=0) + 1) > 1
    rows = np.flatnonzero(usable & repeated[groups])
    if rows.size:
        order = rows[_chronological(calls.take(rows), groups[rows], times[rows])]
        hit[order] = _simulate(groups[order], times[order], ttl[order], _can_fill(calls)[order])
    return hit


def answered_from_cache(calls: Calls, hit: Mask) -> Calls:
    """The calls with those of `hit` answered at no cost of tokens or time; the very same calls if there are none."""
    if not hit.any():
        return calls
    mask = pa.array(hit)
    zeros = dict.fromkeys((*TOKENS, "latency_ms", "time_to_first_chunk_ms"), 0) | {"tokens_estimated": False}
    table = calls.table
    for name, zero in zeros.items():
        item = SCHEMA.field(name)
        values = pc.if_else(mask, pa.scalar(zero, item.type), table.column(name))
        table = table.set_column(SCHEMA.get_field_index(name), item, values)
    return replace(calls, table=table)


def _simulate(group: Ints, time: Ints, ttl: Ints, can_fill: Mask) -> Mask:
    """Hits among calls sorted by group and time.

    Only the calls that fill matter for when the next entry begins: from each, one jump leads to the first call of its
    group that finds the entry expired. Which calls are reached from the first of a group is found by doubling the
    jumps, in log2(n) vectorised steps however long the chains are.
    """
    fill = np.flatnonzero(can_fill)
    if not fill.size:
        return np.zeros(len(group), dtype=bool)
    entry = np.full(len(group), -1, dtype=np.int64)
    filled = fill[_reached(_starts(group[fill]), _next_entry(group[fill], time[fill], ttl[fill]))]
    entry[filled] = filled
    last = np.maximum.accumulate(entry)
    alive: Mask = (last >= 0) & (group[last] == group) & (time - time[last] < ttl[last])
    alive &= last != np.arange(len(group))
    return alive


def _next_entry(group: Ints, time: Ints, ttl: Ints) -> Ints:
    """For every call the index of the first later one of its group at or after its expiry; n where there is none."""
    n = len(group)
    low, end = np.arange(1, n + 1), np.searchsorted(group, group, side="right").astype(np.int64)
    high, expiry = end.copy(), time + ttl
    while (low < high).any():
        middle = (low + high) // 2
        early = (low < high) & (time[np.minimum(middle, n - 1)] < expiry)
        high = np.where((low < high) & ~early, middle, high)
        low = np.where(early, middle + 1, low)
    return np.where(low < end, low, n)


def _reached(starts: Mask, jump: Ints) -> Mask:
    """The indices that jumps lead to from the starts; an index that leads nowhere jumps to n."""
    n = len(jump)
    jump, reached = np.append(jump, n), np.append(starts, False)
    while (jump[:n] < n).any():
        reached[jump[reached]] = True
        jump = jump[jump]
    return reached[:n]


def _starts(group: Ints) -> Mask:
    return np.append(True, group[1:] != group[:-1])


def _groups(calls: Calls) -> Ints:
    """A number for every distinct (model asked for, prompt, user); −1 where model or prompt is unknown."""
    models, _ = calls.codes("request_model")
    prompts, users = _key_codes(calls, "prompt_key"), _key_codes(calls, "user_key")
    pairs = _dense(prompts * (users.max(initial=0) + 2) + users + 1)
    known = (models >= 0) & (prompts >= 0)
    return np.where(known, _dense(pairs * (models.max(initial=0) + 2) + models + 1), -1)


def _key_codes(calls: Calls, name: str) -> Ints:
    indices = calls.column(name).combine_chunks().dictionary_encode().indices
    return np.asarray(pc.fill_null(indices, -1), dtype=np.int64)


def _dense(numbers: Ints) -> Ints:
    return np.asarray(pa.array(numbers).dictionary_encode().indices, dtype=np.int64)


def _times(calls: Calls) -> Ints:
    return np.asarray(pc.fill_null(pc.cast(calls.column("start_time"), pa.int64()), 0), dtype=np.int64)


def _can_fill(calls: Calls) -> Mask:
    reason = pc.cast(calls.column("finish_reason"), pa.string())
    return ~_is(pc.is_in(reason, value_set=pa.array(NEVER_KEPT)))


def _is(column: pa.ChunkedArray) -> Mask:
    return np.asarray(column, dtype=bool)


def _ttl_us(calls: Calls, policy: CachePolicy) -> Ints:
    if not isinstance(policy.ttl_s, Mapping):
        return np.full(len(calls), _microseconds(policy.ttl_s))
    codes, tasks = calls.codes("task")
    known = [_microseconds(policy.ttl_s.get(task, 0.0)) for task in tasks]
    return np.array([*known, 0], dtype=np.int64)[codes]  # code −1, no task, finds the last: not cached


def _microseconds(seconds: float) -> int:
    return min(LONGEST_TTL_US, round(max(0.0, seconds) * 1e6)) if seconds < LONGEST_TTL_US else LONGEST_TTL_US


def _chronological(calls: Calls, groups: Ints, times: Ints) -> Ints:
    """The order by group and time, ties broken by what is in the calls and never by where they stood."""
    order = np.lexsort((times, groups))
    tied = (np.diff(groups[order]) == 0) & (np.diff(times[order]) == 0)
    if not tied.any():
        return order
    ranks = [_rank(calls, name) for name in TIE_LABELS]
    return np.lexsort((*ranks, *map(calls.floats, TIE_NUMBERS), ~_can_fill(calls), times, groups))


def _rank(calls: Calls, name: str) -> Ints:
    codes, labels = calls.codes(name)
    return np.append(np.argsort(np.argsort(np.array(labels, dtype=object))), -1)[codes]
