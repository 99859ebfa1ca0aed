"""A cache of so many entries: where there is no place for a new one, the least recently used goes.

What is past its time to live takes no place. A hit makes its entry the most recently used one and does not renew it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from itertools import count

import numpy as np

from llmcost.strategies.timeline import Ints, Mask

AT_ONCE = 1 << 16  # calls that are Python objects at a time


@dataclass(frozen=True, slots=True)
class Stream:
    """Calls in the order in which they come. Arrays are parallel, times are microseconds.

    request  a number for all that are the same      ttl    how long the answer is kept
    time     when the call starts                    fills  whether the answer may be kept at all
    ready    from when on the answer is served: an earlier one of the same request is a miss that fills nothing
    """

    request: Ints
    time: Ints
    ttl: Ints
    ready: Ints
    fills: Mask


def most_alive(time: Ints, ttl: Ints) -> int:
    """How many entries of a cache of any size are alive at a time at most, by when each was filled."""
    alive = np.arange(1, len(time) + 1) - np.searchsorted(np.sort(time + ttl), np.sort(time), side="right")
    return int(alive.max(initial=0))


def served_within(calls: Stream, capacity: int) -> Ints:
    """For each of the calls the index of the entry that answers it, of so many at most; −1: none.

    Who is evicted depends on every call before, so this is a loop: one to two microseconds a call.
    """
    hits: list[int] = []
    by: list[int] = []
    kept: OrderedDict[int, tuple[int, int, int, int]] = OrderedDict()  # request → index, expiry, ready, ttl
    # The same requests in the order in which they expire: as many queues as there are times to live.
    ageing: dict[int, OrderedDict[int, int]] = {ttl: OrderedDict() for ttl in np.unique(calls.ttl).tolist()}

    def make_room(now: int) -> None:
        for queue in ageing.values():
            request, expiry = next(iter(queue.items()), (0, now + 1))
            if expiry <= now:
                del queue[request], kept[request]
                return
        request, (_, _, _, ttl) = kept.popitem(last=False)
        del ageing[ttl][request]

    columns = (calls.request, calls.time, calls.ttl, calls.ready, calls.fills)
    for start in range(0, len(calls.request), AT_ONCE):
        piece = (column[start : start + AT_ONCE].tolist() for column in columns)
        for index, request, now, ttl, ready, fills in zip(count(start), *piece, strict=False):
            found = kept.get(request)
            if found is not None and now < found[1]:
                if now >= found[2]:
                    kept.move_to_end(request)
                    hits.append(index)
                    by.append(found[0])
            elif fills:
                if found is not None:
                    del kept[request], ageing[found[3]][request]
                elif len(kept) >= capacity:
                    make_room(now)
                kept[request] = (index, now + ttl, ready, ttl)
                ageing[ttl][request] = now + ttl
    entry = np.full(len(calls.request), -1)
    entry[hits] = by
    return entry
