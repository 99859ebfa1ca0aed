"""Rows of the table → their calls with bodies, read again through the locator."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

import numpy as np

from llmcost.calls import Call, Calls, Source
from llmcost.errors import InputError
from llmcost.logs.containers import Item, fetch, records
from llmcost.logs.files import DAMAGED
from llmcost.logs.model import NotACall, ReadOptions
from llmcost.logs.reading import RecordParser
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
    return [call for call in found if call is not None]


def _fill(found: list[Call | None], calls: Calls, source: Source, rows: list[int]) -> None:
    """Puts the calls of one source in their places; rows come in order of position."""
    positions = calls.column("position").take(rows).to_pylist()
    parts = calls.column("part").take(rows).to_pylist()
    keys = calls.column("prompt_key").take(rows).to_pylist()
    records = _calls_at(source, list(dict.fromkeys(positions)))
    for row, position, part, key in zip(rows, positions, parts, keys, strict=True):
        here = records.get(position, ())
        if part >= len(here) or key_of(here[part]) != key:
            raise InputError(f"{source.path} has changed since it was read", CHANGED_HINT)
        found[row] = here[part]


def _calls_at(source: Source, positions: list[int]) -> dict[int, tuple[Call, ...]]:
    options = ReadOptions(fields=dict(source.fields), expected_field=source.expected_field)
    parser = RecordParser(source.format, options)
    found: dict[int, tuple[Call, ...]] = {}
    for item in _fetched(source, positions, all_before=parser.sequential):
        try:
            found[item.position] = () if item.wrong is not None else tuple(parser.calls(item.value))
        except NotACall:
            found[item.position] = ()
    return found


def _fetched(source: Source, positions: list[int], *, all_before: bool) -> Iterator[Item]:
    """The records at these places; of a log that must be read in order, all others up to the last one too."""
    try:
        if all_before:
            yield from takewhile(lambda item: item.position <= positions[-1], records(source))
        else:
            yield from fetch(source, positions)
    except DAMAGED as error:
        raise InputError(f"{source.path} has changed since it was read", CHANGED_HINT) from error
