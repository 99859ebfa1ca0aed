"""LiteLLM's price map → ModelPrice: today's rates, service tiers, long-prompt steps, off-peak windows, end of life."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import msgspec

from llmcost.pricing import names
from llmcost.pricing.rates import BATCH, FLEX, PRIORITY, STANDARD, ModelPrice, Period, Rate

MODES = frozenset({"chat", "completion", "responses", "embedding", None})
TIERS = {STANDARD: "", BATCH: "_batches", FLEX: "_flex", PRIORITY: "_priority"}
DISCOUNTED = frozenset({BATCH, FLEX})
FIELDS = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
    "reasoning": "output_cost_per_reasoning_token",
}
STEP = re.compile(r"^input_cost_per_token_above_(\d+)k_tokens")
DOOR = re.compile(r"-[\w-]*models$")  # vertex_ai-anthropic_models and vertex_ai-language-models are one seller
WEEK = 7 * 1440


def read(catalogue: Mapping[str, Mapping[str, Any]]) -> Iterator[ModelPrice]:
    """The models of the catalogue that are sold by the token, each once a provider."""
    for key, entry in catalogue.items():
        model = _model(key, entry)
        if model is not None:
            yield model


def _model(key: str, entry: Mapping[str, Any]) -> ModelPrice | None:
    if key == "sample_spec" or entry.get("mode") not in MODES or entry.get("input_cost_per_request"):
        return None
    seller = names.provider(DOOR.sub("", str(entry.get("litellm_provider") or "")))
    embedding = entry.get("mode") == "embedding"
    rates, windows = _rates(entry, embedding)
    if not seller or not rates:
        return None
    name = _own_name(key.lower(), seller, str(entry.get("litellm_provider")).lower())
    return ModelPrice(
        id=f"{seller}/{name}",
        provider=seller,
        name=name,
        periods=(Period(None, rates, windows),),
        source="litellm",
        max_input_tokens=_count(entry.get("max_input_tokens")),
        max_output_tokens=None if embedding else _count(entry.get("max_output_tokens")),
        deprecation_date=_day(entry.get("deprecation_date")),
        embedding=embedding,
    )


def _own_name(key: str, seller: str, spelt: str) -> str:
    """The provider's own name of a model: the key without the provider in front of it, however spelt."""
    head, slash, rest = key.partition("/")
    return rest if slash and (head == spelt or names.provider(head) == seller) else key


def _rates(entry: Mapping[str, Any], embedding: bool) -> tuple[tuple[Rate, ...], tuple[tuple[int, int], ...]]:
    ladders = {tier: _ladder(entry, tier, suffix, embedding) for tier, suffix in TIERS.items()}
    standard = ladders[STANDARD]
    if not standard or free(standard):
        return (), ()
    rates = list(standard)
    for tier in (BATCH, FLEX, PRIORITY):
        rates += complete(tier, ladders[tier], standard)
    off_peak = entry.get("off_peak_pricing")
    windows: tuple[tuple[int, int], ...] = ()
    if isinstance(off_peak, Mapping) and (reduced := _rate(off_peak, STANDARD, "", 0, embedding)) is not None:
        rates.append(Rate(STANDARD, 0, True, *_amounts(reduced)))
        windows = tuple(sorted(set(_windows(off_peak.get("windows") or ()))))
    return tuple(rates), windows


def complete(tier: str, ladder: list[Rate], standard: list[Rate]) -> list[Rate]:
    """A tier's ladder with every step the standard one has.

    Where the catalogue lists no reduced price for long prompts the standard price holds (nothing is discounted on
    a guess); where it lists no raised one the step is unpriced.
    """
    listed = {rate.above for rate in ladder}
    missing = [rate for rate in standard if rate.above not in listed] if ladder else []
    filled = [Rate(tier, r.above, False, *_amounts(r)) if tier in DISCOUNTED else Rate(tier, r.above) for r in missing]
    return sorted([*ladder, *filled], key=lambda rate: rate.above)


def free(rates: list[Rate]) -> bool:
    """Whether every rate is zero: to a catalogue that means "in a subscription", "preview" or "not filled in"."""
    return all(not rate.input and not rate.output for rate in rates)


def _ladder(entry: Mapping[str, Any], tier: str, suffix: str, embedding: bool) -> list[Rate]:
    if tier == STANDARD and isinstance(entry.get("tiered_pricing"), list):
        return _ranges(entry["tiered_pricing"], embedding)
    steps = sorted({int(found[1]) for field in entry if (found := STEP.match(field))})
    rungs = [_rate(entry, tier, f"_above_{step}k_tokens" * bool(step) + suffix, step * 1000, embedding)
             for step in (0, *steps)]  # fmt: skip
    return [rung for rung in rungs if rung is not None] if rungs[0] is not None else []


def _ranges(ranges: list[Any], embedding: bool) -> list[Rate]:
    rungs = [_rate(item, STANDARD, "", int((item.get("range") or [0])[0]), embedding) for item in ranges]
    return sorted((rung for rung in rungs if rung is not None), key=lambda rate: rate.above)


def _rate(entry: Mapping[str, Any], tier: str, suffix: str, above: int, embedding: bool) -> Rate | None:
    found = {part: per_million(entry.get(field + suffix)) for part, field in FIELDS.items()}
    if embedding and found["output"] is None:
        found["output"] = 0.0
    if found["input"] is None or found["output"] is None:
        return None
    return charged(Rate(tier, above, False, **found))


def charged(rate: Rate) -> Rate:
    """The rate without free cache traffic: a zero there is "no extra charge" or "not filled in", never free input."""
    if not rate.input:
        return rate
    return msgspec.structs.replace(rate, cache_read=rate.cache_read or None, cache_write=rate.cache_write or None)


def _amounts(rate: Rate) -> tuple[float | None, ...]:
    return rate.input, rate.output, rate.cache_read, rate.cache_write, rate.reasoning


def per_million(per_token: Any) -> float | None:
    """Dollars per million from dollars per token, without the binary dust of the multiplication."""
    return round(float(per_token) * 1e6, 9) if isinstance(per_token, int | float) and per_token >= 0 else None


def _windows(windows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, int]]:
    """[start, end) minutes of the week; a window that ends at or before its start runs into the next day."""
    for window in windows:
        hours = window.get("hours_utc") or ()
        for span in [hours] if isinstance(hours, str) else hours:
            start, end = (int(part[:2]) * 60 + int(part[3:5]) for part in span.split("-"))
            for weekday in window.get("weekdays") or range(1, 8):
                first = (weekday - 1) * 1440 + start
                last = (weekday - 1) * 1440 + (end if end > start else end + 1440)
                yield first, min(last, WEEK)
                if last > WEEK:
                    yield 0, last - WEEK


def _count(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and value > 0 else None


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
