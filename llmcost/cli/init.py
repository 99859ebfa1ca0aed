"""llmcost init: a configuration to start from."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from llmcost.cli import options
from llmcost.cli.output import emit, say

NEXT = """wrote {file}: what it has of your log counts, all else is a comment
next: llmcost audit{named}
      llmcost replay{named} --dry-run  (what would be sent, where, at what cost; sends nothing)"""


@options.reads_logs
def command(
    logs: options.Logs = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write.", show_default="llmcost.toml")
    ] = None,
    stdout: Annotated[bool, typer.Option("--stdout", help="Print the file instead of writing it.")] = False,
    *,
    reading: options.Reading,
) -> None:
    """Write an annotated llmcost.toml from a look at your logs. A file that is there is never overwritten."""
    from llmcost import api
    from llmcost.cli.reading import reading_progress
    from llmcost.config import CONFIG_NAME
    from llmcost.errors import ConfigError

    if stdout and output is not None:
        raise ConfigError("--stdout writes no file, -o does", "leave one of them out")
    file = None if stdout else output or Path(CONFIG_NAME)
    with reading_progress() as progress:
        text = api.init(logs or (), options=reading, output=file, say=say, progress=progress)
    if file is None:
        emit(text, None)
        return
    named = "" if file == Path(CONFIG_NAME) else f" --config {shlex.quote(str(file))}"
    say(NEXT.format(file=file, named=named))
