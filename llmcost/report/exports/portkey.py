"""Portkey: a gateway config that routes by `metadata.task`, each task to its model and then to today's."""

from __future__ import annotations

from typing import Any

from llmcost.report.exports.mapping import Asked, Route, routes, without_credentials
from llmcost.report.exports.source import Source
from llmcost.report.json_text import to_json

AS_ASKED = "as asked"
_RETRIED = [429, 500, 502, 503, 504]
_GIVEN_UP = [404, 408, *_RETRIED]  # a model that is gone is answered 404
_RETRY = {"attempts": 2, "on_status_codes": _RETRIED}


def export_portkey(source: Source) -> str:
    """A config (JSON) without a key: the caller's own goes through.

    Requests say their task as metadata; what names no task of the run is asked as it is.
    """
    found, at = routes(source.report), _at(source.base_url)
    rest = AS_ASKED
    while any(route.task == rest for route in found):
        rest += "-"
    conditions = [{"query": {"metadata.task": {"$eq": route.task}}, "then": route.task} for route in found]
    config = {
        "strategy": {"mode": "conditional", "conditions": conditions, "default": rest},
        "targets": [*(_target(route, at) for route in found), {"name": rest, **at, "retry": _RETRY}],
    }
    return to_json(config)


def _target(route: Route, at: dict[str, Any]) -> dict[str, Any]:
    cache = {} if route.cache_s is None else {"cache": {"mode": "simple", "max_age": int(route.cache_s)}}
    if route.fallback is None:
        return {"name": route.task, **_leaf(route.chosen, at), **cache}
    return {
        "name": route.task,
        "strategy": {"mode": "fallback", "on_status_codes": _GIVEN_UP},
        "targets": [_leaf(route.chosen, at), _leaf(route.fallback, at)],
        **cache,
    }


def _leaf(asked: Asked, at: dict[str, Any]) -> dict[str, Any]:
    changed = {"model": asked.model} | ({} if asked.effort is None else {"reasoning_effort": asked.effort})
    return {**at, "override_params": changed, "retry": _RETRY}


def _at(base_url: str | None) -> dict[str, Any]:
    """The endpoint, in the dialect of OpenAI; OpenAI's own if none is named."""
    host = {} if base_url is None else {"custom_host": without_credentials(base_url)}
    return {"provider": "openai", **host, "forward_headers": ["authorization"]}
