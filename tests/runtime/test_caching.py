"""Answers are kept as long as the plan says and no longer, for whom they were meant; equal requests are asked once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
import support.call_tables  # noqa: F401  (registers the hypothesis profile)
from hypothesis import given
from hypothesis import strategies as st
from support.loopback import Body, Loopback, Reply, error
from support.routing import Gate, cached, mapped, plan, said, until

from llmcost.errors import ConfigError, EndpointError
from llmcost.runtime import CacheError, MemoryCache, Router
from llmcost.runtime import Reply as Found
from llmcost.runtime.caches import PAUSE_S
from llmcost.serving import Plan

MANY = 25


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


class Counting:
    """An answerer that numbers its answers, so that a kept one is told from a new one."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, _body: Body) -> Reply:
        self.count += 1
        return Reply(text=f"answer {self.count}")


def router(server: Loopback, of: Plan | None = None, **settings: Any) -> Router:
    return Router(of or cached(), base_url=server.base_url, **{"retries": 0, **settings})


def test_a_hit_is_the_same_answer_and_nothing_is_asked_for_it() -> None:
    reply = Reply(text="red", tool_calls=(("paint", '{"with": "red"}'),), finish_reason="tool_calls")
    with Loopback(lambda _body: reply) as server, router(server) as asked:
        first, second = (asked.chat("classify", said(), temperature=0) for _ in range(2))
        assert server.count() == 1
        assert (asked.stats.calls, asked.stats.hits_exact) == (2, 1)
    assert (first.cached, second.cached) == (None, "exact")
    assert (first.answer, first.model, first.usage) == (second.answer, second.model, second.usage)
    assert second.attempts == ()


def test_time_is_counted_from_the_miss_and_no_hit_prolongs_it() -> None:
    clock = Clock()
    with Loopback(Counting()) as server, router(server, cached(60.0), cache=MemoryCache(clock=clock)) as asked:
        texts = []
        for moment in (0, 30, 59, 60, 100, 119, 121):
            clock.now = 1000.0 + moment
            texts.append(asked.chat("classify", said()).text)
    assert texts == ["answer 1"] * 3 + ["answer 2"] * 3 + ["answer 3"]


def test_nobody_gets_an_answer_of_another_scope() -> None:
    with Loopback(Counting()) as server, router(server) as asked:
        callers: list[dict[str, Any]] = [{}, {"user": "ann"}, {"user": "bob"}, {"scope": "acme"}]
        first = [asked.chat("classify", said(), **caller).text for caller in callers]
        again = [asked.chat("classify", said(), **caller).text for caller in callers]
        wider = asked.chat("classify", said(), scope="acme", user="ann")
    assert first == again == [f"answer {number}" for number in range(1, 5)]
    assert wider.text == "answer 4"  # the scope that is named counts


def test_a_task_whose_plan_has_no_cache_is_asked_every_time() -> None:
    with Loopback(Counting()) as server, router(server, plan(mapped())) as asked:
        assert [asked.chat("classify", said()).text for _ in range(2)] == ["answer 1", "answer 2"]


@pytest.mark.parametrize(
    "poor",
    [
        Reply(text="I would ra", finish_reason="length"),
        Reply(text="", finish_reason="content_filter"),
        Reply(text=None, refusal="no"),
        Reply(text=" "),
        error(400),
        error(503),
    ],
    ids=["cut off", "filtered", "refused", "empty", "rejected", "down"],
)
def test_what_is_no_good_answer_is_never_kept(poor: Reply) -> None:
    replies = [poor, Reply(text="red")]
    with Loopback(lambda _body: replies.pop(0)) as server, router(server) as asked:
        try:
            assert asked.chat("classify", said()).cached is None
        except EndpointError:
            assert poor.status != 200
        second, third = (asked.chat("classify", said()) for _ in range(2))
    assert (second.text, second.cached) == ("red", None)
    assert (third.text, third.cached) == ("red", "exact")


