"""A run for other tools: one file a target. Only what passed is switched; the rest stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from llmcost import plugins
from llmcost.report.exports.focus import export_focus
from llmcost.report.exports.json_map import export_json
from llmcost.report.exports.litellm import export_litellm
from llmcost.report.exports.openrouter import export_openrouter
from llmcost.report.exports.plan import export_plan
from llmcost.report.exports.portkey import export_portkey
from llmcost.report.exports.promptfoo import export_promptfoo
from llmcost.report.exports.python_map import export_python
from llmcost.report.exports.source import Charge, Rates, SamplePrompt, Source
from llmcost.report.exports.tensorzero import export_tensorzero

Exporter: TypeAlias = Callable[[Source], str]

BUILTIN: dict[str, Exporter] = {
    "json": export_json,
    "python": export_python,
    "plan": export_plan,
    "litellm": export_litellm,
    "openrouter": export_openrouter,
    "portkey": export_portkey,
    "tensorzero": export_tensorzero,
    "promptfoo": export_promptfoo,
    "focus": export_focus,
}


def exporters() -> dict[str, Exporter]:
    """Every exporter by the name that `llmcost export --to` takes."""
    return plugins.load("exports", BUILTIN)


__all__ = ["Charge", "Exporter", "Rates", "SamplePrompt", "Source", "exporters"]
