"""Logs in object stores: URLs → objects in order; objects → bytes, in blocks and read ahead."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import IO, TYPE_CHECKING, Any, cast

from llmcost.endpoint.egress import Egress
from llmcost.errors import InputError
from llmcost.logs.clouds import filesystem, hosts
from llmcost.logs.store_errors import cause, changed, explained, missing

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/]*)/?(.*)", re.DOTALL)
SCHEMES = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "az": "az", "abfs": "az", "abfss": "az"}
MAGIC = re.compile(r"[*?[]")
FIRST_BLOCK = 1 << 18
LARGEST_BLOCK = 1 << 23
BUFFER = 1 << 16
MOST_KEPT = 8

# The small objects last read, by URL and version: a log is opened several times, to recognise it and to read it.
_kept: dict[tuple[str, str], bytes] = {}


@dataclass(frozen=True, slots=True)
class Place:
    """A URL taken apart: s3://bucket/key. The key is meant literally, as the stores' own tools mean it."""

    url: str
    family: str
    authority: str
    key: str

    @property
    def root(self) -> str:
        """The bucket or container as pyarrow calls it."""
        return self.authority.partition("@")[0]

    @property
    def path(self) -> str:
        """The place as pyarrow calls it."""
        return f"{self.root}/{self.key.rstrip('/')}".rstrip("/")

    @property
    def system(self) -> Any:
        """The filesystem that it is in."""
        return filesystem(self.family, self.authority)

    def sibling(self, path: str) -> str:
        """The URL of another path of this bucket, as pyarrow calls it."""
        return f"{self.url.partition('://')[0]}://{self.authority}/{path.removeprefix(self.root).lstrip('/')}"


def is_url(path: str) -> bool:
    """Whether a path is a URL: of an object store, or one that cannot be read at all."""
    return URL.match(path) is not None


def place_of(url: str) -> Place:
    """The parts of a URL. Raises InputError for one that no store is behind; secrets in it are not repeated."""
    scheme, authority, key = cast(re.Match[str], URL.match(url)).groups()
    family = SCHEMES.get(scheme.lower())
    if family is None:
        raise InputError(f"cannot read {scheme}:// URLs", "logs are read from files, s3://, gs:// and az://")
    if ("@" in authority and family != "az") or ":" in authority or re.search(r"[?&](sig|X-Amz-Signature)=", key):
        raise InputError(
            f"a {scheme}:// URL with credentials in it", "take them out; they are read from the store's own variables"
        )
    if not authority or MAGIC.search(authority):
        raise InputError(f"no bucket is named in {url}", f"name one: {scheme}://bucket/key")
    return Place(url, family, authority, key)


def require(paths: Iterable[str], egress: Egress) -> None:
    """Raises ConfigError, before any is asked, if the store of one of these paths may not be talked to."""
    for path in filter(is_url, paths):
        place = place_of(path)
        for host in hosts(place.family, place.authority, os.environ):
            egress.require(host)


def expand(url: str, is_log: Callable[[str], bool]) -> list[str]:
    """The objects that a URL means, sorted: one object, all logs below a folder, or those that a glob matches.

    `is_log` says of a path below the folder whether it is a log. Raises InputError if there is none.
    """
    place = place_of(url)
    with explained(url, place.family):
        kind = _kind(place)
        if kind == "File":
            return [url]
        if kind == "Directory":
            return _found(place, place.path, is_log, "no logs in {url}", deep=True)
        if MAGIC.search(place.key):
            return _matches(place)
        raise _absent(place)


def size_and_version(url: str) -> tuple[int, str]:
    """How many bytes an object has, and a text that changes when they do: its ETag, else when it was written."""
    place = place_of(url)
    with explained(url, place.family), place.system.open_input_file(place.path) as file:
        return file.size(), _version(place, file)


def open_object(url: str, stop: int | None = None) -> IO[bytes]:
    """The bytes of an object, to be read from any place on; to be closed by the caller.

    Little is read ahead beyond `stop`: where only a range is wanted, the rest stays where it is.
    """
    return io.BufferedReader(_Blocks(place_of(url), stop), BUFFER)


def random_access(url: str) -> Any:
    """An object as a pyarrow file, for readers that want parts of it. Raises InputError if it is not there."""
    place = place_of(url)
    with explained(url, place.family):
        return place.system.open_input_file(place.path)


def unreadable_parquet(url: str, error: Exception) -> InputError:
    """What an error met while reading Parquet from this URL means: its store's if we know it, else damage."""
    damaged = InputError(f"cannot read {url} as Parquet", "the object is damaged or still being written")
    return cause(url, place_of(url).family, error) or damaged


def _kind(place: Place) -> str:
    """File, Directory or NotFound. What ends with a slash is a folder, even if an object is called the same."""
    if place.key == "" or place.key.endswith("/"):
        return "Directory"
    if "//" in place.key and MAGIC.search(place.key):
        return "NotFound"
    name: str = place.system.get_file_info(place.path).type.name
    return name


def _found(place: Place, folder: str, chosen: Callable[[str], bool], nothing: str, *, deep: bool) -> list[str]:
    """The objects below a folder whose path below it is chosen."""
    from pyarrow.fs import FileSelector, FileType

    listed = place.system.get_file_info(FileSelector(folder, recursive=deep, allow_not_found=True))
    paths = (info.path for info in listed if info.type == FileType.File)
    found = sorted(place.sibling(path) for path in paths if chosen(path.removeprefix(folder).lstrip("/")))
    if not found:
        raise _absent(place, nothing)
    return found


