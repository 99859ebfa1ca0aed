"""llmcost baseline and llmcost check: fail a build when calls get dearer, or answers worse, than is allowed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmcost.cli import options
from llmcost.cli.output import append, emit, say, terminal_width, wants_color
from llmcost.errors import EXIT_GATE_FAILED, EXIT_OK

if TYPE_CHECKING:
    from llmcost.gate import CheckResult

Paired = Annotated[
    bool, typer.Option("--paired", help="The logs are one suite of prompts, before and after: case by case.")
]
PairBy = Annotated[
    str | None, typer.Option(help="Tag that names a case, with --paired.", show_default="what the user said")
]


@options.reads_logs
def baseline_command(
    logs: options.Logs = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The baseline file to write.")] = Path(
        "llmcost-baseline.json"
    ),
    paired: Paired = False,
    pair_by: PairBy = None,
    config: options.Config = None,
    *,
    reading: options.Reading,
) -> None:
    """Write down what is normal: cost per call by task. Commit the file; it holds no prompt text."""
    from llmcost import api

    made = api.baseline(logs or (), paired=paired, pair_by=pair_by, options=reading, config=config, say=say)
    emit(made, output)
    more = " --paired" if paired or pair_by else ""
    say(f"wrote {output} · next: llmcost check LOGS --baseline {output}{more}")


@options.reads_logs
def check_command(
    baseline: Annotated[Path, typer.Option(help="The baseline file to hold the logs against.")],
    logs: options.Logs = None,
    max_increase: Annotated[
        str | None, typer.Option(help="Allowed rise of the cost per call, e.g. 5%.", show_default="5%")
    ] = None,
    paired: Paired = False,
    pair_by: PairBy = None,
    run: Annotated[
        str | None, typer.Option(help="A replay, or its report in JSON: new models must have passed in it.")
    ] = None,
    format: options.Format = "table",
    output: options.Out = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Also write the result as Markdown, for a pull-request comment.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Also write the result as JUnit XML.")] = None,
    github: Annotated[
        bool | None,
        typer.Option(help="Annotations, job summary and step outputs.", show_default="on in GitHub Actions"),
    ] = None,
    config: options.Config = None,
    *,
    reading: options.Reading,
) -> int:
    """Exit 1 if the cost per call certainly rose by more than allowed, at the baseline's task mix."""
    from llmcost import api

    found = api.check(
        logs or (),
        baseline=baseline,
        max_increase=options.share(max_increase, "--max-increase"),
        paired=paired,
        pair_by=pair_by,
        run=run,
        options=reading,
        config=config,
        say=say,
    )
    emit(found.render(format, width=terminal_width(), color=wants_color(output)), output)
    _publish(found.result, markdown, junit, _in_github() if github is None else github)
    return EXIT_OK if found.result.passed else EXIT_GATE_FAILED


def _publish(result: CheckResult, markdown: Path | None, junit: Path | None, github: bool) -> None:
    """The result once more, for whom it is asked for."""
    from llmcost.report import ci

    if markdown is not None:
        emit(ci.comment(result), markdown)
    if junit is not None:
        emit(ci.junit(result), junit)
    if github:
        for command in ci.workflow_commands(result):
            say(command)
        append(ci.summary(result), os.environ.get("GITHUB_STEP_SUMMARY"))
        append(ci.outputs(result), os.environ.get("GITHUB_OUTPUT"))


def _in_github() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"
