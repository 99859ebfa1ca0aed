"""llmcost simulate: what this log would have cost behind savings that need no model's answer. No key, no network."""

from __future__ import annotations

from typing import Annotated

import typer

from llmcost.cli import options
from llmcost.cli.output import emit, say, terminal_width, wants_color


@options.reads_logs
def command(
    logs: options.Logs = None,
    cache: Annotated[
        list[str] | None,
        typer.Option(
            help="Exact response cache that keeps answers so long: 1h (or ttl=1h), of single tasks TASK=24h (0s: not "
            "cached), and at most capacity=10000 of them; separated by commas, or repeated. 30s, 5m, 1h, 7d …"
        ),
    ] = None,
    cache_sweep: Annotated[
        bool, typer.Option("--cache-sweep", help="Hit rate and dollars of seven times to live, by task.")
    ] = False,
    near: Annotated[
        list[float] | None,
        typer.Option(
            help="Likeness (0–1) from which on a near-duplicate cache would answer, too. Potential, in no total."
        ),
    ] = None,
    near_sweep: Annotated[bool, typer.Option("--near-sweep", help="The same from 0.8, 0.85, 0.9, 0.95, 0.98.")] = False,
    prompt_cache: Annotated[
        bool, typer.Option("--prompt-cache", help="The provider's prompt cache where it is unused.")
    ] = False,
    batch_api: Annotated[
        bool, typer.Option("--batch-api", help="The provider's Batch API for what nobody seems to wait for.")
    ] = False,
    model_map: Annotated[
        str | None,
        typer.Option(
            "--model-map", help="What-if at today's tokens: task=model, separated by commas. Potential, not measured."
        ),
    ] = None,
    format: options.Format = "table",
    output: options.Out = None,
    config: options.Config = None,
    *,
    reading: options.Reading,
) -> None:
    """One bill before and after the savings named, on one timeline of calls; without one, all that change no answer.

    Needs no key and no network.
    """
    from llmcost import api
    from llmcost.cli.reading import reading_progress

    with reading_progress() as progress:
        found = api.simulate(
            logs or (),
            options=reading,
            **options.cache(cache),
            cache_sweep=cache_sweep,
            near=near or (),
            near_sweep=near_sweep,
            prompt_cache=prompt_cache,
            batch_api=batch_api,
            model_map=options.model_map(model_map),
            config=config,
            say=say,
            progress=progress,
        )
    emit(found.render(format, width=terminal_width(), color=wants_color(output)), output)
