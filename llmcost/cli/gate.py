"""llmcost baseline and llmcost check: fail a build when the cost per call rises."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmcost.cli import options
from llmcost.cli.output import emit, say, terminal_width, wants_color
from llmcost.errors import EXIT_GATE_FAILED, EXIT_OK


@options.reads_logs
def baseline_command(
    logs: options.Logs = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The baseline file to write.")] = Path(
        "llmcost-baseline.json"
    ),
    config: options.Config = None,
    *,
    reading: options.Reading,
) -> None:
    """Write down what is normal: cost per call by task. Commit the file; it holds no prompt text."""
    from llmcost import api

    emit(api.baseline(logs or (), options=reading, config=config, say=say), output)
    say(f"wrote {output} · next: llmcost check LOGS --baseline {output}")


@options.reads_logs
def check_command(
    baseline: Annotated[Path, typer.Option(help="The baseline file to hold the logs against.")],
    logs: options.Logs = None,
    max_increase: Annotated[
        str | None, typer.Option(help="Allowed rise of the cost per call, e.g. 5%.", show_default="5%")
    ] = None,
    format: options.Format = "table",
    output: options.Out = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Also write the result as Markdown, for a pull-request comment.")
    ] = None,
    config: options.Config = None,
    *,
    reading: options.Reading,
) -> int:
    """Exit 1 if the cost per call rose by more than allowed, at the baseline's task mix."""
    from llmcost import api

    allowed = options.share(max_increase, "--max-increase")
    found = api.check(logs or (), baseline=baseline, max_increase=allowed, options=reading, config=config, say=say)
    if markdown is not None:
        emit(found.render("markdown"), markdown)
    emit(found.render(format, width=terminal_width(), color=wants_color(output)), output)
    return EXIT_OK if found.result.passed else EXIT_GATE_FAILED
