"""Work on a Dask cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from llmcost.errors import ConfigError

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 4  # pieces under way for each thread of the cluster
CONNECT_S = 10


def run(work: Callable[[T], R], pieces: Sequence[T], scheduler: str) -> Iterator[R]:
    """work(piece) of every piece, in order, by the workers of the scheduler at this address.

    Raises ConfigError if Dask is not installed, or nobody answers there.
    """
    with _client(scheduler) as client:
        ahead = AHEAD * max(1, sum(client.nthreads().values()))
        waiting: deque[Any] = deque()
        for piece in pieces:
            waiting.append(client.submit(work, piece, pure=False))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _client(scheduler: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigError("Dask is not installed", 'pip install "llmcost-cli[dask]"') from error
    try:
        return Client(scheduler, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        raise ConfigError(f"no Dask scheduler at {scheduler}: {error}", "start one with: dask scheduler") from error
