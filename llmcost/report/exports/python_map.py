"""Python: the model map as a dictionary literal."""

from __future__ import annotations

from llmcost.recommend.result import ReplayReport
from llmcost.report.exports.mapping import model_map


def export_python(report: ReplayReport, base_url: str | None = None) -> str:
    """A dictionary literal task → model that `ast.literal_eval` reads."""
    items = (f"    {task!a}: {model!a},\n" for task, model in model_map(report).items())
    return f"{{\n{''.join(items)}}}\n"
