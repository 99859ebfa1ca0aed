"""Asks before anything is sent, spent or deleted."""

from __future__ import annotations

import os
import sys

import typer

from llmcost.cli.output import say

OFF = ("", "0", "false", "no")


def agreed(said: str, yes: bool, question: str = "Send?") -> bool:
    """Whether to go on: what would happen is shown in any case, asked unless --yes or CI says not to."""
    say(said.rstrip())
    if yes or os.environ.get("CI", "").lower() not in OFF:
        return True
    if not sys.stdin.isatty():
        say("not a terminal: add --yes to go on")
        return False
    return typer.confirm(question, default=False, err=True)
