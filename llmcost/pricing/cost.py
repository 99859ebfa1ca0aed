"""price(): tokens × rates = US dollars, the only place where money is made.

Input includes cache reads and writes, output includes reasoning; each token is charged once. Every row is led to one
line of a table of rates (model, service tier, period, peak or off-peak, step of prompt length); the rest is numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.answers import Usage
from llmcost.calls import APP_CACHE, HIT, Calls
from llmcost.pricing.book import PriceBook
from llmcost.pricing.rates import BATCH, FLEX, PRIORITY, STANDARD, ModelPrice, Period, Rate, microseconds

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# The service tiers that logs name → the tier of a price list. A word that is not here has no known price.
SERVICE_TIERS = {
    None: STANDARD,
    "": STANDARD,
    "default": STANDARD,
    "standard": STANDARD,
    "standard_only": STANDARD,
    "auto": STANDARD,
    "on_demand": STANDARD,
    "batch": BATCH,
    "batches": BATCH,
    "flex": FLEX,
    "priority": PRIORITY,
    "fast": PRIORITY,
}
# A tier that is cheaper where it is sold: without a price of its own the standard price is an upper bound.
NEVER_DEARER = frozenset({BATCH, FLEX})

CHUNK_ROWS = 1 << 17  # a chunk's arrays stay in the processor's cache
ABSURD_TOKENS = 1e9  # more than a thousand full contexts in one call: a broken counter
MOST_KEYS = 2**62
MINUTE_US = 60_000_000
WEEK_MINUTES = 7 * 1440
THURSDAY_MINUTES = 3 * 1440  # the epoch began on a Thursday; weeks here begin on Monday
KEYS = ("request_model", "response_model", "provider", "service_tier", "operation")
CHARGED = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cache_write_1h_tokens",
)
UNPRICED = (float("nan"),) * 6

Kind = Literal["input", "cache_read", "cache_write", "output"]  # each token is of one: input is what no cache had
KINDS: tuple[Kind, ...] = get_args(Kind)


class Key(NamedTuple):
    """What decides, besides time and prompt length, which rates a call has."""

    request_model: str | None
    response_model: str | None
    provider: str | None
    service_tier: str | None
    operation: str | None


@dataclass(frozen=True)
class Quantities:
    """What is charged, one row a call: tokens as float64 (unknown: NaN), start in microseconds and whether known."""

    input: Floats
    read: Floats
    write: Floats
    output: Floats
    reasoning: Floats
    hour: Floats  # of what was written to the cache, the part that is kept for an hour
    start: Integers
    timed: npt.NDArray[np.bool_]


def price(calls: Calls, book: PriceBook) -> Floats:
    """US dollars of every row, as the provider would charge it; NaN: unknown model, tier or token count.

    What the application's own cache answered cost 0, whatever its tokens.
    """
    if not len(calls):
        return np.empty(0)
    return np.concatenate(calls.in_slices(CHUNK_ROWS, lambda part: _price_rows(part, slice(None), book)))


def price_rows(calls: Calls, rows: Integers, book: PriceBook) -> Floats:
    """US dollars of these rows alone, the same as `price` says of them."""
    parts = [_price_rows(calls, rows[first : first + CHUNK_ROWS], book) for first in range(0, len(rows), CHUNK_ROWS)]
    return np.concatenate(parts) if parts else np.empty(0)


def differently_priced(calls: Calls, after: Calls) -> npt.NDArray[np.bool_]:
    """True for the rows in which what decides the price is not the same; a time and a tag are never changed."""
    found = np.zeros(len(calls), np.bool_)
    changed = {name for name in (*CHARGED, *KEYS) if not calls.column(name).equals(after.column(name))}
    for name in changed.intersection(CHARGED):
        was, now = calls.floats(name), after.floats(name)
        found |= (was != now) & ~(np.isnan(was) & np.isnan(now))
    for name in changed.intersection(KEYS):
        (had, names), (has, others) = calls.codes(name), after.codes(name)
        place = {label: code for code, label in enumerate(names)}
        found |= had != np.array([*(place.get(label, -2) for label in others), -1])[has]
    return found


def price_usage(
    book: PriceBook, model: str, usage: Usage, *, at_us: int | None = None, service_tier: str | None = None
) -> float | None:
    """US dollars of one call of `model`; None if unknown. The same arithmetic as `price`."""
    cost = float(price_usages(book, model, [usage], at_us=at_us, service_tier=service_tier)[0])
    return None if np.isnan(cost) else cost


def price_usages(
    book: PriceBook,
    model: str,
    usages: Sequence[Usage],
    *,
    at_us: int | None = None,
    service_tier: str | None = None,
) -> Floats:
    """US dollars of each of these calls of `model`; NaN: unknown. Without `at_us`, at the prices of the book's day."""
    start = microseconds(book.day) if at_us is None else at_us
    quantities = Quantities(
        input=_counts(usage.input_tokens for usage in usages),
        read=_counts(usage.cache_read_tokens for usage in usages),
        write=_counts(usage.cache_write_tokens for usage in usages),
        output=_counts(usage.output_tokens for usage in usages),
        reasoning=_counts(usage.reasoning_tokens for usage in usages),
        hour=_counts(usage.cache_write_1h_tokens for usage in usages),
        start=np.full(len(usages), start, np.int64),
        timed=np.full(len(usages), at_us is not None),
    )
    return _cost(quantities, np.zeros(len(usages), np.int64), [Key(model, None, None, service_tier, None)], book)


