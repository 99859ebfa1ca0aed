"""Where a person finds a call in its log: the file, and the line or the record in it."""

from __future__ import annotations

import numpy as np

from llmcost.calls import Calls, Source
from llmcost.errors import InputError
from llmcost.logs.files import DAMAGED, open_bytes

BLOCK = 1 << 20


def places(calls: Calls) -> list[str]:
    """ "file:line" for each row; the number of the record where a file has no lines. Meant for a few rows.

    Raises InputError naming the file if it is gone.
    """
    sources, positions = calls.column("source").to_numpy(), calls.column("position").to_numpy()
    found = [""] * len(calls)
    for index in np.unique(sources).tolist():
        rows, source = np.flatnonzero(sources == index), calls.sources[index]
        wanted = sorted(set(positions[rows].tolist()))
        lines = _lines(source, wanted) if source.container == "jsonl" else {at: at + 1 for at in wanted}
        for row in rows.tolist():
            found[row] = f"{source.path}:{lines[positions[row]]}"
    return found


def _lines(source: Source, positions: list[int]) -> dict[int, int]:
    """Byte offset → number of the line that begins there, in one pass up to the last of them."""
    lines, passed, newlines = {}, 0, 0
    try:
        with open_bytes(source.path, source.compression) as stream:
            for position in positions:
                while passed < position and (block := stream.read(min(BLOCK, position - passed))):
                    passed += len(block)
                    newlines += block.count(b"\n")
                lines[position] = newlines + 1
    except DAMAGED as error:
        raise InputError(f"{source.path} cannot be read again", "the log must not change while it is used") from error
    return lines
