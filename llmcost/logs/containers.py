"""Records of a file, whatever holds them: JSONL, a JSON document, CSV or Parquet; and single ones again, by place."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from llmcost.calls import Source
from llmcost.logs.decode import BOM, Undecodable, decode
from llmcost.logs.files import (
    DAMAGED,
    compression_of,
    extension,
    identity,
    on_disk,
    open_bytes,
    open_parquet,
    reading_parquet,
)
from llmcost.logs.lines import BLOCK, ENDS_EARLY, HEAD, LONGEST_LINE, TOO_LONG, line_at, line_blocks
from llmcost.logs.outline import Elements, array_in
from llmcost.logs.pages import Room, rows_together
from llmcost.logs.stores import is_url

SNIFFED = 1 << 20  # bytes at the beginning of a file in which its first lines are looked for
LONGEST_ROW = 32 << 20  # characters of a table of text; while it is taken apart, each takes four bytes
MOST_CELLS = 1_000_000  # of one row
BATCH_ROWS = 512
BY_EXTENSION = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "csv"}
WRAPPERS = ("data", "logs", "records", "items", "calls", "requests", "result", "results", "rows", "entries")
DELIMITERS = ",\t;|"


class Item(NamedTuple):
    """One record: its place, the line (or record number) a person would look at, and its value or what is wrong."""

    position: int
    line: int
    value: Any
    wrong: str | None


class Lines(NamedTuple):
    """Some lines: where each begins, its number in the file, and what is wrong with them."""

    lines: Sequence[bytes]
    positions: Sequence[int]
    numbers: Sequence[int]
    wrong: str | None

    def only(self, chosen: Sequence[int]) -> Lines:
        """Some of them."""
        lines, positions, numbers = self.lines, self.positions, self.numbers
        return Lines(
            [lines[place] for place in chosen],
            [positions[place] for place in chosen],
            [numbers[place] for place in chosen],
            self.wrong,
        )

    def item(self, place: int) -> Item | None:
        """The record of one of them; None for a blank one."""
        return _item_of(self.lines[place], self.positions[place], self.numbers[place], self.wrong)


class Rows(NamedTuple):
    """Some rows of a table, by the column. Values are Python's; texts that may be JSON are UTF-8 bytes."""

    columns: Mapping[str, Sequence[Any]]
    positions: Sequence[int]

    def only(self, chosen: Sequence[int]) -> Rows:
        """Some of them."""
        columns = {name: [column[place] for place in chosen] for name, column in self.columns.items()}
        return Rows(columns, [self.positions[place] for place in chosen])

    def item(self, place: int) -> Item:
        """The record of one of them."""
        values = {name: column[place] for name, column in self.columns.items()}
        record = {name: value.decode() if type(value) is bytes else value for name, value in values.items()}
        return Item(self.positions[place], self.positions[place] + 1, record, None)


@dataclass(frozen=True, slots=True)
class Container:
    """How a kind of file is read: all records in order, and chosen ones by ascending position."""

    records: Callable[[str, str | None], Iterator[Item]]
    fetch: Callable[[str, str | None, Sequence[int]], Iterator[Item]]


def sniff(path: str) -> tuple[str, str | None]:
    """(container, compression) of a file, by its first bytes, then by its extension."""
    compression = compression_of(path)
    with open_bytes(path, compression) as stream:
        lines = _first_lines(stream)
        first, second = next(lines, b""), next(lines, b"")
    return _container(first, not second, extension(path)), compression


def _first_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """The lines at the beginning that are not blank, each up to a size; none after damage."""
    left = SNIFFED
    try:
        while left > 0 and (line := stream.readline(HEAD)):
            left -= len(line)
            if stripped := line.removeprefix(BOM).strip():
                yield stripped
    except DAMAGED:
        return


def records(source: Source) -> Iterator[Item]:
    """Every record of a source, in order; blank lines are none."""
    return CONTAINERS[source.container].records(source.path, source.compression)


