"""LiteLLM: a proxy config.yaml with one model name per task, and today's model as the fallback of what changed."""

from __future__ import annotations

from typing import Any

import yaml

from llmcost.recommend.result import ReplayReport
from llmcost.report.exports.mapping import model_map, switches, without_credentials

_EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})
_URL_VARIABLE = "os.environ/LLMCOST_BASE_URL"
_KEY_VARIABLE = "os.environ/LLMCOST_API_KEY"


def export_litellm(report: ReplayReport, base_url: str | None = None) -> str:
    """config.yaml: ask for a task by its name. Keys and, unless given, the base URL stay in the environment."""
    api_base = _URL_VARIABLE if base_url is None else without_credentials(base_url)
    chosen = model_map(report)
    models = [_model(task, model, api_base) for task, model in chosen.items()]
    fallbacks = []
    for task in report.tasks:
        if chosen[task.task] != task.incumbent.model:
            name = _unused(f"{task.task}-incumbent", {model["model_name"] for model in models})
            models.append(_model(name, task.incumbent.model, api_base))
            fallbacks.append({task.task: [name]})
    config: dict[str, Any] = {"model_list": models}
    if fallbacks:
        config["router_settings"] = {"fallbacks": fallbacks}
    header = f"# {switches(report)} of {len(report.tasks)} tasks switched; prices of {report.prices.as_of!a}\n"
    return header + yaml.safe_dump(config, sort_keys=False, allow_unicode=False, width=120)


def _model(name: str, model: str, api_base: str) -> dict[str, Any]:
    bare, _, effort = model.rpartition("@")
    known = bool(bare) and effort in _EFFORTS
    parameters = {"model": f"openai/{bare if known else model}", "api_base": api_base, "api_key": _KEY_VARIABLE}
    if known:
        parameters["reasoning_effort"] = effort
    return {"model_name": name, "litellm_params": parameters}


def _unused(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "-"
    return name
