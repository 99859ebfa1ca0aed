"""The log as the audit counts it: every column it needs, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.audit.groups import Floats, Ints, Mask
from llmcost.audit.result import Span
from llmcost.calls import Calls
from llmcost.strategies.timeline import ranked, times

TOKENS = ("input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens")
UNKNOWN_MODEL = "unknown"
UNKNOWN_DAY = "unknown"
UNTAGGED = "untagged"
NO_TAG = "(none)"

AVERAGE_MONTH = 30.4375  # days: 365.25 / 12
SHORTEST_SPAN = 7.0  # days: less says too little about a month
DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Labels:
    """A grouping of the calls: the group of every call, and the groups' names."""

    codes: Ints
    names: list[str]

    def take(self, rows: Ints) -> Labels:
        """The same of these calls alone."""
        return Labels(self.codes[rows], self.names)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Calls with their costs. Arrays are parallel to the calls; unknown is NaN.

    weights     calls of the real traffic that a row stands for: more than one where the log is a sample
    costs       dollars of those calls       tokens  of those calls, whole
    listed      the same dollars by the price list; the very same array unless the log's own costs are asked for
    latency_ms  of answered calls alone: how fast a call fails says nothing of how fast answers come
    metered     input and output tokens are known (embeddings have no output), and no part exceeds the whole
    """

    calls: Calls
    weights: Floats
    costs: Floats
    listed: Floats
    failed: Mask
    metered: Mask
    latency_ms: Floats
    tokens: Mapping[str, Floats]
    tasks: Labels
    models: Labels
    span: Span

    def take(self, rows: Ints) -> Ledger:
        """The ledger of these calls alone, of the same span."""
        costs = self.costs[rows]
        return Ledger(
            calls=self.calls.take(rows),
            weights=self.weights[rows],
            costs=costs,
            listed=costs if self.listed is self.costs else self.listed[rows],
            failed=self.failed[rows],
            metered=self.metered[rows],
            latency_ms=self.latency_ms[rows],
            tokens={name: tokens[rows] for name, tokens in self.tokens.items()},
            tasks=self.tasks.take(rows),
            models=self.models.take(rows),
            span=self.span,
        )

    @property
    def priced(self) -> Mask:
        """True where the cost is known."""
        known: Mask = ~np.isnan(self.costs)
        return known

    @property
    def unpriced(self) -> Mask:
        """True where the tokens are known and the price is not."""
        return self.metered & ~self.priced

    @property
    def unmetered(self) -> Mask:
        """True where the cost is unknown because the tokens are."""
        return ~self.metered & ~self.priced

    @property
    def total(self) -> int:
        """Calls of the real traffic, rounded."""
        return round(float(self.weights.sum()))

    def count(self, rows: Mask) -> int:
        """Calls of the real traffic in these rows, rounded."""
        return round(float(self.weights[rows].sum()))

    def counts(self, grouped: Labels, rows: Mask | None = None) -> list[int]:
        """Calls of the real traffic in every group, rounded; with `rows`, those where it is true."""
        return [round(weight) for weight in self.sums_of_weights(grouped, rows).tolist()]

    def sums_of_weights(self, grouped: Labels, rows: Mask | None = None) -> Floats:
        """The same, not rounded: what a mean divides by."""
        chosen = slice(None) if rows is None else rows
        sums = np.bincount(grouped.codes[chosen], weights=self.weights[chosen], minlength=len(grouped.names))
        return np.asarray(sums, dtype=np.float64)

    def parts(self, *masks: Mask) -> list[int]:
        """Calls of the real traffic in each of these masks, which share no row, rounded so that they add up."""
        edges = np.rint(np.cumsum([0.0, *(self.weights[mask].sum() for mask in masks)]))
        return [int(calls) for calls in np.diff(edges)]

    def monthly(self, usd: float | None) -> float | None:
        """Dollars of this log as dollars of an average month; None if it is too short to tell."""
        return monthly(usd, self.span.days)


def ledger(calls: Calls, costs: Floats, listed: Floats | None = None) -> Ledger:
    """The ledger of these calls; `costs` are dollars a row, `listed` those of the price list where these are others."""
    tokens = {name: calls.floats(name) for name in TOKENS}
    failed = np.asarray(pc.is_valid(calls.column("error_type")), dtype=bool)
    weights = calls.weights()
    billed = np.asarray(costs, dtype=np.float64) * weights
    asked, served = (pc.cast(calls.column(name), pa.string()) for name in ("request_model", "response_model"))
    return Ledger(
        calls=calls,
        weights=weights,
        costs=billed,
        listed=billed if listed is None else listed * weights,
        failed=failed,
        metered=_metered(calls, tokens),
        latency_ms=np.where(failed, np.nan, calls.floats("latency_ms")),
        tokens=tokens if (weights == 1).all() else {name: np.rint(each * weights) for name, each in tokens.items()},
        tasks=labels(calls.column("task"), UNTAGGED),
        models=labels(pc.coalesce(asked, served), UNKNOWN_MODEL),
        span=span(calls),
    )


def _metered(calls: Calls, tokens: Mapping[str, Floats]) -> Mask:
    silent = np.asarray(pc.fill_null(pc.equal(pc.cast(calls.column("operation"), pa.string()), "embeddings"), False))
    output = np.where(silent, np.nan_to_num(tokens["output_tokens"]), tokens["output_tokens"])
    cached = np.nan_to_num(tokens["cache_read_tokens"]) + np.nan_to_num(calls.floats("cache_write_tokens"))
    possible: Mask = (tokens["input_tokens"] >= cached) & (output >= np.nan_to_num(tokens["reasoning_tokens"]))
    return possible  # comparisons with NaN are false


def labels(column: pa.ChunkedArray, unknown: str) -> Labels:
    """The calls grouped by a text column; `unknown` names the group of those without."""
    encoded = pc.fill_null(pc.cast(column, pa.string()), unknown).combine_chunks().dictionary_encode()
    return Labels(np.asarray(encoded.indices, dtype=np.int64), encoded.dictionary.to_pylist())


def days(calls: Calls) -> Labels:
    """The calls grouped by UTC date."""
    timed = calls.known("start_time")
    numbers, codes = ranked(np.where(timed, times(calls) // DAY_US, np.iinfo(np.int64).max))
    dates = [str(np.datetime64(int(number), "D")) for number in numbers[: len(numbers) - (not timed.all())]]
    return Labels(codes, dates if timed.all() else [*dates, UNKNOWN_DAY])


def span(calls: Calls) -> Span:
    """First and last call, and the time between them in days to three decimals; None without a single time."""
    extent = pc.min_max(pc.cast(calls.column("start_time"), pa.int64())).as_py()
    first, last = extent["min"], extent["max"]
    if first is None:
        return Span(None, None, None)
    return Span(_iso(first), _iso(last), round((last - first) / DAY_US, 3))


def span_days(calls: Calls) -> float | None:
    """Days from first to last call, where they are enough to tell a month's bill from; None under 7 days."""
    found = span(calls).days
    return found if found is not None and found >= SHORTEST_SPAN else None


def monthly(usd: float | None, span_days: float | None) -> float | None:
    """What a log of so many days costs in an average month; None under 7 days between first and last call.

    Calls without a time are taken to lie in the same span.
    """
    return None if usd is None or span_days is None or span_days < SHORTEST_SPAN else usd / span_days * AVERAGE_MONTH


def _iso(microseconds: int) -> str:
    return str(np.datetime_as_string(np.datetime64(microseconds, "us"), unit="ms", timezone="UTC"))
