"""retry-storms: the same request asked again and again, because the answer failed, was given up, or nobody stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from llmcost.audit.findings.abandoned_streams import given_up
from llmcost.audit.findings.scene import MIN_CALLS, Scene, share
from llmcost.audit.groups import Floats, Ints, Mask
from llmcost.audit.result import Finding
from llmcost.pricing.cost import from_app_cache
from llmcost.strategies.timeline import times as microseconds

RETRY_WITHIN_US = 30 * 10**6  # of the end of an attempt that failed
STORM = 3  # attempts: one retry is good manners
BURST, BURST_US = 5, 60 * 10**6  # so many in a minute are a storm, whatever became of them
MIN_EXTRA = 0.005  # of a task's calls


@dataclass(frozen=True, slots=True)
class _Storms:
    """Attempts of storms: rows of the log, which of them are extra, and whether the storm was answered in the end."""

    rows: Ints
    extra: Mask
    answered: Mask
    first: Mask


def retry_storms(scene: Scene) -> Iterator[Finding]:
    """Attempts beyond the first good one of the same request, by task.

    A storm is at least 3 attempts of one request (model, prompt, end user), each within 30 s of the end of the one
    before, which failed or was given up; or at least 5 within a minute by a known end user. Said from 20 extra attempts
    that are 0.5 % of a task's calls on.
    """
    entries, storms = scene.entries, _storms(scene)
    extra, answered = np.zeros(len(entries.calls), dtype=bool), np.zeros(len(entries.calls), dtype=bool)
    extra[storms.rows[storms.extra]] = True
    answered[storms.rows[storms.answered]] = True
    begun = np.zeros(len(entries.calls), dtype=bool)
    begun[storms.rows[storms.first]] = True
    tasks = entries.tasks
    columns = (extra, extra & entries.failed, begun & answered, begun & ~answered)
    counted = zip(*(entries.counts(tasks, rows) for rows in columns), strict=True)
    rows = zip(tasks.names, entries.counts(tasks), scene.usd_of(tasks, extra), counted, strict=True)
    for task, calls, usd, (n, failed, rescued, hopeless) in rows:
        if n < max(MIN_CALLS, MIN_EXTRA * calls):
            continue
        yield scene.finding(
            "retry-storms",
            usd,
            task=task,
            title=f"{share(n, calls)} of calls are further attempts at a request that was just made",
            calls=n,
            evidence=f"{rescued + hopeless:,} storms of {STORM} or more attempts: {rescued:,} were answered in the "
            f"end, {hopeless:,} never; of {n:,} extra attempts {failed:,} failed (failed-calls counts them too) and "
            f"{n - failed:,} did not (exact-duplicates counts those it could have kept)",
            remedy="cap attempts, back off with jitter, and give up on errors that cannot pass; "
            "raise a timeout that is shorter than the answers take",
        )


def _storms(scene: Scene) -> _Storms:
    """The attempts of every storm, sorted by request and time."""
    calls = scene.entries.calls
    groups, times = scene.stack.requests, microseconds(calls)
    usable = (groups >= 0) & np.asarray(pc.is_valid(calls.column("start_time")), dtype=bool) & ~from_app_cache(calls)
    again = np.bincount(groups[usable], minlength=groups.max(initial=0) + 1) >= STORM
    rows = np.flatnonzero(usable & again[groups])
    failed = (scene.entries.failed | given_up(scene))[rows]
    rows, failed = _in_order(scene, rows, groups[rows], times[rows], failed)
    linked = _linked(scene, rows, groups[rows], times[rows], failed)
    chain = np.cumsum(~linked) - 1
    size = np.bincount(chain)
    kept = size[chain] >= STORM if len(rows) else np.zeros(0, dtype=bool)
    return _marked(rows[kept], chain[kept], ~failed[kept], ~linked[kept])


def _marked(rows: Ints, chain: Ints, good: Mask, first: Mask) -> _Storms:
    """Of every chain the first good attempt is the one that is needed; of a hopeless one, its first."""
    answered = np.bincount(chain, weights=good) > 0 if len(chain) else np.zeros(0, dtype=bool)
    needed = first & ~answered[chain]
    position = np.flatnonzero(good)
    needed[position[np.unique(chain[position], return_index=True)[1]]] = True
    return _Storms(rows, ~needed, answered[chain], first)


def _linked(scene: Scene, rows: Ints, groups: Ints, times: Ints, failed: Mask) -> Mask:
    """True where an attempt goes on with the storm of the one before."""
    linked = np.zeros(len(rows), dtype=bool)
    if not len(rows):
        return linked
    same = groups[1:] == groups[:-1]
    took = np.nan_to_num(scene.entries.calls.floats("latency_ms")[rows]).clip(0, 1e9) * 1e3
    linked[1:] = same & failed[:-1] & (times[1:] - times[:-1] - took[:-1] <= RETRY_WITHIN_US)
    back = BURST - 1
    known = np.asarray(scene.entries.calls.column("user_key").is_valid(), dtype=bool)[rows[back:]]
    dense = known & (groups[back:] == groups[:-back]) & (times[back:] - times[:-back] <= BURST_US)
    for step in range(back):
        linked[back - step : len(rows) - step] |= dense
    return linked


def _in_order(scene: Scene, rows: Ints, groups: Ints, times: Ints, failed: Mask) -> tuple[Ints, Mask]:
    """Rows by request and time; at the same microsecond by what is in them, failures first."""
    entries = scene.entries
    latency: Floats = entries.calls.floats("latency_ms")[rows]
    order = np.lexsort((scene.places.grouped.codes[rows], entries.costs[rows], latency, ~failed, times, groups))
    return rows[order], failed[order]