def worst_case(book: PriceBook, model: str, input_tokens: int, max_output_tokens: int) -> float | None:
    """The most a standard call of these sizes can cost, in US dollars, whenever it is made; None if unpriced.

    The dearest of every rate in force today or announced: peak hours, no cache read, every token written to the cache,
    for an hour where that is sold.
    """
    found = book.find(model)
    if found is None or min(input_tokens, max_output_tokens) < 0:
        return None
    today = found.period_at(book.day)
    periods = [today, *(period for period in found.periods if period.start and period.start > book.day)]
    rates = [rate for period in periods for rate in period.rates
             if rate.tier == STANDARD and (rate.above == 0 or rate.above < input_tokens)]  # fmt: skip
    dearest_input = max(max(rate.charged[0], rate.charged[2], rate.charged_1h) for rate in rates)
    dearest_output = max(max(rate.charged[3:]) for rate in rates)
    return (input_tokens * dearest_input + max_output_tokens * dearest_output) / 1e6


def price_by_kind(calls: Calls, book: PriceBook) -> dict[Kind, Floats]:
    """US dollars of every row by kind of token; their sum is what `price` says, but for rounding; NaN where it is."""
    if not len(calls):
        return {kind: np.empty(0) for kind in KINDS}
    slices = calls.in_slices(CHUNK_ROWS, lambda part: _price_rows(part, slice(None), book, _cost_by_kind))
    return dict(zip(KINDS, np.concatenate(slices, axis=1), strict=True))


def tokens_by_kind(calls: Calls) -> dict[Kind, Floats]:
    """Tokens of every row by kind, each in one of them; what a log does not count of a cache was none of it."""
    tokens = {name: np.nan_to_num(calls.floats(name)) for name in CHARGED}
    read, write = tokens["cache_read_tokens"], tokens["cache_write_tokens"]
    kinds = (tokens["input_tokens"] - read - write, read, write, tokens["output_tokens"])
    return dict(zip(KINDS, kinds, strict=True))


def _price_rows(
    calls: Calls, rows: slice | Integers, book: PriceBook, charge: Callable[..., Floats] | None = None
) -> Floats:
    codes, keys = _distinct(calls, rows)
    timed = calls.known("start_time")[rows]
    quantities = Quantities(
        input=calls.floats("input_tokens")[rows],
        read=calls.floats("cache_read_tokens")[rows],
        write=calls.floats("cache_write_tokens")[rows],
        output=calls.floats("output_tokens")[rows],
        reasoning=calls.floats("reasoning_tokens")[rows],
        hour=calls.floats("cache_write_1h_tokens")[rows],
        start=np.where(timed, calls.derived("start_time", started)[rows], microseconds(book.day)),
        timed=timed,
    )
    return np.where(from_app_cache(calls)[rows], 0.0, (charge or _cost)(quantities, codes, keys, book))


def started(times: pa.ChunkedArray) -> Integers:
    """Times in microseconds; 0: unknown. Made of a column by `Calls.derived`, and not to be written to."""
    return np.asarray(pc.fill_null(pc.cast(times, pa.int64()), 0), dtype=np.int64)


def from_app_cache(calls: Calls) -> npt.NDArray[np.bool_]:
    """True where no provider was asked: the application's own cache had the answer. Not to be written to."""
    return calls.derived("tags", _hit_app_cache)


