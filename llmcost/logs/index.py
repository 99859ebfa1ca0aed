"""The index: what was read of a log before, so that only what is new has to be read again.

One file a fragment, in the workspace: columns, without prompts and answers. What the columns name stands in it: models,
tags, ids, and call sites, whose names are the first words of a system prompt. A fragment is read again unless its file
is the very same (time of change, size, place), or has only grown behind it: then a sample of the fragment's bytes must
be unchanged. Who changes a few bytes in place and lets the log grow before the next audit is not noticed by that.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa
import xxhash

from llmcost.calls import SCHEMA
from llmcost.errors import LLMCostError
from llmcost.logs.files import STDIN, identity, open_bytes
from llmcost.logs.fragments import Fragment
from llmcost.logs.lines import line_end
from llmcost.logs.model import ReadOptions
from llmcost.logs.partial import Partial, stamp_of
from llmcost.version import build
from llmcost.workspace import Workspace

WORTH_KEEPING = 4 << 20  # bytes of a file: smaller ones are read again in less time than it takes to ask
MOST_KEPT = 8 << 30  # bytes of the index: what was used least lately goes first
SAMPLES, SAMPLE_BYTES = 16, 4096


class Stamp(msgspec.Struct, frozen=True):
    """The state of a file before a fragment of it was read, its size, and a hash of the fragment's sample."""

    version: str
    size: int
    sample: str


@dataclass(frozen=True, slots=True)
class Index:
    """A folder of partials in a workspace."""

    workspace: Workspace

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self.workspace.index

    def find(self, fragment: Fragment, options: ReadOptions) -> Partial | None:
        """What was read of the fragment before, with these options; None if it must be read."""
        path = self._path(fragment, options)
        if not self._takes(fragment) or not path.is_file():
            return None
        try:
            stamp = msgspec.convert(stamp_of(path), Stamp)
            if not _still_true(stamp, fragment):
                return None
            found = Partial.read(path)
        except (OSError, ValueError, msgspec.MsgspecError):
            return None  # a damaged file is read again, and written over
        with suppress(OSError):  # of a folder that may not be written, what is there is still good
            os.utime(path)
        return found

    def keep(self, fragment: Fragment, options: ReadOptions, partial: Partial) -> Path | None:
        """Where the partial is kept, for `Partial.read`; None if it is not."""
        if not self._takes(fragment):
            return None
        path = self._path(fragment, options)
        try:
            stamp = _stamp(fragment)
            if stamp is None:
                return None
            self.workspace.prepare()
            self.folder.mkdir(mode=0o700, exist_ok=True)
            with _fresh(path) as fresh:
                partial.write(fresh, stamp)
                fresh.replace(path)
        except (OSError, pa.ArrowException, LLMCostError):
            return None  # a full disk or a folder that may not be written costs time next time, and nothing now
        return path

    def prune(self, most: int = MOST_KEPT) -> None:
        """Removes what was used least lately, down to this many bytes."""
        if not self.folder.is_dir():
            return
        held = 0
        for _, size, file in sorted(_files(self.folder), reverse=True):
            held += size
            if held > most:
                with suppress(OSError):
                    file.unlink()

    def _takes(self, fragment: Fragment) -> bool:
        return fragment.source.path != STDIN and fragment.file_size >= WORTH_KEEPING

    def _path(self, fragment: Fragment, options: ReadOptions) -> Path:
        source = fragment.source
        place = os.path.abspath(source.path) if "://" not in source.path else source.path  # noqa: PTH100
        what = (place, source.format, source.container, source.compression, fragment.start, fragment.stop)
        how = (sorted(options.fields.items()), options.expected_field, options.format, options.estimate_tokens)
        return (
            self.folder / f"{xxhash.xxh3_128_hexdigest(msgspec.json.encode((what, how, build(), str(SCHEMA))))}.arrow"
        )


@contextmanager
def _fresh(path: Path) -> Iterator[Path]:
    """A private file beside this one, to be moved into its place; gone if it was not."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=".new")
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[tuple[int, int, Path]]:
    """When each file was used last, its bytes and itself; another process may take some away meanwhile."""
    for file in folder.iterdir():
        with suppress(OSError):
            facts = file.stat()
            if stat.S_ISREG(facts.st_mode):
                yield facts.st_mtime_ns, facts.st_size, file


def _still_true(stamp: Stamp, fragment: Fragment) -> bool:
    if stamp.version == fragment.version:
        return True
    return (
        _may_grow(fragment)
        and fragment.file_size > stamp.size >= _end(fragment)  # its last line was whole then
        and stamp.sample == _sample(fragment)
    )


def _stamp(fragment: Fragment) -> Stamp | None:
    """The state of the file that the fragment was read in; None if it has become another meanwhile."""
    now = identity(fragment.source.path)
    if now.version != fragment.version and not (_may_grow(fragment) and now.size > fragment.file_size):
        return None
    return Stamp(fragment.version, fragment.file_size, _sample(fragment))


def _may_grow(fragment: Fragment) -> bool:
    """Whether what is appended to the file leaves the fragment as it is."""
    return fragment.stop is not None and fragment.source.container == "jsonl"


def _end(fragment: Fragment) -> int:
    """Where the last line ends that begins in a fragment of plain lines."""
    with open_bytes(fragment.source.path, None) as stream:
        last = (fragment.stop or 1) - 1
        stream.seek(last)
        return line_end(stream, last) or last


def _sample(fragment: Fragment) -> str:
    """A hash of some bytes of a fragment of plain lines, its first and last among them; nothing for others.

    The byte before the first is one of them: it says whether a line begins there.
    """
    if fragment.stop is None or not _may_grow(fragment):
        return ""
    start = max(0, fragment.start - 1)
    step = max(0, fragment.stop - start - SAMPLE_BYTES) / (SAMPLES - 1)
    found = xxhash.xxh3_128()
    with open_bytes(fragment.source.path, None) as stream:
        for number in range(SAMPLES):
            stream.seek(start + round(number * step))
            found.update(stream.read(min(SAMPLE_BYTES, fragment.stop - start)))
    return found.hexdigest()
