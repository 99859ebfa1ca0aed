"""provider-price-spread: the same model, cheaper at another host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from llmcost.audit.findings.offers import Offers, Served, offers, served_models, weights_name
from llmcost.audit.findings.scene import MIN_CALLS, Scene, share, usd
from llmcost.audit.groups import Ints
from llmcost.audit.result import Finding
from llmcost.calls import Calls
from llmcost.pricing import ModelPrice
from llmcost.pricing.book import OVERRIDE

MIN_CHEAPER = 0.10  # of what the calls cost today


def provider_price_spread(scene: Scene) -> Iterator[Finding]:
    """Models that another host sells for at least 10 % less, for the tokens that were logged.

    From 20 calls on, worth 0.5 % of the bill or $100 a month; only the very same model name counts.
    """
    entries, served, sold = scene.entries, served_models(scene), offers(scene.book)
    found = [_offer(scene, served, sold, index) for index in range(len(served.grouped.names))]
    which = np.array([-1 if offer is None else index for index, offer in enumerate(found)])[served.grouped.codes]
    rows = entries.priced & (entries.costs > 0) & (which >= 0)
    if not rows.any():
        return
    after = scene.stack.priced(_sold_by(entries.calls, np.where(rows, which, -1), found))
    savings = scene.stack.by_group(served.grouped, after, rows & ~np.isnan(after))
    for name, offer, saving in zip(served.grouped.names, found, savings, strict=True):
        was, now, saved = saving.before or 0.0, saving.after or 0.0, saving.usd
        if offer is None or not saved or saved < MIN_CHEAPER * was or not scene.worth_saying(saved):
            continue
        yield scene.finding(
            "provider-price-spread",
            saved,
            site=name,
            title=f"{name} costs {share(saved, was)} less at {offer.provider}",
            calls=saving.calls,
            evidence=f"{saving.calls:,} calls: {usd(was)} today, {usd(now)} for the same tokens at {offer.provider} "
            f"({offer.id} in the price list of {scene.book.as_of}); same weights, but quantisation, limits, speed and "
            "what its cache reads may differ; cheaper-model counts the same dollars again",
            remedy=f"try it on your own calls: llmcost replay --models {offer.name}, with the host's base_url; "
            "or ask your host for its price",
        )


def _offer(scene: Scene, served: Served, sold: Offers, index: int) -> ModelPrice | None:
    """The cheapest offer of another host for the calls of this entry; None if there is none, or too few calls."""
    others = _others(served.models.get(served.grouped.names[index]), sold)
    rows = np.flatnonzero(served.grouped.codes == index) if others else np.zeros(0, dtype=np.int64)
    return _cheapest(scene, rows, others) if len(rows) >= MIN_CALLS else None


def _others(model: ModelPrice | None, sold: Offers) -> list[ModelPrice]:
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


def _sold_by(calls: Calls, which: Ints, found: Sequence[ModelPrice | None]) -> Calls:
    """The calls as these hosts would serve them."""
    ids = [offer.id if offer else None for offer in found]
    hosts = [offer.provider if offer else None for offer in found]
    calls = calls.relabelled("request_model", which, ids).relabelled("response_model", which, ids)
    return calls.relabelled("provider", which, hosts)
