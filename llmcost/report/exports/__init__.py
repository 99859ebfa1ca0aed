"""The model map for other tools: one file a target. Only what passed is switched; the rest stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from llmcost import plugins
from llmcost.recommend.result import ReplayReport
from llmcost.report.exports.json_map import export_json
from llmcost.report.exports.litellm import export_litellm
from llmcost.report.exports.plan import export_plan
from llmcost.report.exports.python_map import export_python

Exporter: TypeAlias = Callable[[ReplayReport, str | None], str]

BUILTIN: dict[str, Exporter] = {
    "json": export_json,
    "python": export_python,
    "litellm": export_litellm,
    "plan": export_plan,
}


def exporters() -> dict[str, Exporter]:
    """Every exporter by the name that `llmcost export --to` takes."""
    return plugins.load("exports", BUILTIN)


__all__ = ["Exporter", "exporters"]
