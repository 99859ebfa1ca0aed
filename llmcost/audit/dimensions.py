"""What a bill can be broken down by: any tag of the log, and what is known of every call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from llmcost.audit.groups import Ints
from llmcost.audit.ledger import NO_TAG, UNKNOWN_DAY, Labels, Ledger, labels
from llmcost.calls import Calls
from llmcost.errors import ConfigError
from llmcost.strategies.timeline import ranked, times
from llmcost.tasks import tag_values

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
MONDAY = 3  # 1 January 1970 was a Thursday

COLUMNS = (
    "call_site",
    "provider",
    "operation",
    "service_tier",
    "finish_reason",
    "error_type",
    "reasoning_effort",
    "response_model",
)


@dataclass(frozen=True, slots=True)
class Period:
    """A part of time, in UTC: the number of the part that holds a moment (in µs), and what that part is called."""

    number: Callable[[Ints], Ints]
    name: Callable[[int], str]


def _month(number: int) -> str:
    return f"{1970 + number // 12:04d}-{number % 12 + 1:02d}"


def _week(number: int) -> str:
    year, week, _ = date.fromordinal(date(1970, 1, 1).toordinal() + number * 7 - MONDAY).isocalendar()
    return f"{year:04d}-W{week:02d}"


PERIODS: dict[str, Period] = {
    "day": Period(lambda us: us // DAY_US, lambda number: str(np.datetime64(number, "D"))),
    "week": Period(lambda us: (us // DAY_US + MONDAY) // 7, _week),
    "month": Period(lambda us: us.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64), _month),
    "hour": Period(lambda us: us // HOUR_US % 24, lambda number: f"{number:02d}:00"),
}
BUILTIN = ("task", "model", "kind", *COLUMNS, *PERIODS)


def grouping(ledger: Ledger, field: str, kinds: Mapping[str, str]) -> Labels:
    """The calls grouped by a built-in dimension or by a tag; calls of which it is not known are in "(none)".

    `hour` is the hour of the day, UTC. `kinds` says what kind of work each call site does. A tag that has the name of
    a built-in dimension is meant by its whole key ("metadata.model"). Raises ConfigError for a field that is neither.
    """
    if field in PERIODS:
        return _periods(ledger.calls, PERIODS[field])
    if field in ("task", "model"):
        return ledger.tasks if field == "task" else ledger.models
    if field == "kind":
        return _renamed(labels(ledger.calls.column("call_site"), NO_TAG), kinds)
    return labels(ledger.calls.column(field) if field in COLUMNS else _tag(ledger, field), NO_TAG)


def _tag(ledger: Ledger, field: str) -> pa.ChunkedArray:
    try:
        return tag_values(ledger.calls, field)
    except ConfigError as error:
        raise ConfigError(f"nothing to group by {field!r}", f"{error.hint}; or {', '.join(BUILTIN)}") from error


def _periods(calls: Calls, period: Period) -> Labels:
    timed = calls.known("start_time")
    numbers, codes = ranked(np.where(timed, period.number(times(calls)), np.iinfo(np.int64).max))
    known = len(numbers) - (not timed.all())
    names = [period.name(int(number)) for number in numbers[:known]]
    return Labels(codes, [*names, *[UNKNOWN_DAY] * (len(numbers) - known)])


def _renamed(grouped: Labels, names: Mapping[str, str]) -> Labels:
    """The grouping with other names, groups of one name together."""
    new = [names.get(name, NO_TAG) for name in grouped.names]
    distinct = sorted(set(new))
    places = {name: place for place, name in enumerate(distinct)}
    codes = np.array([places[name] for name in new], dtype=np.int64)
    return Labels(codes[grouped.codes], distinct)
