"""Paths, globs, folders, URLs and stdin → files in order; files → decompressed byte streams."""

from __future__ import annotations

import atexit
import functools
import glob
import gzip
import io
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO, TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from isal import igzip, isal_zlib

from llmcost.errors import InputError
from llmcost.logs import stores

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

STDIN = "-"
ABSENT, FOLDER = "absent", "a folder"
KINDS = {
    stat.S_ISDIR: FOLDER,
    stat.S_ISFIFO: "a pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}
EXTENSIONS = frozenset({".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".pq"})
COMPRESSED = frozenset({".gz", ".gzip", ".zst", ".zstd"})
MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
BUFFER = 1 << 20

# Logs of calls compress 5- to 20-fold, and 100-fold where one long prompt stands in all of them.
MOST_EXPANSION = 300
ALWAYS_UNPACKED = 512 << 20  # bytes: so much does no harm
LINE_COSTS = 256  # bytes that a line counts more than it has: to read it takes time however short it is
LARGEST_HELD = 256 << 20  # bytes of a Parquet file that must be unpacked as a whole
LARGEST_WINDOW = 128 << 20  # bytes of memory that a zstd file may ask for

_BAD_DEFLATE = cast(type[Exception], isal_zlib.error)
DAMAGED: tuple[type[Exception], ...] = (EOFError, gzip.BadGzipFile, _BAD_DEFLATE, zstandard.ZstdError)


class _Unzipped(igzip.IGzipFile):
    """The content of a gzip file."""

    def __init__(self, below: IO[bytes]) -> None:
        cast(Callable[..., None], super().__init__)(fileobj=below)  # isal's is untyped


def _unzstd(below: IO[bytes]) -> IO[bytes]:
    unpacking = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW)
    return cast(IO[bytes], unpacking.stream_reader(below, read_across_frames=True))


_UNPACKED = {"gzip": _Unzipped, "zstd": _unzstd}


class _Unpacked(io.RawIOBase):
    """The content of a compressed file, as long as it is not out of all proportion to the file."""

    def __init__(self, path: str, content: Any, file: IO[bytes]) -> None:
        self._path, self._content, self._file = path, content, file
        self._made = 0
        self._most = most_unpacked(file.seek(0, io.SEEK_END))
        file.seek(0)

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """The next bytes. Raises InputError for a file that is made to fill a disk or a memory."""
        into = memoryview(buffer).cast("B")
        try:
            part = self._content.read1(len(into))  # bytes before a damaged place are not lost
        except zstandard.ZstdError as error:
            raise _window(self._path) if "too much memory" in str(error) else error from None
        self._made += len(part) + LINE_COSTS * part.count(b"\n")
        if self._made > self._most:
            raise InputError(
                f"{self._path} unpacks to more than {MOST_EXPANSION} times its size, or to nothing but short lines",
                "no log of calls does; if it is one, unpack it first and name what comes out",
            )
        into[: len(part)] = part
        return len(part)

    def close(self) -> None:
        """Closes the file too."""
        if not self.closed:
            try:
                self._content.close()
            finally:
                self._file.close()
                super().close()


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """A log as it is now: its size in bytes, as stored, and a text that changes when its content does."""

    path: str
    size: int
    version: str


def expand(paths: Sequence[str]) -> list[str]:
    """The files that these paths mean: files, folders (all logs below, sorted), globs, `-`, and URLs; each once.

    Raises InputError for a path that is not there or matches nothing.
    """
    found: dict[str, None] = {}
    for path in paths:
        found.update(dict.fromkeys(_files(path)))
    if not found:
        raise InputError("no logs given", "name files, folders or globs, or - for stdin")
    for path in found:
        if not _is_text(path):
            shown = path.encode("utf-8", "backslashreplace").decode()
            raise InputError(f"{shown}: a name that is no UTF-8 can stand in no report", "rename the file")
    return list(found)


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def states(paths: Sequence[str]) -> list[tuple[str, int, str]] | None:
    """Path, size and version of every file that these paths mean; None if one of them is stdin."""
    files = expand(paths)
    if STDIN in files:
        return None
    return [(found.path, found.size, found.version) for found in map(identity, files)]


def on_disk(path: str) -> Path:
    """Where the bytes of a log can be read again and again: the file itself, or what stdin was spooled to."""
    return _spooled(sys.stdin.buffer) if path == STDIN else Path(path)


def extension(path: str) -> str:
    """The extension that says what is inside, compression aside."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    return next((suffix for suffix in reversed(suffixes) if suffix not in COMPRESSED), "")


def compression_of(path: str) -> str | None:
    """gzip, zstd or None, by the first bytes of the file. Raises InputError if it cannot be read."""
    with _opened(path) as file:
        head = file.read(4)
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), None)


def open_bytes(path: str, compression: str | None, stop: int | None = None) -> IO[bytes]:
    """The decompressed bytes of a log, to be closed by the caller; seekable if the file is not compressed.

    `stop` says that what comes after this byte is hardly wanted: an object store then sends little of it.
    """
    file = _opened(path, stop)
    if compression is None:
        return file
    return io.BufferedReader(_Unpacked(path, _UNPACKED[compression](file), file), BUFFER)


def open_parquet(path: str, compression: str | None) -> pq.ParquetFile:
    """A Parquet file for random access, to be closed by the caller.

    Raises InputError if it cannot be read or is no Parquet.
    """
    with reading_parquet(path):
        if compression is not None:
            with open_bytes(path, compression) as stream:
                whole = stream.read(LARGEST_HELD + 1)
            if len(whole) > LARGEST_HELD:
                raise InputError(
                    f"{path} unpacks to more than {LARGEST_HELD >> 20} MB of Parquet",
                    "unpack it first: Parquet is compressed within",
                )
            return pq.ParquetFile(pa.BufferReader(whole))
        if stores.is_url(path):  # pre_buffer: few large requests rather than one a column
            return pq.ParquetFile(stores.random_access(path), pre_buffer=True)
        return pq.ParquetFile(on_disk(path))


@contextmanager
def reading_parquet(path: str) -> Iterator[None]:
    """Turns what goes wrong while a Parquet file is read into InputErrors that name it."""
    try:
        yield
    except (pa.ArrowException, OSError, *DAMAGED) as error:
        if stores.is_url(path):
            raise stores.unreadable_parquet(path, error) from None
        raise InputError(
            f"cannot read {path} as Parquet: {error}", "the file is damaged or still being written"
        ) from error


def most_unpacked(size: int) -> int:
    """Bytes that a compressed file of this size may unpack to."""
    return max(ALWAYS_UNPACKED, MOST_EXPANSION * size)


def identity(path: str) -> FileIdentity:
    """What tells this state of a log from any other. Raises InputError if it is not there."""
    if stores.is_url(path):
        return FileIdentity(path, *stores.size_and_version(path))
    try:
        facts = on_disk(path).stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return FileIdentity(path, facts.st_size, f"{facts.st_mtime_ns}-{facts.st_ino}-{facts.st_size}")


def _files(path: str) -> Iterator[str]:
    if stores.is_url(path):
        yield from stores.expand(path, _named_as_log)
        return
    kind = _kind(path)
    if path == STDIN or kind is None:
        yield path
        return
    if kind == FOLDER:
        found = _below(path, _named_as_log)
        missing = f"no logs in {path}", f"a folder is searched for {', '.join(sorted(EXTENSIONS))}, also .gz and .zst"
    elif kind == ABSENT:
        found = _matches(path)
        missing = f"no such file: {path}", "check the path; put globs in quotes if your shell does not expand them"
    else:
        raise _special(path, kind)
    if not found:
        raise InputError(*missing)
    yield from found


def _kind(path: str) -> str | None:
    """What stands at a path, if that is not a file."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - a path of the user's, as it stands
    except (OSError, ValueError):
        return ABSENT
    if stat.S_ISREG(mode):
        return None
    return next((name for holds, name in KINDS.items() if holds(mode)), "no file")


def _below(folder: str, is_meant: Callable[[str], bool]) -> list[str]:
    """The files below a folder whose paths from there on are meant, sorted.

    Links to folders are not followed, so that they lead neither out of it nor round and round; what is no file (a pipe,
    a device) is left out.
    """
    found = []
    for place, _, names in os.walk(folder):
        within = os.path.relpath(place, folder)
        paths = {name: name if within == os.curdir else f"{within}{os.sep}{name}" for name in names}
        found += [str(Path(folder, path)) for path in paths.values() if is_meant(path)]
    return sorted(file for file in found if _kind(file) is None)


def _matches(pattern: str) -> list[str]:
    """The files that a glob matches, sorted."""
    parts = Path(pattern).parts
    if "**" not in parts:
        return sorted(file for file in glob.iglob(pattern) if _kind(file) is None)  # noqa: PTH207 - it may be absolute
    depth = next(number for number, part in enumerate(parts) if stores.MAGIC.search(part))
    return _below(str(Path(*parts[:depth])), lambda path: stores.fits(PurePath(path).parts, parts[depth:]))


def _special(path: str, kind: str) -> InputError:
    return InputError(f"{path} is {kind}, not a file", "logs are read several times; pipe it in: llmcost … - < PATH")


def _named_as_log(relative: str) -> bool:
    """Whether a path below a folder is one of a log: neither hidden nor set aside, and of a known extension."""
    hidden = any(part.startswith((".", "_")) for part in PurePath(relative).parts)
    return not hidden and extension(relative) in EXTENSIONS


def _opened(path: str, stop: int | None = None) -> IO[bytes]:
    """The bytes of a file as stored. It is looked at once it is open: nothing is waited for that is no file."""
    if stores.is_url(path):
        return stores.open_object(path, stop)
    try:
        descriptor = os.open(on_disk(path), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise _special(path, _kind(path) or "no file")
        return io.BufferedReader(_Plain(path, descriptor), BUFFER)
    except OSError as error:
        raise _unreadable(path, error) from error


class _Plain(io.FileIO):
    """A file of this machine, which is named where it cannot be read."""

    def __init__(self, path: str, descriptor: int) -> None:
        super().__init__(descriptor, "rb")
        self._path = path

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        """The next bytes. Raises InputError if a disk, or what is no file after all, does not give them."""
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise _unreadable(self._path, error) from error


def _window(path: str) -> InputError:
    most = LARGEST_WINDOW >> 20
    return InputError(
        f"{path} was compressed with a window of more than {most} MB", "unpack it first: zstd -d --long=31 FILE"
    )


def _unreadable(path: str, error: OSError) -> InputError:
    return InputError(f"cannot read {path}: {error.strerror}", "check that the file exists and may be read")


@functools.cache
def _spooled(stream: IO[bytes]) -> Path:
    """A private copy of stdin, so that bodies can be read again; gone when the process ends."""
    with tempfile.NamedTemporaryFile(prefix="llmcost-stdin-", delete=False) as copy:
        atexit.register(Path(copy.name).unlink, missing_ok=True)
        shutil.copyfileobj(stream, copy)
    return Path(copy.name)
