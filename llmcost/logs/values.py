"""Numbers, counts, instants and durations as logs spell them; None for what cannot be understood."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_COUNT = 2**53

# Epoch values by magnitude: an instant between 1973 and 5138 has one reading only.
EPOCH_UNITS_US = ((1e8, 1e11, 1e6), (1e11, 1e14, 1e3), (1e14, 1e17, 1.0), (1e17, 1e20, 1e-3))

TRUE = frozenset({"true", "yes", "1", "t"})
FALSE = frozenset({"false", "no", "0", "f"})
EMPTY = frozenset({"", "none", "null", "nan", "{}", "[]"})
LONGEST_EMPTY = max(map(len, EMPTY))

# Bare durations carry no unit: a call under 50 ms or over 50 s is rare, so a small number is seconds.
BARE_SECONDS_BELOW = 50.0
SUFFIX_MS = {"ms": 1.0, "s": 1e3, "sec": 1e3, "us": 1e-3, "µs": 1e-3, "ns": 1e-6, "m": 6e4, "min": 6e4}
WITH_SUFFIX = re.compile(r"\s*([0-9.eE+-]+)\s*([a-zµ]+)\s*")


def number(value: Any) -> float | None:
    """A finite number, also from text or a decimal; None otherwise (booleans are no numbers)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def count(value: Any) -> int | None:
    """A count of tokens: a whole number, zero or more; None otherwise."""
    if type(value) is int:
        return value if 0 <= value < MAX_COUNT else None
    found = number(value)
    return int(found) if found is not None and 0 <= found < MAX_COUNT else None


def boolean(value: Any) -> bool | None:
    """True or False, also from text; None otherwise."""
    if value is None or value is True or value is False:
        return value
    word = str(value).strip().casefold()
    return True if word in TRUE else False if word in FALSE else None


def text(value: Any) -> str | None:
    """A non-empty text, also from a number; None otherwise."""
    if type(value) is str:
        return value or None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return str(value)


def is_empty(value: Any) -> bool:
    """Whether a field says nothing: null, empty, or the word for it."""
    if type(value) is str:
        word = value.strip()
        return len(word) <= LONGEST_EMPTY and word.casefold() in EMPTY
    return value is None or value is False or value in ({}, [])


def instant_us(value: Any) -> int | None:
    """Microseconds since 1970 UTC, from ISO text (no zone: UTC), epoch s, ms, µs or ns, or a datetime."""
    if type(value) is str:
        return _from_text(value)
    if isinstance(value, datetime):
        return _from_datetime(value)
    if isinstance(value, date):
        return _from_datetime(datetime(value.year, value.month, value.day, tzinfo=UTC))
    return _from_epoch(value)


def duration_ms(value: Any, scale: float | None) -> float | None:
    """Milliseconds from a number in units of `scale` ms; None as scale: by suffix, else by magnitude."""
    if isinstance(value, timedelta):
        return value / timedelta(milliseconds=1)
    if type(value) is str and (match := WITH_SUFFIX.fullmatch(value)) and match[2] in SUFFIX_MS:
        value, scale = match[1], SUFFIX_MS[match[2]]
    found = number(value)
    if found is None or found < 0:
        return None
    if scale is None:
        scale = 1e3 if found < BARE_SECONDS_BELOW else 1.0
    return found * scale


def _from_text(value: str) -> int | None:
    try:
        return _from_datetime(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        pass
    trimmed = value.strip().removesuffix("UTC").rstrip()
    if trimmed != value:
        return _from_text(trimmed)
    return _from_epoch(value)


def _from_datetime(moment: datetime) -> int | None:
    try:
        since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH
    except OverflowError:
        return None
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _from_epoch(value: Any) -> int | None:
    found = number(value)
    if found is None:
        return None
    for low, high, scale in EPOCH_UNITS_US:
        if low <= found < high:
            return round(found * scale)
    return None
