"""llmcost init: a configuration to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmcost.cli import options
from llmcost.cli.output import emit, say


@options.reads_logs
def command(
    logs: options.Logs = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write; - for stdout.")] = Path(
        "llmcost.toml"
    ),
    *,
    reading: options.Reading,
) -> None:
    """Write an annotated llmcost.toml from a look at your logs. A file that is there is never overwritten."""
    from llmcost import api

    text = api.init(logs or (), options=reading, say=say)
    if str(output) == "-":
        emit(text, None)
        return
    api.write_new(text, output)
    say(f"wrote {output} · next: llmcost audit{'' if logs else ' LOGS'}")
