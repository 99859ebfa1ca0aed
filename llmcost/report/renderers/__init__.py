"""Document → text: one file a format. JSON is not here: results are written as they are, by `to_json`."""

from __future__ import annotations

from llmcost import plugins
from llmcost.report.renderers.csv_table import render_csv
from llmcost.report.renderers.html_page import html_fragment, render_html
from llmcost.report.renderers.markdown import render_markdown
from llmcost.report.renderers.renderer import Renderer
from llmcost.report.renderers.terminal import render_terminal

BUILTIN: dict[str, Renderer] = {
    "table": render_terminal,
    "markdown": render_markdown,
    "html": render_html,
    "csv": render_csv,
}


def renderers() -> dict[str, Renderer]:
    """Every renderer by the name that `--format` takes."""
    return plugins.load("renderers", BUILTIN)


__all__ = ["Renderer", "html_fragment", "renderers"]
