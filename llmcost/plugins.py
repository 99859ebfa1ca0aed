"""One door for built-in and outside plug-ins: formats, graders, strategies, renderers, exporters."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

T = TypeVar("T")


def load(kind: str, builtins: Mapping[str, T]) -> dict[str, T]:
    """Every plug-in of a kind by name: the built-ins, then entry points of the group `llmcost.<kind>`.

    An outside plug-in may not shadow a built-in: a report must mean the same on every machine.
    """
    outside = {name: point.load() for name, point in _outside(kind).items() if name not in builtins}
    return {**builtins, **outside}


@cache
def _outside(kind: str) -> dict[str, EntryPoint]:
    """The entry points of a kind: looked for once, for all installed packages are asked."""
    return {point.name: point for point in entry_points(group=f"llmcost.{kind}")}
