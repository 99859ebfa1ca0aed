"""llmcost replay: which cheaper models hold quality on our traffic. Asks before it spends."""

from __future__ import annotations

from typing import Annotated

import typer

from llmcost.cli import options
from llmcost.cli.asking import agreed
from llmcost.cli.output import emit, say, terminal_width, wants_color


@options.reads_logs
def command(
    logs: options.Logs = None,
    models: Annotated[str | None, typer.Option(help="Candidates: model[@effort], separated by commas.")] = None,
    grader: Annotated[
        str | None, typer.Option(help="Models that compare answers, blind, where no expected answer is known.")
    ] = None,
    base_url: options.BaseUrl = None,
    allow_host: options.AllowHost = None,
    redact: options.Redact = None,
    strategies: Annotated[
        str | None,
        typer.Option(help="What to try: map,cascade,cache,compress,batch.", show_default="auto: all that may pay"),
    ] = None,
    sample: Annotated[
        str | None, typer.Option(help="Most prompts a task, or auto: what a pilot says.", show_default="2000")
    ] = None,
    looks: Annotated[
        int | None, typer.Option(help="How often to look, and stop where it is decided.", show_default="5", min=1)
    ] = None,
    margin: Annotated[
        str | None, typer.Option(help="Largest loss of quality you accept.", show_default="2% checked, 5% judged")
    ] = None,
    limit: Annotated[
        str | None, typer.Option(help="Looser margin at which a switch may still be named (SWITCH at …).")
    ] = None,
    alpha: Annotated[float | None, typer.Option(help="Chance of any wrong switch.", show_default="0.05")] = None,
    alpha_scope: Annotated[
        str | None, typer.Option(help="... in the whole plan, or in each task.", show_default="plan")
    ] = None,
    aa: Annotated[
        int | None, typer.Option(help="Prompts a task to ask today's model again; 0: none.", show_default="200", min=0)
    ] = None,
    allow_related_judge: options.AllowRelatedJudge = False,
    budget: Annotated[
        str | None, typer.Option(help="Hard cap of the run, e.g. $5.", show_default="the worst case")
    ] = None,
    seed: options.Seed = None,
    concurrency: options.Concurrency = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    format: options.Format = "table",
    output: options.Out = None,
    config: options.Config = None,
    *,
    reading: options.Reading,
) -> None:
    """Ask cheaper models your own logged prompts and grade the answers blind.

    Says first what it would send, where, and what it would cost at most; then asks. Interrupted, it resumes.
    """
    from llmcost import api
    from llmcost.cli.progress import Bars

    plan = api.plan_replay(
        logs or (),
        options=reading,
        models=options.names(models),
        graders=options.names(grader),
        base_url=base_url,
        allow_hosts=allow_host,
        redact=redact,
        strategies=options.strategies(strategies),
        sample=options.sample_size(sample),
        looks=looks,
        margin=options.share(margin, "--margin"),
        limit=options.share(limit, "--limit"),
        alpha=alpha,
        alpha_scope=options.alpha_scope(alpha_scope),
        aa=aa,
        allow_related_judge=allow_related_judge or None,
        budget=options.dollars(budget, "--budget"),
        seed=seed,
        concurrency=concurrency,
        config=config,
        say=say,
    )
    estimate = plan.estimate()
    if dry_run:
        emit(estimate.render(format, width=terminal_width(), color=wants_color(output)), output)
        return
    if not agreed(estimate.render("table", width=terminal_width(), color=False), yes):
        say("nothing was sent")
        return
    with Bars() as bars:
        found = plan.run(bars, bars)
    emit(found.render(format, width=terminal_width(), color=wants_color(output)), output)
