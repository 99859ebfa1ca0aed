"""Records of a file, whatever holds them: JSONL, a JSON document, CSV or Parquet; and single ones again, by place."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from llmcost.calls import Source
from llmcost.logs.decode import BOM, Undecodable, decode
from llmcost.logs.files import DAMAGED, compression_of, extension, open_bytes, open_parquet, reading_parquet

HEAD = 1 << 16
BLOCK = 1 << 20
POURED = 8 << 20  # bytes of lines that one is given to read
BATCH_ROWS = 2_000
BY_EXTENSION = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "csv"}
WRAPPERS = ("data", "logs", "records", "items", "calls", "requests", "result", "results", "rows", "entries")
DELIMITERS = ",\t;|"
ENDS_EARLY = "cut off: the compressed data ends early or is damaged"


class Item(NamedTuple):
    """One record: its place, the line (or record number) a person would look at, and its value or what is wrong."""

    position: int
    line: int
    value: Any
    wrong: str | None


class LineBlock(NamedTuple):
    """Lines of a file as they stand there one behind the other, the first at this position; or what is wrong there.

    `utf8` says that all of them are UTF-8 for sure.
    """

    position: int
    lines: list[bytes]
    wrong: str | None
    utf8: bool


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


class Poured(NamedTuple):
    """Whole lines of a file, decompressed, the first at this position; or a line that is not whole, and why."""

    position: int
    content: bytes
    wrong: str | None


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
    """The lines that are not blank, each up to a size; none after damage."""
    try:
        while line := stream.readline(HEAD):
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


def line_blocks(path: str, compression: str | None, start: int = 0, stop: int | None = None) -> Iterator[LineBlock]:
    """The lines that begin in [start, stop) of the decompressed bytes, blank ones too, without their line feeds."""
    if compression is not None:
        for poured in pour(path, compression, BLOCK):
            yield from poured_blocks(poured)
        return
    with open_bytes(path, None, stop) as stream:
        position = _first_line_from(stream, start)
        for lines, size, utf8 in _blocks(stream):
            end = position + size
            if stop is not None and end >= stop:
                yield LineBlock(position, list(_before(stop, position, lines)), None, utf8)
                return
            yield LineBlock(position, lines, None, utf8)
            position = end


def pour(path: str, compression: str | None, size: int = POURED) -> Iterator[Poured]:
    """All lines of a file, about so many bytes at a time; at least one time."""
    with open_bytes(path, compression) as stream:
        position, rest, wrong = 0, [b""], None
        while wrong is None:
            block, wrong = _block(stream, size)
            if not block:
                break
            cut = block.rfind(b"\n") + 1
            if cut:
                content = b"".join([*rest, memoryview(block)[:cut]])
                yield Poured(position, content, None)
                position, rest = position + len(content), []
            rest.append(block[cut:])
        last = b"".join(rest)
        if last or wrong or not position:
            yield Poured(position, last, wrong)


def poured_blocks(poured: Poured) -> Iterator[LineBlock]:
    """The lines that were poured."""
    position = poured.position
    if poured.wrong is not None:
        yield LineBlock(position, [poured.content], poured.wrong, False)
        return
    for lines, size, utf8 in _blocks(io.BytesIO(poured.content)):
        yield LineBlock(position, lines, None, utf8)
        position += size


def _before(stop: int, position: int, lines: Sequence[bytes]) -> Iterator[bytes]:
    for line in lines:
        if position >= stop:
            return
        yield line
        position += len(line) + 1


def _first_line_from(stream: IO[bytes], start: int) -> int:
    """Where the first line begins that begins at `start` or later; the stream is there then."""
    if start == 0:
        return 0
    stream.seek(start - 1)
    return start - 1 + len(stream.readline())


def _blocks(stream: IO[bytes]) -> Iterator[tuple[list[bytes], int, bool]]:
    """The whole lines of each block of the stream, their bytes, and whether they are UTF-8 for sure."""
    rest = b""
    while block := stream.read(BLOCK):
        first, *lines = block.split(b"\n")
        if not lines:
            rest += first
            continue
        last = lines.pop()
        whole = _is_utf8(block, len(first), len(block) - len(last))  # where characters may be cut is left out
        size, first = len(rest) + len(block) - len(last), rest + first
        yield [first, *lines], size, whole and _is_utf8(first, 0, len(first))
        rest = last
    if rest:
        yield [rest], len(rest) + 1, False


def _is_utf8(content: bytes, start: int, stop: int) -> bool:
    """Whether these bytes of it are UTF-8; Arrow looks at many at a time."""
    text = pa.LargeStringArray.from_buffers(1, pa.array([start, stop], pa.int64()).buffers()[1], pa.py_buffer(content))
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _block(stream: IO[bytes], size: int) -> tuple[bytes, str | None]:
    """About so many next bytes, and what is wrong behind them."""
    read = getattr(stream, "read1", stream.read)  # reads what is there: bytes before a damaged place are not lost
    pieces: list[bytes] = []
    held = 0
    try:
        while held < size and (piece := read(HEAD)):
            pieces.append(piece)
            held += len(piece)
    except DAMAGED:
        return b"".join(pieces), ENDS_EARLY
    return b"".join(pieces), None


def _lines(path: str, compression: str | None) -> Iterator[Item]:
    number = 0
    for block in line_blocks(path, compression):
        position = block.position
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
            raw = stream.readline()
            at = position + len(raw)
            if raw.strip():
                yield _decoded(position, 0, raw.strip())


def _skip(stream: IO[bytes], size: int) -> None:
    while size > 0 and (passed := len(stream.read(min(size, HEAD)))):
        size -= passed


def _document(path: str, compression: str | None) -> Iterator[Item]:
    """The records of one JSON document: its array, the array in a wrapper such as {"data": […]}, or itself."""
    with open_bytes(path, compression) as stream:
        try:
            content = stream.read()
        except DAMAGED:
            yield Item(0, 1, None, ENDS_EARLY)
            return
    whole = _decoded(0, 1, content.strip())
    if whole.wrong is not None:
        yield whole
        return
    for number, value in enumerate(_unwrapped(whole.value)):
        yield Item(number, number + 1, value, None)


def _unwrapped(document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    if isinstance(document, dict) and "model" not in document:
        for key in WRAPPERS:
            inner = document.get(key)
            if isinstance(inner, list) and inner and isinstance(inner[0], dict):
                return inner
    return [document]


def _table(path: str, compression: str | None) -> Iterator[Item]:
    csv.field_size_limit(sys.maxsize)  # a prompt is longer than the default of 128 KiB
    with open_bytes(path, compression) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        try:
            header_line = text.readline()
        except DAMAGED:
            yield Item(0, 1, None, ENDS_EARLY)
            return
        delimiter = max(DELIMITERS, key=header_line.count)
        header = next(csv.reader([header_line], delimiter=delimiter), [])
        rows = csv.reader(text, delimiter=delimiter)
        for number, cells in enumerate(_rows(rows)):
            yield _row(number, rows.line_num + 1, header, cells)


def _rows(rows: Iterator[list[str]]) -> Iterator[list[str] | str]:
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"not CSV: {error}"
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
        for batch in file.iter_batches(batch_size=BATCH_ROWS, row_groups=list(groups)):
            named = zip(batch.schema.names, batch.columns, strict=True)
            columns = {name: _bytes(column) if name in as_bytes else _values(column) for name, column in named}
            yield Rows(columns, range(number, number + len(batch)))
            number += len(batch)


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
                yield from _rows_of_group(file, group, start, here)
            start = end


def _rows_of_group(file: pq.ParquetFile, group: int, start: int, positions: Sequence[int]) -> Iterator[Item]:
    for batch in file.iter_batches(batch_size=BATCH_ROWS, row_groups=[group]):
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
