"""LiteLLM: a proxy config.yaml with one model name per task, and today's model as the fallback of what changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmcost.report.exports.mapping import (
    KEY_VARIABLE,
    URL_VARIABLE,
    Asked,
    Route,
    cache_pays,
    common_ttl,
    routes,
    switches,
    unsaid,
    without_credentials,
)
from llmcost.report.exports.source import Rates, Source
from llmcost.report.exports.text import as_yaml, comment, per_token

_READ_FROM = "os.environ/"  # the proxy puts a variable's value in the place of a text that begins so
_PRICES = (
    ("input_cost_per_token", "input"),
    ("output_cost_per_token", "output"),
    ("cache_read_input_token_cost", "cache_read"),
    ("cache_creation_input_token_cost", "cache_write"),
)


def export_litellm(source: Source) -> str:
    """config.yaml: ask for a task by its name. Keys and, unless given, the base URL stay in the environment."""
    report, found = source.report, routes(source.report)
    names = {route.task: _harmless(route.task) for route in found}
    models = [_model(names[route.task], route.chosen, source) for route in found]
    formers = _former_names(found, names)
    models += [_model(formers[route.task], route.fallback, source) for route in found if route.fallback]
    config: dict[str, Any] = {"model_list": models}
    if formers:
        config["router_settings"] = _fallbacks(found, names, formers, source)
    config["litellm_settings"] = _settings(common_ttl(report.bill))
    head = f"# {switches(report)} of {len(report.tasks)} tasks switched; prices of {report.prices.as_of!a}\n"
    return head + "".join(map(comment, _notes(source, found))) + as_yaml(config)


def _notes(source: Source, found: list[Route]) -> Iterator[str]:
    yield from (unsaid(route) for route in found if route.unsaid)
    bill = source.report.bill
    if cache_pays(bill):
        shared = common_ttl(bill) is not None
        yield (
            "the cache is this proxy's own; with several proxies write type: redis, and set REDIS_HOST"
            if shared
            else "tasks keep their answers for different times, which is not in this file: llmcost export --to plan"
        )
    if any(step.strategy == "batch_api" for step in bill.steps):
        yield "the bill's Batch API is not in this file: whoever can wait sends batches"


def _model(name: str, asked: Asked, source: Source) -> dict[str, Any]:
    base = f"{_READ_FROM}{URL_VARIABLE}" if source.base_url is None else without_credentials(source.base_url)
    parameters: dict[str, Any] = {
        "model": f"openai/{asked.model}",
        "api_base": base,
        "api_key": f"{_READ_FROM}{KEY_VARIABLE}",
    }
    if asked.effort is not None:
        parameters["reasoning_effort"] = asked.effort
    return {"model_name": name, "litellm_params": parameters | _prices(source.rates(asked.model))}


def _prices(rates: Rates | None) -> dict[str, float]:
    if rates is None:
        return {}
    listed = {name: getattr(rates, kind) for name, kind in _PRICES}
    return {name: per_token(usd) for name, usd in listed.items() if usd is not None}


def _former_names(found: list[Route], names: dict[str, str]) -> dict[str, str]:
    """By switched task the name under which today's model can still be asked."""
    taken, formers = set(names.values()), {}
    for route in found:
        if route.fallback is not None:
            name = _unused(f"{names[route.task]}-incumbent", taken)
            formers[route.task] = name
            taken.add(name)
    return formers


def _fallbacks(
    found: list[Route], names: dict[str, str], formers: dict[str, str], source: Source
) -> dict[str, list[dict[str, list[str]]]]:
    """Today's model answers if the new one does not, and what is too long for the new one alone."""
    every = {route.task: {names[route.task]: [formers[route.task]]} for route in found if route.fallback}
    settings = {"fallbacks": list(every.values())}
    longer = [every[route.task] for route in found if route.fallback and _takes_less(route, source)]
    return settings | ({"context_window_fallbacks": longer} if longer else {})


def _takes_less(route: Route, source: Source) -> bool:
    """Whether the new model is known to take shorter prompts than today's."""
    rates = [source.rates(asked.model) for asked in (route.chosen, route.fallback) if asked is not None]
    new, former = ((each and each.max_input_tokens) or None for each in rates)
    return new is not None and former is not None and new < former


def _settings(ttl_s: float | None) -> dict[str, Any]:
    """Parameters that a model does not take are dropped, as they were in the replay; answers are kept if that pays."""
    if ttl_s is None:
        return {"drop_params": True}
    return {"drop_params": True, "cache": True, "cache_params": {"type": "local", "ttl": int(ttl_s)}}


def _harmless(task: str) -> str:
    return f"task {task}" if task.startswith(_READ_FROM) else task


def _unused(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "-"
    return name
