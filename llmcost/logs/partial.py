"""What one fragment of a log holds, and how several become one: the half of reading that can happen anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import xxhash

from llmcost.calls import SCHEMA
from llmcost.logs.joins import Parts
from llmcost.logs.table import in_source

FACTS, PARTS = b"llmcost", b"parts"
HASH_BYTES = 16  # behind the columns: Arrow itself does not notice a changed byte


class Counts(msgspec.Struct, frozen=True):
    """Records of a fragment: with calls, passed over and rejected (with the first lines and reasons), and its lines."""

    records: int = 0
    rejected: int = 0
    passed_over: int = 0
    lines: int = 0
    rejects: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Partial:
    """Rows and counts of one fragment. `table` has the columns of Calls, its rows' source is yet to be said."""

    table: pa.Table
    counts: Counts
    parts: Parts

    def write(self, path: Path, stamp: Any) -> None:
        """Keeps it in a file, with a stamp that says what it was read from."""
        facts = msgspec.json.encode((stamp, self.counts))
        table = self.table.combine_chunks().replace_schema_metadata({FACTS: facts, PARTS: self.parts.to_bytes()})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        content = sink.getvalue()
        with path.open("wb") as file:
            file.write(content)
            file.write(xxhash.xxh3_128_digest(content))

    @classmethod
    def read(cls, path: Path) -> Partial:
        """What `write` kept. Its table stays in the file until a column is used.

        Raises OSError or ValueError if the file is damaged, or not one of ours.
        """
        content, expected = _content(path)
        if xxhash.xxh3_128_digest(content) != expected:
            raise ValueError("not what was written")
        table = pa.ipc.open_file(pa.BufferReader(content)).read_all()
        metadata = table.schema.metadata
        _, counts = msgspec.json.decode(metadata[FACTS], type=tuple[Any, Counts])
        return cls(table.replace_schema_metadata(None), counts, Parts.from_bytes(metadata[PARTS]))


def stamp_of(path: Path) -> Any:
    """The stamp of a kept partial; its table is not read. Raises OSError or ValueError if there is none."""
    facts = (pa.ipc.open_file(pa.BufferReader(_content(path)[0])).schema.metadata or {}).get(FACTS, b"")
    try:
        return msgspec.json.decode(facts)[0]
    except (msgspec.MsgspecError, LookupError, TypeError) as error:
        raise ValueError("not one of ours") from error


def _content(path: Path) -> tuple[pa.Buffer, bytes]:
    """The bytes of a kept partial, left in the file, and the hash that was written behind them."""
    with pa.memory_map(str(path)) as file:
        whole = file.read_buffer()
    if whole.size <= HASH_BYTES:
        raise ValueError("cut short")
    return whole.slice(0, whole.size - HASH_BYTES), whole.slice(whole.size - HASH_BYTES).to_pybytes()


def merged(partials: Iterable[tuple[int, Partial]]) -> tuple[pa.Table, Parts]:
    """The rows of all fragments, each with the number of its source, in the order given, and those that are parts."""
    tables, parts, count = [], Parts(), 0
    for source, partial in partials:
        tables.append(in_source(partial.table, source))
        parts.append(partial.parts, count)
        count += partial.table.num_rows
    return (pa.concat_tables(tables).unify_dictionaries() if tables else SCHEMA.empty_table()), parts
