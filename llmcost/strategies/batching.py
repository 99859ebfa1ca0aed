"""Batching: several independent requests of one template are asked in one call, which is billed what they share once.

Not every call finds company when it comes. So calls are collected as a program would: the first one waits for others
of its kind until enough have come or it has waited long enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llmcost.calls import WEIGHT_STEPS, Calls
from llmcost.strategies.attempts import can_change, lone, per_row, without
from llmcost.strategies.route import by_task, with_numbers
from llmcost.strategies.timeline import chronological, dense, group_starts, next_entry, reached_from, times, ttl_us

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Batched:
    """What asking `items` requests of a task at once does to the tokens of each, as measured with retries.

    *_token_ratio  its share of the tokens of the call, over those of a call of its own
    wait_s         how long the first of a call may wait for the others
    """

    items: int
    input_token_ratio: float
    output_token_ratio: float
    wait_s: float

    def __post_init__(self) -> None:
        if self.items < 2:
            raise ValueError("a batch has two items or more")

    @property
    def shared(self) -> float:
        """The share of a request's input that is billed once for all of a call: ratio = 1 − shared·(1 − 1/items)."""
        return (1 - self.input_token_ratio) / (1 - 1 / self.items)


@dataclass(frozen=True, slots=True)
class Batches:
    """Which requests can wait and be asked together (True, one value a request), and what that does, by task."""

    rows: Mask
    tasks: Mapping[str, Batched]

    def take(self, rows: Ints) -> Batches:
        """The same of these requests alone."""
        return Batches(self.rows[rows], self.tasks)


@dataclass(frozen=True, slots=True)
class Batching:
    """The strategy `batching`; its evidence is Batches."""

    name: str = "batching"

    def apply(self, calls: Calls, evidence: Batches) -> Calls:
        """The calls with the tokens of those that find company divided among all that are asked at once.

        Of one kind: same task, call site, model and, in a sampled log, weight. One that finds none stays as it is. Each
        gets the same part of the call's tokens; of what the provider's cache had of their prompts, the call is taken
        to read no more than the least of them did, and to write as much as the most.

        A call's answers come when all of them are written, after up to `wait_s`: their latencies are not known. What
        is asked together is of no call site any more, so that no later step counts on a cached beginning of each.

        Failed calls, embeddings, requests of several attempts, what a cache answered and calls without a time or a
        count of tokens stay as they are.
        """
        which, found = by_task(calls, evidence.tasks)
        which = np.where(per_row(calls, evidence.rows) & _can_join(calls), which, -1)
        wait = ttl_us(calls, {task: each.wait_s for task, each in evidence.tasks.items()})
        together = _together(calls, which, found, wait)
        return _shared(calls, together, which, found) if together.rows.size else calls


@dataclass(frozen=True, slots=True)
class _Together:
    """The rows that find company, those asked at once next to each other.

    first  where in `rows` each call's begin      size  how many requests each call holds
    """

    rows: Ints
    first: Ints
    size: Ints

    def of(self, values: Floats, reduce: np.ufunc = np.add) -> Floats:
        """A figure of each call, from those of the requests in it; unknown if one is."""
        return np.asarray(reduce.reduceat(values[self.rows], self.first), np.float64)

    def parts(self, tokens: Floats) -> Floats:
        """What each request has of its call's tokens: all the same, to one, and together exactly all."""
        among, tokens = np.repeat(self.size, self.size), np.repeat(tokens, self.size)
        place = np.arange(len(self.rows)) - np.repeat(self.first, self.size)
        return np.floor(tokens * (place + 1) / among) - np.floor(tokens * place / among)


def _can_join(calls: Calls) -> Mask:
    can: Mask = can_change(calls) & lone(calls)
    for name in ("start_time", "call_site", "request_model", "input_tokens", "output_tokens"):
        can &= calls.known(name)
    return can


def _together(calls: Calls, which: Ints, found: Sequence[Batched], wait_us: Ints) -> _Together:
    """Requests of a kind in order of time; each call is closed when it is full, or its first has waited long enough."""
    rows = np.flatnonzero(which >= 0)
    if not rows.size:
        return _Together(rows, rows, rows)
    kind, moments = _kinds(calls, which, rows), times(calls)
    order = chronological(calls, rows, kind, moments[rows])
    rows, kind = rows[order], kind[order]
    full = np.arange(len(rows)) + np.array([each.items for each in found])[which[rows]]
    full = np.where(full < np.searchsorted(kind, kind, side="right"), full, len(rows))
    late = next_entry(kind, moments[rows], wait_us[rows] + 1)
    opens = reached_from(group_starts(kind), np.minimum(full, late))
    size = np.diff(np.append(np.flatnonzero(opens), len(rows)))
    found_company, size = np.repeat(size > 1, size), size[size > 1]
    return _Together(rows[found_company], np.cumsum(size) - size, size)


def _kinds(calls: Calls, which: Ints, rows: Ints) -> Ints:
    """A number for all that requests must have in common to be asked at once."""
    weights = np.rint(calls.weights() * WEIGHT_STEPS).astype(np.int64)
    kinds = which[rows]
    for column in (calls.codes("call_site")[0], calls.codes("request_model")[0], weights):
        numbers = dense(column[rows])
        kinds = dense(kinds * (numbers.max(initial=0) + 1) + numbers)
    return kinds


def _shared(calls: Calls, together: _Together, which: Ints, found: Sequence[Batched]) -> Calls:
    """The calls with what is asked at once divided among the requests."""
    kind = which[together.rows[together.first]]
    shared = np.array([each.shared for each in found])[kind]
    ratio_out = np.array([each.output_token_ratio for each in found])[kind]
    asked = np.rint(together.of(calls.floats("input_tokens")) * (1 - shared * (1 - 1 / together.size)))
    answered = np.rint(together.of(calls.floats("output_tokens")) * ratio_out)
    read = np.minimum(together.of(calls.floats("cache_read_tokens"), np.minimum), asked)
    left = asked - np.nan_to_num(read)
    written = np.minimum(together.of(calls.floats("cache_write_tokens"), np.maximum), left)
    reasoned = np.rint(together.of(calls.floats("reasoning_tokens")) * ratio_out)
    parts = {
        "cache_read_tokens": together.parts(read),
        "cache_write_tokens": together.parts(written),
        "reasoning_tokens": together.parts(reasoned),
    }
    # A whole is the sum of its parts, row by row: divided on its own, it could be less than they are.
    plain, said = together.parts(left - np.nan_to_num(written)), together.parts(answered - np.nan_to_num(reasoned))
    in_cache = np.nan_to_num(parts["cache_read_tokens"]) + np.nan_to_num(parts["cache_write_tokens"])
    wholes = {"input_tokens": plain + in_cache, "output_tokens": said + np.nan_to_num(parts["reasoning_tokens"])}
    return _with(calls, together.rows, parts | wholes)


def _with(calls: Calls, rows: Ints, parts: Mapping[str, Floats]) -> Calls:
    """The calls with these tokens in these rows, which are of no call site, and whose latency is not known."""
    mask = np.zeros(len(calls), dtype=bool)
    mask[rows] = True
    columns = {name: calls.floats(name).copy() for name in parts}
    for name, tokens in parts.items():
        columns[name][rows] = tokens
    return without(with_numbers(calls, columns), mask, ("latency_ms", "time_to_first_chunk_ms", "call_site"))
