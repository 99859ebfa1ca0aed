"""llmcost label: people's blind verdicts, which outrank every judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from llmcost.cli import options
from llmcost.cli.output import emit, terminal_width, wants_color
from llmcost.errors import ConfigError

COUNT = 200


def command(
    run: Annotated[str | None, typer.Argument(help="The run; the last one if not given.")] = None,
    export: Annotated[
        Path | None, typer.Option("--export", help="Draw pairs and write them to this folder: labels.html, labels.csv.")
    ] = None,
    files: Annotated[
        list[Path] | None,
        typer.Option("--import", help="Filled-in labels.csv; again for every other person's of the same packet."),
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Most pairs to draw.", show_default=f"{COUNT}")] = None,
    task: Annotated[list[str] | None, typer.Option(help="Draw from this task only; may be repeated.")] = None,
    candidate: Annotated[str | None, typer.Option(help="Draw answers of this candidate only.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the draw.", show_default="the run's")] = None,
    no_redact: options.NoRedact = False,
    config: options.Config = None,
    all: Annotated[bool, typer.Option("--all", help="Also draw pairs that checks settled, not judges alone.")] = False,
) -> None:
    """Let people compare answers blind: export a packet of pairs, import their verdicts.

    The next replay believes the graders as far as these verdicts bear them out.
    """
    from llmcost import api

    if (export is None) == (not files):
        raise ConfigError("either export pairs or import verdicts", "--export FOLDER, or --import labels.csv")
    if export is None:
        _refuse(
            {
                "--count": count,
                "--task": task,
                "--candidate": candidate,
                "--seed": seed,
                "--all": all,
                "--no-redact": no_redact,
            }
        )
        found: api.LabelExportView | api.LabelImportView = api.label_import(files or (), run=run)
    else:
        found = api.label_export(
            run,
            folder=export,
            count=count or COUNT,
            tasks=task or (),
            candidate=candidate,
            checked=all,
            seed=seed,
            redact=not no_redact,
            config=config,
        )
    emit(found.render(width=terminal_width(), color=wants_color(None)), None)


def _refuse(given: Mapping[str, int | str | Sequence[str] | None]) -> None:
    """Raises ConfigError for a flag that says what to draw where nothing is drawn."""
    for flag, value in given.items():
        if value not in (None, [], False):
            raise ConfigError(f"{flag} goes with --export", "leave it out to import")
