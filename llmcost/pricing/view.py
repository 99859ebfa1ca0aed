"""What a person asks of a price book: what a model costs, since when, who says so; and near spellings of a name."""

from __future__ import annotations

import difflib
from datetime import date

import msgspec

from llmcost.pricing.book import PriceBook
from llmcost.pricing.rates import BATCH, FLEX, PRIORITY, STANDARD, Rate
from llmcost.pricing.result import PriceStamp
from llmcost.version import VERSION


class PriceLine(msgspec.Struct, frozen=True):
    """Dollars per million tokens under one set of conditions; None: not listed (cached input then costs as input)."""

    valid_from: date | None
    tier: str
    above_input_tokens: int
    off_peak: bool
    input: float | None
    cached_input: float | None
    cache_write: float | None
    output: float | None
    reasoning: float | None


class PriceView(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.prices/1"):
    """One model's prices as a screen shows them: today's in front, every line (dates, tiers, steps) in `lines`."""

    model: str
    id: str
    provider: str
    family: str
    input: float | None
    cached_input: float | None
    output: float | None
    batch_input: float | None
    batch_output: float | None
    valid_from: date | None
    deprecation_date: date | None
    max_input_tokens: int | None
    max_output_tokens: int | None
    source: str
    as_of: str
    lines: tuple[PriceLine, ...]
    llmcost_version: str = VERSION
    prices: PriceStamp | None = None  # the book that says so


def describe(book: PriceBook, model: str, provider: str | None = None) -> PriceView | None:
    """What `model` costs today and has cost, per million tokens; None if it is not priced."""
    found = book.find(model, provider)
    if found is None:
        return None
    today, batch = found.rates_at(book.day) or Rate(), found.rates_at(book.day, BATCH) or Rate()
    return PriceView(
        model=model,
        id=found.id,
        provider=found.provider,
        family=found.family,
        input=today.input,
        cached_input=today.cache_read,
        output=today.output,
        batch_input=batch.input,
        batch_output=batch.output,
        valid_from=found.period_at(book.day).start,
        deprecation_date=found.deprecation_date,
        max_input_tokens=found.max_input_tokens,
        max_output_tokens=found.max_output_tokens,
        source=found.source,
        as_of=book.as_of,
        lines=tuple(_line(period.start, rate) for period in found.periods for rate in sorted(period.rates, key=_order)),
        prices=book.stamp,
    )


def suggest(book: PriceBook, model: str, limit: int = 3) -> list[str]:
    """Up to `limit` priced names spelt like `model`, best first: for a hint, never for a price."""
    return difflib.get_close_matches(model.strip().lower(), book.names(), n=limit, cutoff=0.6)


def _line(start: date | None, rate: Rate) -> PriceLine:
    return PriceLine(
        start, rate.tier, rate.above, rate.off_peak,
        rate.input, rate.cache_read, rate.cache_write, rate.output, rate.reasoning,
    )  # fmt: skip


def _order(rate: Rate) -> tuple[int, bool, int]:
    return (STANDARD, BATCH, FLEX, PRIORITY).index(rate.tier), rate.off_peak, rate.above
