"""The index: what was read of a log before, so that only what is new has to be read again.

One file a fragment, in the workspace: columns, without text. A fragment is read again unless its file is the very same
(time of change, size, place), or has only grown behind it: then a sample of the fragment's bytes must be unchanged.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa
import xxhash

from llmcost.calls import SCHEMA
from llmcost.errors import StoreError
from llmcost.logs.files import STDIN, identity, open_bytes
from llmcost.logs.fragments import Fragment
from llmcost.logs.model import ReadOptions
from llmcost.logs.partial import Partial, stamp_of
from llmcost.version import build
from llmcost.workspace import Workspace

WORTH_KEEPING = 4 << 20  # bytes of a file: smaller ones are read again in less time than it takes to ask
MOST_KEPT = 8 << 30  # bytes of the index: what was used least lately goes first
SAMPLES, SAMPLE_BYTES = 16, 4096


class Stamp(msgspec.Struct, frozen=True):
    """The state of a file when a fragment of it was read: its identity, its size, and a hash of the sample."""

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
            os.utime(path)
        except (OSError, pa.ArrowException, msgspec.MsgspecError, KeyError):
            return None  # a damaged file is read again, and written over
        return found

    def keep(self, fragment: Fragment, options: ReadOptions, partial: Partial) -> Path | None:
        """Where the partial is kept, for `Partial.read`; None if it is not."""
        if not self._takes(fragment):
            return None
        path = self._path(fragment, options)
        fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
        try:
            self.workspace.prepare()
            self.folder.mkdir(mode=0o700, exist_ok=True)
            partial.write(fresh, _stamp(fragment))
            fresh.chmod(0o600)
            fresh.replace(path)
        except (OSError, pa.ArrowException, StoreError):
            fresh.unlink(missing_ok=True)
            return None  # a full disk or a folder that may not be written costs time next time, and nothing now
        return path

    def prune(self, most: int = MOST_KEPT) -> None:
        """Removes what was used least lately, down to this many bytes."""
        if not self.folder.is_dir():
            return
        found = sorted(((file.stat(), file) for file in self.folder.iterdir()), key=lambda item: -item[0].st_mtime_ns)
        held = 0
        for facts, file in found:
            held += facts.st_size
            if held > most:
                file.unlink(missing_ok=True)

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


def _still_true(stamp: Stamp, fragment: Fragment) -> bool:
    now = identity(fragment.source.path)
    if stamp.version == now.version:
        return True
    grown = fragment.stop is not None and fragment.source.container == "jsonl" and now.size > stamp.size
    return grown and stamp.sample == _sample(fragment)


def _stamp(fragment: Fragment) -> Stamp:
    now = identity(fragment.source.path)
    return Stamp(now.version, now.size, _sample(fragment))


def _sample(fragment: Fragment) -> str:
    """A hash of some bytes of a fragment of plain lines, its first and last among them; nothing for others."""
    if fragment.stop is None or fragment.source.container != "jsonl":
        return ""
    step = (fragment.stop - fragment.start - SAMPLE_BYTES) // (SAMPLES - 1)
    found = xxhash.xxh3_128()
    with open_bytes(fragment.source.path, None) as stream:
        for number in range(SAMPLES):
            stream.seek(fragment.start + number * step)
            found.update(stream.read(SAMPLE_BYTES))
    return found.hexdigest()
