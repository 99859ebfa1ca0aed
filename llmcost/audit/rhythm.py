"""Which call sites look like a machine at work, by the clock alone: nobody waits for their answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.audit.groups import Ints, Mask
from llmcost.audit.ledger import Labels
from llmcost.calls import Calls
from llmcost.strategies.batch_api import accompanied, batchable

MIN_CALLS = 100  # of a call site
ALONE = 0.95  # of a site's answered calls fit a batch: else it is not a site that works alone

SLICE = 1 << 17  # calls whose columns are looked at together

MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
BURST_CALLS, BURST_FACTOR = 20, 10.0  # calls in a minute, and times the site's mean minute over the whole log
BURST_SHARE = 0.5  # of a site's calls lie in such minutes
BURST_DAYS = 1.0  # a shorter log does not show what a usual minute is

NIGHT_HOURS, NIGHT_SHARE = 8, 0.7  # of a site's calls, in the hours when people ask least
MIN_PEOPLE, QUIET_SHARE = 200, 0.15  # calls of people (streams, sessions), and what of them the night may hold

FLAT_HOURS, FLAT_SHARE = 6, 0.21  # the quietest hours of a flat day hold a quarter; of people's, next to nothing
FLAT_CALLS, FLAT_DAYS = 1000, 3.0

BURSTS, NIGHT, FLAT = "in bursts", "at night", "round the clock"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Calls that could wait, and for every group why it looks like a machine; None: it does not."""

    rows: Mask
    why: list[str | None]

    def take(self, rows: Ints) -> Waiting:
        """The same of these calls alone."""
        return Waiting(self.rows[rows], self.why)


def waiting(calls: Calls, answered: Mask, grouped: Labels) -> Waiting:
    """The calls that a Batch API could take, of the groups that keep a machine's hours."""
    size, codes = len(grouped.names), grouped.codes
    timed = np.asarray(pc.is_valid(calls.column("start_time")), dtype=bool)
    times = np.asarray(pc.fill_null(pc.cast(calls.column("start_time"), pa.int64()), 0), dtype=np.int64)
    fits = np.concatenate(calls.in_slices(SLICE, batchable)) & timed
    n = np.bincount(codes[fits], minlength=size)
    alone = (n >= MIN_CALLS) & (n >= ALONE * np.bincount(codes[answered], minlength=size))
    rows = np.flatnonzero(fits & alone[codes])
    if not rows.size:
        return Waiting(np.zeros(len(calls), dtype=bool), [None] * size)
    span = float(np.ptp(times[timed])) / DAY_US
    bursts = _bursts(codes[rows], times[rows], n, span)
    by_hour = _by_hour(codes[rows], times[rows], size)
    night = _night(by_hour, times[answered & timed & np.concatenate(calls.in_slices(SLICE, accompanied))])
    flat = (n >= FLAT_CALLS) & (_quietest(by_hour, FLAT_HOURS) >= FLAT_SHARE * n) & (span >= FLAT_DAYS)
    why = [
        next((reason for reason, is_so in ((BURSTS, burst), (NIGHT, dark), (FLAT, even)) if is_so and fit), None)
        for burst, dark, even, fit in zip(bursts, night, flat, alone, strict=True)
    ]
    chosen = np.array([reason is not None for reason in why], dtype=bool)
    return Waiting(fits & chosen[codes], why)


def _bursts(codes: Ints, times: Ints, n: Ints, span: float) -> Mask:
    """Groups that make most of their calls in minutes far busier than usual."""
    if span < BURST_DAYS:
        return np.zeros(len(n), dtype=bool)
    minutes = times // MINUTE_US
    first = minutes.min()
    cells = pa.array(codes * (minutes.max() - first + 1) + minutes - first).dictionary_encode()
    cell = np.asarray(cells.indices, dtype=np.int64)
    calls = np.bincount(cell)[cell]
    usual = n / (span * DAY_US / MINUTE_US)
    inside = calls >= np.maximum(BURST_CALLS, BURST_FACTOR * usual)[codes]
    busy: Mask = np.bincount(codes[inside], minlength=len(n)) >= BURST_SHARE * np.maximum(n, 1)
    return busy


def _by_hour(codes: Ints, times: Ints, size: int) -> Ints:
    """Calls by group and hour of the day, UTC: size × 24."""
    cells = codes * 24 + times // HOUR_US % 24
    return np.bincount(cells, minlength=24 * size).reshape(size, 24)


def _night(by_hour: Ints, people: Ints) -> Mask:
    """Groups that call when people do not. Where people live, their own calls say: no time zone is assumed."""
    asleep = np.zeros(len(by_hour), dtype=bool)
    if len(people) < MIN_PEOPLE:
        return asleep
    hours = _windows(_by_hour(np.zeros(len(people), dtype=np.int64), people, 1), NIGHT_HOURS)[0]
    start = int(hours.argmin())
    if hours[start] > QUIET_SHARE * len(people):
        return asleep
    dark: Mask = _windows(by_hour, NIGHT_HOURS)[:, start] >= NIGHT_SHARE * np.maximum(by_hour.sum(axis=1), 1)
    return dark


def _quietest(by_hour: Ints, width: int) -> Ints:
    """Calls in the quietest hours of so many in a row."""
    return np.asarray(_windows(by_hour, width).min(axis=1), dtype=np.int64)


def _windows(by_hour: Ints, width: int) -> Ints:
    """Calls in so many hours from each hour on, round the clock."""
    return np.asarray(sum(np.roll(by_hour, -step, axis=1) for step in range(width)), dtype=np.int64)
