"""Runs one function over many pieces of work: in this process, on the cores of this machine, or on a Dask cluster.

Results come back in the order of the pieces, whoever made them and whenever, so that nothing depends on how many
workers there are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TypeVar

from llmcost.engine import cluster, cores
from llmcost.engine.cores import without_pandas

T = TypeVar("T")
R = TypeVar("R")

__all__ = ["available_cores", "run", "without_pandas"]


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(work: Callable[[T], R], pieces: Iterable[T], *, workers: int = 1, dask: str | None = None) -> Iterator[R]:
    """work(piece) of every piece, in order. Pieces are asked for when somebody can work on them, and not earlier.

    workers  processes on this machine; with one, or for a single piece, the work is done right here
    dask     address of a Dask scheduler, whose workers then do it (they must reach the same files); or "local" for a
             cluster of so many processes, made for this work

    With more than one worker, `work` and the pieces must be picklable. An error of a piece is raised in its place.
    """
    first = list(islice(todo := iter(pieces), max(1, workers)))
    todo = chain(first, todo)
    if dask is not None and first:
        return cluster.run(work, todo, dask, workers)
    return cores.run(work, todo, len(first)) if len(first) > 1 else map(work, todo)
