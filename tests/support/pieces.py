"""Work for engines to do in other processes; each piece is a small tuple of plain values."""

from __future__ import annotations

import os
import time
from pathlib import Path

from llmcost.errors import InputError


def late(piece: tuple[int, float]) -> tuple[int, int]:
    """The number, after so many seconds, and who did it."""
    number, seconds = piece
    time.sleep(seconds)
    return number, os.getpid()


def refused(number: int) -> int:
    """The number, but for 2: that one is refused."""
    if number == 2:
        raise InputError(f"cannot read piece {number}", "write it again")
    return number


def deadly(number: int) -> int:
    """The number, but for 2: that one ends its process."""
    if number == 2:
        os._exit(3)
    return number


def marked(piece: tuple[int, str]) -> int:
    """The number, after its process left a file of its id in the folder and a second passed."""
    number, folder = piece
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(1)
    return number
