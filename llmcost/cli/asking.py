"""Asks before anything is sent, spent or deleted."""

from __future__ import annotations

import os
import sys

import typer

from llmcost.cli.output import say


def agreed(said: str, yes: bool) -> bool:
    """Whether to send it: what would be sent is shown in any case, asked unless --yes or CI says not to."""
    from llmcost.endpoint.egress import OFF

    say(said.rstrip())
    return yes or os.environ.get("CI", "").lower() not in OFF or _asked("Send?", "send")


def agreed_to_delete(said: str, yes: bool) -> bool:
    """Whether to delete it: nobody but a person, or --yes, says so."""
    say(said.rstrip())
    return yes or _asked("Delete?", "delete")


def _asked(question: str, what: str) -> bool:
    if not sys.stdin.isatty():
        say(f"not a terminal: add --yes to {what} it")
        return False
    return typer.confirm(question, default=False, err=True)
