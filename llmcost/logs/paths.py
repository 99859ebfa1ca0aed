"""Where in a record a field stands: the user's dotted paths, and declared candidate paths resolved per shape."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from llmcost.logs.decode import embedded
from llmcost.logs.model import Record

Segments = tuple[str, ...]

MAX_SHAPES = 4096
INDEX = re.compile(r"\[(-?\d+)\]")


def lookup(value: Any, path: str) -> Any:
    """The value at a dotted path such as `meta.calls[0].user`; None if there is none.

    Keys may contain dots: the longest literal key wins. JSON text on the way is decoded.
    """
    if path == "" or value is None:
        return value
    if isinstance(value, str):
        return lookup(embedded(value), path)
    if isinstance(value, list):
        return _into_list(value, path)
    if not isinstance(value, dict):
        return None
    for head, rest in _splits(path):
        if head in value and (found := lookup(value[head], rest)) is not None:
            return found
    return None


class FieldMap:
    """Fields found in records by declared candidate paths, the first that holds something wins.

    Records of one log share few shapes (sets of top-level keys), so that candidates are narrowed once a shape.
    """

    def __init__(self, candidates: Mapping[str, Sequence[str]]) -> None:
        self.candidates = {name: tuple(tuple(p.split(".")) for p in paths) for name, paths in candidates.items()}
        self.keys = frozenset(p for paths in candidates.values() for p in paths if "." not in p)
        self._plans: dict[tuple[str, ...], tuple[tuple[str, tuple[Segments, ...]], ...]] = {}

    def find(self, record: Record) -> dict[str, Any]:
        """Field → value, for the fields that the record has."""
        found = {}
        for name, paths in self._plan(record):
            for path in paths:
                value = record[path[0]]
                for key in path[1:]:
                    value = value.get(key) if type(value) is dict else None
                if value is not None and value != "":
                    found[name] = value
                    break
        return found

    def _plan(self, record: Record) -> tuple[tuple[str, tuple[Segments, ...]], ...]:
        shape = tuple(record)
        plan = self._plans.get(shape)
        if plan is None:
            if len(self._plans) >= MAX_SHAPES:
                self._plans.clear()
            plan = self._plans[shape] = self._narrowed(record)
        return plan

    def _narrowed(self, record: Record) -> tuple[tuple[str, tuple[Segments, ...]], ...]:
        live = ((name, _present(paths, record)) for name, paths in self.candidates.items())
        return tuple((name, paths) for name, paths in live if paths)


def _present(paths: Sequence[Segments], record: Record) -> tuple[Segments, ...]:
    literal = ((".".join(path),) if ".".join(path) in record else path for path in paths)
    return tuple(path for path in literal if path[0] in record)


def _into_list(value: list[Any], path: str) -> Any:
    match = INDEX.match(path)
    if match is None or not -len(value) <= int(match[1]) < len(value):
        return None
    return lookup(value[int(match[1])], path[match.end() :].removeprefix("."))


def _splits(path: str) -> list[tuple[str, str]]:
    cuts = [i for i, mark in enumerate(path) if mark in ".[" and i]
    return [(path, ""), *((path[:i], path[i:].removeprefix(".")) for i in reversed(cuts))]
