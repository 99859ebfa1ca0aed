"""llmcost monitor: does the promise of a switch hold on newer traffic? Asks before it spends."""

from __future__ import annotations

from typing import Annotated

import typer

from llmcost.cli import options
from llmcost.cli.asking import agreed
from llmcost.cli.output import emit, say, terminal_width, wants_color
from llmcost.errors import EXIT_GATE_FAILED, EXIT_OK


@options.reads_logs
def command(
    logs: options.Logs = None,
    run: Annotated[str | None, typer.Option(help="The run that named the switch.", show_default="the last run")] = None,
    grader: Annotated[
        str | None, typer.Option(help="Models that compare answers, blind.", show_default="the run's")
    ] = None,
    base_url: options.BaseUrl = None,
    allow_host: options.AllowHost = None,
    redact: options.Redact = None,
    sample: Annotated[
        int | None, typer.Option(help="Most prompts a task of this log.", show_default="200", min=1)
    ] = None,
    alpha: Annotated[
        float | None, typer.Option(help="Chance of any false alarm, however often you look.", show_default="0.05")
    ] = None,
    allow_related_judge: options.AllowRelatedJudge = False,
    budget: Annotated[
        str | None, typer.Option(help="Hard cap of this look, e.g. $5.", show_default="the worst case")
    ] = None,
    seed: options.Seed = None,
    concurrency: options.Concurrency = None,
    restart: Annotated[bool, typer.Option("--restart", help="Forget what was watched of this run before.")] = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    format: options.Format = "table",
    output: options.Out = None,
    config: options.Config = None,
    *,
    reading: options.Reading,
) -> int:
    """After a switch: ask the other model some of the newer prompts. Exit 1 if the promise of the switch is broken.

    Says first what it would send, where, and what it would cost at most; then asks. Run it on every new log.
    """
    from llmcost import api
    from llmcost.cli.progress import Bars

    plan = api.plan_monitor(
        logs or (),
        run=run,
        options=reading,
        graders=options.names(grader),
        base_url=base_url,
        allow_hosts=allow_host,
        redact=redact,
        sample=sample,
        alpha=alpha,
        allow_related_judge=allow_related_judge or None,
        budget=options.dollars(budget, "--budget"),
        seed=seed,
        concurrency=concurrency,
        restart=restart,
        config=config,
        say=say,
    )
    if dry_run:
        emit(plan.estimate().render(format, width=terminal_width(), color=wants_color(output)), output)
        return EXIT_OK
    if plan.asks and not agreed(plan.estimate().render("table", width=terminal_width(), color=False), yes):
        say("nothing was sent")
        return EXIT_OK
    with Bars() as bars:
        found = plan.run(bars)
    emit(found.render(format, width=terminal_width(), color=wants_color(output)), output)
    return EXIT_GATE_FAILED if found.result.broken else EXIT_OK
