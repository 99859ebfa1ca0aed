"""Flags that several commands share, declared once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, get_type_hints

import typer

from llmcost.errors import ConfigError

if TYPE_CHECKING:
    from llmcost.api import Options
    from llmcost.config import AlphaScope, StrategyName

    Reading: TypeAlias = Options
else:
    Reading = object  # the real one would load pyarrow for every --help

STRATEGIES: tuple[StrategyName, ...] = ("map", "cascade", "cache", "compress", "batch")

Logs = Annotated[
    list[str] | None,
    typer.Argument(help="Files, directories, globs, or - for stdin. JSONL, JSON, CSV, Parquet; plain, gzip, zstd."),
]
Config = Annotated[
    Path | None, typer.Option("--config", help="Configuration file.", show_default="nearest llmcost.toml")
]
Format = Annotated[str, typer.Option(help="table, markdown, json, html or csv.")]
Out = Annotated[Path | None, typer.Option("--output", "-o", help="Write the result to a file instead of stdout.")]
BaseUrl = Annotated[str | None, typer.Option(help="OpenAI-compatible endpoint (or LLMCOST_BASE_URL).")]
Seed = Annotated[int | None, typer.Option(help="Seed of the sample.", show_default="7")]
Concurrency = Annotated[int | None, typer.Option(help="Most requests in flight.", show_default="64", min=1)]
AllowRelatedJudge = Annotated[
    bool, typer.Option("--allow-related-judge", help="Let a grader judge models of its own maker.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be sent and what it would cost.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Skip the question; the cap stays.")]

AllowHost = Annotated[
    list[str] | None,
    typer.Option(help="Host that may be talked to, no other; may be repeated.", show_default="those that you name"),
]
Redact = Annotated[
    bool | None,
    typer.Option(
        "--redact/--no-redact",
        help="Replace personal data and keys by placeholders before a prompt leaves.",
        show_default="on, unless the endpoint is this machine",
    ),
]

NoRedact = Annotated[
    bool, typer.Option("--no-redact", help="Show texts as they were logged, without placeholders for personal data.")
]

ENGINES = ("local", "dask")
CACHE_EXAMPLE = "for example --cache ttl=1h,docs=24h,capacity=10000"


def reads_logs(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with every flag of `_reading` instead of its parameter `reading`, which gets what they say."""
    flags = inspect.signature(_reading, eval_str=True).parameters
    hints = get_type_hints(command, include_extras=True)
    own = inspect.signature(command).parameters.values()
    kept = [p.replace(annotation=hints[p.name]) for p in own if p.name != "reading"]

    @wraps(command)
    def with_flags(**given: Any) -> Any:
        said = {name: given.pop(name) for name in flags}
        return command(**given, reading=_reading(**said))

    parameters = [*kept, *flags.values()]
    with_flags.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_flags.__annotations__ = {p.name: p.annotation for p in parameters}
    return with_flags


