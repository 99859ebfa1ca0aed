"""A cache of so many entries: where there is no place for a new one, the least recently used goes.

What is past its time to live takes no place. A hit makes its entry the most recently used one and does not renew it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np

from llmcost.strategies.timeline import Ints, Mask

AT_ONCE = 1 << 16  # calls that are Python objects at a time


@dataclass(frozen=True, slots=True)
class Stream:
    """Calls in the order in which they come. Arrays are parallel, times are microseconds.

    request  a number for all that are the same, from 0 on      ttl    how long the answer is kept
    time     when the call starts                               fills  whether the answer may be kept at all
    ready    from when on the answer is served: an earlier one of the same request is a miss that fills nothing
    """

    request: Ints
    time: Ints
    ttl: Ints
    ready: Ints
    fills: Mask

    def in_turn(self) -> Iterator[tuple[int, int, int, bool]]:
        """Index, request, time of every call, and whether it fills."""
        columns = (self.request, self.time, self.fills)
        for start in range(0, len(self.request), AT_ONCE):
            piece = (column[start : start + AT_ONCE].tolist() for column in columns)
            yield from zip(count(start), *piece, strict=False)


def most_alive(time: Ints, ttl: Ints) -> int:
    """How many entries of a cache of any size are alive at a time at most, by when each was filled."""
    alive = np.arange(1, len(time) + 1) - np.searchsorted(np.sort(time + ttl), np.sort(time), side="right")
    return int(alive.max(initial=0))


def served_within(calls: Stream, capacity: int) -> Ints:
    """For each of the calls the index of the entry that answers it, of so many at most; −1: none.

    Who is evicted depends on every call before, so this is a loop: one to two microseconds a call.
    """
    served = np.full(len(calls.request), -1)
    room, places = _Places(calls), capacity
    entry, used, touched = room.entry, room.used, room.touched
    expiry, ready, answered = room.expiry, calls.ready.data, served.data
    for index, request, now, fills in calls.in_turn():
        filled = entry[request]
        if filled >= 0 and now < expiry[filled]:
            if now < ready[filled]:
                continue
            answered[index] = filled
        elif fills:
            if filled < 0 and places:
                places -= 1
            elif filled < 0:
                room.make(now)
            entry[request] = index
        else:
            continue
        used[request] = index
        touched.append(index)
    return served


class _Places:
    """What is in the cache, and who has to go.

    entry, used  by request, which call filled its entry and which used it last; −1: it has none
    touched      calls that filled or used an entry, in order: the first whose entry was not used since is the least
                 recently used
    """

    def __init__(self, calls: Stream) -> None:
        requests = int(calls.request.max(initial=-1)) + 1
        self.entry, self.used = [-1] * requests, [-1] * requests
        self.touched: deque[int] = deque()
        self.request, self.expiry = calls.request.data, (calls.time + calls.ttl).data
        # Entries of the same time to live expire in the order in which they were filled.
        self.ageing = [np.flatnonzero(calls.ttl == ttl).data for ttl in np.unique(calls.ttl)]
        self.looked_at = [0] * len(self.ageing)

    def make(self, now: int) -> None:
        """Takes an entry out: one that has expired, or else the least recently used."""
        request = self._expired(now)
        if request < 0:
            request = self._least_recently_used()
        self.entry[request] = self.used[request] = -1

    def _expired(self, now: int) -> int:
        """A request whose entry has expired; −1: none has."""
        for queue, calls in enumerate(self.ageing):
            while (at := self.looked_at[queue]) < len(calls) and self.expiry[calls[at]] <= now:
                self.looked_at[queue] += 1
                request = self.request[calls[at]]
                if self.entry[request] == calls[at]:
                    return request
        return -1

    def _least_recently_used(self) -> int:
        while True:
            index = self.touched.popleft()
            request = self.request[index]
            if self.used[request] == index:
                return request
