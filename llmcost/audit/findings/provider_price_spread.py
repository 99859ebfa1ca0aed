"""provider-price-spread: the same model, cheaper at another host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from llmcost.audit.findings.offers import offers, served_models, weights_name
from llmcost.audit.findings.scene import MIN_CALLS, Scene, share, usd
from llmcost.audit.groups import Ints, money_sum
from llmcost.audit.result import Finding
from llmcost.calls import Calls
from llmcost.pricing import ModelPrice
from llmcost.pricing.book import OVERRIDE

MIN_CHEAPER = 0.10  # of what the calls cost today


def provider_price_spread(scene: Scene) -> Iterator[Finding]:
    """Models that another host sells for at least 10 % less, for the tokens that were logged.

    From 20 calls on, worth 0.5 % of the bill or $100 a month; only the very same model name counts.
    """
    served, sold = served_models(scene), offers(scene.book)
    kept = scene.entries.priced & (scene.entries.costs > 0)
    for index, name in enumerate(served.grouped.names):
        others = _others(served.models.get(name), sold)
        rows = np.flatnonzero(kept & (served.grouped.codes == index)) if others else np.zeros(0, dtype=np.int64)
        if len(rows) < MIN_CALLS:
            continue
        offer = _cheapest(scene, rows, others)
        after = scene.stack.priced_rows(rows, _sold_by(scene.entries.calls.take(rows), offer))
        known = ~np.isnan(after)
        was, now = money_sum(scene.entries.costs[rows][known]) or 0.0, money_sum(after[known]) or 0.0
        if was - now < MIN_CHEAPER * was or not scene.worth_saying(was - now):
            continue
        chosen = np.zeros(len(scene.entries.calls), dtype=bool)
        chosen[rows[known]] = True
        yield scene.finding(
            "provider-price-spread",
            was - now,
            site=name,
            title=f"{name} costs {share(was - now, was)} less at {offer.provider}",
            calls=(calls := scene.entries.count(chosen)),
            evidence=f"{calls:,} calls: {usd(was)} today, {usd(now)} for the same tokens at {offer.provider} "
            f"({offer.id} in the price list of {scene.book.as_of}); same weights, but quantisation, limits, speed and "
            "what its cache reads may differ; cheaper-model counts the same dollars again",
            remedy=f"try it on your own calls: llmcost replay --models {offer.name}, with the host's base_url; "
            "or ask your host for its price",
        )


def _others(model: ModelPrice | None, sold: dict[str, list[ModelPrice]]) -> list[ModelPrice]:
    if model is None or model.provider == OVERRIDE:  # who set a price of their own knows the market
        return []
    return [offer for offer in sold.get(weights_name(model), []) if offer.provider != model.provider]


def _cheapest(scene: Scene, rows: Ints, others: Sequence[ModelPrice]) -> ModelPrice:
    """The offer that these calls' tokens in all cost least at, at today's rates."""
    calls = scene.entries.calls
    read, total, written = (
        float(np.nansum(calls.floats(name)[rows])) for name in ("cache_read_tokens", "input_tokens", "output_tokens")
    )

    def bill(offer: ModelPrice) -> tuple[float, str]:
        rate = offer.rates_at(scene.book.day)
        if rate is None:
            return float("inf"), offer.id
        plain, cached, _, output, _ = rate.charged
        return (total - read) * plain + read * cached + written * output, offer.id

    return min(others, key=bill)


def _sold_by(calls: Calls, offer: ModelPrice) -> Calls:
    """The calls as this host would serve them."""
    first = np.zeros(len(calls), dtype=np.int32)
    for name, label in (("request_model", offer.id), ("response_model", offer.id), ("provider", offer.provider)):
        calls = calls.with_column(name, pa.DictionaryArray.from_arrays(first, pa.array([label])))
    return calls
