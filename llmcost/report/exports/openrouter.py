"""OpenRouter: what to send with each task's requests, as fields of the request's body."""

from __future__ import annotations

from typing import Any

from llmcost.report.exports.mapping import Asked, Route, routes
from llmcost.report.exports.source import Rates, Source
from llmcost.report.json_text import to_json

OPENROUTER = "openrouter"


def export_openrouter(source: Source) -> str:
    """An object task → {model, models, provider}: merge it into the request (with OpenAI's SDK, as `extra_body`).

    Models have OpenRouter's names where its prices are known, else the names that the run used.
    """
    return to_json({route.task: _fragment(route, source) for route in routes(source.report)})


def _fragment(route: Route, source: Source) -> dict[str, Any]:
    asked = [each for each in (route.chosen, route.fallback) if each is not None]
    listed = [_sold(each, source) for each in asked]
    names = [each.model if rates is None else rates.name for each, rates in zip(asked, listed, strict=True)]
    provider = {"sort": "price", "require_parameters": True, "allow_fallbacks": True, "data_collection": "deny"}
    fragment: dict[str, Any] = {"model": names[0]}
    if names[1:]:
        fragment["models"] = names[1:]
    if route.chosen.effort is not None:
        fragment["reasoning"] = {"effort": route.chosen.effort}
    known = [rates for rates in listed if rates is not None]
    return fragment | {"provider": provider | (_most(known) if len(known) == len(asked) else {})}


def _most(rates: list[Rates]) -> dict[str, Any]:
    """No provider that asks more than the list price of the dearest model, US dollars per million tokens."""
    return {"max_price": {"prompt": max(r.input for r in rates), "completion": max(r.output for r in rates)}}


def _sold(asked: Asked, source: Source) -> Rates | None:
    """The model as OpenRouter sells it."""
    return source.rates(asked.model, OPENROUTER)