def test_an_answer_that_is_not_in_the_form_asked_for_is_not_kept() -> None:
    replies = [Reply(text="{"), Reply(text='{"a": 1}')]
    form = {"response_format": {"type": "json_object"}}
    with Loopback(lambda _body: replies.pop(0)) as server, router(server) as asked:
        found = [asked.chat("classify", said(), **form) for _ in range(3)]
    assert [(reply.text, reply.cached) for reply in found] == [
        ("{", None),
        ('{"a": 1}', None),
        ('{"a": 1}', "exact"),
    ]


def in_threads(asked: Router, gate: Gate) -> list[Found | BaseException]:
    with ThreadPoolExecutor(MANY) as pool:
        waiting = [pool.submit(asked.chat, "classify", said()) for _ in range(MANY)]
        until(lambda: asked.stats.calls == MANY)
        gate.open()
        return [one.exception() or one.result() for one in waiting]


def in_one_loop(asked: Router, gate: Gate) -> list[Found | BaseException]:
    async def main() -> list[Found | BaseException]:
        waiting = [asyncio.create_task(asked.achat("classify", said())) for _ in range(MANY)]
        await asyncio.to_thread(until, lambda: asked.stats.calls == MANY)
        gate.open()
        return await asyncio.gather(*waiting, return_exceptions=True)

    return asyncio.run(main())


def in_one_batch(asked: Router, gate: Gate) -> list[Found | BaseException]:
    gate.open()
    return list(asked.batch("classify", [said()] * MANY))


AT_ONCE = pytest.mark.parametrize("at_once", [in_threads, in_one_loop])
Way = Callable[[Router, Gate], Sequence[Found | BaseException]]


@pytest.mark.parametrize("at_once", [in_threads, in_one_loop, in_one_batch])
def test_of_many_equal_requests_at_once_one_is_sent(at_once: Way) -> None:
    gate = Gate()
    with Loopback(gate) as server, router(server) as asked:
        replies = [found for found in at_once(asked, gate) if isinstance(found, Found)]
        assert server.count() == 1
        assert (asked.stats.calls, asked.stats.hits_exact) == (MANY, MANY - 1)
    assert len(replies) == MANY
    assert len({reply.text for reply in replies}) == 1
    assert sorted(str(reply.cached) for reply in replies) == ["None"] + ["exact"] * (MANY - 1)


@AT_ONCE
def test_if_the_first_of_them_fails_the_others_ask_for_themselves(at_once: Way) -> None:
    gate = Gate(first=(error(400),))
    with Loopback(gate) as server, router(server) as asked:
        found = at_once(asked, gate)
        assert server.count() == MANY
        assert asked.stats.failed == 1
    assert sum(isinstance(one, EndpointError) for one in found) == 1
    assert sum(isinstance(one, Found) and one.cached is None for one in found) == MANY - 1


@AT_ONCE
def test_a_refusal_is_not_passed_on_to_those_who_wait(at_once: Way) -> None:
    gate = Gate(first=(Reply(text=None, refusal="no"),))
    with Loopback(gate) as server, router(server) as asked:
        found = at_once(asked, gate)
        assert server.count() == MANY
    assert [one.refusal for one in found if isinstance(one, Found)].count("no") == 1


def test_if_the_first_of_them_is_cancelled_the_others_ask_for_themselves() -> None:
    gate = Gate()

    async def main(asked: Router) -> Found:
        first = asyncio.create_task(asked.achat("classify", said()))
        await asyncio.to_thread(until, lambda: asked.stats.calls == 1)
        second = asyncio.create_task(asked.achat("classify", said()))
        await asyncio.to_thread(until, lambda: asked.stats.calls == 2)
        first.cancel()
        gate.open()
        return await second

    with Loopback(gate) as server, router(server) as asked:
        assert asyncio.run(main(asked)).cached is None


