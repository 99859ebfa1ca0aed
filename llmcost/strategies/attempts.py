"""How long requests take: a request is one or several attempts, whose latencies add up.

Rows that come from the same place of the log (source, position, part) are attempts of one request: a strategy that asks
twice repeats the row. A row that comes from nowhere is a request of its own.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from llmcost.calls import Calls

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LOCATOR = ("source", "position", "part")
NOWHERE = -1


def latency_p95(calls: Calls) -> float | None:
    """p95 of the latencies of all answered requests in milliseconds, interpolated linearly; None: none is known."""
    latencies = request_latencies(calls)
    known = latencies[~np.isnan(latencies)]
    return float(np.quantile(known, 0.95)) if known.size else None


def request_latencies(calls: Calls) -> Floats:
    """Milliseconds of every answered request, over all its attempts; NaN where one of them is not known."""
    latency = calls.floats("latency_ms")
    answered = np.asarray(pc.is_null(calls.column("error_type")), dtype=bool)
    request = requests(calls)
    if request is None:
        return np.asarray(latency[answered], dtype=np.float64)
    taken = np.bincount(request, weights=latency)
    return np.asarray(taken[np.bincount(request, weights=answered) > 0], dtype=np.float64)


def requests(calls: Calls) -> Ints | None:
    """The number of every row's request, from 0 on; None: each row is a request of its own."""
    located = calls.known("position")
    if not located.any():
        return None
    parts = [np.nan_to_num(calls.floats(name), nan=NOWHERE).astype(np.int64) for name in LOCATOR]
    parts = [np.where(located, part, NOWHERE) for part in parts]
    parts.append(np.where(located, 0, np.arange(len(calls))))
    order = np.lexsort(parts[::-1]) if _disordered(parts) else np.arange(len(calls))
    starts = np.arange(len(calls)) == 0
    for part in parts:
        starts[1:] |= np.diff(part[order]) != 0
    if starts.all():
        return None
    number = np.empty(len(calls), dtype=np.int64)
    number[order] = np.cumsum(starts) - 1
    return number


def _disordered(parts: list[Ints]) -> bool:
    """Whether some row comes before its predecessor, by the first of the parts in which the two differ."""
    steps = [np.diff(part) for part in parts]
    undecided = np.ones(len(steps[0]), dtype=bool)
    for step in steps:
        if (undecided & (step < 0)).any():
            return True
        undecided &= step == 0
    return False
