"""Requests and their attempts: what is asked for one request, one after the other, and how long that takes together.

Rows that come from the same place of the log (source, position, part) are attempts of one request: a strategy that asks
twice repeats the row. Attempts stand next to each other, in the order in which they are made. A row that comes from
nowhere is a request of its own, and no strategy adds an attempt to it.

An attempt that is no answer, but grades or shortens one, says so as its `operation`.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.calls import SCHEMA, Calls
from llmcost.pricing.cost import from_app_cache, started

Said = TypeVar("Said", bound=np.generic)
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LOCATOR = ("source", "position", "part")
NOWHERE = -1
EMBEDDINGS = "embeddings"  # vectors of two models cannot stand for each other
GRADER, COMPRESSOR = "grader", "compressor"
NO_ANSWERS = frozenset({GRADER, COMPRESSOR})

# What an attempt does not have whose answer nobody got: what it said, and what the log claims to have been paid for it.
OF_THE_ANSWER = ("finish_reason", "logged_cost_usd", "answer_bytes", "answer_key", "time_to_first_chunk_ms")
# What is true of the request's own prompt alone, and of no prompt that a grader or a compressor is asked with.
OF_THE_PROMPT = (
    "call_site", "prompt_key", "opening", "sketch", "messages", "prompt_bytes", "max_output_tokens", "reasoning_effort",
    "stream", "has_expected",
)  # fmt: skip


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
    return calls.derived_of(LOCATOR, _requests)


def _requests(calls: Calls) -> Ints | None:
    located = calls.known("position")
    if not located.any():
        return None
    parts = [np.asarray(pc.fill_null(pc.cast(calls.column(name), pa.int64()), NOWHERE)) for name in LOCATOR]
    if _rising(parts):
        return None
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


def can_change(calls: Calls) -> Mask:
    """True for the rows whose question could be put otherwise, or to others: answered by a model, and in words."""
    none = (calls.floats("input_tokens") == 0) & (calls.floats("output_tokens") == 0)  # a cache answered
    aside = calls.says("operation", NO_ANSWERS | {EMBEDDINGS}) | from_app_cache(calls)
    mask: Mask = ~calls.known("error_type") & ~none & ~aside
    return mask


def lone(calls: Calls) -> Mask:
    """True for the rows that are the only attempt of their request."""
    request = requests(calls)
    return np.ones(len(calls), dtype=bool) if request is None else (np.bincount(request) == 1)[request]


def per_row(calls: Calls, said: npt.NDArray[Said]) -> npt.NDArray[Said]:
    """What is said of each request, for every row of calls to which attempts may have been added since."""
    if len(said) == len(calls):
        return said
    starts = ~calls.known("position")
    for name in LOCATOR:
        starts[1:] |= np.diff(np.nan_to_num(calls.floats(name), nan=NOWHERE)) != 0
    starts[:1] = True
    row: npt.NDArray[Said] = said[np.cumsum(starts) - 1]
    return row


def ordered_by(calls: Calls, rows: Ints, figure: Floats) -> Ints:
    """These rows by a figure of theirs (parallel to them); where it is the same by time and place in the log.

    So it does not matter in which order they stand in the table.
    """
    order = np.argsort(figure, kind="stable")
    if (np.diff(figure[order]) == 0).any() or np.isnan(figure).sum() > 1:
        time = calls.derived("start_time", started)
        places = [calls.floats(name)[rows] for name in reversed(LOCATOR)]
        order = np.lexsort((*places, time[rows], figure))
    return rows[order]


def without(calls: Calls, rows: Mask, names: tuple[str, ...]) -> Calls:
    """The calls with nothing known of these columns in these rows."""
    for name in names:
        kind = SCHEMA.field(name).type
        if pa.types.is_dictionary(kind):
            calls = calls.relabelled(name, np.where(rows, 0, -1), [None])
        else:
            calls = calls.with_column(name, pc.if_else(pa.array(rows), pa.scalar(None, kind), calls.column(name)))
    return calls


def marked(calls: Calls, rows: Mask, operation: str) -> Calls:
    """The calls with these rows, copies of their requests' own, turned into attempts that are no answers."""
    return without(calls, rows, OF_THE_ANSWER + OF_THE_PROMPT).relabelled(
        "operation", np.where(rows, 0, -1), [operation]
    )


def _rising(parts: list[Ints]) -> bool:
    """Whether every row comes after its predecessor, by the first of the parts in which the two differ."""
    tied = np.ones(len(parts[0]) - 1, dtype=bool)
    for step in (np.diff(part) for part in parts):
        if (tied & (step < 0)).any():
            return False
        tied &= step == 0
    return not tied.any()


def _disordered(parts: list[Ints]) -> bool:
    """Whether some row comes before its predecessor, by the first of the parts in which the two differ."""
    steps = [np.diff(part) for part in parts]
    undecided = np.ones(len(steps[0]), dtype=bool)
    for step in steps:
        if (undecided & (step < 0)).any():
            return True
        undecided &= step == 0
    return False
