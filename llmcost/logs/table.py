"""Parsed calls → the Arrow table, in chunks, so that no more than a chunk of bodies is alive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.answers import Usage
from llmcost.calls import SCHEMA, Call
from llmcost.fingerprints import identity_key, prompt_key
from llmcost.logs.features import Features, features
from llmcost.logs.opening import openings
from llmcost.logs.sketch import sketches

CHUNK_ROWS = 10_000  # the texts of a chunk are alive until they are fingerprinted
MOST_HELD = 64 << 20  # characters of them

Row = tuple[Any, ...]

ROW_FIELDS = (
    "id", "start_time_us", "latency_ms", "time_to_first_chunk_ms", "operation", "provider", "request_model",
    "response_model", "service_tier", "stream", "usage", "tokens_estimated", "error_type", "logged_cost_usd", "tags",
    "user", "session", "body_state", "expected", "weight",
)  # fmt: skip

# Columns that are made of texts, by the batch.
FINGERPRINTED: dict[str, Callable[[Sequence[str | None]], pa.Array]] = {"opening": openings, "sketch": sketches}


def key_of(call: Call) -> bytes | None:
    """The prompt key of a call; None where not all of the body is there, for then equal keys would mean nothing."""
    return None if call.request is None or call.body_state != "full" else prompt_key(call.request)


class TableBuilder:
    """Collects calls as rows of the schema."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._chunks: list[pa.Table] = []
        self._count = self._held = 0

    def add(self, call: Call, call_site: str | None, source: int, position: int, part: int) -> int:
        """Appends a call that stands at this place; the number of its row."""
        finish = None if call.answer is None else call.answer.finish_reason
        facts = {name: getattr(call, name) for name in ROW_FIELDS} | {"finish_reason": finish}
        text = features(call)
        self._held += len(text.opening or "") + len(text.sketched or "")
        return self.add_row(row_of(facts, call_site, key_of(call), text, (source, position, part)))

    def add_row(self, row: Row) -> int:
        """Appends a row as `row_of` makes it; its number."""
        self._rows.append(row)
        if len(self._rows) >= CHUNK_ROWS or self._held > MOST_HELD:
            self._flush()
        self._count += 1
        return self._count - 1

    def table(self, more: Sequence[pa.Table] = ()) -> pa.Table:
        """All rows so far, and behind them those of these tables."""
        if self._rows:
            self._flush()
        self._chunks += more
        if not self._chunks:
            return SCHEMA.empty_table()
        return pa.concat_tables(self._chunks).unify_dictionaries()

    def _flush(self) -> None:
        columns = zip(*self._rows, strict=True)
        arrays = [column_of(item, values, len(self._rows)) for values, item in zip(columns, SCHEMA, strict=True)]
        self._chunks.append(pa.table(arrays, schema=SCHEMA))
        self._rows, self._held = [], 0


def in_source(table: pa.Table, source: int) -> pa.Table:
    """The table with this number as the source of every row."""
    index = SCHEMA.get_field_index("source")
    numbers = pa.array(np.full(table.num_rows, source, np.int32))
    return table.set_column(index, SCHEMA.field(index), numbers)


def without_copies(table: pa.Table, sources: Sequence[int]) -> pa.Table:
    """Each id once among the rows of these sources: most output tokens, then its body, then the earliest."""
    if not sources:
        return table
    copied = pc.and_(pc.is_in(table["source"], pa.array(sources, pa.int32())), pc.is_valid(table["id"]))
    rows = pa.array(np.arange(table.num_rows))
    ranked = pa.table({
        "row": rows,
        "id": table["id"],
        "bare": pc.is_null(table["prompt_key"]),
        "output": pc.fill_null(table["output_tokens"], -1),
        "start": table["start_time"],
    }).filter(copied)  # fmt: skip
    ordered = ranked.sort_by(
        [("output", "descending"), ("bare", "ascending"), ("start", "ascending"), ("row", "ascending")]
    )
    fullest = ordered.group_by("id", use_threads=False).aggregate([("row", "first")])["row_first"]
    kept = pc.or_(pc.invert(copied), pc.is_in(rows, fullest))
    return table.filter(kept)


def row_of(
    call: Mapping[str, Any], call_site: str | None, key: bytes | None, text: Features, place: tuple[int, int, int]
) -> Row:
    """The values of a call in the order of the schema: its fields, and what is known of its text."""
    usage: Usage = call["usage"]
    return (
        call["id"],
        call["start_time_us"],
        call["latency_ms"],
        call["time_to_first_chunk_ms"],
        call["operation"],
        call["provider"],
        call["request_model"],
        call["response_model"],
        call["service_tier"],
        call["stream"],
        usage.input_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
        call["tokens_estimated"],
        call["finish_reason"],
        call["error_type"],
        call["logged_cost_usd"],
        call["tags"],
        call_site,
        None,
        key,
        identity_key(call["user"]),
        identity_key(call["session"]),
        call["body_state"],
        call["expected"] is not None,
        call["weight"],
        *text,
        *place,
    )


def column_of(item: pa.Field, values: Sequence[Any] | pa.Array | None, count: int) -> pa.Array:
    """A column of the table from so many values; nulls without any."""
    if values is None:
        return pa.nulls(count, item.type)
    if isinstance(values, pa.Array):
        return values
    fingerprinted = FINGERPRINTED.get(item.name)
    return _array(values, item.type) if fingerprinted is None else fingerprinted(values)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode()
    if pa.types.is_map(kind):
        return _map_array(values, kind)
    if pa.types.is_timestamp(kind):
        return pa.array(values, pa.int64()).cast(kind)
    return pa.array(values, kind)


def _map_array(values: Sequence[dict[str, str]], kind: pa.DataType) -> pa.Array:
    offsets = [0, *accumulate(map(len, values))]
    pairs = [pair for tags in values for pair in sorted(tags.items())]  # in an order that no other row decides
    keys, items = zip(*pairs, strict=True) if pairs else ((), ())
    return pa.MapArray.from_arrays(
        pa.array(offsets, pa.int32()), pa.array(keys, kind.key_type), pa.array(items, kind.item_type)
    )
