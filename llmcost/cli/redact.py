"""llmcost redact: a copy of logs without personal data and keys. No network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmcost.cli import options
from llmcost.cli.output import say, terminal_width


def command(
    logs: options.Logs = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File (also .gz, .zst), or folder for several.", show_default="stdout"),
    ] = None,
    format: options.Format = "table",
    config: options.Config = None,
) -> None:
    """Copy logs as JSON lines with placeholders such as <EMAIL_1> for personal data and keys.

    What was replaced is said on stderr. The same value has the same placeholder, so the copy can be audited and
    replayed like the log itself; what the placeholders stand for is not kept.
    """
    from llmcost import api

    found = api.redact(logs or (), output=output, config=config)
    say(found.render(format, width=terminal_width(), color=False).rstrip())
