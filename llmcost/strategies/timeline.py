"""What caches of answers have in common: the order of calls in time, and which entry is alive when a call comes.

An entry's time is set on a miss and never refreshed by a hit, so a window over the previous call (`lag`) would
overcount. Requests that arrive while the first is still being answered wait for it (single flight) and count as hits.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.calls import Calls
from llmcost.pricing.cost import started
from llmcost.strategies.attempts import LOCATOR

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

LONGEST_TTL_US = 10**15  # three decades: keeps time + TTL inside 64 bits
NEVER_KEPT = ("length", "content_filter")  # a cut-off answer and a refusal are not what the next caller wants
TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
# Requests of the same microsecond: which comes first must not depend on the order of the lines.
TIE_NUMBERS = (*TOKENS, "latency_ms", "time_to_first_chunk_ms", "logged_cost_usd")
TIE_LABELS = ("task", "service_tier", "provider", "response_model", "finish_reason")


def served_by(group: Ints, time: Ints, ttl: Ints, fills: Mask) -> Ints:
    """For each of the calls, sorted by group and time, the index of the entry that answers it; −1: none is alive.

    Only the calls that fill matter for when the next entry begins: from each, one jump leads to the first call of its
    group that finds the entry expired. Which calls are reached from the first of a group is found by doubling the
    jumps, in log2(n) vectorised steps however long the chains are.
    """
    fill = np.flatnonzero(fills)
    if not fill.size:
        return np.full(len(group), -1)
    entry = np.full(len(group), -1, dtype=np.int64)
    filled = fill[reached_from(group_starts(group[fill]), next_entry(group[fill], time[fill], ttl[fill]))]
    entry[filled] = filled
    last = np.maximum.accumulate(entry)
    alive = (last >= 0) & (group[last] == group) & (time - time[last] < ttl[last])
    return np.where(alive & (last != np.arange(len(group))), last, -1)


def next_entry(group: Ints, time: Ints, ttl: Ints) -> Ints:
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


def reached_from(starts: Mask, jump: Ints) -> Mask:
    """The indices that jumps lead to from the starts; an index that leads nowhere jumps to n."""
    n = len(jump)
    jump, reached = np.append(jump, n), np.append(starts, False)
    while (jump[:n] < n).any():
        reached[jump[reached]] = True
        jump = jump[jump]
    return reached[:n]


def group_starts(group: Ints) -> Mask:
    """True for the first of each run of the same number; there must be one."""
    return np.append(True, group[1:] != group[:-1])


def key_codes(calls: Calls, name: str) -> Ints:
    """A number for every distinct fingerprint of this column; −1: none."""
    indices = calls.column(name).combine_chunks().dictionary_encode().indices
    return np.asarray(pc.fill_null(indices, -1), dtype=np.int64)


def dense(numbers: Ints) -> Ints:
    """The same numbers counted from 0 in the order in which they appear."""
    return np.asarray(pa.array(numbers).dictionary_encode().indices, dtype=np.int64)


def ranked(numbers: Ints) -> tuple[Ints, Ints]:
    """The distinct numbers, rising, and each number's place among them: `np.unique` without a sort of them all."""
    encoded = pa.array(numbers).dictionary_encode()
    distinct = np.asarray(encoded.dictionary, dtype=np.int64)
    order = np.argsort(distinct)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return distinct[order], place[np.asarray(encoded.indices)]


def times(calls: Calls) -> Ints:
    """When each call started, in microseconds; 0: unknown."""
    return calls.derived("start_time", started)


def can_fill(calls: Calls) -> Mask:
    """True for the calls whose answers a cache would keep."""
    reason = pc.cast(calls.column("finish_reason"), pa.string())
    return ~is_true(pc.is_in(reason, value_set=pa.array(NEVER_KEPT)))


def is_true(column: pa.ChunkedArray) -> Mask:
    """A column of booleans as an array."""
    return np.asarray(column, dtype=bool)


def ttl_us(calls: Calls, ttl_s: Mapping[str, float] | float) -> Ints:
    """How long the answer of each call is kept, in microseconds: for all tasks, or by task; 0: not at all."""
    if not isinstance(ttl_s, Mapping):
        return np.full(len(calls), _microseconds(ttl_s))
    codes, tasks = calls.codes("task")
    known = [_microseconds(ttl_s.get(task, 0.0)) for task in tasks]
    return np.array([*known, 0], dtype=np.int64)[codes]  # code −1, no task, finds the last: not cached


def _microseconds(seconds: float) -> int:
    return min(LONGEST_TTL_US, round(max(0.0, seconds) * 1e6)) if seconds < LONGEST_TTL_US else LONGEST_TTL_US


def chronological(calls: Calls, rows: Ints, groups: Ints, times: Ints) -> Ints:
    """The order of these rows by group and time, ties broken by what is in the calls and never by where they stood."""
    order = np.lexsort((times, groups))
    tied = (np.diff(groups[order]) == 0) & (np.diff(times[order]) == 0)
    if not tied.any():
        return order
    ranks = [_rank(calls, name)[rows] for name in TIE_LABELS]
    numbers = [calls.floats(name)[rows] for name in TIE_NUMBERS]
    places = [calls.floats(name)[rows] for name in LOCATOR]
    return np.lexsort((*places, *ranks, *numbers, ~can_fill(calls)[rows], times, groups))


def _rank(calls: Calls, name: str) -> Ints:
    codes, labels = calls.codes(name)
    return np.append(np.argsort(np.argsort(np.array(labels, dtype=object))), -1)[codes]
