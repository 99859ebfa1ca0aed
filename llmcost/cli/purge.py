"""llmcost purge: delete what is kept here. Says what, then asks."""

from __future__ import annotations

from typing import Annotated

import typer

from llmcost.cli import options
from llmcost.cli.asking import agreed_to_delete
from llmcost.cli.output import emit, say, terminal_width, wants_color


def command(
    what: Annotated[
        list[str] | None, typer.Argument(help="answers, runs, labels, logs; all of them if none is named.")
    ] = None,
    run: Annotated[list[str] | None, typer.Option(help="Only what this run left; may be repeated.")] = None,
    older_than: Annotated[str | None, typer.Option(help="Only what is older: 30d, 12w.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Skip the question.")] = False,
    format: options.Format = "table",
) -> None:
    """Delete paid answers, reports, labels and what was read of logs from the workspace."""
    from llmcost import api

    found = api.purge(what or (), runs=run, older_than=older_than, really=False)
    if not (dry_run or not found.result.held):
        if not agreed_to_delete(found.render("table", width=terminal_width(), color=False), yes):
            say("nothing was deleted")
            return
        found = api.purge(what or (), runs=run, older_than=older_than, really=True)
    emit(found.render(format, width=terminal_width(), color=wants_color(None)), None)
