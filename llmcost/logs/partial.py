"""What one fragment of a log holds, and how several become one: the half of reading that can happen anywhere."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa
import xxhash

from llmcost.calls import SCHEMA
from llmcost.logs.joins import Parts
from llmcost.logs.table import in_source

FACTS, PARTS = b"llmcost", b"parts"
MAX_REJECTS = 20  # that are told with their lines and reasons
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
        table = self.table.replace_schema_metadata({FACTS: facts, PARTS: self.parts.to_bytes()})
        with path.open("wb") as file:
            hashed = _Hashed(file)
            with pa.ipc.new_file(pa.PythonFile(hashed, "w"), table.schema) as writer:
                writer.write_table(table)
            file.write(hashed.hash.digest())

    @classmethod
    def read(cls, path: Path, *, just_written: bool = False) -> Partial:
        """What `write` kept. Its table stays in the file until a column is used, and if it was just written, unseen.

        Raises OSError or ValueError if the file is damaged, or not one of ours.
        """
        content, expected = _content(path)
        if not just_written and xxhash.xxh3_128_digest(content) != expected:
            raise ValueError("not what was written")
        table = pa.ipc.open_file(pa.BufferReader(content)).read_all()
        metadata = table.schema.metadata
        _, counts = msgspec.json.decode(metadata[FACTS], type=tuple[Any, Counts])
        return cls(table.replace_schema_metadata(None), counts, Parts.from_bytes(metadata[PARTS]))


class _Hashed(io.RawIOBase):
    """Writes to a file, and hashes what it writes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.hash = xxhash.xxh3_128()

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, content: Any) -> int:
        """Writes these bytes."""
        self.hash.update(content)
        return self._file.write(content)


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


def in_order(pieces: Sequence[Partial]) -> Partial:
    """What the pieces of one fragment hold, which stand one behind the other."""
    parts, rows, lines = Parts(), 0, 0
    rejects: list[tuple[int, str]] = []
    for piece in pieces:
        parts.append(piece.parts, rows)
        rejects += [(lines + line, reason) for line, reason in piece.counts.rejects]
        rows, lines = rows + piece.table.num_rows, lines + piece.counts.lines
    records, rejected, passed_over = (
        sum(getattr(piece.counts, name) for piece in pieces) for name in ("records", "rejected", "passed_over")
    )
    table = pa.concat_tables([piece.table for piece in pieces]).unify_dictionaries()
    return Partial(table, Counts(records, rejected, passed_over, lines, tuple(rejects[:MAX_REJECTS])), parts)


def merged(partials: Iterable[tuple[int, Partial]]) -> tuple[pa.Table, Parts]:
    """The rows of all fragments, each with the number of its source, in the order given, and those that are parts."""
    tables, parts, count = [], Parts(), 0
    for source, partial in partials:
        tables.append(in_source(partial.table, source))
        parts.append(partial.parts, count)
        count += partial.table.num_rows
    return (pa.concat_tables(tables).unify_dictionaries() if tables else SCHEMA.empty_table()), parts
