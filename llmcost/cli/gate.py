"""llmcost baseline and llmcost check: fail a build when calls get dearer, or answers worse, than is allowed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmcost.cli import options
from llmcost.cli.output import append, command, emit, say, terminal_width, wants_color
from llmcost.errors import EXIT_GATE_FAILED, EXIT_OK, InputError

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
    again = f"llmcost check LOGS --baseline {shlex.quote(str(output))}"
    by = f" --pair-by {shlex.quote(pair_by)}" if pair_by else ""
    say(f"wrote {output} · next: {again}{' --paired' if paired or pair_by else ''}{by}")


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
    page = found.render(format, width=terminal_width(), color=wants_color(output))
    _publish(found.result, [(page, output), *_copies(found.result, markdown, junit)], _wanted(github))
    return EXIT_OK if found.result.passed else EXIT_GATE_FAILED


def _publish(result: CheckResult, files: Iterable[tuple[str, Path | None]], github: bool) -> None:
    """The verdict wherever it is asked for. One place that cannot be written keeps it from no other."""
    from llmcost.report import ci

    writes = [partial(emit, text, file) for text, file in files]
    if github:
        writes += [partial(command, line) for line in ci.workflow_commands(result)]
        writes.append(partial(append, ci.summary(result), os.environ.get("GITHUB_STEP_SUMMARY")))
        writes.append(partial(append, ci.outputs(result), os.environ.get("GITHUB_OUTPUT")))
    if failures := [failure for write in writes if (failure := _failure(write))]:
        say(ci.verdict(result))
        raise failures[0]


def _copies(result: CheckResult, markdown: Path | None, junit: Path | None) -> Iterator[tuple[str, Path]]:
    from llmcost.report import ci

    for text, file in ((ci.comment, markdown), (ci.junit, junit)):
        if file is not None:
            yield text(result), file


def _failure(write: Callable[[], None]) -> InputError | None:
    try:
        write()
    except InputError as error:
        return error
    return None


def _wanted(github: bool | None) -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true" if github is None else github
