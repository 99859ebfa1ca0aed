"""What a router logs, `llmcost audit` reads: all that was paid for, once, and what the cache saved at no cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.loopback import Body, Loopback, Reply, error
from support.routing import KEY, cached, mapped, plan, said

import llmcost
from llmcost import logs, tasks
from llmcost.answers import ToolCall
from llmcost.errors import ConfigError, EndpointError
from llmcost.runtime import Reply as Found
from llmcost.runtime import Router
from llmcost.serving import Batching, Caching, TaskPlan, Tier

PRICES = {"small": (1.0, 4.0), "large": (10.0, 40.0), "grader": (0.5, 2.0)}  # $ per million tokens, in and out


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "llmcost.toml"
    file.write_text(
        "".join(f"[models.{name}.price]\ninput = {cost[0]}\noutput = {cost[1]}\n" for name, cost in PRICES.items())
    )
    return file


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "router.jsonl"


def rows(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def paid(replies: list[Found]) -> Iterator[tuple[str, float]]:
    """The model and the dollars of all that was asked for these replies, by hand."""
    for reply in replies:
        for attempt in [attempt for attempt in reply.attempts if attempt.completion.status == "answered"]:
            usage, (asked, answered) = attempt.completion.usage, PRICES[attempt.completion.model]
            assert usage.input_tokens is not None
            assert usage.output_tokens is not None
            dollars = usage.input_tokens * asked + usage.output_tokens * answered
            yield attempt.completion.model, attempt.share * dollars / 1e6


def test_its_audit_costs_what_usage_times_price_costs(log: Path, config: Path, tmp_path: Path) -> None:
    """A cascade with a grader, a cache, batches, a task of no plan and a fallback, in one log."""

    def answer(body: Body) -> Reply:
        if body["model"] == "small" and "too hard" in str(body["messages"]):
            return error(400, "too long")
        return Reply(text="9" if body["model"] == "grader" else f"an answer of some length by {body['model']}")

    tasks_ = plan(
        TaskPlan("chat", [Tier("small", keep_from=0.5), Tier("large")], grader="grader", caching=Caching(60.0)),
        mapped("classify", fallback="large"),
        TaskPlan("sort", [Tier("small")], batching=Batching(items=4)),
    )
    with Loopback(answer) as server, Router(tasks_, base_url=server.base_url, retries=0) as router:
        router.log_to(log)
        replies = [router.chat("chat", said(f"question {number % 3}")) for number in range(7)]
        replies += [router.chat("classify", said("too hard")), router.chat("classify", said("easy"))]
        replies += [router.chat("other", said("hello"), model="large")]
        replies += router.batch("sort", [said(f"message {number}", "Sort it.") for number in range(4)])
        assert router.stats.hits_exact == 4
        asked = server.count()
    result = llmcost.audit(str(log), config=config, workspace=tmp_path / "workspace").result
    by_hand: dict[str, float] = {}
    for model, dollars in paid(replies):
        by_hand[model] = by_hand.get(model, 0.0) + dollars
    assert result.totals.calls == asked + 4
    assert result.totals.cost_usd == pytest.approx(sum(by_hand.values()), rel=1e-9)
    assert {row.model: row.cost_usd for row in result.by_model} == pytest.approx(by_hand, rel=1e-9)
    assert {row.task for row in result.by_task} == {"chat", "classify", "sort", "other"}


def test_a_line_says_what_was_asked_when_and_how_long_it_took_but_no_word_of_it(log: Path) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 50, "prompt_tokens_details": {"cached_tokens": 64}}
    with (
        Loopback(lambda _body: Reply(text="a secret answer", usage=usage)) as server,
        Router(cached(), base_url=server.base_url, api_key=KEY) as router,
    ):
        router.log_to(log)
        for _ in range(2):
            router.chat("classify", said("a secret question"), user="ann")
    first, second = rows(log)
    assert first["model"] == first["response_model"] == "small"
    assert (first["task"], first["purpose"], first["finish_reason"]) == ("classify", "answer", "stop")
    assert (first["input_tokens"], first["cache_read_tokens"], first["output_tokens"]) == (100, 64, 50)
    assert first["latency_ms"] > 0
    assert (second["app_cache"], second["cache"], second["input_tokens"]) == ("hit", "exact", 100)
    assert first["trace_id"] != second["trace_id"]
    assert not any(word in log.read_text() for word in ("secret", "ann", KEY))


def test_with_text_the_log_has_prompts_and_answers_that_can_be_replayed(log: Path) -> None:
    reply = Reply(text=None, tool_calls=(("paint", '{"with": "red"}'),))
    with Loopback(lambda _body: reply) as server, Router(cached(), base_url=server.base_url) as router:
        router.log_to(log, text=True)
        router.chat("classify", said(), temperature=0.5)
    read = logs.read([str(log)], call_site=tasks.call_site)
    [found] = logs.bodies(read.calls)
    assert found.request == {"model": "small", "messages": said(), "temperature": 0.5}
    assert found.answer is not None
    assert found.answer.tool_calls == (ToolCall("paint", '{"with": "red"}'),)


def test_what_failed_is_logged_as_failed(log: Path) -> None:
    with (
        Loopback(lambda _body: error(400)) as server,
        Router(plan(mapped()), base_url=server.base_url, retries=0) as router,
    ):
        router.log_to(log)
        with pytest.raises(EndpointError):
            router.chat("classify", said())
    assert [(row["error"], row["input_tokens"]) for row in rows(log)] == [("rejected", None)]


def test_a_log_is_continued(log: Path) -> None:
    for _ in range(2):
        with Loopback() as server, Router(plan(mapped()), base_url=server.base_url) as router:
            router.log_to(log)
            router.chat("classify", said())
    assert len({row["id"] for row in rows(log)}) == 2


def test_a_log_that_cannot_be_opened_is_an_error_at_once(tmp_path: Path) -> None:
    router = Router(plan(mapped()), base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ConfigError, match=r"cannot write the log .*: No such file or directory"):
        router.log_to(tmp_path / "nowhere" / "router.jsonl")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_log_that_cannot_be_written_fails_no_request() -> None:
    with Loopback() as server, Router(plan(mapped()), base_url=server.base_url) as router:
        router.log_to("/dev/full")
        assert router.chat("classify", said()).text is not None
        assert router.stats.unlogged == 1
