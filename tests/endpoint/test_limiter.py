"""The limiter: halves once a window, grows slowly, waits while it is told to, and never loses a slot."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcost.endpoint.limiter import Limiter
from llmcost.endpoint.reply import LONGEST_WAIT_S, retry_after


def test_halves_once_a_window_and_grows_by_one_a_window() -> None:
    async def main() -> None:
        limiter = Limiter(64)
        slots = [await limiter.acquire() for _ in range(64)]
        for slot in slots:
            limiter.overloaded(slot)
            limiter.release()
        assert limiter.limit == 32
        limiter.overloaded(await limiter.acquire())
        assert limiter.limit == 16
        for _ in range(17):
            limiter.succeeded()
        assert 16.9 < limiter.limit < 17.1

    asyncio.run(main())


def test_stays_between_one_and_the_ceiling() -> None:
    async def main() -> None:
        limiter = Limiter(4)
        for _ in range(10):
            limiter.overloaded(await limiter.acquire())
            limiter.release()
        assert limiter.limit == 1
        for _ in range(100):
            limiter.succeeded()
        assert limiter.limit == 4

    asyncio.run(main())


def test_nobody_is_sent_while_retry_after_runs() -> None:
    async def main() -> None:
        now = [0.0]
        limiter = Limiter(4, clock=lambda: now[0])
        limiter.overloaded(await limiter.acquire(), retry_after_s=0.02)
        limiter.release()
        waiting = asyncio.create_task(limiter.acquire())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
        now[0] = 1.0
        await asyncio.wait_for(waiting, 5)

    asyncio.run(main())


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 8), st.integers(0, 10_000))
def test_no_slot_is_lost_or_doubled_whatever_is_cancelled(ceiling: int, seed: int) -> None:
    async def main() -> None:
        limiter, dice = Limiter(ceiling), random.Random(seed)

        async def use() -> None:
            slot = await limiter.acquire()
            try:
                assert limiter.in_flight <= ceiling
                await asyncio.sleep(0)
                if dice.random() < 0.2:
                    limiter.overloaded(slot)
                else:
                    limiter.succeeded()
            finally:
                limiter.release()

        tasks = [asyncio.create_task(use()) for _ in range(40)]
        for task in tasks:
            if dice.random() < 0.3:
                await asyncio.sleep(0)
                task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert not [result for result in results if isinstance(result, AssertionError)]
        assert limiter.in_flight == 0

    asyncio.run(main())


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        ("0.5", 0.5),
        ("0", None),
        ("-4", None),
        ("99999", LONGEST_WAIT_S),
        ("nan", None),
        ("soon", None),
        (None, None),
        ("Tue, 01 Jul 2025 10:00:07 GMT", 7.0),
        ("Tue, 01 Jul 2025 09:00:00 GMT", None),
        ("Tue, 01 Jul 2025 10:00:07 -0000", 7.0),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, "Tue, 01 Jul 2025 10:00:00 GMT") == seconds
