"""A few calls of every call site with their bodies, for what only the text can tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.audit.groups import Floats, Ints, Mask
from llmcost.calls import Call, Calls

PER_SITE = 32
COMPANIONS = 8  # of them: calls that came soon after another of the sample
NEAR_S = 300  # seconds
AT_MOST = 2_000  # bodies read again in all: the dearest call sites first

Bodies = Callable[[Calls], list[Call]]


class Exemplars:
    """Up to 32 different requests of each call site, read when first asked for.

    Which ones, the fingerprints of their prompts decide: a sample that does not depend on the order of the log, or on
    how it is split over files. Up to eight are companions: another call of the site within five minutes, by turns of
    the same session and of another, for what changes from one call to the next.
    """

    def __init__(self, calls: Calls, costs: Floats, bodies: Bodies) -> None:
        self._calls, self._costs, self._bodies = calls, costs, bodies

    def of(self, site: str) -> Sequence[Call]:
        """The sample of this call site in the order of time; empty if no call of it has a whole body."""
        return self._by_site.get(site, ())

    def read(self, calls: Calls) -> list[Call]:
        """The bodies of these calls, parallel to the rows: for a rule that knows itself which ones it needs."""
        return self._bodies(calls) if len(calls) else []

    @cached_property
    def _by_site(self) -> dict[str, list[Call]]:
        rows = self._chosen()
        chosen = self._calls.take(rows)
        found: dict[str, list[Call]] = {}
        for site, call in zip(chosen.labels("call_site"), self.read(chosen), strict=True):
            found.setdefault(site or "", []).append(call)
        return found

    def _chosen(self) -> Ints:
        """Rows of the sample, in order of time, then of prompt."""
        codes, names = self._calls.codes("call_site")
        usable = (codes >= 0) & self._whole()
        rows = _bottom(codes, _ranks(self._calls), np.flatnonzero(usable))
        spent = np.bincount(codes[usable], weights=np.nan_to_num(self._costs[usable]), minlength=len(names))
        dearest = np.lexsort((np.array(names, dtype=object), -spent)) if names else np.zeros(0, np.int64)
        place = np.empty(len(names), np.int64)
        place[dearest] = np.arange(len(names))
        kept = rows[np.argsort(place[codes[rows]], kind="stable")][: AT_MOST * (PER_SITE - COMPANIONS) // PER_SITE]
        times = np.asarray(pc.fill_null(pc.cast(self._calls.column("start_time"), pa.int64()), 0))
        kept = np.union1d(kept, self._companions(kept, codes, times, usable)).astype(np.int64)
        return kept[np.lexsort((_ranks(self._calls)[kept], times[kept]))]

    def _companions(self, kept: Ints, codes: Ints, times: Ints, usable: Mask) -> Ints:
        """For the first eight rows of each site another prompt of it within five minutes, where there is one."""
        timed = np.asarray(pc.is_valid(self._calls.column("start_time")), dtype=bool)
        rows = np.flatnonzero(usable & timed)
        if not rows.size:
            return rows
        seconds = (times - times[rows].min()) // 1_000_000
        clock = codes * (int(seconds[rows].max()) + NEAR_S + 1) + seconds
        rows = rows[np.argsort(clock[rows], kind="stable")]
        anchors = [row for run in _runs(codes, kept[timed[kept]]) for row in run[:COMPANIONS]]
        starts = np.searchsorted(clock[rows], clock[anchors], side="left")
        stops = np.searchsorted(clock[rows], clock[anchors] + NEAR_S, side="right")
        ranks = _ranks(self._calls)
        sessions = _key_numbers(self._calls, "session_key")
        found = []
        for number, (anchor, start, stop) in enumerate(zip(anchors, starts, stops, strict=True)):
            near = rows[start:stop]
            near = near[ranks[near] != ranks[anchor]]
            wanted = near[(sessions[near] == sessions[anchor]) == bool(number % 2)]
            if near.size:
                near = wanted if wanted.size else near
                found.append(near[np.argmin(ranks[near])])
        return np.array(found, dtype=np.int64)

    def _whole(self) -> Mask:
        state = pc.equal(pc.cast(self._calls.column("body_state"), pa.string()), "full")
        whole = pc.and_(pc.fill_null(state, False), pc.is_valid(self._calls.column("prompt_key")))
        return np.asarray(pc.and_(whole, pc.is_null(self._calls.column("error_type"))), dtype=np.bool_)


def _ranks(calls: Calls) -> Ints:
    """The first eight bytes of every prompt key as a number: an order that is random, and always the same."""
    keys = pc.fill_null(calls.column("prompt_key"), bytes(16)).combine_chunks()
    raw = np.frombuffer(keys.buffers()[1], dtype=">u8", count=2 * (keys.offset + len(keys)))
    return (raw[2 * keys.offset :: 2] >> np.uint64(1)).astype(np.int64)


def _bottom(codes: Ints, ranks: Ints, rows: Ints) -> Ints:
    """Of each group the rows with the lowest ranks, equal ranks once, as many as leave room for companions."""
    order = rows[np.lexsort((rows, ranks[rows], codes[rows]))]
    group, rank = codes[order], ranks[order]
    fresh = np.ones(len(order), bool)
    fresh[1:] = (group[1:] != group[:-1]) | (rank[1:] != rank[:-1])
    order, group = order[fresh], group[fresh]
    starts = np.searchsorted(group, group, side="left")
    return np.asarray(order[np.arange(len(order)) - starts < PER_SITE - COMPANIONS], dtype=np.int64)


def _runs(codes: Ints, rows: Ints) -> list[Ints]:
    """The rows in runs of the same group, in the order given."""
    return np.split(rows, np.flatnonzero(np.diff(codes[rows])) + 1) if rows.size else []


def _key_numbers(calls: Calls, name: str) -> Ints:
    indices = calls.column(name).combine_chunks().dictionary_encode().indices
    return np.asarray(pc.fill_null(indices, -1), dtype=np.int64)
