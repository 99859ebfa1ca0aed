"""Where answers are kept: what a cache can do, one in memory, and the guard that no failure of one gets past."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from llmcost.errors import ConfigError, LLMCostError

Clock = Callable[[], float]

CAPACITY = 10_000
PAUSE_S = 5.0


class CacheError(LLMCostError):
    """The cache cannot be asked. The router asks the model instead, and counts it."""


class Cache(Protocol):
    """Keeps answers for a time. It belongs to one router, on whose own event loop it is called."""

    async def get(self, key: bytes) -> bytes | None:
        """What is kept under this key, a SHA-256; None: nothing. Raises CacheError, and nothing else."""

    async def put(self, key: bytes, value: bytes, ttl_s: float) -> None:
        """Keeps the value so many seconds. What is there already stays, and ends when it would have ended."""

    async def aclose(self) -> None:
        """Gives back what the cache holds open."""


@dataclass(frozen=True, slots=True)
class _Entry:
    value: bytes
    expires: float


class MemoryCache:
    """Answers in this process; the least recently used go first. Safe to use from several threads."""

    def __init__(self, capacity: int = CAPACITY, clock: Clock = time.monotonic) -> None:
        if capacity < 1:
            raise ConfigError(f"a cache of {capacity} entries keeps nothing", "leave `caching` out of the plan instead")
        self._capacity, self._clock = capacity, clock
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    async def get(self, key: bytes) -> bytes | None:
        """What is kept under this key; None: nothing, or nothing any more."""
        with self._lock:
            entry = self._alive(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry.value

    async def put(self, key: bytes, value: bytes, ttl_s: float) -> None:
        """Keeps the value so many seconds, unless something is kept there already."""
        with self._lock:
            if self._alive(key) is None:
                self._entries[key] = _Entry(value, self._clock() + ttl_s)
            if len(self._entries) > self._capacity:
                self._entries.popitem(last=False)

    async def aclose(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._entries.clear()

    def _alive(self, key: bytes) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is not None and self._clock() >= entry.expires:
            del self._entries[key]
            return None
        return entry


class Guarded:
    """A cache whose failures are misses. One that failed is left alone for some seconds: nobody waits for it in vain.

    failures  how often it was asked and failed, or held what nobody can read
    """

    def __init__(self, cache: Cache, clock: Clock = time.monotonic) -> None:
        self.failures = 0
        self._cache, self._clock = cache, clock
        self._paused_until = -float("inf")

    async def get(self, key: bytes) -> bytes | None:
        """What is kept under this key; None also if the cache cannot say."""
        if self._clock() < self._paused_until:
            return None
        try:
            return await self._cache.get(key)
        except CacheError:
            self._spare()
            return None

    async def put(self, key: bytes, value: bytes, ttl_s: float) -> None:
        """Keeps the value, if the cache can."""
        if self._clock() < self._paused_until:
            return
        try:
            await self._cache.put(key, value, ttl_s)
        except CacheError:
            self._spare()

    async def aclose(self) -> None:
        """Closes the cache behind it."""
        await self._cache.aclose()

    def _spare(self) -> None:
        self.failures += 1
        self._paused_until = self._clock() + PAUSE_S
