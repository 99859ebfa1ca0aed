"""llmcost: audit and replay production LLM logs.

The public API for scripts and notebooks is here; importing it is cheap, what a function needs is imported when called.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from llmcost.version import VERSION

if TYPE_CHECKING:
    from llmcost.api import (
        Options,
        audit,
        baseline,
        check,
        explain,
        export,
        label_export,
        label_import,
        monitor,
        plan_monitor,
        plan_replay,
        prices,
        purge,
        redact,
        replay,
        report,
        simulate,
        update_prices,
    )

__version__ = VERSION

__all__ = [
    "Options",
    "__version__",
    "audit",
    "baseline",
    "check",
    "explain",
    "export",
    "label_export",
    "label_import",
    "monitor",
    "plan_monitor",
    "plan_replay",
    "prices",
    "purge",
    "redact",
    "replay",
    "report",
    "simulate",
    "update_prices",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from llmcost import api

        return getattr(api, name)
    raise AttributeError(f"module 'llmcost' has no attribute {name!r}")


class _Job(ModuleType):
    """A room that can be called by the name of its job: `llmcost.audit(...)` beside `llmcost.audit.result`."""

    def __call__(self, *args: Any, **choices: Any) -> Any:
        return __getattr__(self.__name__.rpartition(".")[2])(*args, **choices)


class _Package(ModuleType):
    """This package. The import system binds a room to it as an attribute, which would hide the job of that name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in __all__ and isinstance(value, ModuleType):
            value.__class__ = _Job
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
