"""Plots as vectors for a page, as characters for a terminal, as a table for all else. No library, no script."""

from __future__ import annotations

from llmcost.report.plots.bars import bars_svg, bars_table
from llmcost.report.plots.characters import LEAST_WIDTH, Canvas, canvas
from llmcost.report.plots.drawn import Drawn, drawn, limits
from llmcost.report.plots.points import every_point, few_points
from llmcost.report.plots.style import STYLE
from llmcost.report.plots.svg import svg, swatch

__all__ = [
    "LEAST_WIDTH",
    "STYLE",
    "Canvas",
    "Drawn",
    "bars_svg",
    "bars_table",
    "canvas",
    "drawn",
    "every_point",
    "few_points",
    "limits",
    "svg",
    "swatch",
]
