"""Rows of the table → their calls with bodies, read again through the locator."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

import numpy as np

from llmcost.calls import Call, Calls, Source
from llmcost.errors import InputError
from llmcost.logs.containers import Item, fetch, records
from llmcost.logs.files import DAMAGED
from llmcost.logs.joins import whole
from llmcost.logs.model import CallPart, NotACall, ReadOptions
from llmcost.logs.parser import RecordParser
from llmcost.logs.table import key_of

CHANGED_HINT = "the log must not change between reading it and replaying it; read it again"


def bodies(calls: Calls) -> list[Call]:
    """The call of each row with request, answer and expected answer, parallel to the rows.

    Raises InputError naming the file if it is gone, or no longer holds what was read.
    """
    found: list[Call | None] = [None] * len(calls)
    sources = calls.column("source").to_numpy()
    positions = calls.column("position").to_numpy()
    for index in np.unique(sources):
        rows = np.flatnonzero(sources == index)
        _fill(found, calls, calls.sources[index], rows[np.argsort(positions[rows], kind="stable")].tolist())
    _complete(found, calls)
    return [call for call in found if call is not None]


def _fill(found: list[Call | None], calls: Calls, source: Source, rows: list[int]) -> None:
    """Puts the calls of one source in their places; rows come in order of position."""
    positions = calls.column("position").take(rows).to_pylist()
    parts = calls.column("part").take(rows).to_pylist()
    keys = calls.column("prompt_key").take(rows).to_pylist()
    records = _calls_at(source, list(dict.fromkeys(positions)))
    for row, position, part, key in zip(rows, positions, parts, keys, strict=True):
        here = records.get(position, ())
        if part >= len(here) or not (isinstance(here[part], CallPart) or key_of(here[part]) == key):
            raise _changed(source)
        found[row] = here[part]


def _complete(found: list[Call | None], calls: Calls) -> None:
    """Puts the calls that the log keeps in parts together."""
    parts = {row: call for row, call in enumerate(found) if isinstance(call, CallPart)}
    if not parts:
        return
    rows = list(parts)
    keys = calls.column("prompt_key").take(rows).to_pylist()
    states = calls.column("body_state").take(rows).to_pylist()
    sources = calls.column("source").take(rows).to_pylist()
    spread = {parts[row].key for row, key, state in zip(rows, keys, states, strict=True)
              if key is not None or state != parts[row].body_state}  # fmt: skip
    others = _parts_of(calls, spread)
    for row, key, source in zip(rows, keys, sources, strict=True):
        found[row] = call = whole(parts[row], others.get(parts[row].key, ()), key)
        if key_of(call) != key:
            raise _changed(calls.sources[source])


def _parts_of(calls: Calls, keys: set[str]) -> dict[str, list[CallPart]]:
    """All parts of these calls, in the order of the files; the files are read from end to end."""
    found: dict[str, list[CallPart]] = {}
    for source in calls.sources if keys else ():
        if source.parts:
            for part in _parts_in(source):
                if part.key in keys:
                    found.setdefault(part.key, []).append(part)
    return found


def _parts_in(source: Source) -> Iterator[CallPart]:
    parser = _parser(source)
    for item in records(source):
        yield from (call for call in _calls_in(item, parser) if isinstance(call, CallPart))


def _calls_at(source: Source, positions: list[int]) -> dict[int, tuple[Call, ...]]:
    parser = _parser(source)
    items = _fetched(source, positions, all_before=parser.sequential)
    return {item.position: _calls_in(item, parser) for item in items}


def _parser(source: Source) -> RecordParser:
    options = ReadOptions(fields=dict(source.fields), expected_field=source.expected_field)
    return RecordParser(source.format, options)


def _calls_in(item: Item, parser: RecordParser) -> tuple[Call, ...]:
    try:
        return () if item.wrong is not None else tuple(parser.calls(item.value))
    except NotACall:
        return ()


def _fetched(source: Source, positions: list[int], *, all_before: bool) -> Iterator[Item]:
    """The records at these places; of a log that must be read in order, all others up to the last one too."""
    try:
        if all_before:
            yield from takewhile(lambda item: item.position <= positions[-1], records(source))
        else:
            yield from fetch(source, positions)
    except DAMAGED as error:
        raise _changed(source) from error


def _changed(source: Source) -> InputError:
    return InputError(f"{source.path} has changed since it was read", CHANGED_HINT)
