"""One event loop in a thread of its own, on which everything runs, for callers that wait and callers that await."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from llmcost.errors import ConfigError

T = TypeVar("T")


class Background:
    """Starts with the first call. `last` is what it runs before it ends: on `close`, or when the interpreter exits."""

    def __init__(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._last = last
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._process = 0

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Runs this on the loop. Raises ConfigError in a process that was forked from the one where it runs."""
        try:
            return asyncio.run_coroutine_threadsafe(work, self._running())
        except BaseException:
            work.close()
            raise

    def close(self) -> None:
        """Ends what is under way, then the thread. Whoever still waits gets a CancelledError."""
        with self._lock:
            self._closed = True
            loop, self._loop = self._loop, None
        if loop is not None and self._process == os.getpid():
            atexit.unregister(self.close)
            asyncio.run_coroutine_threadsafe(self._end(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise ConfigError("the router is closed", "make another one, or close it when all is done")
            if self._loop is None:
                self._loop = self._start()
            elif self._process != os.getpid():
                raise ConfigError(
                    "the router was used before this process was forked: its connections stayed behind",
                    "load it before the fork, but ask first after it; or load one in each process",
                )
            return self._loop

    def _start(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        self._process = os.getpid()
        self._thread = threading.Thread(target=_run, args=(loop,), name="llmcost-router", daemon=True)
        self._thread.start()
        atexit.register(self.close)
        return loop

    async def _end(self) -> None:
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await self._last()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
