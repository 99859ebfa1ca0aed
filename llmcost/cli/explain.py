"""llmcost explain: what a finding means, how it is counted, when it is wrong, what to do."""

from __future__ import annotations

from typing import Annotated

import typer

from llmcost.cli.output import emit, terminal_width, wants_color


def command(
    finding: Annotated[
        str | None,
        typer.Argument(help="A kind of finding, or the id of one of the last audit; all kinds if not given."),
    ] = None,
) -> None:
    """What a finding means, how it is counted, when it is wrong, what to do."""
    from llmcost import api

    emit(api.explain(finding).render(width=terminal_width(), color=wants_color(None)), None)
