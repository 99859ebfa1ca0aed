"""Where in a record a field stands: the user's dotted paths, and declared candidate paths resolved per shape."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from llmcost.logs.decode import embedded
from llmcost.logs.model import Record

T = TypeVar("T")
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


Plan = tuple[tuple[str, tuple[Segments, ...]], ...]
Shape = tuple[Any, ...]


class FieldMap:
    """Fields found in records by declared candidate paths, the first that holds something wins.

    Records of one log share few shapes (the keys at the top, and in the objects where candidates lead), so that
    candidates are narrowed once a shape to those that can hold something.
    """

    def __init__(self, candidates: Mapping[str, Sequence[str]]) -> None:
        self.candidates = {name: tuple(tuple(p.split(".")) for p in paths) for name, paths in candidates.items()}
        self.keys = frozenset(p for paths in candidates.values() for p in paths if "." not in p)
        self._outer = frozenset(p[0] for paths in self.candidates.values() for p in paths if len(p) > 1)
        self._inner: dict[Shape, tuple[str, ...]] = {}
        self._plans: dict[Shape, Plan] = {}

    def find(self, record: Record) -> dict[str, Any]:
        """Field → value, for the fields that the record has."""
        found = {}
        for name, paths in self._plan(record):
            for path in paths:
                value = record[path[0]]
                for key in path[1:]:
                    value = value.get(key) if type(value) is dict else _into_text(value, key)
                if value is not None and value != "":
                    found[name] = value
                    break
        return found

    def _plan(self, record: Record) -> Plan:
        shape: Shape = tuple(record)
        inner = self._inner.get(shape)
        if inner is None:
            inner = _remember(self._inner, shape, tuple(key for key in record if key in self._outer))
        if inner:
            shape = (shape, *[tuple(value) if type(value := record[key]) is dict else None for key in inner])
        plan = self._plans.get(shape)
        return _remember(self._plans, shape, self._narrowed(record)) if plan is None else plan

    def _narrowed(self, record: Record) -> Plan:
        live = ((name, _present(paths, record)) for name, paths in self.candidates.items())
        return tuple((name, paths) for name, paths in live if paths)


def _remember(known: dict[Shape, T], shape: Shape, value: T) -> T:
    """Keeps a value, within bounds: a log whose keys never repeat must not fill the memory."""
    if len(known) >= MAX_SHAPES:
        known.clear()
    known[shape] = value
    return value


def _into_text(value: Any, key: str) -> Any:
    """The value of a key of the object that a text holds as JSON, as in a CSV cell."""
    inner = embedded(value) if type(value) is str else None
    return inner.get(key) if type(inner) is dict else None


def _present(paths: Sequence[Segments], record: Record) -> tuple[Segments, ...]:
    literal = ((".".join(path),) if ".".join(path) in record else path for path in paths)
    return tuple(path for path in literal if path[0] in record and _leads_on(path, record[path[0]]))


def _leads_on(path: Segments, value: Any) -> bool:
    return len(path) == 1 or type(value) is not dict or path[1] in value


def _into_list(value: list[Any], path: str) -> Any:
    match = INDEX.match(path)
    if match is None or not -len(value) <= int(match[1]) < len(value):
        return None
    return lookup(value[int(match[1])], path[match.end() :].removeprefix("."))


def _splits(path: str) -> list[tuple[str, str]]:
    cuts = [i for i, mark in enumerate(path) if mark in ".[" and i]
    return [(path, ""), *((path[:i], path[i:].removeprefix(".")) for i in reversed(cuts))]
