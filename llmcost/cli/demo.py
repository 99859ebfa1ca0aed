"""llmcost demo: the whole job on a sample month and a recorded endpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmcost.cli.output import emit, say, terminal_width, wants_color


def command(
    directory: Annotated[
        Path, typer.Option("--dir", help="Where to put the sample logs and the workspace of the demo.")
    ] = Path("llmcost-demo"),
) -> None:
    """Audit, replay, grade and report on a sample month: no key, no network, real code, a recorded endpoint."""
    from llmcost import api, demo
    from llmcost.cli.progress import Bars

    log = demo.write_logs(directory)
    width, color = terminal_width(), wants_color(None)
    config, workspace = directory / "llmcost.toml", directory / ".llmcost"
    say(f"$ llmcost audit {log}")
    audited = api.audit([str(log)], config=config, workspace=workspace, say=say)
    emit(audited.render("table", width=width, color=color), None)
    say("$ llmcost replay --yes")
    with demo.serve() as base_url:
        plan = api.plan_replay(base_url=base_url, allow_hosts=(), config=config, workspace=workspace, say=say)
        say(plan.estimate().render("table", width=width))
        with Bars() as bars:
            found = plan.run(bars, bars)
    emit(found.render("table", width=width, color=color), None)
    say(f"Look around: cd {directory} && llmcost report · Now yours: llmcost audit YOUR-LOGS.jsonl")
