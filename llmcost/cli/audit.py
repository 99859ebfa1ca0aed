"""llmcost audit: where the money goes, what is wasted, what could be saved. No key, no network."""

from __future__ import annotations

from typing import Annotated

import typer

from llmcost.cli import options
from llmcost.cli.output import emit, say, terminal_width, wants_color


def command(
    logs: options.Logs = None,
    format: Annotated[str, typer.Option(help="table, markdown, json, html or csv.")] = "table",
    output: options.Out = None,
    tag: Annotated[list[str] | None, typer.Option(help="Also spend by this tag, e.g. --tag metadata.team.")] = None,
    since: options.Since = None,
    until: options.Until = None,
    last: options.Last = None,
    task_field: options.TaskField = None,
    expected_field: options.ExpectedField = None,
    map: options.Map = None,
    input_format: options.InputFormat = None,
    estimate_tokens: options.EstimateTokens = False,
    config: options.Config = None,
) -> None:
    """Where the money goes, what is wasted, what could be saved. Needs no key and no network."""
    from llmcost import api

    reading = options.read_options(map, input_format, task_field, expected_field, estimate_tokens, since, until, last)
    found = api.audit(logs or (), options=reading, tags=tag or (), config=config, say=say)
    emit(found.render(format, width=terminal_width(), color=wants_color(output)), output)
