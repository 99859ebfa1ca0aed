"""Python: the model map as a dictionary literal."""

from __future__ import annotations

from llmcost.report.exports.mapping import model_map
from llmcost.report.exports.source import Source


def export_python(source: Source) -> str:
    """A dictionary literal task → model that `ast.literal_eval` reads."""
    items = (f"    {task!a}: {model!a},\n" for task, model in model_map(source.report).items())
    return f"{{\n{''.join(items)}}}\n"
