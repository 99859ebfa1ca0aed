"""Work on a Dask cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar

from llmcost.engine.cores import main_out_of_sight
from llmcost.errors import ConfigError

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 4  # pieces under way for each thread of the cluster
CONNECT_S = 10
LOCAL = "local"


def run(work: Callable[[T], R], pieces: Iterable[T], scheduler: str, workers: int) -> Iterator[R]:
    """work(piece) of every piece, in order, by the workers of the scheduler at this address.

    "local" is a cluster on this machine, of so many processes. Raises ConfigError if Dask is not installed, or nobody
    answers there.
    """
    with _client(scheduler, workers) as client:
        ahead = AHEAD * max(1, sum(client.nthreads().values()))
        waiting: deque[Any] = deque()
        for piece in pieces:
            waiting.append(client.submit(work, piece, pure=False))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def _client(scheduler: str, workers: int) -> Iterator[Any]:
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise ConfigError("Dask is not installed", 'pip install "llmcost-cli[dask]"') from error
    if scheduler != LOCAL:
        try:
            client = distributed.Client(scheduler, timeout=CONNECT_S)
        except (OSError, ValueError) as error:
            hint = "start one with: dask scheduler"
            raise ConfigError(f"no Dask scheduler at {scheduler} ({type(error).__name__})", hint) from error
        with client:
            yield client
        return
    with main_out_of_sight():
        cluster = distributed.LocalCluster(workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        yield client
