"""llmcost report: the tables of a run again."""

from __future__ import annotations

from typing import Annotated

import typer

from llmcost.cli import options
from llmcost.cli.output import emit, terminal_width, wants_color


def command(
    run: Annotated[str | None, typer.Argument(help="The run; the last one if not given.")] = None,
    format: options.Format = "table",
    output: options.Out = None,
) -> None:
    """The tables of a replay again: per-task savings, verdicts, model map, before/after bill."""
    from llmcost import api

    emit(api.report(run).render(format, width=terminal_width(), color=wants_color(output)), output)