def _reading(
    since: Annotated[
        str | None,
        typer.Option(
            "--since", "--last", help="Only calls from this time on: 2026-10-01 (UTC), or 7d before the last."
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Only calls before this time: a date, or 24h before the last.")
    ] = None,
    task_field: Annotated[
        str | None, typer.Option(help="Field of the log that names the task, e.g. metadata.feature.")
    ] = None,
    expected_field: Annotated[str | None, typer.Option(help="Field of the log that holds the expected answer.")] = None,
    map: Annotated[
        list[str] | None,
        typer.Option("--map", help="field=path: where an unusual log keeps a field, e.g. model=payload.llm.name."),
    ] = None,
    input_format: Annotated[
        str | None, typer.Option(help="Format of the log, where detection by its shape is wrong.")
    ] = None,
    estimate_tokens: Annotated[
        bool, typer.Option("--estimate-tokens", help="Count tokens from the text where the log has none (marked ~).")
    ] = False,
    cost_mode: Annotated[
        str | None,
        typer.Option(help="computed (price list), logged (the log's own costs), or auto (those, where credible)."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that read.", show_default="one a core, for large logs")
    ] = None,
    engine: Annotated[str, typer.Option(help="Who reads: local (this machine) or dask (a cluster).")] = "local",
    scheduler: Annotated[
        str | None, typer.Option(help="Dask scheduler, e.g. tcp://host:8786; without one, a cluster on this machine.")
    ] = None,
) -> Reading:
    """The reading options that these flags say."""
    from llmcost.api import Options
    from llmcost.engine import without_pandas

    without_pandas()

    if engine not in ENGINES or (scheduler and engine != "dask"):
        raise ConfigError(
            f"no engine {engine!r}" if engine not in ENGINES else "--scheduler is of Dask",
            "write --engine local, or --engine dask --scheduler tcp://host:8786",
        )
    return Options(
        fields=dict(_mapping(item) for item in map or ()),
        format=input_format,
        expected_field=expected_field,
        estimate_tokens=estimate_tokens,
        cost_mode=cost_mode,
        task_field=task_field,
        since=since,
        until=until,
        workers=workers,
        dask=(scheduler or "local") if engine == "dask" else None,
    )


def share(text: str | None, flag: str) -> float | None:
    """A share from "2%" or "0.02"."""
    return None if text is None else _number(text.rstrip("%"), flag, text, "2% or 0.02") / (100 if "%" in text else 1)


def dollars(text: str | None, flag: str) -> float | None:
    """US dollars from "$5" or "5"."""
    return None if text is None else _number(text.lstrip("$"), flag, text, "$5 or 0.05")


def sample_size(text: str | None) -> int | Literal["auto"] | None:
    """A number of prompts, or "auto"."""
    if text is None:
        return None
    if text == "auto":
        return "auto"
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ConfigError(f"--sample {text!r} is neither a number of prompts nor auto", "write 600, or auto")
    return int(text)


def alpha_scope(text: str | None) -> AlphaScope | None:
    """What the chance of a wrong switch is meant of."""
    scopes: dict[str | None, AlphaScope | None] = {None: None, "plan": "plan", "task": "task"}
    if text in scopes:
        return scopes[text]
    raise ConfigError(f"--alpha-scope {text!r} is unknown", "write plan (the whole plan) or task (each task)")


def strategies(text: str | None) -> tuple[StrategyName, ...] | Literal["auto"] | None:
    """What is tried besides other models."""
    if text is None:
        return None
    if text.strip() == "auto":
        return "auto"
    known: dict[str, StrategyName] = {name: name for name in STRATEGIES}
    asked = names(text) or (text,)
    if unknown := [name for name in asked if name not in known]:
        hint = f"choose from {', '.join(known)}, or write auto"
        raise ConfigError(f"--strategies: {', '.join(unknown)!r} is unknown", hint)
    return tuple(known[name] for name in asked)


def names(text: str | None) -> tuple[str, ...] | None:
    """The items of a comma-separated list; None if the flag was not given."""
    return None if text is None else tuple(item.strip() for item in text.split(",") if item.strip())


def cache(texts: list[str] | None) -> dict[str, Any]:
    """What `api.simulate` is told of a cache: "1h" or "ttl=1h", "capacity=10000" and "task=24h", in any number."""
    items = [item if "=" in item else f"ttl={item}" for text in texts or () for item in names(text) or ()]
    if texts and not items:
        raise ConfigError("--cache says nothing", CACHE_EXAMPLE)
    said = _pairs("--cache", items, "TASK=DURATION", CACHE_EXAMPLE)
    ttl, capacity = said.pop("ttl", None), said.pop("capacity", None)
    if capacity is not None and not (capacity.isascii() and capacity.isdigit()):
        raise ConfigError(f"--cache capacity={capacity} is no number of entries", "for example --cache capacity=10000")
    return {"cache_ttl": ttl, "cache_tasks": said, "cache_capacity": None if capacity is None else int(capacity)}


def model_map(text: str | None) -> dict[str, str]:
    """Task → model from "task=model,task=model"; a model's name may hold a "=" no more than a task's."""
    return _pairs("--model-map", names(text) or (), "task=model", "for example --model-map chat=qwen3-8b")


def _pairs(flag: str, items: Iterable[str], form: str, example: str) -> dict[str, str]:
    """Name → value of these "name=value"."""
    pairs = [item.partition("=") for item in items]
    wrong = next((item for item in pairs if not (item[0].strip() and item[2].strip())), None)
    if wrong is not None:
        raise ConfigError(f"{flag} {''.join(wrong)!r} is not {form}", example)
    return {name.strip(): value.strip() for name, _, value in pairs}


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
