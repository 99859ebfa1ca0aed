"""genai-prices → ModelPrice: dated prices, the providers LiteLLM does not list, and other exact names of a model.

Only what can be matched exactly is taken: a model's id and the `equals` clauses of its match rule. Prefix and
substring rules would price models that nobody priced.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import groupby
from typing import Any

from llmcost.pricing import names
from llmcost.pricing.litellm_catalogue import charged, complete, free
from llmcost.pricing.rates import BATCH, FLEX, PRIORITY, STANDARD, ModelPrice, Period, Rate

# Plans and editors: their prices are those of a subscription, not of a model.
NOT_SELLERS = frozenset({"github-copilot", "cursor", "openai-decisions"})
FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "reasoning": "output_reasoning_mtok",
}
VARIANTS = {
    BATCH: {"processing": "batch"},
    FLEX: {"service_tier": "flex"},
    PRIORITY: {"service_tier": "priority"},
}


def read(catalogue: list[Mapping[str, Any]], day: date) -> Iterator[ModelPrice]:
    """The models of the catalogue, as it stood on `day`, that are sold by the token, each once a provider."""
    for seller in catalogue:
        if seller["id"] not in NOT_SELLERS:
            for entry in seller["models"]:
                model = _model(names.provider(seller["id"]), entry, day)
                if model is not None:
                    yield model


def _model(seller: str, entry: Mapping[str, Any], day: date) -> ModelPrice | None:
    name = str(entry["id"]).lower()
    embedding = "embed" in name
    dated = _dated(entry["prices"])
    current = max((start for start, _ in dated if start and start <= day), default=None)
    periods = []
    for start, prices in dated:
        variants = _variants(entry, day if start == current else start or date.min)
        if rates := _rates(prices, variants, embedding):
            periods.append(Period(start, rates))
    if len(periods) < len(dated) or free([*periods[0].rates]):
        return None
    return ModelPrice(
        id=f"{seller}/{name}",
        provider=seller,
        name=name,
        periods=tuple(periods),
        source="genai-prices",
        max_input_tokens=entry.get("context_window"),
        embedding=embedding,
        aliases=tuple(sorted(set(exact_names(entry["match"])) - {name})),
    )


def exact_names(clause: Mapping[str, Any]) -> Iterator[str]:
    """The names a match rule spells out in full."""
    if "equals" in clause:
        yield str(clause["equals"]).lower()
    for part in clause.get("or") or clause.get("or_") or ():
        yield from exact_names(part)


def _dated(prices: Any) -> list[tuple[date | None, Mapping[str, Any]]]:
    """(start, prices) by date, oldest first.

    Prices of certain hours carry no date there: they belong to the last period, of which the dearest stands.
    """
    if isinstance(prices, Mapping):
        return [(None, prices)]
    last = max((_start(item) or date.min for item in prices), default=date.min)
    hourly = None if last == date.min else last
    starts = [hourly if "start_time" in (item.get("constraint") or {}) else _start(item) for item in prices]
    dated = zip(starts, (item["prices"] for item in prices), strict=True)
    by_start = sorted(dated, key=lambda pair: pair[0] or date.min)
    return [(start, max((p for _, p in group), key=_base_input)) for start, group in groupby(by_start, lambda x: x[0])]


def _start(item: Mapping[str, Any]) -> date | None:
    value = (item.get("constraint") or {}).get("start_date")
    return date.fromisoformat(str(value)) if value else None


def _base_input(prices: Mapping[str, Any]) -> float:
    return _at(prices.get("input_mtok"), 0) or 0.0


def _variants(entry: Mapping[str, Any], day: date) -> dict[str, Mapping[str, Any]]:
    """The prices of each service tier that are listed on `day`; of several the first, as the catalogue says."""
    found: dict[str, Mapping[str, Any]] = {}
    for variant in entry.get("price_variants") or ():
        tier = next((tier for tier, when in VARIANTS.items() if when == variant["when"]), None)
        if tier and (_start(variant) or date.min) <= day:
            found.setdefault(tier, variant["prices"])
    return found


def _rates(prices: Mapping[str, Any], variants: Mapping[str, Mapping[str, Any]], embedding: bool) -> tuple[Rate, ...]:
    standard = _ladder(prices, STANDARD, embedding)
    rates = list(standard)
    for tier, reduced in variants.items() if standard else ():
        rates += complete(tier, _ladder(reduced, tier, embedding), standard)
    return tuple(rates)


def _ladder(prices: Mapping[str, Any], tier: str, embedding: bool) -> list[Rate]:
    steps = {0} | {int(rung["start"]) for value in prices.values() if isinstance(value, Mapping)
                   for rung in value.get("tiers", ())}  # fmt: skip
    rungs = []
    for step in sorted(steps):
        found = {part: _at(prices.get(field), step) for part, field in FIELDS.items()}
        if embedding and found["output"] is None:
            found["output"] = 0.0
        if found["input"] is None or found["output"] is None:
            return []
        rungs.append(charged(Rate(tier, step, False, **found)))
    return rungs


def _at(value: Any, step: int) -> float | None:
    if isinstance(value, Mapping):
        passed = [rung["price"] for rung in value.get("tiers", ()) if rung["start"] <= step]
        value = passed[-1] if passed else value["base"]
    return float(value) if isinstance(value, int | float) and value >= 0 else None
