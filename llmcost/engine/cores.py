"""Work on the cores of this machine, in processes of its own."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context, parent_process
from threading import Thread
from types import ModuleType
from typing import Any, TypeVar

from llmcost.errors import LLMCostError

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 2  # pieces under way for each worker: enough to keep it busy, few enough to keep memory flat


def run(work: Callable[[T], R], pieces: Iterable[T], workers: int) -> Iterator[R]:
    """work(piece) of every piece, in order, by so many processes."""
    # Spawned, for a forked copy of a process with threads (Arrow has some) may hang.
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin)
    waiting: deque[Future[R]] = deque()
    todo = iter(pieces)
    try:
        with main_out_of_sight():
            waiting.extend(pool.submit(work, piece) for piece in islice(todo, AHEAD * workers))
        for piece in todo:
            yield waiting.popleft().result()
            with main_out_of_sight():  # here, too, a process may be started
                waiting.append(pool.submit(work, piece))
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise LLMCostError(
            "a worker process died before it was done", "it may have run out of memory: try again with --workers 1"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def main_out_of_sight() -> Iterator[None]:
    """While processes start: they would run the caller's script again, all of it if it has no `__main__` guard."""
    main = sys.modules["__main__"]
    hidden: dict[str, Any] = {name: vars(main)[name] for name in ("__file__", "__spec__") if name in vars(main)}
    vars(main).update(__spec__=None)
    vars(main).pop("__file__", None)
    try:
        yield
    finally:
        vars(main).update(hidden)


def without_pandas() -> None:
    """Keeps Arrow from importing pandas, for a process that is all ours and has no data frames.

    Arrow does so with the first column it makes, if it can; but not if it finds one that is too old to be of use.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    sys.modules["pandas"] = too_old = ModuleType("pandas")
    vars(too_old).update(__version__="0")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pa.array([], pa.int64())
    finally:
        del sys.modules["pandas"]


def _begin() -> None:
    """Leaves interrupts to the parent, and ends with it, however it ends: nobody else would end this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    without_pandas()
    Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)
