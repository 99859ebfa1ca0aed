"""llmcost export: a run for other tools."""

from __future__ import annotations

from typing import Annotated

import typer

from llmcost.cli import options
from llmcost.cli.output import emit, say


def command(
    run: Annotated[str | None, typer.Argument(help="The run; the last one if not given.")] = None,
    to: Annotated[
        str,
        typer.Option(
            help="json, python, plan; litellm, openrouter, portkey, tensorzero (gateways); promptfoo (the sample as a "
            "suite); focus (the log's bill as CSV)."
        ),
    ] = "json",
    base_url: Annotated[str | None, typer.Option(help="Endpoint to write into the export.")] = None,
    show_text: Annotated[
        bool, typer.Option("--show-text", help="Let prompts and answers of the log into the export (promptfoo).")
    ] = False,
    no_redact: options.NoRedact = False,
    output: options.Out = None,
    config: options.Config = None,
) -> None:
    """The recommended model map, the plan, the sample or the log's bill, as another tool reads it."""
    from llmcost import api

    found = api.export(run, to=to, base_url=base_url, show_text=show_text, redact=not no_redact, config=config, say=say)
    emit(found, output)
