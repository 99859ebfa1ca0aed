"""Nothing is lost: what must hold for any bytes that are read as a log, however odd."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from llmcost import logs, tasks
from llmcost.logs import fragments

MOST_NESTED = 400


class Count(NamedTuple):
    """Lines that are not blank, and what became of them; `calls` are rows, `places` records that rows stand at."""

    lines: int
    records: int
    calls: int
    places: int
    passed_over: int
    rejected: int


def counted(content: bytes, file: Path) -> Count:
    """Writes the content, reads it as a log and every body again, and counts. Whatever is raised is a defect."""
    file.write_bytes(content)
    log = logs.read([str(file)], call_site=tasks.call_site)
    bodies = logs.bodies(log.calls)
    assert len(bodies) == len(log.calls), "every call has its body again"
    places = np.unique(np.asarray(log.calls.column("position")))
    lines = sum(bool(line.strip()) for line in content.split(b"\n"))
    return Count(lines, log.records, len(log.calls), len(places), log.passed_over, log.rejected)


def accounted(content: bytes, file: Path) -> Count:
    """The count of a log of lines, where no line was lost and none was counted as two things."""
    count = counted(content, file)
    assert count.records == count.lines, f"records are not the lines: {count}"
    # Copies of a call and parts of one are passed over by the row: of a record with several calls more than one.
    assert count.places + count.rejected <= count.records, f"counted twice: {count}"
    assert count.places + count.rejected + count.passed_over >= count.records, f"lost: {count}"
    return count


def accounted_alone(line: bytes, file: Path) -> None:
    """The same for a line by itself, where it is exact: calls, or passed over, or rejected."""
    count = accounted(line, file)
    outcomes = (count.places > 0, count.passed_over > 0, count.rejected > 0)
    assert sum(outcomes) == count.lines or (count.places and count.calls), f"not one outcome: {count}"


def rows(content: bytes, file: Path, *, places: bool = True) -> list[str]:
    """Every call as it is read from the content, with its place or without."""
    file.write_bytes(content)
    table = logs.read([str(file)], call_site=tasks.call_site).calls.table
    kept = table if places else table.drop_columns(["position", "part"])
    return [repr({**row, "tags": sorted(row["tags"])}) for row in kept.to_pylist()]


def same_in_pieces(content: bytes, file: Path, size: int) -> None:
    """The log is the same when it is read in fragments of this size."""
    whole, usual = rows(content, file), fragments.FRAGMENT_BYTES
    fragments.FRAGMENT_BYTES = size
    try:
        assert rows(content, file) == whole, f"fragments of {size} bytes change what is read"
    finally:
        fragments.FRAGMENT_BYTES = usual


def same_as_document(lines: Sequence[bytes], file: Path) -> None:
    """The records are the same as lines, which may take a fast lane, and as one JSON document, which never does."""
    plain = [line.strip() for line in lines if _plain(line)]
    document = file.with_suffix(".json")
    as_lines = rows(b"\n".join(plain), file, places=False)
    as_document = rows(b"[" + b",".join(plain) + b"]", document, places=False) if plain else []
    for one, other in zip(as_lines, as_document, strict=True):
        assert one == other, "a line is not read as its record is"


def _plain(line: bytes) -> bool:
    """Whether any decoder reads the line, also inside a list."""
    try:
        return line.count(b"[") + line.count(b"{") < MOST_NESTED and msgspec.json.decode(line) is not None
    except (ValueError, RecursionError):
        return False
