"""llmcost schema: what machines may rely on, as JSON Schema."""

from __future__ import annotations

from typing import Annotated

import typer

from llmcost.cli import options
from llmcost.cli.output import emit


def command(
    name: Annotated[str | None, typer.Argument(help="audit, report, check …; all names if not given.")] = None,
    output: options.Out = None,
) -> None:
    """The JSON Schema of a result, for scripts that read `--format json`, baselines and plans."""
    from llmcost.report import schemas

    emit("\n".join(schemas.RESULTS) if name is None else schemas.shipped(name), output)
