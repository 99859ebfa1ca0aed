"""Asks before anything is sent or spent."""

from __future__ import annotations

import os
import sys

import typer

from llmcost.cli.output import say


def agreed(said: str, yes: bool) -> bool:
    """Whether to go on: what would be sent is shown in any case, asked unless --yes or CI says not to."""
    say(said.rstrip())
    if yes or os.environ.get("CI"):
        return True
    if not sys.stdin.isatty():
        say("not a terminal: add --yes to send it")
        return False
    return typer.confirm("Send?", default=False, err=True)
