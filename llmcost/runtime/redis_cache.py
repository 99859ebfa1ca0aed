"""Answers in Redis, shared by all processes of a service. Needs `pip install 'llmcost-cli[redis]'`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcost.errors import ConfigError
from llmcost.runtime.caches import CacheError

if TYPE_CHECKING:
    from redis.asyncio import Redis

INSTALL = "pip install 'llmcost-cli[redis]'"
TIMEOUT_S = 0.25


class RedisCache:
    """Answers in Redis, under `namespace:` and a hash; the values are answers as JSON.

    url        redis://host:6379/0, rediss://… or unix:///path; it may hold a password, which is shown nowhere
    namespace  keeps services that share a Redis apart
    timeout_s  how long Redis may take; after that the model is asked
    """

    def __init__(self, url: str, *, namespace: str = "llmcost", timeout_s: float = TIMEOUT_S) -> None:
        self._namespace = namespace.encode()
        self._redis = _client(url, timeout_s)

    def __repr__(self) -> str:
        return f"RedisCache(namespace={self._namespace.decode()!r})"

    async def get(self, key: bytes) -> bytes | None:
        """What is kept under this key; CacheError if Redis cannot be asked."""
        from redis import RedisError

        try:
            value = await self._redis.get(self._name(key))
        except (RedisError, OSError) as error:
            raise _failure(error) from error
        return value.encode() if isinstance(value, str) else value  # text if the address says decode_responses

    async def put(self, key: bytes, value: bytes, ttl_s: float) -> None:
        """Keeps the value. NX: an entry that is there keeps its value and its time."""
        from redis import RedisError

        try:
            await self._redis.set(self._name(key), value, px=max(1, round(ttl_s * 1000)), nx=True)
        except (RedisError, OSError) as error:
            raise _failure(error) from error

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._redis.aclose()

    def _name(self, key: bytes) -> bytes:
        return self._namespace + b":" + key.hex().encode()


def _client(url: str, timeout_s: float) -> Redis:
    """A client that tries twice, at once: a connection that Redis closed while it was idle is no failure."""
    try:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError as error:
        raise ConfigError("a Redis cache needs the package redis", INSTALL) from error
    retry = Retry(NoBackoff(), 1)
    try:
        return Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=retry)
    except ValueError:
        raise ConfigError(
            "the address of Redis cannot be read", "give one such as redis://localhost:6379/0 or unix:///run/redis.sock"
        ) from None  # the error quotes the address, which may hold a password


def _failure(error: Exception) -> CacheError:
    return CacheError(f"Redis cannot be asked: {type(error).__name__}", "see that it runs and can be reached")
