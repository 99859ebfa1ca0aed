"""Model map: every task's calls are asked of the model chosen for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmcost.calls import Calls
from llmcost.strategies.attempts import EMBEDDINGS, NO_ANSWERS, ordered_by

T = TypeVar("T")
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

DEFAULT_TIER = "default"


@dataclass(frozen=True, slots=True)
class Swap:
    """What asking `model` instead does to a task's calls, as measured (or assumed: ratio 1).

    *_token_ratio   its tokens over today's
    latencies_ms    its replayed latencies, sorted; None: unknown
    cache_read      whether it is known to read as much of the prompt from the provider's cache; if not, nothing
    """

    model: str
    input_token_ratio: float = 1.0
    output_token_ratio: float = 1.0
    latencies_ms: Floats | None = None
    cache_read: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """The strategy `route`; its evidence is task → Swap."""

    name: str = "route"

    def apply(self, calls: Calls, evidence: Mapping[str, Swap]) -> Calls:
        """The calls with the model, tokens and latency of every task named in `evidence`.

        Calls that already ask for the chosen model, and embeddings, stay as they are. Failed calls change their model
        and keep their latency. Calls that never went out (no tokens at all) keep their latency too. The split of the
        output into reasoning and the time to the first chunk are not known of the other model.
        """
        which, swaps = by_task(calls, evidence)
        which = np.where(calls.says("operation", NO_ANSWERS | {EMBEDDINGS}), -1, which)
        return asked_of(calls, unless_asked(calls, which, swaps), swaps)


def by_task(calls: Calls, evidence: Mapping[str, T]) -> tuple[Ints, list[T]]:
    """For every call the index of what is known of its task, −1 where nothing is, and what is known."""
    codes, tasks = calls.codes("task")
    known = [task for task in tasks if task in evidence]
    number = {task: index for index, task in enumerate(known)}
    return np.array([*(number.get(task, -1) for task in tasks), -1])[codes], [evidence[task] for task in known]


def unless_asked(calls: Calls, which: Ints, swaps: Sequence[Swap]) -> Ints:
    """`which`, but −1 for the calls that ask for the model of their swap already."""
    asked, models = calls.codes("request_model")
    position = {model: code for code, model in enumerate(models)}
    already = _per_row(which, [position.get(swap.model, -2) for swap in swaps], -2) == asked
    return np.where(already, -1, which)


def asked_of(calls: Calls, which: Ints, swaps: Sequence[Swap]) -> Calls:
    """The calls as they would have been had each been asked of the model of `swaps[which]`; −1: it stays as it is."""
    if not (which >= 0).any():
        return calls
    sent = (which >= 0) & ~_never_sent(calls)
    return _relabelled(_scaled(_retimed(calls, which, swaps, sent), which, swaps, sent), which, swaps)


def _retimed(calls: Calls, which: Ints, swaps: Sequence[Swap], sent: Mask) -> Calls:
    latency = calls.floats("latency_ms").copy()
    mapped = sent & ~calls.known("error_type") & ~np.isnan(latency)
    for index, swap in enumerate(swaps):
        rows = np.flatnonzero(mapped & (which == index))
        latency[rows] = np.nan
        if swap.latencies_ms is not None and len(swap.latencies_ms):
            rows = ordered_by(calls, rows, calls.floats("latency_ms")[rows])
            latency[rows] = _quantiles(swap.latencies_ms, len(rows))
    first_chunk = np.where(sent, np.nan, calls.floats("time_to_first_chunk_ms"))
    return with_numbers(calls, {"latency_ms": latency, "time_to_first_chunk_ms": first_chunk})


def _quantiles(latencies: Floats, n: int) -> Floats:
    """Latencies of n calls, rising and evenly spread: mapped rank for rank, the slowest call becomes the slowest."""
    return np.quantile(latencies, (np.arange(n) + 0.5) / n) if n else np.empty(0)


def _scaled(calls: Calls, which: Ints, swaps: Sequence[Swap], sent: Mask) -> Calls:
    """Tokens times the measured ratios, rounded; unknown stays unknown, and cached tokens stay within the input."""
    ratio_in = _per_row(which, [swap.input_token_ratio for swap in swaps], 1.0)
    ratio_out = _per_row(which, [swap.output_token_ratio for swap in swaps], 1.0)
    cached = _per_row(which, [float(swap.cache_read) for swap in swaps], 1.0)
    was_read, was_written = calls.floats("cache_read_tokens"), calls.floats("cache_write_tokens")
    asked, answered = calls.floats("input_tokens"), calls.floats("output_tokens")
    total = np.rint(asked * ratio_in)
    read = np.where(sent, _part(was_read * ratio_in, cached, total), was_read)
    written = np.where(sent, _part(was_written * ratio_in, cached, total - np.nan_to_num(read)), was_written)
    scaled = {"input_tokens": (total, ratio_in), "output_tokens": (np.rint(answered * ratio_out), ratio_out)}
    return with_numbers(
        calls,
        {
            **{name: tokens for name, (tokens, ratio) in scaled.items() if (ratio != 1).any()},
            "cache_read_tokens": read,
            "cache_write_tokens": written,
            "reasoning_tokens": np.where(sent, np.nan, calls.floats("reasoning_tokens")),
        },
    )


def _part(tokens: Floats, kept: Floats, whole: Floats) -> Floats:
    # A call whose input is unknown has no bound: `fmin` then gives the part itself.
    return np.where(kept > 0, np.where(np.isnan(tokens), np.nan, np.fmin(np.rint(tokens), whole)), 0.0)


def _relabelled(calls: Calls, which: Ints, swaps: Sequence[Swap]) -> Calls:
    models = [swap.model for swap in swaps]
    moved = np.where(which >= 0, 0, -1)
    special = np.where(calls.says("service_tier", {DEFAULT_TIER}), -1, moved)
    calls = calls.relabelled("request_model", which, models).relabelled("response_model", which, models)
    return calls.relabelled("provider", moved, [None]).relabelled("service_tier", special, [None])


def _never_sent(calls: Calls) -> Mask:
    """True where a cache answered: no tokens, and known to be none."""
    both: Mask = (calls.floats("input_tokens") == 0) & (calls.floats("output_tokens") == 0)
    return both


def _per_row(which: Ints, values: Sequence[float], otherwise: float) -> Floats:
    return np.array([*values, otherwise], dtype=np.float64)[which]  # −1 finds the last


def with_numbers(calls: Calls, columns: Mapping[str, Floats]) -> Calls:
    """The calls with these columns replaced; NaN is unknown."""
    for name, values in columns.items():
        calls = calls.with_column(name, pa.array(values, from_pandas=True))
    return calls
