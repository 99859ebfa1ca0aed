"""llmcost prices: what a model costs, and where the figure is from."""

from __future__ import annotations

from typing import Annotated

import typer

from llmcost.cli import options
from llmcost.cli.output import emit, say, terminal_width, wants_color


def command(
    model: Annotated[str, typer.Argument(help="A model, or `update` to fetch today's catalogues.")],
    format: options.Format = "table",
    config: options.Config = None,
) -> None:
    """What a model costs per million tokens, since when, and who says so.

    `llmcost prices update` fetches the two public catalogues again; nothing else here uses the network.
    """
    from llmcost import api

    if model == "update":
        say(api.update_prices(config=config))
        return
    found = api.prices(model, config=config)
    emit(found.render(format, width=terminal_width(), color=wants_color(None)), None)