def test_if_one_that_waits_is_cancelled_the_others_do_not_notice() -> None:
    gate = Gate()

    async def main(asked: Router) -> list[Found]:
        tasks = []
        for count in range(1, 4):
            tasks.append(asyncio.create_task(asked.achat("classify", said())))
            await asyncio.to_thread(until, lambda count=count: asked.stats.calls == count)
        tasks[1].cancel()
        gate.open()
        return [await tasks[0], await tasks[2]]

    with Loopback(gate) as server, router(server) as asked:
        assert [reply.cached for reply in asyncio.run(main(asked))] == [None, "exact"]
        assert server.count() == 1


def test_without_a_cache_in_the_plan_equal_requests_at_once_are_all_sent() -> None:
    gate = Gate()
    with Loopback(gate) as server, router(server, plan(mapped())) as asked:
        assert len(in_threads(asked, gate)) == server.count() == MANY


@dataclass
class Broken:
    """A cache that fails, or holds what nobody can read."""

    value: bytes | None = None
    asked: list[str] = field(default_factory=list)

    async def get(self, key: bytes) -> bytes | None:
        self.asked.append("get")
        if self.value is None:
            raise CacheError("out of order")
        return self.value

    async def put(self, key: bytes, value: bytes, ttl_s: float) -> None:
        self.asked.append("put")
        raise CacheError("out of order")

    async def aclose(self) -> None:
        self.asked.append("close")


def test_a_cache_that_fails_never_fails_a_request() -> None:
    cache = Broken()
    with Loopback() as server, router(server, cache=cache) as asked:
        assert [asked.chat("classify", said()).cached for _ in range(3)] == [None] * 3
        assert server.count() == 3
        assert asked.stats.cache_failures == 1  # then it is left alone
    assert cache.asked == ["get", "close"]


@pytest.mark.parametrize("value", [b"", b"\xff", b"{}", b'{"answer": 1}'])
def test_an_entry_that_cannot_be_read_is_a_miss_and_counted(value: bytes) -> None:
    cache = Broken(value)
    with Loopback() as server, router(server, cache=cache) as asked:
        assert asked.chat("classify", said()).cached is None
        assert asked.stats.cache_failures == 2
    assert cache.asked == ["get", "put", "close"]


def test_a_cache_that_failed_is_asked_again_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmcost.runtime.caches.PAUSE_S", 0.0)
    assert PAUSE_S > 0
    cache = Broken()
    with Loopback() as server, router(server, cache=cache) as asked:
        asked.chat("classify", said())
        assert asked.stats.cache_failures == 2
    assert cache.asked == ["get", "put", "close"]


KEYS = st.sampled_from([b"a", b"b", b"c", b"d"])
STEPS = st.lists(
    st.tuples(st.just("get"), KEYS, st.just(0))
    | st.tuples(st.just("put"), KEYS, st.integers(1, 20))
    | st.tuples(st.just("wait"), st.just(b""), st.integers(1, 15)),
    max_size=40,
)


@given(STEPS, st.integers(1, 4))
def test_memory_keeps_what_a_plain_list_would(steps, capacity: int) -> None:
    """The reference: (key, value, end) in the order of their last use."""

    async def main() -> None:
        clock = Clock(0.0)
        cache, plain = MemoryCache(capacity, clock), list[tuple[bytes, bytes, float]]()
        for number, (step, key, size) in enumerate(steps):
            clock.now += size if step == "wait" else 0
            held = next((entry for entry in plain if entry[0] == key), None)
            alive = held is not None and clock.now < held[2]
            if held is not None and not alive:
                plain.remove(held)
            if step == "get":
                assert await cache.get(key) == (held[1] if held and alive else None)
                if held and alive:
                    plain.remove(held)
                    plain.append(held)
            if step == "put":
                value = str(number).encode()
                await cache.put(key, value, size)
                if not alive:
                    plain.append((key, value, clock.now + size))
                del plain[:-capacity]
            assert len(cache) == len(plain) <= capacity

    asyncio.run(main())


def test_a_cache_that_can_keep_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="0 entries"):
        MemoryCache(0)