def fetch(source: Source, positions: Sequence[int]) -> Iterator[Item]:
    """The records at these ascending positions; a place that is gone is left out."""
    return CONTAINERS[source.container].fetch(source.path, source.compression, positions)


def _container(first: bytes, alone: bool, suffix: str) -> str:
    """What holds the records, by the first line that is not blank (`alone`: there is no other) and the extension."""
    if first.startswith(b"PAR1"):
        return "parquet"
    if suffix in BY_EXTENSION:
        return BY_EXTENSION[suffix]
    if not first.startswith((b"{", b"[")):
        return "csv" if b"," in first and suffix != ".json" else "jsonl"
    unfinished = first.endswith((b"{", b"[", b","))
    if first.startswith(b"[") or unfinished or alone or (suffix == ".json" and not _decodes(first)):
        return "json"
    return "jsonl"


def _decodes(line: bytes) -> bool:
    try:
        decode(line)
    except Undecodable:
        return False
    return True


def _lines(path: str, compression: str | None) -> Iterator[Item]:
    number = 0
    for block in line_blocks(path, compression):
        position = block.position
        if block.wrong is None and not any(block.lines):
            number += len(block.lines)
            continue
        for line in block.lines:
            number += 1
            if (item := _item_of(line, position, number, block.wrong)) is not None:
                yield item
            position += len(line) + 1


def _item_of(line: bytes, position: int, number: int, wrong: str | None) -> Item | None:
    """The record of a line; None for a blank one."""
    if wrong is not None:
        return Item(position, number, None, wrong)
    text = line.strip()
    return _decoded(position, number, text) if text else None


def _decoded(position: int, line: int, text: bytes) -> Item:
    try:
        return Item(position, line, decode(text), None)
    except Undecodable as wrong:
        return Item(position, line, None, str(wrong))


def _fetch_lines(path: str, compression: str | None, positions: Sequence[int]) -> Iterator[Item]:
    with open_bytes(path, compression) as stream:
        at = 0
        for position in positions:
            if compression is None:
                stream.seek(position)
            else:
                _skip(stream, position - at)
            raw = line_at(stream)
            at = position + len(raw)
            if raw.strip() and len(raw) <= LONGEST_LINE + 1:
                yield _decoded(position, 0, raw.strip())


def _skip(stream: IO[bytes], size: int) -> None:
    while size > 0 and (passed := len(stream.read(min(size, HEAD)))):
        size -= passed


def _document(path: str, compression: str | None) -> Iterator[Item]:
    """The records of one JSON document: its array, the array in a wrapper such as {"data": […]}, or itself."""
    with open_bytes(path, compression) as stream:
        try:
            head = stream.read(LONGEST_LINE + 1)
        except DAMAGED:
            yield Item(0, 1, None, ENDS_EARLY)
            return
        if len(head) > LONGEST_LINE:
            yield from _large_document(head, stream)
            return
    whole = _decoded(0, 1, head.strip())
    if whole.wrong is not None:
        yield whole
        return
    for number, value in enumerate(_unwrapped(whole.value)):
        yield Item(number, number + 1, value, None)


def _large_document(head: bytes, stream: IO[bytes]) -> Iterator[Item]:
    """The records of a document that is not held as a whole: those of its array, one by one."""
    head = head.removeprefix(BOM)
    start = array_in(head[:BLOCK], WRAPPERS)
    if start is None:
        yield Item(0, 1, None, f"a JSON document {TOO_LONG}, and no array of records")
        return
    pieces = (head[at : at + BLOCK] for at in range(start, len(head), BLOCK))
    elements, number = Elements(LONGEST_LINE), 0
    try:
        for block in itertools.chain(pieces, iter(partial(stream.read, BLOCK), b"")):
            for text in elements.of(block):
                if text != b"":
                    yield _element(number, text)
                    number += 1
    except DAMAGED:
        yield Item(number, number + 1, None, ENDS_EARLY)
        return
    rest = elements.taken()
    if not elements.ended or (rest != b"" and not head[:start].strip()):  # nothing may stand behind a bare array
        yield _element(number, rest)


