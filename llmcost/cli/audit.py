"""llmcost audit: where the money goes, what is wasted, what could be saved. No key, no network."""

from __future__ import annotations

from typing import Annotated

import typer

from llmcost.cli import options
from llmcost.cli.asking import agreed
from llmcost.cli.output import emit, say, terminal_width, wants_color

BY = "Also spend by this tag or dimension, e.g. metadata.team, provider, hour. May be repeated."


@options.reads_logs
def command(
    logs: options.Logs = None,
    format: options.Format = "table",
    output: options.Out = None,
    by: Annotated[list[str] | None, typer.Option(help=BY)] = None,
    top: Annotated[
        int | None, typer.Option(help="Rows of a table on the terminal; the rest is summed up in one.")
    ] = None,
    compact: Annotated[bool, typer.Option("--compact", help="Few columns, 60 characters wide at most.")] = False,
    name_with: Annotated[
        str | None, typer.Option(help="Model that names the call sites, one call each; asks before it sends.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="Endpoint of --name-with (or LLMCOST_BASE_URL).")] = None,
    allow_host: options.AllowHost = None,
    redact: options.Redact = None,
    budget: Annotated[
        str | None, typer.Option(help="Hard cap of --name-with, e.g. $1.", show_default="the worst case")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Skip the question; the cap stays.")] = False,
    config: options.Config = None,
    *,
    reading: options.Reading,
) -> None:
    """Where the money goes, what is wasted, what could be saved. Needs no key and no network (but for --name-with)."""
    from llmcost import api
    from llmcost.cli.reading import reading_progress

    with reading_progress() as progress:
        found = api.audit(
            logs or (),
            options=reading,
            by=by or (),
            top=top,
            compact=compact,
            name_with=name_with,
            base_url=base_url,
            allow_hosts=allow_host,
            redact=redact,
            budget=options.dollars(budget, "--budget"),
            agreed=lambda said: agreed(said, yes),
            config=config,
            say=say,
            progress=progress,
        )
    emit(found.render(format, width=terminal_width(), color=wants_color(output)), output)
