"""Log files → fragments: pieces that can be read on their own, the same ones whoever reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llmcost.calls import Source
from llmcost.logs.files import STDIN, FileIdentity, identity, open_parquet

FRAGMENT_BYTES = 32 << 20  # of lines; the boundaries of a growing log stay where they are


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a log: of plain lines the bytes [start, stop), of Parquet the row groups; else all (stop: None).

    `size` is its bytes on disk, `file_size` those of its file, `version` the state of that before it was read. One that
    is `poured` is lines which come only one behind the other, decompressed, but may be read in any order then.
    """

    source: Source
    start: int
    stop: int | None
    size: int
    file_size: int
    version: str
    poured: bool = False

    @property
    def whole(self) -> bool:
        """Whether it is all of its file."""
        return self.start == 0 and self.stop is None


def fragments_of(source: Source, *, in_order: bool) -> list[Fragment]:
    """The fragments of a file, in order; one, if its records must be read in order or it cannot be split."""
    now = identity(source.path) if source.path != STDIN else FileIdentity(STDIN, 0, "")
    splits = None if in_order or source.compression or source.path == STDIN else SPLITS.get(source.container)
    if splits is None:
        poured = source.container == "jsonl" and not in_order
        return [Fragment(source, 0, None, now.size, now.size, now.version, poured)]
    return [Fragment(source, *piece, now.size, now.version) for piece in splits(source.path, now.size)]


def _of_lines(path: str, size: int) -> Iterator[tuple[int, int | None, int]]:
    starts = range(0, max(size, 1), FRAGMENT_BYTES)
    for start in starts:
        last = start == starts[-1]
        # The end of the last one is open: what is appended while it is read belongs to it.
        yield start, None if last else start + FRAGMENT_BYTES, size - start if last else FRAGMENT_BYTES


def _of_row_groups(path: str, size: int) -> Iterator[tuple[int, int | None, int]]:
    with open_parquet(path, None) as file:
        start, held, groups = 0, 0, file.num_row_groups
        for group in range(groups):
            facts = file.metadata.row_group(group)
            held += facts.total_byte_size
            if held >= FRAGMENT_BYTES or group == groups - 1:
                yield start, group + 1, size * (group + 1 - start) // groups
                start, held = group + 1, 0


SPLITS = {"jsonl": _of_lines, "parquet": _of_row_groups}
