"""What one model costs: dated periods of rates, by service tier, prompt length and time of the week.

Every rate is US dollars per million tokens. Instances are what the snapshot stores and what a `PriceBook` hands out.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec

from llmcost.pricing import names

STANDARD = "standard"
BATCH = "batch"
FLEX = "flex"
FIVE_MINUTES, NEARLY = 1.25, 0.01  # of the price of plain input, to the cent of a rounded rate
PRIORITY = "priority"


class Rate(msgspec.Struct, frozen=True, array_like=True):
    """Dollars per million tokens under one set of conditions; None: the catalogue does not say.

    tier       the service tier asked for
    above      applies to the whole call when it has more input tokens than this
    off_peak   applies inside the off-peak windows of its period
    """

    tier: str = STANDARD
    above: int = 0
    off_peak: bool = False
    input: float | None = None
    output: float | None = None
    cache_read: float | None = None
    cache_write: float | None = None
    reasoning: float | None = None

    @property
    def charged_1h(self) -> float:
        """The rate that is charged for what is written to the cache for an hour; NaN: not priced at all.

        Where a write costs 1.25 times the input, that is Anthropic's price for five minutes; for an hour it asks twice
        the input. No other provider sells an hour, so that any other write costs what it costs.
        """
        plain, _, write, *_ = self.charged
        return 2 * plain if abs(write - FIVE_MINUTES * plain) < NEARLY * plain else write

    @property
    def charged(self) -> tuple[float, float, float, float, float]:
        """Rates that are charged for uncached input, cache reads, cache writes, plain output and reasoning.

        What has no price of its own is charged as plain input or output, never free; NaN: not priced at all.
        """
        if self.input is None or self.output is None:
            return (float("nan"),) * 5
        read = self.input if self.cache_read is None else self.cache_read
        write = self.input if self.cache_write is None else self.cache_write
        return self.input, read, write, self.output, self.output if self.reasoning is None else self.reasoning


class Period(msgspec.Struct, frozen=True, array_like=True):
    """The rates valid from the start of a day (UTC; None: since ever) until the next period starts.

    `off_peak` holds [start, end) minutes of the week, Monday 00:00 UTC being 0.
    """

    start: date | None
    rates: tuple[Rate, ...]
    off_peak: tuple[tuple[int, int], ...] = ()

    def ladder(self, tier: str, off_peak: bool = False) -> tuple[Rate, ...]:
        """The rates of a tier by rising `above`; those of peak hours where off-peak ones are not listed."""
        rungs = tuple(rate for rate in self.rates if rate.tier == tier and rate.off_peak == off_peak)
        return self.ladder(tier) if off_peak and not rungs else rungs


class ModelPrice(msgspec.Struct, frozen=True, array_like=True):
    """One model as one provider sells it: limits, end of life and dated rates, oldest period first.

    `source` names the catalogues (or "override"); `aliases` are other exact names of it at the same provider.
    """

    id: str
    provider: str
    name: str
    periods: tuple[Period, ...]
    source: str
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    deprecation_date: date | None = None
    embedding: bool = False
    aliases: tuple[str, ...] = ()

    def period_at(self, day: date) -> Period:
        """The period in force on `day` (the oldest known one for days before it)."""
        begun = [period for period in self.periods if period.start is None or period.start <= day]
        return begun[-1] if begun else self.periods[0]

    def rates_at(self, day: date, tier: str = STANDARD, input_tokens: int = 0) -> Rate | None:
        """The rate of a call of `input_tokens` on `day` at peak hours; None if the tier is not priced."""
        rungs = [rate for rate in self.period_at(day).ladder(tier) if rate.above == 0 or rate.above < input_tokens]
        return rungs[-1] if rungs else None

    @property
    def family(self) -> str:
        """The model's name without the date of its snapshot."""
        return names.undated(self.name)


class Source(msgspec.Struct, frozen=True):
    """One public catalogue a snapshot was built from; `sha256` is that of the file as it was read."""

    name: str
    version: str
    url: str
    licence: str
    sha256: str
    entries: int


class Snapshot(msgspec.Struct, frozen=True):
    """Prices as published on a day, and where each came from."""

    as_of: date
    sources: tuple[Source, ...]
    models: tuple[ModelPrice, ...]
    layout: int = 1


def microseconds(day: date) -> int:
    """Microseconds from the epoch to the start of a day, UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000
