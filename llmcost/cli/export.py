"""llmcost export: the recommended model map for other tools."""

from __future__ import annotations

from typing import Annotated

import typer

from llmcost.cli import options
from llmcost.cli.output import emit


def command(
    run: Annotated[str | None, typer.Argument(help="The run; the last one if not given.")] = None,
    to: Annotated[str, typer.Option(help="json, python or litellm.")] = "json",
    base_url: Annotated[str | None, typer.Option(help="Endpoint to write into the export.")] = None,
    output: options.Out = None,
) -> None:
    """The recommended model map, as another tool reads it."""
    from llmcost import api

    emit(api.export(run, to=to, base_url=base_url), output)
