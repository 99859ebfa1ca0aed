"""One door for built-in and outside plug-ins: formats, graders, strategies, renderers, exporters."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import TypeVar

T = TypeVar("T")


def load(kind: str, builtins: Mapping[str, T]) -> dict[str, T]:
    """Every plug-in of a kind by name: the built-ins, then entry points of the group `llmcost.<kind>`.

    An outside plug-in may not shadow a built-in: a report must mean the same on every machine.
    """
    found = dict(builtins)
    for point in entry_points(group=f"llmcost.{kind}"):
        found.setdefault(point.name, point.load())
    return found