def _element(number: int, text: bytes | None) -> Item:
    return Item(number, number + 1, None, TOO_LONG) if text is None else _decoded(number, number + 1, text)


def _unwrapped(document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    if isinstance(document, dict) and "model" not in document:
        for key in WRAPPERS:
            inner = document.get(key)
            if isinstance(inner, list) and inner and isinstance(inner[0], dict):
                return inner
    return [document]


class _TooLarge(Exception):  # noqa: N818 - a finding about data
    """Raised for a row that is not read; its text is the reason."""


class _TextLines:
    """The lines of a table, of which no row may hold too much. It goes on behind a line that it raised for."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._characters = self._cells = 0
        self._delimiter = ""
        self.number = 0

    def header(self) -> list[str]:
        """The cells of the first line, whose delimiter is that of all."""
        line = next(self, "")
        self._delimiter = max(DELIMITERS, key=line.count)
        return next(csv.reader([line], delimiter=self._delimiter), [])

    def rows(self) -> Iterator[list[str]]:
        """Reads the rows behind the header."""
        return csv.reader(self, delimiter=self._delimiter)

    def row_begins(self) -> None:
        """What comes next belongs to another row."""
        self._characters = self._cells = 0

    def __iter__(self) -> _TextLines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(LONGEST_ROW + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self._characters += len(line)
        self._cells += line.count(self._delimiter) if self._delimiter else 0
        if self._characters > LONGEST_ROW or self._cells > MOST_CELLS:
            self._pass_over(line)
            raise _TooLarge(f"a row of more than {LONGEST_ROW:,} characters or {MOST_CELLS:,} cells")
        return line

    def _pass_over(self, line: str) -> None:
        while line and not line.endswith(("\n", "\r")):
            line = self._text.readline(HEAD)


def _table(path: str, compression: str | None) -> Iterator[Item]:
    csv.field_size_limit(LONGEST_ROW)  # a prompt is longer than the default of 128 KiB
    with open_bytes(path, compression) as stream:
        lines = _TextLines(io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline=""))
        try:
            header = lines.header()
        except DAMAGED:
            yield Item(0, 1, None, ENDS_EARLY)
            return
        except (_TooLarge, csv.Error) as wrong:
            yield Item(0, 1, None, f"not CSV: {wrong}")
            return
        for number, cells in enumerate(_rows(lines)):
            yield _row(number, lines.number, header, cells)


def _rows(lines: _TextLines) -> Iterator[list[str] | str]:
    rows = lines.rows()
    while True:
        lines.row_begins()
        try:
            cells = next(rows)
        except StopIteration:
            return
        except (csv.Error, _TooLarge) as error:
            yield f"not CSV: {error}" if isinstance(error, csv.Error) else str(error)
            continue
        except DAMAGED:
            yield ENDS_EARLY
            return
        if cells and any(cells):
            yield cells


def _row(number: int, line: int, header: list[str], cells: list[str] | str) -> Item:
    if isinstance(cells, str):
        return Item(number, line, None, cells)
    if len(cells) != len(header):
        return Item(number, line, None, f"{len(cells)} cells where the header has {len(header)}")
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return Item(number, line, None, "not UTF-8")
    return Item(number, line, dict(zip(header, (cell or None for cell in cells), strict=True)), None)


def _fetch_by_number(
    records: Callable[[str, str | None], Iterator[Item]],
) -> Callable[[str, str | None, Sequence[int]], Iterator[Item]]:
    def chosen(path: str, compression: str | None, positions: Sequence[int]) -> Iterator[Item]:
        wanted, last = set(positions), max(positions)
        for item in records(path, compression):
            if item.position in wanted:
                yield item
            if item.position >= last:
                return

    return chosen


def parquet_columns(
    path: str, compression: str | None, as_bytes: Collection[str], start: int = 0, stop: int | None = None
) -> Iterator[Rows]:
    """The rows of the row groups [start, stop); texts of the columns `as_bytes` as bytes, if they are UTF-8."""
    with reading_parquet(path), open_parquet(path, compression) as file:
        groups = range(start, file.num_row_groups if stop is None else stop)
        number = sum(file.metadata.row_group(group).num_rows for group in range(start))
        for batch in _batches(path, compression, file, groups):
            named = zip(batch.schema.names, batch.columns, strict=True)
            columns = {name: _bytes(column) if name in as_bytes else _values(column) for name, column in named}
            yield Rows(columns, range(number, number + len(batch)))
            number += len(batch)


def _batches(
    path: str, compression: str | None, file: pq.ParquetFile, groups: Sequence[int]
) -> Iterator[pa.RecordBatch]:
    """The rows of these row groups, so many at a time as may be held."""
    here = compression is None and not is_url(path)
    together = rows_together(str(on_disk(path)), file, groups, BATCH_ROWS) if here else BATCH_ROWS
    room = Room(path, identity(path).size)
    for batch in file.iter_batches(batch_size=together, row_groups=list(groups)):
        room.take(batch)
        yield batch


def _bytes(column: pa.Array) -> list[Any]:
    """The values of a column, texts as bytes if all of them are UTF-8."""
    kind = column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return _values(column)
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return _values(column)
    found: list[Any] = column.cast(pa.large_binary()).to_pylist()
    return found


def _parquet_rows(path: str, compression: str | None) -> Iterator[Item]:
    for rows in parquet_columns(path, compression, ()):
        yield from map(rows.item, range(len(rows.positions)))


def _fetch_rows(path: str, compression: str | None, positions: Sequence[int]) -> Iterator[Item]:
    """Reads only the row groups that hold a wanted row."""
    with reading_parquet(path), open_parquet(path, compression) as file:
        start, wanted = 0, list(positions)
        for group in range(file.num_row_groups):
            end = start + file.metadata.row_group(group).num_rows
            here = [position for position in wanted if start <= position < end]
            if here:
                batches = _batches(path, compression, file, [group])
                yield from _rows_at(batches, start, here)
            start = end


def _rows_at(batches: Iterable[pa.RecordBatch], start: int, positions: Sequence[int]) -> Iterator[Item]:
    for batch in batches:
        here = [position for position in positions if start <= position < start + len(batch)]
        if here:
            rows = batch.take(pa.array([position - start for position in here]))
            for position, record in zip(here, _as_records(rows), strict=True):
                yield Item(position, position + 1, record, None)
        start += len(batch)


def _as_records(batch: pa.RecordBatch) -> Iterator[Mapping[str, Any]]:
    columns = [_values(column) for column in batch.columns]
    names = batch.schema.names
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def _values(column: pa.Array) -> list[Any]:
    """Python values: nanoseconds as microseconds, NaN as unknown, bytes as text, maps as objects."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    elif pa.types.is_floating(kind):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
    if pa.types.is_map(kind):
        return _objects(column)
    if pa.types.is_dictionary(kind):  # each value is made once, however many rows have it
        made = [*_values(column.dictionary), None]
        return [made[index] for index in column.indices.fill_null(len(made) - 1).to_pylist()]
    values: list[Any] = column.to_pylist()
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return [None if value is None else value.decode("utf-8", "replace") for value in values]
    return values


def _objects(column: pa.MapArray) -> list[dict[str, Any] | None]:
    """Maps as objects."""
    edges, keys, items = column.offsets.to_pylist(), column.keys.to_pylist(), column.items.to_pylist()
    known = column.is_valid().to_pylist()
    return [
        dict(zip(keys[start:end], items[start:end], strict=True)) if is_known else None
        for start, end, is_known in zip(edges, edges[1:], known, strict=False)
    ]


CONTAINERS = {
    "jsonl": Container(_lines, _fetch_lines),
    "json": Container(_document, _fetch_by_number(_document)),
    "csv": Container(_table, _fetch_by_number(_table)),
    "parquet": Container(_parquet_rows, _fetch_rows),
}
