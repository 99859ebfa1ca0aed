"""One list of records as files of every container and compression that logs come in."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

Records = Sequence[dict[str, Any]]


def jsonl(records: Records) -> bytes:
    """A record a line."""
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def csv_cells(records: Records) -> bytes:
    """A row a record; what is not flat stands as JSON in its cell, null as nothing."""
    names = list(dict.fromkeys(name for record in records for name in record))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    for record in records:
        writer.writerow([_cell(record.get(name)) for name in names])
    return out.getvalue().encode()


def parquet(records: Records) -> bytes:
    """A row a record, in row groups of two; objects and lists stand as JSON text, as tables of logs keep them."""
    names = list(dict.fromkeys(name for record in records for name in record))
    columns = {name: _column([record.get(name) for record in records]) for name in names}
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, row_group_size=2)
    return out.getvalue()


def structs(records: Records) -> bytes:
    """A row a record; objects and lists are typed, and have all fields that any of the records has.

    A field whose values are of several types, or objects without a field, stands as JSON text.
    """
    columns = {name: _typed([record.get(name) for record in records]) for name in records[0]}
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, row_group_size=2)
    return out.getvalue()


def _typed(values: list[Any]) -> pa.Array:
    try:
        column = pa.array(values)
        pq.write_table(pa.table({"it": column}), io.BytesIO())
    except pa.ArrowException:
        return _column(values)
    return column


def by_shape(records: Records) -> list[list[dict[str, Any]]]:
    """The records by the names of their fields, as the tables are that hold them."""
    found: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for record in records:
        found.setdefault(tuple(sorted(record)), []).append(record)
    return list(found.values())


def _cell(value: object) -> object:
    return json.dumps(value) if isinstance(value, dict | list | bool) else value


def _column(values: list[Any]) -> pa.Array:
    """Of one type: as it is, or as numbers, or as text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and len(kinds) > 1:
        return pa.array([None if value is None else float(value) for value in values])
    if len(kinds) == 1 and kinds <= {str, int, float, bool}:
        return pa.array(values)
    texts = [None if value is None else value if isinstance(value, str) else json.dumps(value) for value in values]
    return pa.array(texts, pa.string())


# Forms in which every record is itself; CSV and Parquet have columns, and so nulls where a record has no such field.
SAME: dict[str, Callable[[Records], bytes]] = {
    "log.jsonl": jsonl,
    "log.jsonl.gz": lambda records: gzip.compress(jsonl(records)),
    "log.jsonl.zst": lambda records: zstandard.compress(jsonl(records)),
    "frames.jsonl.zst": lambda records: b"".join(zstandard.compress(jsonl([record])) for record in records),
    "members.jsonl.gz": lambda records: b"".join(gzip.compress(jsonl([record])) for record in records),
    "mislabelled.jsonl": lambda records: gzip.compress(jsonl(records)),
    "log.json": lambda records: json.dumps(records, indent=1).encode(),
    "log.json.gz": lambda records: gzip.compress(json.dumps(records).encode()),
}
COLUMNS: dict[str, Callable[[Records], bytes]] = {
    "log.csv": csv_cells,
    "log.csv.gz": lambda records: gzip.compress(csv_cells(records)),
    "log.parquet": parquet,
}
ALL = SAME | COLUMNS
