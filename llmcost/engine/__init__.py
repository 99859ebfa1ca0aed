"""Runs one function over many pieces of work: in this process, on the cores of this machine, or on a Dask cluster.

Results come back in the order of the pieces, whoever made them and whenever, so that nothing depends on how many
workers there are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from llmcost.engine import cluster, cores

T = TypeVar("T")
R = TypeVar("R")

__all__ = ["available_cores", "run"]


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(work: Callable[[T], R], pieces: Sequence[T], *, workers: int = 1, dask: str | None = None) -> Iterator[R]:
    """work(piece) of every piece, in order.

    workers  processes on this machine; with one, or for a single piece, the work is done right here
    dask     address of a Dask scheduler, whose workers then do it (they must reach the same files); or "local" for a
             cluster of so many processes, made for this work

    With more than one worker, `work` and the pieces must be picklable. An error of a piece is raised in its place.
    """
    if dask is not None and pieces:
        return cluster.run(work, pieces, dask, workers)
    if min(workers, len(pieces)) > 1:
        return cores.run(work, pieces, min(workers, len(pieces)))
    return map(work, pieces)