def _hit_app_cache(tags: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    if not any(_has_key(chunk, APP_CACHE) for chunk in tags.chunks):
        return np.zeros(len(tags), np.bool_)  # hardly a log has one, and looking it up row by row takes longer
    tag = pc.map_lookup(tags, query_key=APP_CACHE, occurrence="first")
    return np.asarray(pc.fill_null(pc.equal(tag, HIT), False), dtype=np.bool_)


def _has_key(tags: pa.MapArray, key: str) -> bool:
    """Whether any of these rows may carry the key."""
    first, last = (tags.offsets[edge].as_py() for edge in (0, -1))
    return bool(pc.any(pc.equal(tags.keys.slice(first, last - first), key)).as_py())


def _counts(counts: Iterable[int | None]) -> Floats:
    return np.array([np.nan if count is None else count for count in counts], dtype=np.float64)


def _distinct(calls: Calls, rows: slice | Integers) -> tuple[Integers, list[Key]]:
    """For each of these rows the index of its key, and the keys."""
    columns = [(labelled[rows], names) for labelled, names in map(calls.codes, KEYS)]
    mixed, width = np.zeros(len(columns[0][0]), np.int64), 1
    for labelled, names in columns:
        size = len(names) + 1
        if width > MOST_KEYS // size:  # numbers would not fit: only those that occur go on
            mixed = _numbered(mixed)
            width = int(mixed.max()) + 1
        mixed, width = mixed * size + labelled + 1, width * size
    codes = _numbered(mixed)
    example = np.zeros(codes.max() + 1, np.int64)
    example[codes] = np.arange(len(codes))
    found = [[*names, None] for _, names in columns]  # code −1 finds the last
    rows_of = zip(*(labelled[example].tolist() for labelled, _ in columns), strict=True)
    return codes, [Key(*(labels[code] for labels, code in zip(found, each, strict=True))) for each in rows_of]


def _numbered(mixed: Integers) -> Integers:
    """The numbers from 0 on, in the order in which they first occur."""
    return np.asarray(pa.array(mixed).dictionary_encode().indices, np.int64)


def _cost(quantities: Quantities, codes: Integers, keys: Sequence[Key], book: PriceBook) -> Floats:
    q, (plain, read, write, output, reasoning, hour) = _charged(quantities, codes, keys, book)
    dollars = (q.input - q.read - q.write) * plain + q.read * read + q.write * write + q.hour * (hour - write)
    return np.asarray((dollars + (q.output - q.reasoning) * output + q.reasoning * reasoning) / 1e6, np.float64)


def _cost_by_kind(quantities: Quantities, codes: Integers, keys: Sequence[Key], book: PriceBook) -> Floats:
    q, (plain, read, write, output, reasoning, hour) = _charged(quantities, codes, keys, book)
    dollars = (
        (q.input - q.read - q.write) * plain,
        q.read * read,
        q.write * write + q.hour * (hour - write),
        (q.output - q.reasoning) * output + q.reasoning * reasoning,
    )
    return np.array(dollars) / 1e6


def _charged(
    quantities: Quantities, codes: Integers, keys: Sequence[Key], book: PriceBook
) -> tuple[Quantities, tuple[Floats, ...]]:
    """What is charged in every row, and at which rates, US dollars per million tokens, in the order of the table."""
    models = [book.priced_model(key.request_model, key.response_model, key.provider) for key in keys]
    lines, table = _lines(quantities, codes, keys, models)
    silent = np.array([_needs_no_output(key, model) for key, model in zip(keys, models, strict=True)], bool)[codes]
    return _known(quantities, silent), tuple(rates[lines] for rates in np.ascontiguousarray(table.T))


def _known(q: Quantities, silent: npt.NDArray[np.bool_]) -> Quantities:
    """Quantities where an uncounted cache or reasoning part is none, and counts that cannot be are unknown."""
    read, write, reasoning = (np.nan_to_num(part, nan=0.0) for part in (q.read, q.write, q.reasoning))
    output = np.where(silent & np.isnan(q.output), 0.0, q.output)
    sane = (q.input <= ABSURD_TOKENS) & (output <= ABSURD_TOKENS)
    for part in (read, write, reasoning, q.input - read - write, output - reasoning):
        sane &= part >= 0
    hour = np.clip(np.nan_to_num(q.hour, nan=0.0), 0.0, write)  # a strategy that writes less writes less of it
    known = np.where(sane, q.input, np.nan)
    return replace(q, input=known, read=read, write=write, output=output, reasoning=reasoning, hour=hour)


def _needs_no_output(key: Key, model: ModelPrice | None) -> bool:
    return key.operation == "embeddings" or (model is not None and model.embedding)


def _lines(
    q: Quantities, codes: Integers, keys: Sequence[Key], models: Sequence[ModelPrice | None]
) -> tuple[Integers, Floats]:
    """For each row a line of the table of charged rates, and that table; line 0 is "no price"."""
    table: list[tuple[float, ...]] = [UNPRICED]
    first = np.zeros(len(keys), np.int64)
    varying: list[tuple[int, list[_Span]]] = []
    for code, (key, model) in enumerate(zip(keys, models, strict=True)):
        spans = _spans(model, key.service_tier, table)
        first[code] = spans[0].peak_line if spans else 0
        if len(spans) > 1 or any(span.varies for span in spans):
            varying.append((code, spans))
    lines = first[codes]
    for code, rows in _grouped(codes, [code for code, _ in varying]):
        lines[rows] = _choose(q, rows, dict(varying)[code])
    return lines, np.array(table)


def _grouped(codes: Integers, wanted: Sequence[int]) -> list[tuple[int, Integers]]:
    """(code, its rows) for the wanted codes, in one sort however many codes there are."""
    rows = np.flatnonzero(np.isin(codes, np.array(wanted, np.int64)))
    order = rows[np.argsort(codes[rows], kind="stable")]
    edges = np.flatnonzero(np.diff(codes[order])) + 1
    return [(int(codes[group[0]]), group) for group in np.split(order, edges) if len(group)]


@dataclass(frozen=True)
class _Span:
    """A period of one model and tier as lines of the table: a ladder at peak hours, another off peak."""

    start: int
    steps: Integers
    peak_line: int
    off_peak_steps: Integers
    off_peak_line: int
    off_peak: npt.NDArray[np.bool_] | None

    @property
    def varies(self) -> bool:
        return len(self.steps) > 0 or self.off_peak is not None


def _spans(model: ModelPrice | None, service_tier: str | None, table: list[tuple[float, ...]]) -> list[_Span]:
    """The periods of a model, oldest first; their rates are added to the table."""
    tier = SERVICE_TIERS.get(service_tier.strip().lower() if service_tier else service_tier)
    if model is None or tier is None:
        return []
    oldest = np.iinfo(np.int64).min
    return [
        _span(oldest if index == 0 or period.start is None else microseconds(period.start), period, tier, table)
        for index, period in enumerate(model.periods)
    ]


def _span(start: int, period: Period, tier: str, table: list[tuple[float, ...]]) -> _Span:
    sold = tier if period.ladder(tier) or tier not in NEVER_DEARER else STANDARD
    peak, quiet = period.ladder(sold), period.ladder(sold, off_peak=True)
    windows = _minutes(period.off_peak) if period.off_peak and quiet != peak else None
    return _Span(start, _steps(peak), _add(peak, table), _steps(quiet), _add(quiet, table), windows)


def _steps(ladder: Sequence[Rate]) -> Integers:
    return np.array([rate.above for rate in ladder[1:]], np.int64)


def _add(ladder: Sequence[Rate], table: list[tuple[float, ...]]) -> int:
    if not ladder:
        return 0
    table.extend((*rate.charged, rate.charged_1h) for rate in ladder)
    return len(table) - len(ladder)


def _minutes(windows: Sequence[tuple[int, int]]) -> npt.NDArray[np.bool_]:
    inside = np.zeros(WEEK_MINUTES, np.bool_)
    for start, end in windows:
        inside[start:end] = True
    return inside


def _choose(q: Quantities, rows: Integers, spans: Sequence[_Span]) -> Integers:
    """The table line of each row, by its time and its input tokens (an unknown count gets any: it costs NaN)."""
    start, tokens = q.start[rows], np.nan_to_num(q.input[rows], nan=0.0)
    minute = (start // MINUTE_US + THURSDAY_MINUTES) % WEEK_MINUTES
    lines = np.zeros(len(rows), np.int64)
    edges = [span.start for span in spans] + [np.iinfo(np.int64).max]
    for span, (begin, end) in zip(spans, pairwise(edges), strict=True):
        inside = (start >= begin) & (start < end)
        peak = span.peak_line + np.searchsorted(span.steps, tokens, side="left")
        quiet = span.off_peak_line + np.searchsorted(span.off_peak_steps, tokens, side="left")
        is_quiet = q.timed[rows] & span.off_peak[minute] if span.off_peak is not None else np.zeros(len(rows), np.bool_)
        lines = np.where(inside, np.where(is_quiet, quiet, peak), lines)
    return lines