def _matches(place: Place) -> list[str]:
    """The objects that a glob matches, as for files: `*` stays in a folder, `**` does not, hidden ones are left out."""
    parts = place.key.split("/")
    fixed = next(index for index, part in enumerate(parts) if MAGIC.search(part))
    folder = "/".join((place.root, *parts[:fixed]))
    patterns = parts[fixed:]
    alone = len(patterns) == 1 and patterns[0] != "**"
    return _found(
        place, folder, lambda path: fits(path.split("/"), patterns), "no object matches {url}", deep=not alone
    )


def fits(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    """Whether a path matches a glob, both taken apart at their slashes, in time that grows with the length of both.

    `**` stands for folders that are not hidden, at the end for what is below a folder, never for the folder's own name.
    """
    reached = {0}  # places in the glob that all before this part may have led to
    for part in parts:
        reached = {step for place in _past_folders(reached, patterns) for step in _steps(place, part, patterns)}
    return len(patterns) in _past_folders(reached, patterns)


def _past_folders(reached: set[int], patterns: Sequence[str]) -> set[int]:
    """These places, and those behind a `**` there that stands for no folder at all."""
    found = set(reached)
    for place, pattern in enumerate(patterns[:-1]):
        if place in found and pattern == "**":
            found.add(place + 1)
    return found


def _steps(place: int, part: str, patterns: Sequence[str]) -> Iterator[int]:
    """Where a part of a path leads to from a place in the glob."""
    if place >= len(patterns):
        return
    pattern, last = patterns[place], place == len(patterns) - 1
    if pattern == "**":
        if not part.startswith("."):
            yield place
            if last:
                yield place + 1
    elif fnmatchcase(part, pattern) and (not part.startswith(".") or pattern.startswith(".")):
        yield place + 1


def _absent(place: Place, nothing: str | None = None) -> InputError:
    if place.system.get_file_info(place.root).type.name == "NotFound":
        return InputError(
            f"no such bucket: {place.url}", "check the bucket's name, and that the endpoint is the one it is in"
        )
    if nothing is None:
        return missing(place.url)
    return InputError(
        nothing.format(url=place.url), "folders are searched for .jsonl, .json, .csv, .parquet; also .gz, .zst"
    )


def _version(place: Place, file: Any) -> str:
    facts = {key.lower(): value for key, value in (file.metadata() or {}).items()}
    tag = facts.get("etag")
    if tag:
        return cast(bytes, tag).decode("latin-1").strip('"')
    return f"{place.system.get_file_info(place.path).mtime_ns}-{file.size()}"


class _Blocks(io.RawIOBase):
    """An object in blocks that grow while it is read on, the next one on its way while the last is used.

    So a single line costs a small request, and a whole log few large ones. An object that was replaced meanwhile is an
    InputError at its end: its blocks would be of two.
    """

    def __init__(self, place: Place, stop: int | None) -> None:
        self._place = place
        self._position = self._start = 0
        self._block = b""
        self._step = FIRST_BLOCK
        self._ahead: tuple[int, Future[bytes]] | None = None
        self._thread: ThreadPoolExecutor | None = None
        with explained(place.url, place.family):
            self._file = place.system.open_input_file(place.path)
            self._size = self._file.size()
            self._version = _version(place, self._file)
        self._small = self._size <= FIRST_BLOCK
        self._stop = self._size if stop is None or self._small else min(stop, self._size)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        into = memoryview(buffer).cast("B")
        if self._position >= self._size:
            return 0
        if not self._start <= self._position < self._start + len(self._block):
            self._fetch()
        part = memoryview(self._block)[self._position - self._start :][: len(into)]
        into[: len(part)] = part
        self._position += len(part)
        return len(part)

    def close(self) -> None:
        if self.closed:
            return
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)  # a file in use must not be closed
        self._file.close()
        super().close()

    def _fetch(self) -> None:
        """Makes the block at the position the current one, and asks for the next if reading goes on."""
        if self._small:
            self._block = self._whole()
            return
        start = self._position
        on = bool(self._block) and start == self._start + len(self._block) < self._stop
        self._step = min(self._step * 2, LARGEST_BLOCK) if on else FIRST_BLOCK
        ahead, self._ahead = self._ahead, None
        known = ahead is not None and ahead[0] == start
        self._block = ahead[1].result() if ahead and known else self._read(start, self._step)
        self._start, end = start, start + len(self._block)
        if on and end < self._stop:
            self._thread = self._thread or ThreadPoolExecutor(1, "read-ahead")
            self._ahead = end, self._thread.submit(self._read, end, self._step * 2)

    def _whole(self) -> bytes:
        """All of a small object, asked for once a version."""
        known = self._place.url, self._version
        content = _kept.get(known)
        if content is None:
            content = _kept[known] = self._read(0, self._size)
            for oldest in list(_kept)[:-MOST_KEPT]:
                _kept.pop(oldest, None)
        return content

    def _read(self, start: int, size: int) -> bytes:
        most = self._stop - start if start < self._stop else FIRST_BLOCK
        size = min(size, LARGEST_BLOCK, most, self._size - start)
        with explained(self._place.url, self._place.family):
            block: bytes = self._file.read_at(size, start)
        if len(block) < size or (start + size == self._size and self._replaced()):
            raise changed(self._place.url)
        return block

    def _replaced(self) -> bool:
        return size_and_version(self._place.url) != (self._size, self._version)
