"""A router does what its plan says, for callers that wait and callers that await, and says what it cannot do."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import traceback
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.loopback import Body, Loopback, Reply, echo, error
from support.routing import KEY, Gate, cached, mapped, plan, said, until

from llmcost.answers import ToolCall, Usage
from llmcost.errors import ConfigError, EndpointError, InputError, LLMCostError
from llmcost.runtime import BatchError, Router
from llmcost.serving import Batching, Plan, TaskPlan, Tier

HEAVY = ("numpy", "pandas", "pyarrow", "scipy", "typer", "rich", "httpx", "aiohttp", "redis", "jsonschema")


def router(server: Loopback, of: Plan | None = None, **settings: Any) -> Router:
    return Router(of or plan(mapped()), base_url=server.base_url, api_key=KEY, **{"retries": 0, **settings})


def test_the_planned_model_is_asked_and_the_reply_has_it_all() -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 50, "prompt_tokens_details": {"cached_tokens": 64}}
    reply = Reply(text="red", tool_calls=(("paint", '{"with": "red"}'),), usage=usage)
    with Loopback(lambda _body: reply) as server, router(server) as asked:
        found = asked.chat("classify", said(), model="large", temperature=0, user="ann")
        [request] = server.requests
    assert request.body == {"model": "small", "messages": said(), "temperature": 0}
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert (found.text, found.tool_calls) == ("red", (ToolCall("paint", '{"with": "red"}'),))
    assert (found.model, found.cached, found.finish_reason, found.refusal) == ("small", None, "tool_calls", None)
    assert found.usage == Usage(input_tokens=100, cache_read_tokens=64, output_tokens=50)
    assert [attempt.role for attempt in found.attempts] == ["answer"]
    assert found.latency_ms > 0


def test_a_task_that_the_plan_does_not_have_is_asked_as_it_asks() -> None:
    with Loopback() as server, router(server) as asked:
        found = asked.chat("translate", said(), model="large", user="ann", metadata={"a": "b"})
        again = asked.chat("translate", said(), model="large", user="ann", metadata={"a": "b"})
        assert [request.body for request in server.requests] == [
            {"model": "large", "messages": said(), "user": "ann", "metadata": {"a": "b"}}
        ] * 2
    assert found.model == "large"
    assert again.cached is None


def test_without_a_model_such_a_task_is_an_error_that_names_the_tasks_of_the_plan() -> None:
    with Loopback() as server, router(server, plan(mapped("b"), mapped("a"))) as asked:
        with pytest.raises(ConfigError, match="no model for task 'translate'") as caught:
            asked.chat("translate", said())
        assert server.requests == []
    assert caught.value.hint == "pass model=, or use a task of the plan: a, b"


def test_a_plan_is_loaded_from_its_file_and_the_endpoint_from_the_environment(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "llmcost-plan.json"
    file.write_bytes(msgspec.json.encode(plan(mapped())))
    with Loopback() as server:
        monkeypatch.setenv("LLMCOST_BASE_URL", server.base_url)
        monkeypatch.setenv("LLMCOST_API_KEY", KEY)
        with Router.load(file) as asked:
            assert asked.chat("classify", said()).model == "small"
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("content", "said_of_it"),
    [
        (b"{", "is not a plan"),
        (b'{"schema": "llmcost.plan/2", "llmcost_version": "0", "run": "0", "tasks": []}', "is not a plan"),
        (msgspec.json.encode(plan(mapped("a"), mapped("a"))), "task 'a' has 2 plans"),
        (msgspec.json.encode(cached(ttl_s=0)), "a cache of 0 s"),
        (msgspec.json.encode(cached(near=1.5)), "a likeness of 1.5"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, content: bytes, said_of_it: str) -> None:
    file = tmp_path / "llmcost-plan.json"
    file.write_bytes(content)
    with pytest.raises(InputError, match=said_of_it) as caught:
        Router.load(file, base_url="http://127.0.0.1:9/v1")
    assert "llmcost export --to plan" in str(caught.value.hint)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*nowhere.json: No such file"):
        Router.load(tmp_path / "nowhere.json", base_url="http://127.0.0.1:9/v1")


def test_an_address_that_is_not_encrypted_is_refused() -> None:
    with pytest.raises(ConfigError, match="not encrypted"):
        Router(plan(), base_url="http://example.com/v1")


@pytest.mark.parametrize(
    ("parameters", "said_of_it"),
    [({"stream": True}, "stream=True"), ({"n": 3}, "n=3"), ({"stop": object()}, "cannot be written as JSON")],
)
def test_what_cannot_be_asked_for_is_refused_before_anything_is_sent(parameters, said_of_it) -> None:
    with Loopback() as server, router(server) as asked:
        with pytest.raises(ConfigError, match=said_of_it):
            asked.chat("classify", said(), **parameters)
        assert asked.chat("classify", said(), stream=False, n=1).text is not None
        assert server.count() == 1


def test_waiting_and_awaiting_give_the_same_in_many_threads_and_loops_at_once() -> None:
    questions = [f"question {number}" for number in range(40)]

    async def awaited(asked: Router, part: list[str]) -> list[str | None]:
        replies = await asyncio.gather(*(asked.achat("classify", said(text)) for text in part))
        return [reply.text for reply in replies]

    with Loopback() as server, router(server) as asked, ThreadPoolExecutor(8) as pool:
        waited = list(pool.map(lambda text: asked.chat("classify", said(text)).text, questions))
        parts = list(pool.map(lambda part: asyncio.run(awaited(asked, part)), [questions[:20], questions[20:]]))
        assert waited == parts[0] + parts[1]
        assert waited == [echo({"model": "small", "messages": said(text)}).text for text in questions]
        assert asked.stats.calls == server.count() == 80


def test_a_caller_may_wait_in_a_thread_whose_event_loop_is_running() -> None:
    async def main(asked: Router) -> tuple[str | None, str | None]:
        return asked.chat("classify", said()).text, (await asked.achat("classify", said())).text

    with Loopback() as server, router(server) as asked:
        waited, awaited = asyncio.run(main(asked))
    assert waited == awaited is not None


def test_a_router_is_opened_and_closed_by_async_with_too() -> None:
    async def main(server: Loopback) -> str | None:
        async with router(server) as asked:
            replies = await asked.abatch("classify", [said()])
        with pytest.raises(ConfigError, match="closed"):
            await asked.achat("classify", said())
        return replies[0].text

    with Loopback() as server:
        assert asyncio.run(main(server)) is not None


def test_a_request_that_is_cancelled_is_given_up() -> None:
    gate = Gate()

    async def main(asked: Router) -> None:
        task = asyncio.create_task(asked.achat("classify", said()))
        await asyncio.to_thread(until, lambda: asked.stats.calls == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with Loopback(gate) as server, router(server) as asked:
        asyncio.run(main(asked))
        gate.open()
        assert asked.chat("classify", said()).text is not None


def test_closing_ends_what_is_under_way_and_closing_twice_does_nothing() -> None:
    gate = Gate()
    with Loopback(gate) as server, ThreadPoolExecutor(1) as pool:
        asked = router(server)
        waiting = pool.submit(asked.chat, "classify", said())
        until(lambda: server.count() == 1)
        asked.close()
        asked.close()
        with pytest.raises(CancelledError):
            waiting.result(30)
        gate.open()
    assert "llmcost-router" not in {thread.name for thread in threading.enumerate()}


def test_a_router_that_was_used_before_a_fork_says_so_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback() as server, router(server) as asked:
        asked.chat("classify", said())
        with monkeypatch.context() as forked:
            forked.setattr(os, "getpid", lambda: -1)
            with pytest.raises(ConfigError, match="forked"):
                asked.chat("classify", said())


def test_a_program_that_closes_nothing_ends() -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from support.loopback import Loopback\n"
        "from support.routing import mapped, plan, said\n"
        "from llmcost.runtime import Router\n"
        "server = Loopback().__enter__()\n"
        "print(Router(plan(mapped()), base_url=server.base_url).chat('classify', said()).model)"
    )
    command = [sys.executable, "-W", "default", "-c", script, str(Path(__file__).parents[1])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("small\n", "")


def test_what_the_mapped_model_rejects_the_fallback_is_asked() -> None:
    def answer(body: Body) -> Reply:
        return error(400, "too long") if body["model"] == "small" else Reply(text="by the fallback")

    with Loopback(answer) as server, router(server, plan(mapped(fallback="large"))) as asked:
        found = asked.chat("classify", said(), user="ann")
        assert [request.body["model"] for request in server.requests] == ["small", "large"]
        assert asked.stats.fell_back == 1
        assert asked.stats.failed == asked.stats.escalated == 0
    assert (found.text, found.model) == ("by the fallback", "large")
    assert [attempt.completion.status for attempt in found.attempts] == ["rejected", "answered"]


@pytest.mark.parametrize("status", [404, 503], ids=["gone", "down"])
def test_a_mapped_model_that_is_gone_or_down_is_stood_in_for(status: int) -> None:
    def answer(body: Body) -> Reply:
        return error(status) if body["model"] == "small" else Reply(text="by the fallback")

    with Loopback(answer) as server, router(server, plan(mapped(fallback="large"))) as asked:
        assert [asked.chat("classify", said()).text for _ in range(3)] == ["by the fallback"] * 3


def test_a_refusal_is_an_answer_and_no_reason_to_ask_another_model() -> None:
    with Loopback(lambda _body: Reply(text=None, refusal="no")) as server:
        with router(server, plan(mapped(fallback="large"))) as asked:
            assert asked.chat("classify", said()).refusal == "no"
        assert server.count() == 1


def test_without_an_answer_there_is_an_error_that_says_why_and_what_to_do() -> None:
    with Loopback(lambda _body: error(400, "context length exceeded")) as server, router(server) as asked:
        with pytest.raises(EndpointError) as caught:
            asked.chat("classify", said())
        assert asked.stats.failed == 1
    assert caught.value.message == "task 'classify': small did not take the request: 400 error: context length exceeded"
    assert "fallback" in str(caught.value.hint)


def test_the_key_is_in_no_error_and_no_repr() -> None:
    with Loopback(lambda _body: error(401, f"the key {KEY} is wrong")) as server, router(server) as asked:
        with pytest.raises(EndpointError) as caught:
            asked.chat("classify", said())
        told = "".join(traceback.format_exception(caught.value)) + f"{caught.value.hint} {asked!r} {vars(asked)!r}"
    assert KEY not in told
    assert "check the API key" in told


def test_an_endpoint_that_was_hopeless_is_asked_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmcost.runtime.router.STOPPED_S", 0.0)
    wrong = [error(401), error(404)]
    with Loopback(lambda body: wrong.pop(0) if wrong else echo(body)) as server, router(server) as asked:
        for _ in range(2):
            with pytest.raises(EndpointError):
                asked.chat("classify", said())
        assert asked.chat("classify", said()).text is not None


def test_meanwhile_nothing_is_sent_there() -> None:
    with Loopback(lambda _body: error(404)) as server, router(server, plan(mapped(fallback="large"))) as asked:
        for _ in range(3):
            with pytest.raises(EndpointError, match="404"):
                asked.chat("classify", said())
        assert [request.model for request in server.requests] == ["small", "large"]


def test_a_batch_gives_replies_in_order() -> None:
    questions = [f"question {number}" for number in range(20)]
    with Loopback() as server, router(server) as asked:
        replies = asked.batch("classify", [said(text) for text in questions], temperature=0)
        assert asked.batch("classify", []) == []
        assert server.count() == 20
    assert [(reply.text or "").rpartition(" to ")[2] for reply in replies] == questions


def test_a_batch_of_which_some_got_no_answer_raises_with_the_others() -> None:
    def answer(body: Body) -> Reply:
        return error(400, "no") if body["messages"][0]["content"] == "bad" else Reply(text="good")

    told = "1 of 3 requests got no answer; the first: small did not"
    with Loopback(answer) as server, router(server) as asked, pytest.raises(BatchError, match=told) as caught:
        asked.batch("classify", [said("a"), said("bad"), said("c")])
    assert [reply and reply.text for reply in caught.value.replies] == ["good", None, "good"]
    assert isinstance(caught.value, LLMCostError)


def test_a_plan_that_batches_asks_several_requests_in_one_question() -> None:
    system = "Sort the message into one of: billing, shipping, other. Answer with the word."
    batching = plan(TaskPlan("classify", [Tier("small")], batching=Batching(items=4)))
    with Loopback() as server, router(server, batching) as asked:
        alone = asked.chat("classify", said("where is it", system))
        assert server.count() == 1
        replies = asked.batch("classify", [said(f"parcel {number}", system) for number in range(4)])
    together = server.requests[1].body
    assert all(f"parcel {number}" in str(together) for number in range(4))
    assert alone.attempts[0].share == 1.0
    assert [reply.attempts[0].share for reply in replies] == [0.25] * 4


def test_a_cascade_is_counted_as_escalated_where_a_second_model_was_asked() -> None:
    def answer(body: Body) -> Reply:
        return Reply(text="") if body["model"] == "small" else Reply(text="by the large one")

    cascade = TaskPlan("classify", [Tier("small", keep_from=0.5), Tier("large")], grader="grader")
    with Loopback(answer) as server, router(server, plan(cascade)) as asked:
        found = asked.chat("classify", said())
        assert asked.stats.escalated == 1
    assert (found.text, found.model) == ("by the large one", "large")


def test_stats_are_a_copy() -> None:
    with Loopback() as server, router(server) as asked:
        before = asked.stats
        asked.chat("classify", said())
        assert (before.calls, asked.stats.calls) == (0, 1)


def test_importing_it_is_light() -> None:
    script = f"import sys, llmcost.runtime; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_running_it_needs_no_table_and_no_statistics() -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from support.loopback import Loopback\n"
        "from support.routing import cached, said\n"
        "from llmcost.runtime import Router\n"
        "with Loopback() as server, Router(cached(), base_url=server.base_url) as router:\n"
        "    router.chat('classify', said())\n"
        "print([name for name in ('numpy', 'pandas', 'pyarrow', 'scipy', 'typer') if name in sys.modules])"
    )
    command = [sys.executable, "-c", script, str(Path(__file__).parents[1])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
