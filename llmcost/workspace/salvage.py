"""What can still be read of a damaged store: its rows, page by page, without trusting how the pages hang together.

SQLite gives up at the first page that is not what it should be. But a row lies on one leaf page, whole or with the rest
of it on a chain of overflow pages, and a page says by itself what is on it. So every page of the file, and the newest
image of it in the write-ahead log, is looked at alone: what reads as a row is given back, and whoever knows what a row
holds says whether it is one. Written from the file format's public description (sqlite.org/fileformat2.html).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

Value = int | float | str | bytes | None

MAGIC = b"SQLite format 3\x00"
USUAL_PAGE = 4096
FILE_HEADER, WAL_HEADER, FRAME_HEADER = 100, 32, 24
WAL_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}  # and the byte order of its checksums
INDEX_INTERIOR, INDEX_LEAF, TABLE_LEAF = 2, 10, 13
BEFORE_CELLS = {INDEX_INTERIOR: 12, INDEX_LEAF: 8, TABLE_LEAF: 8}  # bytes of a page's header, where it holds rows
MOST_VALUE = 1 << 28  # bytes: no answer is longer, and a length that is damage should not be believed
INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # serial type → bytes
OUT_OF_RANGE = (IndexError, ValueError, struct.error)


class Row(NamedTuple):
    """One row of a table or index: its rowid (None in an index and in a table without them), and its values."""

    rowid: int | None
    values: list[Value]


@dataclass(frozen=True, slots=True)
class Frame:
    """One page in the write-ahead log; `commits`: a transaction ends with it."""

    page: int
    commits: bool
    content: memoryview


def rows(main: Path) -> Iterator[Row]:
    """Everything on the pages of this file, and of the write-ahead log beside it, that reads as a row.

    A row may come twice, once as it was before.
    """
    with Pages(main) as pages:
        for number in range(1, pages.count + 1):
            for page in pages.images(number):
                found = _rows_of(pages, page, FILE_HEADER if number == 1 else 0)
                yield from filter(None, found)
                if found and None not in found:
                    break  # the page is sound: what it was before does not matter


def lost_commits(log: bytes) -> bool:
    """Whether a write-ahead log that nobody has open holds transactions which SQLite would pass over.

    It reads frames as long as their checksums hold. A process that dies leaves at most one transaction behind them that
    was never acknowledged, for the next one begins when the last one is on the disk. A second one was acknowledged.
    """
    frames = list(_frames(log))
    return sum(frame.commits for frame in frames[_whole_frames(log) :]) > 1


class Pages:
    """The pages of a database file and its write-ahead log; use it in `with`. Either may be cut off, or missing."""

    def __init__(self, main: Path) -> None:
        log = main.with_name(main.name + "-wal")
        content = log.read_bytes() if log.is_file() else b""
        self._main = main.open("rb") if main.is_file() else io.BytesIO()
        header = self._main.read(FILE_HEADER)
        self.size = _page_size(header) or _log_page_size(content) or USUAL_PAGE
        self.usable = self.size - (header[20] if header[:16] == MAGIC else 0)
        self._logged: dict[int, list[memoryview]] = {}
        for frame in _frames(content):
            self._logged.setdefault(frame.page, []).append(frame.content)
        self.count = max(-(-self._main.seek(0, 2) // self.size), *self._logged, 0)

    def __enter__(self) -> Pages:
        return self

    def __exit__(self, *_: object) -> None:
        self._main.close()

    def images(self, number: int) -> Iterator[memoryview]:
        """The page as it is, and as it was before, the newest first; cut off where the file is."""
        yield from reversed(self._logged.get(number, ()))
        self._main.seek((number - 1) * self.size)
        yield memoryview(self._main.read(self.size))


def _page_size(header: bytes) -> int | None:
    if header[:16] != MAGIC:
        return None
    size = int.from_bytes(header[16:18], "big")
    return _possible(65536 if size == 1 else size)


def _log_page_size(log: bytes) -> int | None:
    return _possible(int.from_bytes(log[8:12], "big"))


def _possible(size: int) -> int | None:
    return size if 512 <= size <= 65536 and size & (size - 1) == 0 else None


def _frames(log: bytes) -> Iterator[Frame]:
    """The frames since the log was last begun anew: those of its present salt, whether their checksums hold or not."""
    size = _log_page_size(log) or USUAL_PAGE
    headed = int.from_bytes(log[:4], "big") in WAL_MAGIC
    salt = log[16:24] if headed else log[WAL_HEADER + 8 : WAL_HEADER + 16]
    for at in range(WAL_HEADER, len(log) - FRAME_HEADER - size + 1, FRAME_HEADER + size):
        page, after, frame_salt = struct.unpack_from(">II8s", log, at)
        if frame_salt == salt and page:
            yield Frame(page, bool(after), memoryview(log)[at + FRAME_HEADER : at + FRAME_HEADER + size])


def _whole_frames(log: bytes) -> int:
    """How many frames SQLite would read: up to the first whose checksum, which sums up all before, does not hold."""
    order, size = WAL_MAGIC.get(int.from_bytes(log[:4], "big")), _log_page_size(log)
    if order is None or size is None or _sum(order, log[:24], (0, 0)) != struct.unpack_from(">II", log, 24):
        return 0
    whole, sums = 0, struct.unpack_from(">II", log, 24)
    for at in range(WAL_HEADER, len(log) - FRAME_HEADER - size + 1, FRAME_HEADER + size):
        sums = _sum(order, log[at + FRAME_HEADER : at + FRAME_HEADER + size], _sum(order, log[at : at + 8], sums))
        if log[at + 8 : at + 16] != log[16:24] or sums != struct.unpack_from(">II", log, at + 16):
            break
        whole += 1
    return whole


def _sum(order: str, content: bytes, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    words = iter(struct.unpack(f"{order}{len(content) // 4}I", content))
    for one, two in zip(words, words, strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return first, second


def _rows_of(pages: Pages, page: memoryview, start: int) -> list[Row | None]:
    """The rows on a page whose header begins at `start`; None for what does not read as one."""
    kind = page[start] if len(page) > start + 12 else 0
    if kind not in BEFORE_CELLS:
        return []
    pointers = start + BEFORE_CELLS[kind]
    cells = range(int.from_bytes(page[start + 3 : start + 5], "big"))
    return [_row(pages, page, pointers + 2 * cell, kind) for cell in cells]


def _row(pages: Pages, page: memoryview, pointer: int, kind: int) -> Row | None:
    try:
        return _read_row(pages, page, int.from_bytes(page[pointer : pointer + 2], "big"), kind)
    except OUT_OF_RANGE:
        return None


def _read_row(pages: Pages, page: memoryview, at: int, kind: int) -> Row:
    """The row of the cell that begins there. Raises one of OUT_OF_RANGE if none does."""
    rowid = None
    size, at = _varint(page, at + (4 if kind == INDEX_INTERIOR else 0))
    if kind == TABLE_LEAF:
        rowid, at = _varint(page, at)
    here = _local(size, pages.usable, kind)
    payload = bytes(page[at : at + here])
    if here < size:
        payload += _overflow(pages, int.from_bytes(page[at + here : at + here + 4], "big"), size - here)
    if len(payload) != size:
        raise ValueError("cut off")
    return Row(rowid, _record(payload))


def _local(size: int, usable: int, kind: int) -> int:
    """How many bytes of a payload of `size` stand on the page itself."""
    if size > MOST_VALUE:
        raise ValueError("too long to be believed")
    most = usable - 35 if kind == TABLE_LEAF else (usable - 12) * 64 // 255 - 23
    least = (usable - 12) * 32 // 255 - 23
    if size <= most:
        return size
    here = least + (size - least) % (usable - 4)
    return here if here <= most else least


def _overflow(pages: Pages, number: int, size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0:
        if not 0 < number <= pages.count:
            raise ValueError("the chain ends too early")
        page = next(pages.images(number))
        part = bytes(page[4 : 4 + min(size, pages.usable - 4)])
        number, size = int.from_bytes(page[:4], "big"), size - (len(part) or size + 1)
        parts.append(part)
    return b"".join(parts)


def _record(payload: bytes) -> list[Value]:
    header, at = _varint(payload, 0)
    values: list[Value] = []
    end = header
    while at < header:
        kind, at = _varint(payload, at)
        value, end = _value(payload, end, kind)
        values.append(value)
    if at != header or end != len(payload):
        raise ValueError("not a record")
    return values


def _value(payload: bytes, at: int, kind: int) -> tuple[Value, int]:
    """The value of this serial type, and where the next one begins."""
    if kind in INTEGERS:
        end = at + INTEGERS[kind]
        return int.from_bytes(payload[at:end], "big", signed=True), end
    if kind == 7:
        return struct.unpack_from(">d", payload, at)[0], at + 8
    if kind in (0, 8, 9):
        return (None, 0, 1)[max(0, kind - 7)], at
    if kind in (10, 11):
        raise ValueError("no such type")
    end = at + (kind - 12) // 2
    content = payload[at:end]
    return (content if kind % 2 == 0 else content.decode()), end


def _varint(content: bytes | memoryview, at: int) -> tuple[int, int]:
    """The number that begins there, and where it ends."""
    value = 0
    for length in range(1, 10):
        byte = content[at + length - 1]
        if length == 9:
            return (value << 8) | byte, at + 9
        value = (value << 7) | (byte & 0x7F)
        if byte < 0x80:
            return value, at + length
    raise AssertionError("unreachable")
