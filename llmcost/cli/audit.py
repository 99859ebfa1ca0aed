"""llmcost audit: where the money goes, what is wasted, what could be saved. No key, no network."""

from __future__ import annotations

from typing import Annotated

import typer

from llmcost.cli import options
from llmcost.cli.output import emit, say, terminal_width, wants_color


@options.reads_logs
def command(
    logs: options.Logs = None,
    format: options.Format = "table",
    output: options.Out = None,
    tag: Annotated[list[str] | None, typer.Option(help="Also spend by this tag, e.g. --tag metadata.team.")] = None,
    config: options.Config = None,
    *,
    reading: options.Reading,
) -> None:
    """Where the money goes, what is wasted, what could be saved. Needs no key and no network."""
    from llmcost import api

    found = api.audit(logs or (), options=reading, tags=tag or (), config=config, say=say)
    emit(found.render(format, width=terminal_width(), color=wants_color(output)), output)
