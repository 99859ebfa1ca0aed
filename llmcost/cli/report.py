"""llmcost report: the tables of a run again."""

from __future__ import annotations

from typing import Annotated

import typer

from llmcost.cli import options
from llmcost.cli.output import emit, say, terminal_width, wants_color


def command(
    run: Annotated[str | None, typer.Argument(help="The run; the last one if not given.")] = None,
    show_text: Annotated[
        bool, typer.Option("--show-text", help="Show what was asked and answered in the worst-graded examples.")
    ] = False,
    no_redact: options.NoRedact = False,
    examples: Annotated[
        int | None, typer.Option(help="Worst-graded examples of each candidate, 60 in all.", show_default="3", min=0)
    ] = None,
    format: options.Format = "table",
    output: options.Out = None,
    config: options.Config = None,
) -> None:
    """The tables of a replay again: per-task savings, verdicts, model map, before/after bill."""
    from llmcost import api

    found = api.report(run, show_text=show_text, redact=not no_redact, examples=examples, config=config, say=say)
    emit(found.render(format, width=terminal_width(), color=wants_color(output)), output)
