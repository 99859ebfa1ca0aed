"""The lines of a file, some at a time: plain ones of any part of it, or poured out of what is compressed.

No more than `LONGEST_LINE` bytes of a line are ever held. A longer one is counted, and said to be too long; the lines
behind it are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import accumulate
from typing import IO, NamedTuple

import pyarrow as pa

from llmcost.logs.files import DAMAGED, open_bytes

HEAD = 1 << 16
BLOCK = 1 << 20
POURED = 8 << 20  # bytes of lines that one is given to read
LONGEST_LINE = 64 << 20  # bytes: decoded, one character of four bytes makes all of them four bytes long
ENDS_EARLY = "cut off: the compressed data ends early or is damaged"
TOO_LONG = f"longer than {LONGEST_LINE >> 20} MB"


class LineBlock(NamedTuple):
    """Lines of a file as they stand there one behind the other, the first at this position; or what is wrong there.

    `utf8` says that all of them are UTF-8 for sure.
    """

    position: int
    lines: list[bytes]
    wrong: str | None
    utf8: bool


class Poured(NamedTuple):
    """Whole lines of a file, decompressed, the first at this position; or a line that is not whole, and why."""

    position: int
    content: bytes
    wrong: str | None


class _Begun:
    """A line that has begun and not ended yet: its bytes, as long as they are not too many."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    @property
    def too_long(self) -> bool:
        """Whether it has more bytes than are held."""
        return self.size > LONGEST_LINE

    def add(self, piece: bytes) -> None:
        """What stands next in it."""
        self.size += len(piece)
        if self.too_long:
            self._pieces.clear()
        else:
            self._pieces.append(piece)

    def taken(self, rest: bytes | memoryview = b"") -> bytes:
        """Its bytes, and these behind them; a new line begins."""
        whole = b"".join([*self._pieces, rest])
        self._pieces, self.size = [], 0
        return whole


def line_blocks(path: str, compression: str | None, start: int = 0, stop: int | None = None) -> Iterator[LineBlock]:
    """The lines that begin in [start, stop) of the decompressed bytes, blank ones too, without their line feeds."""
    if compression is not None:
        for poured in pour(path, compression, BLOCK):
            yield from poured_blocks(poured)
        return
    with open_bytes(path, None, stop) as stream:
        position = _first_line_from(stream, start, stop)
        if position is None:
            return
        blocks = ((block, None) for block in iter(partial(stream.read, BLOCK), b""))
        for poured in _whole_lines(blocks, position, stop):
            end = poured.position + len(poured.content)
            for block in poured_blocks(poured):
                yield block if stop is None or end < stop else _before(stop, block)


def pour(path: str, compression: str | None, size: int = POURED) -> Iterator[Poured]:
    """All lines of a file, about so many bytes at a time; at least one time."""
    with open_bytes(path, compression) as stream:
        none = True
        for poured in _whole_lines(_read(stream, size), 0):
            none = False
            yield poured
        if none:
            yield Poured(0, b"", None)


def poured_blocks(poured: Poured) -> Iterator[LineBlock]:
    """The lines that were poured."""
    position, content, wrong = poured
    if wrong is not None:
        yield LineBlock(position, [content], wrong, False)
        return
    start = 0
    while start < len(content):
        last = content.rfind(b"\n", start, start + BLOCK) + 1 or content.find(b"\n", start + BLOCK) + 1
        some = content[start : last or len(content)]
        start += len(some)
        yield LineBlock(position, _split(some), None, _is_utf8(some))
        position += len(some)


def line_at(stream: IO[bytes]) -> bytes:
    """The line that begins here, or as much of it as may be held."""
    return stream.readline(LONGEST_LINE + 1)


def line_end(stream: IO[bytes], position: int, stop: int | None = None) -> int | None:
    """Where the line ends that this place, where the stream is, stands in; None if it does not end before `stop`."""
    while stop is None or position < stop:
        block = stream.read(BLOCK)
        end = block.find(b"\n") + 1
        if end or not block:
            return position + end
        position += len(block)
    return None


def _whole_lines(
    blocks: Iterable[tuple[bytes, str | None]], position: int, stop: int | None = None
) -> Iterator[Poured]:
    """The lines of blocks that begin here, those that end in one block together; a line too long without its bytes.

    Once a line that is too long goes beyond `stop`, no other begins before that, and nothing more is read.
    """
    begun, wrong = _Begun(), None
    for read, found in blocks:
        block, wrong = read, found
        first = block.find(b"\n") + 1
        if first and begun.size + first - 1 > LONGEST_LINE:
            yield Poured(position, b"", TOO_LONG)
            position += begun.size + first
            begun.taken()
            block = block[first:]
        cut = block.rfind(b"\n") + 1
        if cut:
            whole = Poured(position, begun.taken(memoryview(block)[:cut]), None)
            yield whole
            position += len(whole.content)
        begun.add(block[cut:])
        if stop is not None and (position >= stop or (begun.too_long and position + begun.size >= stop)):
            break
    wrong = TOO_LONG if begun.too_long else wrong
    if begun.size or wrong:
        yield Poured(position, begun.taken(), wrong)


def _before(stop: int, block: LineBlock) -> LineBlock:
    """The lines of it that begin before this place."""
    ends = accumulate((len(line) + 1 for line in block.lines), initial=block.position)
    return block._replace(lines=[line for line, begins in zip(block.lines, ends, strict=False) if begins < stop])


def _first_line_from(stream: IO[bytes], start: int, stop: int | None) -> int | None:
    """Where the first line begins that begins in [start, stop), the stream is there then; None if none does."""
    if start == 0:
        return 0
    stream.seek(start - 1)
    found = line_end(stream, start - 1, stop)
    if found is not None:
        stream.seek(found)
    return found


def _split(content: bytes) -> list[bytes]:
    """The lines of it; of nothing but line feeds without looking at each."""
    if content.isspace() and content.count(b"\n") == len(content):
        return [b""] * len(content)
    return content.removesuffix(b"\n").split(b"\n")


def _is_utf8(content: bytes) -> bool:
    """Whether these bytes are UTF-8; Arrow looks at many at a time."""
    if content.isascii():
        return True
    edges = pa.array([0, len(content)], pa.int64()).buffers()[1]
    try:
        pa.LargeStringArray.from_buffers(1, edges, pa.py_buffer(content)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _read(stream: IO[bytes], size: int) -> Iterator[tuple[bytes, str | None]]:
    """Some bytes after the other, about so many at a time, and what is wrong behind the last of them."""
    wrong = None
    while wrong is None:
        block, wrong = _some(stream, size)
        if block or wrong:
            yield block, wrong
        if not block:
            return


def _some(stream: IO[bytes], size: int) -> tuple[bytes, str | None]:
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
