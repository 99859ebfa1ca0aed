"""TensorZero: a tensorzero.toml with one function a task, today's model as the variant that it falls back to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from llmcost.report.exports.mapping import (
    KEY_VARIABLE,
    Asked,
    Route,
    routes,
    switches,
    unsaid,
    without_credentials,
)
from llmcost.report.exports.source import Rates, Source
from llmcost.report.exports.text import comment, quoted

CHOSEN, TODAY, PROVIDER = "chosen", "today", "endpoint"
_RESERVED = "tensorzero::"
_USAGE = "/usage"

Value: TypeAlias = "str | float | bool | list[str] | list[dict[str, str | float | bool]]"


def export_tensorzero(source: Source) -> str:
    """tensorzero.toml: call a task as a function of its name. The key stays in the environment."""
    report, found = source.report, routes(source.report)
    asked = {each.model: each for route in found for each in (route.chosen, route.fallback) if each is not None}
    tables = [part for route in found for part in _function(route)]
    tables += [part for each in asked.values() for part in _model(each, source)]
    head = f"# {switches(report)} of {len(report.tasks)} tasks switched; prices of {report.prices.as_of!a}\n"
    where = "" if source.base_url else comment("asked at OpenAI, with OPENAI_API_KEY; another endpoint: --base-url URL")
    return head + where + "".join(comment(unsaid(route)) for route in found if route.unsaid) + "".join(tables)


def _function(route: Route) -> Iterator[str]:
    name = ("functions", _harmless(route.task))
    yield _table(name, {"type": "chat"})
    variants = {TODAY: route.chosen} if route.fallback is None else {CHOSEN: route.chosen, TODAY: route.fallback}
    for variant, asked in variants.items():
        effort: dict[str, Value] = {} if asked.effort is None else {"reasoning_effort": asked.effort}
        yield _table((*name, "variants", variant), {"type": "chat_completion", "model": _named(asked), **effort})
    if route.fallback is not None:
        sampled: dict[str, Value] = {"candidate_variants": [CHOSEN], "fallback_variants": [TODAY]}
        yield _table((*name, "experimentation"), {"type": "static", **sampled})


def _model(asked: Asked, source: Source) -> Iterator[str]:
    name = ("models", _named(asked))
    yield _table(name, {"routing": [PROVIDER]})
    provider: dict[str, Value] = {"type": "openai", "model_name": asked.model}
    if source.base_url is not None:
        provider["api_base"] = without_credentials(source.base_url)
        provider["api_key_location"] = f"env::{KEY_VARIABLE}"
    rates = source.rates(asked.model)
    if rates is not None:
        provider["cost"] = list(_cost(rates))
    yield _table((*name, "providers", PROVIDER), provider)


def _cost(rates: Rates) -> Iterator[dict[str, str | float | bool]]:
    """Where the answer counts tokens, and what a million of them costs; cached ones are among the prompt's."""
    yield {"pointer": f"{_USAGE}/prompt_tokens", "cost_per_million": rates.input, "required": True}
    yield {"pointer": f"{_USAGE}/completion_tokens", "cost_per_million": rates.output, "required": True}
    if rates.cache_read is not None and rates.cache_read != rates.input:
        less = float(f"{rates.cache_read - rates.input:.12g}")
        yield {"pointer": f"{_USAGE}/prompt_tokens_details/cached_tokens", "cost_per_million": less}


def _named(asked: Asked) -> str:
    """The model's name in this file, where "::" would name a provider."""
    return asked.model.replace("::", ":")


def _harmless(task: str) -> str:
    return f"task {task}" if task.startswith(_RESERVED) else task


def _table(path: tuple[str, ...], values: dict[str, Value]) -> str:
    lines = "".join(f"{key} = {_literal(value)}\n" for key, value in values.items())
    return f"\n[{'.'.join((path[0], *map(_key, path[1:])))}]\n{lines}"


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if bare else quoted(name)


def _literal(value: Value) -> str:
    match value:
        case str():
            return quoted(value)
        case bool():
            return "true" if value else "false"
        case list():
            return f"[{', '.join(map(_item, value))}]"
        case _:
            return repr(float(value))


def _item(item: str | dict[str, str | float | bool]) -> str:
    if isinstance(item, str):
        return quoted(item)
    return f"{{ {', '.join(f'{key} = {_literal(value)}' for key, value in item.items())} }}"
