"""The runner asks every question once, in order, within the cap, and returns only what is stored."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from support.loopback import Loopback, Reply, echo, error, prompt, slow_echo

from llmcost.endpoint import ChatRequest, Completion, Endpoint, Status
from llmcost.errors import BudgetError, ConfigError, EndpointError, StoreError
from llmcost.replay.budget import Budget
from llmcost.replay.runner import Runner, Spend, open_store
from llmcost.workspace import Workspace

TOKEN_USD = 1e-4
KEY = "sk-planted-0123456789abcdef"


def ask(text: object, model: str = "m", replicate: int = 0) -> ChatRequest:
    return ChatRequest({"model": model, "messages": [{"role": "user", "content": str(text)}]}, replicate)


def asks(count: int) -> list[ChatRequest]:
    return [ask(number) for number in range(count)]


def cost(_request: ChatRequest, completion: Completion) -> float | None:
    tokens = completion.usage.output_tokens
    return None if tokens is None else tokens * TOKEN_USD


def with_runner(
    server: Loopback,
    folder: Path,
    use: Callable[[Runner], Awaitable[Any]],
    *,
    cap: float | None = None,
    worst: float | None = 0.01,
    **settings: Any,
) -> Any:
    endpoint = {"backoff_s": 0.01, "retries": 2, "timeout_s": 5.0, "concurrency": 64, **settings.pop("endpoint", {})}

    async def main() -> Any:
        with open_store(Workspace(folder)) as store:
            async with Endpoint(server.base_url, KEY, **endpoint) as opened:
                run = settings.pop("run", "r")
                return await use(Runner(lambda _m: opened, store, run, Budget(cap), cost, lambda _r: worst, **settings))

    return asyncio.run(main())


def replay(server: Loopback, folder: Path, requests: list[ChatRequest], **settings: Any) -> list[Completion]:
    completions: list[Completion] = with_runner(server, folder, lambda runner: runner(requests, "replay"), **settings)
    return completions


def open_ledger(folder: Path, run: str = "r") -> tuple[int, float]:
    with open_store(Workspace(folder)) as store:
        return store.count(), store.ledger(run).spent_usd


def test_completions_are_parallel_and_equal_questions_are_asked_once(tmp_path: Path) -> None:
    requests = [ask(1), ask(2), ask(1), ask(1, replicate=1), ask(2)]
    with Loopback(slow_echo) as server:
        completions = replay(server, tmp_path, requests)
        assert server.count() == 3
    texts = [completion.answer.text for completion in completions if completion.answer]
    assert [text.split()[-1] for text in texts] == ["1", "2", "1", "1", "2"]
    assert completions[0] == completions[2]


def test_the_order_of_launch_is_the_order_given(tmp_path: Path) -> None:
    with Loopback() as server:
        replay(server, tmp_path, asks(30), concurrency=1)
        assert [prompt(request.body) for request in server.requests] == [str(number) for number in range(30)]


def test_what_is_stored_is_not_asked_and_the_bill_is_the_same(tmp_path: Path) -> None:
    async def use(runner: Runner) -> tuple[list[Completion], list[Spend]]:
        await runner([ask("a judge's question", "judge")], "grading")
        return await runner(asks(20), "replay"), runner.spend()

    with Loopback() as server:
        replay(server, tmp_path / "a", asks(7))
        first = with_runner(server, tmp_path / "a", use)
        assert server.count() == 21
        again = with_runner(server, tmp_path / "a", use, run="another run")
        assert server.count() == 21
        fresh = with_runner(server, tmp_path / "b", use)
    assert first[1] == again[1] == fresh[1]
    assert [answer.answer for answer in first[0]] == [answer.answer for answer in fresh[0]]
    assert [(line.purpose, line.model, line.answers) for line in first[1]] == [
        ("grading", "judge", 1),
        ("replay", "m", 20),
    ]
    assert open_ledger(tmp_path / "a", "another run")[1] == 0


def test_two_batches_at_once_share_a_question(tmp_path: Path) -> None:
    async def both(runner: Runner) -> list[list[Completion]]:
        return list(await asyncio.gather(runner(asks(20), "replay"), runner(asks(25), "replay")))

    with Loopback(slow_echo) as server:
        left, right = with_runner(server, tmp_path, both)
        assert server.count() == 25
    assert left == right[:20]


def test_failures_are_not_stored_and_cost_nothing(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        return {"1": error(400, "too long"), "2": error(500, "down")}.get(prompt(body)) or echo(body)

    with Loopback(answer) as server:
        statuses = [completion.status for completion in replay(server, tmp_path, asks(4), cap=1.0)]
        assert statuses == ["answered", "rejected", "unreachable", "answered"]
        spent = sum(request.usage["completion_tokens"] for request in server.delivered) * TOKEN_USD
        assert open_ledger(tmp_path) == (2, pytest.approx(spent))
        seen = server.count()
        replay(server, tmp_path, asks(4), cap=1.0)
        assert server.count("m") == seen + 1 + 3, "the failed ones are asked again"


@pytest.mark.parametrize("drop", ["before", "middle"])
def test_a_lost_reply_counts_at_its_worst_even_when_the_question_is_answered(tmp_path: Path, drop: Any) -> None:
    """What an answer cost says nothing of what the lost one did, which may have been the longer."""
    broken = [True]
    with Loopback(lambda body: Reply(drop=drop) if broken[0] else Reply(usage={"completion_tokens": 10})) as server:
        assert replay(server, tmp_path, asks(1), cap=1.0)[0].status == "unreachable"
        assert server.count() == 3
        assert open_ledger(tmp_path) == (0, pytest.approx(0.03))
        broken[0] = False
        assert replay(server, tmp_path, asks(1), cap=1.0)[0].status == "answered"
    assert open_ledger(tmp_path) == (1, pytest.approx(0.03 + 10 * TOKEN_USD))


def test_a_lost_reply_is_not_asked_again_without_money_for_it(tmp_path: Path) -> None:
    with Loopback(lambda _body: Reply(drop="middle")) as server:
        with pytest.raises(BudgetError):
            replay(server, tmp_path, asks(1), cap=0.025)
        assert server.count() == 2


def test_lost_replies_that_were_dear_do_not_pass_the_cap_when_the_answers_are_cheap(tmp_path: Path) -> None:
    seen: set[str] = set()

    def answer(body: dict[str, Any]) -> Reply:
        if (first := prompt(body) not in seen) and int(prompt(body)) % 2:
            seen.add(prompt(body))
        return Reply(drop="middle") if first and prompt(body) in seen else Reply(usage={"completion_tokens": 1})

    with Loopback(answer) as server:
        with pytest.raises(BudgetError):
            replay(server, tmp_path, asks(60), cap=0.1, concurrency=8)
        billed = len(seen) * 0.01 + (server.count() - len(seen)) * TOKEN_USD
    assert 0.08 < billed <= 0.1


@pytest.mark.parametrize(("tokens", "most"), [(10**6, 8), (150, 1_000)])
def test_an_endpoint_that_bills_more_than_the_worst_case(tmp_path: Path, tokens: int, most: int) -> None:
    """It is booked as it is; what is sent from then on fits even if it is exceeded as far."""
    with Loopback(lambda _body: Reply(usage={"completion_tokens": tokens})) as server:
        with pytest.raises(BudgetError, match="more than their worst case") as caught:
            replay(server, tmp_path, asks(100), cap=0.5, concurrency=8)
        billed = server.count() * tokens * TOKEN_USD
        assert open_ledger(tmp_path) == (server.count(), pytest.approx(billed))
        assert 1 < server.count() <= most
    assert "stopped at" in caught.value.message
    assert billed <= 0.5 or server.count() <= 8, "only what was in flight when it came out can pass the cap"


def test_an_answer_without_usage_is_settled_at_its_worst(tmp_path: Path) -> None:
    with Loopback(lambda _body: Reply(usage={})) as server:
        bill = with_runner(server, tmp_path, lambda runner: asking(runner, asks(3)), cap=1.0)
    assert bill == [Spend("replay", "m", 3, 0.0, 3)]
    assert open_ledger(tmp_path) == (3, pytest.approx(0.03))


async def asking(runner: Runner, requests: list[ChatRequest]) -> list[Spend]:
    await runner(requests, "replay")
    return runner.spend()


@pytest.mark.parametrize("cap", [0.0, 0.0099, 0.05, 0.2])
def test_the_cap_holds_by_the_servers_count_and_the_rest_is_resumed(tmp_path: Path, cap: float) -> None:
    requests = asks(300)
    with Loopback(slow_echo) as server:
        with pytest.raises(BudgetError) as caught:
            replay(server, tmp_path, requests, cap=cap, concurrency=64)
        spent = sum(request.usage["completion_tokens"] for request in server.delivered) * TOKEN_USD
        stored, ledger = open_ledger(tmp_path)
        assert spent <= cap
        assert stored == len(server.delivered)
        assert ledger == pytest.approx(spent)
        assert cap - spent < 0.01, "what still fits is asked"
        assert f"{stored} of 300 answers stored" in caught.value.message
        assert "resumes" in str(caught.value.hint)
        assert len(replay(server, tmp_path, requests, cap=10.0)) == 300
        assert server.count() == 300


def test_a_cap_needs_a_price_before_anything_is_sent(tmp_path: Path) -> None:
    with Loopback() as server:
        with pytest.raises(ConfigError, match="a cap cannot be kept for a model without a price: m") as caught:
            replay(server, tmp_path, asks(3), cap=1.0, worst=None)
        assert '[models."m"]' in str(caught.value.hint)
        assert server.count() == 0
        assert len(replay(server, tmp_path, asks(3), worst=None)) == 3


def test_a_hopeless_endpoint_stops_the_run_and_keeps_what_was_answered(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        return error(401, f"bad key {KEY}") if int(prompt(body)) >= 50 else echo(body)

    with Loopback(answer) as server:
        with pytest.raises(EndpointError, match="401") as caught:
            replay(server, tmp_path, asks(500), concurrency=8, cap=10.0)
        assert server.count() < 80
        spent = sum(request.usage["completion_tokens"] for request in server.delivered) * TOKEN_USD
    assert open_ledger(tmp_path) == (50, pytest.approx(spent))
    assert "planted" not in str(caught.value)


def test_the_key_is_in_no_file(tmp_path: Path) -> None:
    with Loopback(lambda body: Reply(text=f"{body['model']} {KEY}")) as server:
        replay(server, tmp_path, asks(20))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(b"planted" in path.read_bytes() for path in files)


def test_an_interrupt_lets_what_is_in_flight_finish(tmp_path: Path) -> None:
    started = threading.Event()

    def answer(body: dict[str, Any]) -> Reply:
        if int(prompt(body)) == 20:
            started.set()
        return Reply(text="late", delay_s=0.1)

    def interrupt() -> None:
        started.wait(10)
        os.kill(os.getpid(), signal.SIGINT)

    with Loopback(answer) as server:
        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            replay(server, tmp_path, asks(400), concurrency=8, cap=10.0)
        thread.join()
        assert open_ledger(tmp_path)[0] == len(server.delivered) == server.count() < 60


def test_an_interrupt_does_not_wait_forever(tmp_path: Path) -> None:
    async def use(runner: Runner) -> None:
        runner.grace_s = 0.05
        asking_all = asyncio.create_task(runner(asks(4), "replay"))
        await asyncio.sleep(0.2)
        asking_all.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking_all

    with Loopback(lambda _body: Reply(delay_s=60)) as server:
        with_runner(server, tmp_path, use, cap=10.0, endpoint={"timeout_s": 120})
        assert server.count() == 4
    assert open_ledger(tmp_path) == (0, pytest.approx(0.04)), "what was sent may be charged"


def test_the_same_run_twice_at_once_is_refused(tmp_path: Path) -> None:
    async def use(runner: Runner) -> None:
        await runner(asks(1), "replay")
        with open_store(Workspace(tmp_path)) as other, pytest.raises(StoreError, match="under way"):
            other.claim("r")

    with Loopback() as server:
        with_runner(server, tmp_path, use)


class Heard:
    def __init__(self) -> None:
        self.lines: list[tuple[Any, ...]] = []

    def planned(self, model: str, purpose: str, questions: int, stored: int) -> None:
        self.lines.append(("planned", model, purpose, questions, stored))

    def answered(self, model: str, purpose: str, cost_usd: float | None) -> None:
        self.lines.append(("answered", model, purpose, cost_usd))

    def failed(self, model: str, purpose: str, status: Status) -> None:
        self.lines.append(("failed", model, purpose, status))

    def retried(self, model: str, purpose: str) -> None:
        self.lines.append(("retried", model, purpose))


def test_progress_hears_it_all(tmp_path: Path) -> None:
    heard, faults = Heard(), iter([error(500)])

    def answer(body: dict[str, Any]) -> Reply:
        if prompt(body) == "1":
            return error(400)
        return next(faults, Reply(usage={"completion_tokens": 1}))

    with Loopback(answer) as server:
        replay(server, tmp_path, asks(2), progress=heard, concurrency=1)
        replay(server, tmp_path, asks(2), progress=heard, concurrency=1)
    assert heard.lines == [
        ("planned", "m", "replay", 2, 0),
        ("retried", "m", "replay"),
        ("answered", "m", "replay", TOKEN_USD),
        ("failed", "m", "replay", "rejected"),
        ("planned", "m", "replay", 2, 1),
        ("failed", "m", "replay", "rejected"),
    ]
