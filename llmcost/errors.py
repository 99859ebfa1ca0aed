"""Errors a user can act on, and the exit code each one ends with.

    LLMCostError            2   anything wrong with the command or its configuration
    ├── ConfigError         2   llmcost.toml, a flag or an environment variable
    ├── InputError          3   a log, a baseline or a price file that cannot be used
    ├── EndpointError       4   the endpoint refused, or could not be reached
    │   └── BudgetError     4   the next call could have passed the cap
    └── StoreError          5   the workspace or its store is damaged, locked or full

Exit code 1 is no error: a gate did its work and said no (`llmcost check`), or a promise is broken (`llmcost monitor`).
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_GATE_FAILED = 1
EXIT_INTERRUPTED = 130


class LLMCostError(Exception):
    """What went wrong and where (`message`), and what to do about it (`hint`)."""

    exit_code = 2

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(LLMCostError):
    """A flag, an environment variable or a line of the configuration cannot be used."""


class InputError(LLMCostError):
    """A file that the user named cannot be read or understood."""

    exit_code = 3


class EndpointError(LLMCostError):
    """The endpoint could not be reached or refused every request."""

    exit_code = 4


class BudgetError(EndpointError):
    """The next request could have cost more than what is left of the cap."""


class StoreError(LLMCostError):
    """The workspace or its store cannot be read or written."""

    exit_code = 5
