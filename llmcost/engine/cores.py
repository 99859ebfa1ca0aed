"""Work on the cores of this machine, in processes of its own."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

from llmcost.errors import LLMCostError

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 2  # pieces under way for each worker: enough to keep it busy, few enough to keep memory flat


def run(work: Callable[[T], R], pieces: Sequence[T], workers: int) -> Iterator[R]:
    """work(piece) of every piece, in order, by so many processes."""
    # Spawned, for a forked copy of a process with threads (Arrow has some) may hang.
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_leave_interrupts_to_the_parent)
    waiting: deque[Future[R]] = deque()
    todo = iter(pieces)
    try:
        for piece in todo:
            waiting.append(pool.submit(work, piece))
            if len(waiting) >= AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise LLMCostError(
            "a worker process died before it was done", "it may have run out of memory: try again with --workers 1"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
