"""What an audit remembers for the commands that follow: good to have, and no reason to keep its result back."""

from __future__ import annotations

from collections.abc import Callable

from llmcost.api.traffic import Say
from llmcost.errors import StoreError


class Remembering:
    """Keeps something in the workspace; where that cannot be done (read-only, full), `say` is told, once."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._said: set[str] = set()

    def __call__(self, keep: Callable[[], None]) -> None:
        """Calls `keep`, whose StoreError costs the next command time, and this one nothing."""
        try:
            keep()
        except StoreError as error:
            if error.message not in self._said:
                self._said.add(error.message)
                self._say(f"this audit is not remembered: {error.message} ({error.hint})")
