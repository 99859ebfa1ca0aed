"""What a Parquet file unpacks to, by the headers of its pages, before anything of it is unpacked.

A footer may say what it likes; a page is unpacked to as many bytes as its own header says. Headers are Thrift structs
in the compact protocol (parquet.thrift, PageHeader), of which a few fields matter here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from llmcost.errors import InputError
from llmcost.logs.decode import MOST_VALUES
from llmcost.logs.files import MOST_EXPANSION, most_unpacked

LARGEST_PAGE = 128 << 20  # bytes unpacked: a page is held as a whole
TOGETHER = 256 << 20  # bytes that rows read together may have at most
ROW_COSTS, VALUE_COSTS = 1024, 8  # bytes that a row, and a value, count more than they have
DICTIONARY = 2  # the type of such a page
TYPE, UNPACKED, PACKED = 1, 2, 3  # fields of a header
_VARINTS, _STRUCT, _BINARY, _LISTS = (4, 5, 6), 12, 8, (9, 10)
_FIXED = {1: 0, 2: 0, 3: 1, 7: 8}  # bytes behind the mark of a boolean, a byte and a double
_DEEPEST = 8


class Page(NamedTuple):
    """A page of a column: its type, and its bytes unpacked and packed."""

    type: int
    unpacked: int
    packed: int


def rows_together(path: str, file: pq.ParquetFile, groups: Iterable[int], most: int) -> int:
    """How many rows of these groups may be read at a time, at most `most`: each may hold all of a dictionary.

    Raises InputError if a page is too large, ArrowInvalid for what is no page.
    """
    with Path(path).open("rb") as stream:
        largest = 0
        for group in groups:
            facts = file.metadata.row_group(group)
            largest = max(largest, sum(_column(path, stream, facts.column(at)) for at in range(facts.num_columns)))
    return max(1, min(most, TOGETHER // max(largest, 1)))


class Room:
    """How much a file may still unpack to; its rows and the values in them count, too, however small they are."""

    def __init__(self, path: str, size: int) -> None:
        self._path = path
        self._left = most_unpacked(size)

    def take(self, batch: pa.RecordBatch) -> None:
        """Room for these rows. Raises InputError if there is none, or if they have too many values together."""
        values = sum(map(_values_in, batch.columns))
        self._left -= sum(map(_bytes_of, batch.columns)) + ROW_COSTS * len(batch) + VALUE_COSTS * values
        if self._left < 0 or values > MOST_VALUES:
            raise InputError(
                f"{self._path} unpacks to more than {MOST_EXPANSION} times its size, or to nothing but empty rows",
                "no log of calls does; if it is one, write it as JSONL first",
            )


def _bytes_of(column: pa.Array) -> int:
    """Bytes of a column; a value that stands in it once for many rows counts for each of them."""
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = _lengths(column.dictionary)
    return int(column.nbytes) + int(pc.sum(lengths.take(column.indices)).as_py() or 0)


def _lengths(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind):
        return pc.binary_length(values)
    return pa.repeat(values.nbytes // max(len(values), 1), len(values))


def _values_in(column: pa.Array) -> int:
    """Values of a column that are made from scratch, those in its lists and structs as well."""
    kind = column.type
    if pa.types.is_struct(kind):
        return len(column) + sum(_values_in(column.field(at)) for at in range(kind.num_fields))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return len(column) + _values_in(column.flatten())
    if pa.types.is_map(kind):
        return len(column) + _values_in(column.keys) + _values_in(column.items)
    return len(column)


def _column(path: str, stream: IO[bytes], chunk: Any) -> int:
    """Bytes of the dictionary of a column."""
    starts = [at for at in (chunk.dictionary_page_offset, chunk.data_page_offset) if at]
    dictionary, place = 0, min(starts, default=0)
    end = place + chunk.total_compressed_size
    while place < end:
        stream.seek(place)
        page = _page(stream)
        if page.unpacked > LARGEST_PAGE or min(page.packed, page.unpacked) < 0:
            raise InputError(
                f"{path}: a page of column {chunk.path_in_schema} unpacks to more than {LARGEST_PAGE >> 20} MB",
                "write it again with smaller pages, or as JSONL",
            )
        if page.type == DICTIONARY:
            dictionary += page.unpacked
        place = stream.tell() + page.packed
    return dictionary


def _page(stream: IO[bytes]) -> Page:
    """The next header; the stream stands behind it then."""
    found = dict(_fields(stream, 0))
    return Page(*(found.get(field, -1) for field in (TYPE, UNPACKED, PACKED)))


def _fields(stream: IO[bytes], depth: int) -> Iterator[tuple[int, int]]:
    """The numbers among the fields of a struct. Raises ArrowInvalid for what is none."""
    field = 0
    while (head := _byte(stream)) & 15:
        field = field + (head >> 4) if head >> 4 else _signed(_varint(stream))
        value = _value(stream, head & 15, depth)
        if value is not None:
            yield field, value


def _value(stream: IO[bytes], kind: int, depth: int) -> int | None:
    """A number; of anything else, its end is reached."""
    if kind in _VARINTS:
        return _signed(_varint(stream))
    if kind in _FIXED:
        stream.seek(_FIXED[kind], 1)
    elif kind == _BINARY:
        stream.seek(_varint(stream), 1)
    elif kind == _STRUCT and depth < _DEEPEST:
        for _ in _fields(stream, depth + 1):
            pass
    else:
        raise pa.ArrowInvalid("no header of a page")
    return None


def _byte(stream: IO[bytes]) -> int:
    read = stream.read(1)
    if not read:
        raise pa.ArrowInvalid("a page ends early")
    return read[0]


def _varint(stream: IO[bytes]) -> int:
    value = shift = 0
    while shift < 64:
        byte = _byte(stream)
        value |= (byte & 127) << shift
        if byte < 128:
            return value
        shift += 7
    raise pa.ArrowInvalid("no number")


def _signed(value: int) -> int:
    return (value >> 1) ^ -(value & 1)
