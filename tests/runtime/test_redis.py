"""Answers in a real Redis: shared, with times that nothing prolongs, no prompt in a key, and no harm when it dies."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from support.loopback import Loopback
from support.routing import cached, said, until

from llmcost.errors import ConfigError
from llmcost.runtime import CacheError, RedisCache, Router

pytestmark = pytest.mark.skipif(shutil.which("redis-server") is None, reason="needs redis-server on PATH")

TTL_S = 1000.0


@dataclass
class Server:
    """A Redis of our own on a socket; `kill` ends it in the middle of its work."""

    process: subprocess.Popen[bytes]
    url: str
    client: Any

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("r")
    socket = folder / "redis.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        with redis.Redis(unix_socket_path=str(socket)) as client:
            until(lambda: answers(client))
            yield Server(process, f"unix://{socket}", client)
        process.kill()


def answers(client: redis.Redis) -> bool:
    """Whether the server accepts: its socket is in the folder before it listens."""
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def router(endpoint: Loopback, url: str, **settings: Any) -> Router:
    return Router(cached(TTL_S), base_url=endpoint.base_url, cache=RedisCache(url, **settings), retries=0)


def test_what_one_process_asked_another_one_finds(server: Server) -> None:
    with Loopback() as endpoint:
        with router(endpoint, server.url) as asked:
            first = asked.chat("classify", said(), user="ann")
        with router(endpoint, server.url) as asked:
            again = asked.chat("classify", said(), user="ann")
            other = asked.chat("classify", said(), user="bob")
        assert endpoint.count() == 2
    assert (first.cached, again.cached, other.cached) == (None, "exact", None)
    assert (again.answer, again.model, again.usage) == (first.answer, first.model, first.usage)


def test_a_key_tells_nothing_and_its_time_is_that_of_the_plan(server: Server) -> None:
    with Loopback() as endpoint, router(endpoint, server.url, namespace="shop") as asked:
        asked.chat("classify", said("a secret question"), user="ann")
    [key] = server.client.keys()
    assert key.startswith(b"shop:")
    assert len(bytes.fromhex(key.removeprefix(b"shop:").decode())) == 32
    assert TTL_S - 60 < server.client.ttl(key) <= TTL_S


def test_no_hit_and_no_later_answer_prolongs_an_entry(server: Server) -> None:
    async def main() -> bytes | None:
        cache = RedisCache(server.url)
        await cache.put(b"k", b"first", TTL_S)
        await cache.put(b"k", b"second", 10 * TTL_S)
        found = await cache.get(b"k")
        await cache.aclose()
        return found

    assert asyncio.run(main()) == b"first"
    assert server.client.ttl(f"llmcost:{b'k'.hex()}") <= TTL_S


def test_namespaces_do_not_see_each_other(server: Server) -> None:
    with Loopback() as endpoint:
        for namespace in ("one", "other"):
            with router(endpoint, server.url, namespace=namespace) as asked:
                assert asked.chat("classify", said()).cached is None


def test_when_redis_dies_requests_are_asked_and_the_failures_counted(server: Server) -> None:
    with Loopback() as endpoint, router(endpoint, server.url) as asked:
        asked.chat("classify", said())
        assert asked.chat("classify", said()).cached == "exact"
        server.kill()
        assert [asked.chat("classify", said(text)).cached for text in ("red or blue?", "b", "c")] == [None] * 3
        assert endpoint.count() == 4
        assert asked.stats.cache_failures >= 1
        assert asked.stats.failed == 0


def test_a_redis_that_is_not_there_is_a_cache_error() -> None:
    async def main() -> None:
        cache = RedisCache("unix:///nowhere/redis.sock")
        with pytest.raises(CacheError, match="Redis cannot be asked"):
            await cache.get(b"k")
        with pytest.raises(CacheError):
            await cache.put(b"k", b"v", 1.0)
        await cache.aclose()

    asyncio.run(main())


def test_the_password_of_redis_is_shown_nowhere() -> None:
    with pytest.raises(ConfigError) as caught:
        RedisCache("rediss+wrong://:planted-password@cache:6379/0")
    shown = repr(RedisCache("redis://:planted-password@cache:6379/0"))
    assert "planted-password" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__} {shown}"


def test_without_the_package_the_extra_is_named() -> None:
    script = (
        "import sys; sys.modules['redis'] = None; sys.modules['redis.asyncio'] = None\n"
        "from llmcost.errors import ConfigError\n"
        "from llmcost.runtime import RedisCache\n"
        "try:\n"
        "    RedisCache('redis://localhost')\n"
        "except ConfigError as error:\n"
        "    print(error.hint)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "pip install 'llmcost-cli[redis]'"
