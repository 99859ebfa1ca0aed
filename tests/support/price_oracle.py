"""What a call costs, worked out a second time: row by row, in decimals, from the raw JSON of a snapshot."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

NAMES = ("tier", "above", "off_peak", "input", "output", "cache_read", "cache_write", "reasoning")
STANDARD_WORDS = {None, "", "default", "auto"}


def models(path: Path) -> dict[str, list[Any]]:
    """id → periods of a snapshot file, as the JSON has them."""
    content = json.loads(gzip.decompress(path.read_bytes()), parse_float=Decimal)
    return {model[0]: model[3] for model in content["models"]}


def dollars(row: Mapping[str, Any], periods: list[Any], as_of: datetime) -> Decimal | None:
    """The cost of one row, None if it cannot be known."""
    total, out = row.get("input_tokens"), row.get("output_tokens")
    if total is None or out is None:
        return None
    read, write, thought = (
        row.get(name) or 0 for name in ("cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
    )
    hour = max(0, min(row.get("cache_write_1h_tokens") or 0, write))
    fresh, said = total - read - write, out - thought
    if min(fresh, read, write, said, thought) < 0 or max(total, out) > 10**9:
        return None
    rate = _rate(row, periods, as_of, total)
    if rate is None or rate["input"] is None:
        return None
    amounts = [
        fresh * rate["input"],
        read * (rate["input"] if rate["cache_read"] is None else rate["cache_read"]),
        write * (rate["input"] if rate["cache_write"] is None else rate["cache_write"]),
        hour * _dearer_for_an_hour(rate),
        said * rate["output"],
        thought * (rate["output"] if rate["reasoning"] is None else rate["reasoning"]),
    ]
    return sum((Decimal(amount) for amount in amounts), Decimal(0)) / 1_000_000


def _dearer_for_an_hour(rate: Mapping[str, Any]) -> Decimal:
    """Anthropic asks 1.25 times the input for five minutes and twice the input for an hour."""
    written, plain = rate["cache_write"], Decimal(rate["input"])
    if written is None or not Decimal("1.24") * plain < written < Decimal("1.26") * plain:
        return Decimal(0)
    return 2 * plain - written


def _rate(row: Mapping[str, Any], periods: list[Any], as_of: datetime, tokens: int) -> dict[str, Any] | None:
    when = row.get("start_time") or as_of
    period = periods[0]
    for candidate in periods:
        if candidate[0] is not None and when.date().isoformat() >= candidate[0]:
            period = candidate
    tier = "standard" if row.get("service_tier") in STANDARD_WORDS else row["service_tier"]
    rates = [dict(zip(NAMES, (*rate, *[None] * (8 - len(rate))), strict=True)) for rate in period[1]]
    offered = {rate["tier"] for rate in rates}
    if tier not in offered:
        if tier not in ("batch", "flex"):
            return None
        tier = "standard"
    mine = [rate for rate in rates if rate["tier"] == tier]
    quiet = row.get("start_time") is not None and _inside(when, period[2] if len(period) > 2 else [])
    chosen = [rate for rate in mine if rate["off_peak"]] if quiet and any(rate["off_peak"] for rate in mine) else None
    ladder = chosen or [rate for rate in mine if not rate["off_peak"]]
    fitting = [rate for rate in ladder if rate["above"] == 0 or tokens > rate["above"]]
    return max(fitting, key=lambda rate: rate["above"])


def _inside(when: datetime, windows: list[Any]) -> bool:
    monday = datetime(when.year, when.month, when.day, tzinfo=UTC) - timedelta(days=when.weekday())
    minute = (when - monday) // timedelta(minutes=1)
    return any(start <= minute < end for start, end in windows)
