"""Flags that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmcost.errors import ConfigError

if TYPE_CHECKING:
    from llmcost.api import Options

Logs = Annotated[
    list[str] | None,
    typer.Argument(help="Files, directories, globs, or - for stdin. JSONL, JSON, CSV, Parquet; plain, gzip, zstd."),
]
Config = Annotated[
    Path | None, typer.Option("--config", help="Configuration file.", show_default="nearest llmcost.toml")
]
Out = Annotated[Path | None, typer.Option("--output", "-o", help="Write the result to a file instead of stdout.")]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", help="field=path: where an unusual log keeps a field, e.g. --map model=payload.llm.name."),
]
InputFormat = Annotated[str | None, typer.Option(help="Log format, where detection by shape is wrong.")]
TaskField = Annotated[str | None, typer.Option(help="Field of the log that names the task, e.g. metadata.feature.")]
ExpectedField = Annotated[str | None, typer.Option(help="Field of the log that holds the expected answer.")]
EstimateTokens = Annotated[bool, typer.Option(help="Count tokens from the text where the log has none (marked ~).")]
Since = Annotated[str | None, typer.Option(help="Only calls from this time on (2026-10-01, UTC).")]
Until = Annotated[str | None, typer.Option(help="Only calls before this time.")]
Last = Annotated[str | None, typer.Option(help="Only the last part of the log: 7d, 24h, 2w.")]


def read_options(
    map_: list[str] | None,
    input_format: str | None,
    task_field: str | None,
    expected_field: str | None,
    estimate_tokens: bool,
    since: str | None,
    until: str | None,
    last: str | None,
) -> Options:
    """The reading options that these flags say."""
    from llmcost.api import Options

    return Options(
        fields=dict(_mapping(item) for item in map_ or ()),
        format=input_format,
        expected_field=expected_field,
        estimate_tokens=estimate_tokens,
        task_field=task_field,
        since=since,
        until=until,
        last=last,
    )


def share(text: str | None, flag: str) -> float | None:
    """A share from "2%" or "0.02"."""
    return None if text is None else _number(text.rstrip("%"), flag, text, "2% or 0.02") / (100 if "%" in text else 1)


def dollars(text: str | None, flag: str) -> float | None:
    """US dollars from "$5" or "5"."""
    return None if text is None else _number(text.lstrip("$"), flag, text, "$5 or 0.05")


def names(text: str | None) -> tuple[str, ...] | None:
    """The items of a comma-separated list; None if the flag was not given."""
    return None if text is None else tuple(item.strip() for item in text.split(",") if item.strip())


def _number(text: str, flag: str, whole: str, example: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise ConfigError(f"{flag} {whole!r} is not a number", f"write {example}") from error
    if not 0 <= value < float("inf"):
        raise ConfigError(f"{flag} {whole!r} must not be negative", f"write {example}")
    return value


def _mapping(item: str) -> tuple[str, str]:
    name, separator, path = item.partition("=")
    if not (separator and name and path):
        raise ConfigError(f"--map {item!r} is not field=path", "for example --map model=payload.llm.name")
    return name.strip(), path.strip()
