"""Gateways and observability exports: what a count includes, what is paid, what is a call at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.real_data import path

from llmcost import logs
from llmcost.answers import Usage
from llmcost.logs.formats.langfuse import usage_details
from llmcost.logs.langchain import chat_messages
from llmcost.logs.overlap import Parts, settled

FIXTURES = Path(__file__).parent / "fixtures"


def fixture(name: str) -> logs.Log:
    return logs.read(sorted(map(str, (FIXTURES / name).glob("in.*"))), call_site=lambda call: None)


def rows_of(*parts: str) -> list[dict[str, Any]]:
    log = logs.read([str(path(*parts))], call_site=lambda call: None)
    assert log.rejected == 0
    rows: list[dict[str, Any]] = log.calls.table.to_pylist()
    return rows


counts = st.integers(0, 10**6)


@given(counts, counts, counts, counts, st.booleans(), st.booleans())
def test_a_logged_total_settles_whatever_the_convention(
    alone: int, cache: int, said: int, thought: int, cache_beside: bool, reasoning_beside: bool
) -> None:
    """Whichever way the counts are written down, with a total they mean the same."""
    into, out = alone + cache, said + thought
    for inside in (True, False):
        parts = Parts(
            input=into if inside else alone, output=out if inside else said, cache_read=cache, reasoning=thought,
            input_details=cache, output_details=thought,
        )  # fmt: skip
        found = settled(parts, into + out, cache_beside=cache_beside, reasoning_beside=reasoning_beside)
        assert found == Usage(into, cache, None, out, thought)


@given(counts, counts, st.booleans())
def test_a_part_larger_than_the_whole_lies_beside_it(given_tokens: int, cache: int, beside: bool) -> None:
    parts = Parts(input=given_tokens, output=1, cache_read=cache, input_details=cache)
    found = settled(parts, None, cache_beside=beside, reasoning_beside=False)
    assert found.input_tokens == given_tokens + cache * (beside or cache > given_tokens)


def test_nothing_logged_is_unknown() -> None:
    assert settled(Parts(), None, cache_beside=True, reasoning_beside=True) == Usage()


@pytest.mark.parametrize(
    ("block", "usage"),
    [
        # Langfuse's OpenAI wrapper: parts exclude one another, 20 + 100 in, 5 + 4 out.
        ({"input": 20, "input_cached_tokens": 100, "output": 5, "output_reasoning_tokens": 4, "total": 129},
         Usage(120, 100, None, 9, 4)),
        # Anthropic's keys: 20 + 90 + 10 in.
        ({"input": 20, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 10, "output": 9, "total": 129},
         Usage(120, 90, 10, 9, None)),
        # A sender that leaves the cache in the input: 129 − 9 = 120 in.
        ({"input": 120, "cache_read_input_tokens": 100, "output": 9, "total": 129}, Usage(120, 100, None, 9, None)),
        # OpenInference's keys, inside even without a total.
        ({"input": 120, "prompt_details.cache_read": 100, "output": 9, "completion_details.reasoning": 4},
         Usage(120, 100, None, 9, 4)),
        # Audio counts as input; Gemini's thoughts as output.
        ({"input": 20, "input_audio": 7, "input_cache_read": 100, "output": 9, "total": 136},
         Usage(127, 100, None, 9, None)),
        ({}, Usage()),
    ],
)  # fmt: skip
def test_langfuse_usage_keys(block: dict[str, int], usage: Usage) -> None:
    assert usage_details(block) == usage


def test_the_real_langfuse_traces_count_each_call_once() -> None:
    """Totals added up by hand from the leaves of each trace."""
    files = {"agno-2025-06-11": (663 + 163, 225 + 20), "google-gemini-2025-08-01": (6, 2055),
             "koog-2025-08-26": (168 + 47, 19 + 106), "langgraph-2025-08-22": (60 + 108, 15 + 51),
             "microsoft-agent-2025-10-14": (631 + 25, 35 + 70),
             "openai-agents-2025-09-30": (85 + 55, 29 + 15)}  # fmt: skip
    for name, totals in files.items():
        rows = rows_of("log_samples", f"langfuse_{name}.json")
        found = sum(row["input_tokens"] for row in rows), sum(row["output_tokens"] for row in rows)
        assert found == totals, name


def test_the_innermost_generation_is_what_the_provider_counted() -> None:
    """Two instrumentations watch one client; the outer one's sums are wrong, as the body in its own output says."""
    trace = json.loads(path("log_samples", "langfuse_agno-2025-06-11.json").read_text())
    outer = [item for item in trace["observations"] if item["name"] == "OpenAIChat.invoke"]
    billed = sorted(item["output"]["usage"]["prompt_tokens"] for item in outer)
    rows = rows_of("log_samples", "langfuse_agno-2025-06-11.json")
    assert sorted(row["input_tokens"] for row in rows) == billed


def test_thoughts_are_part_of_the_output_in_the_real_gemini_trace() -> None:
    (row,) = rows_of("log_samples", "langfuse_google-gemini-2025-08-01.json")
    assert (row["output_tokens"], row["reasoning_tokens"], row["latency_ms"]) == (2055, 1104, 12032.0)


def test_a_langchain_trace_is_replayable_with_its_tools() -> None:
    log = logs.read([str(path("log_samples", "langfuse_langgraph-2025-08-22.json"))], call_site=lambda call: None)
    first, second = logs.bodies(log.calls)
    assert first.request is not None and second.request is not None
    assert [tool["function"]["name"] for tool in first.request["tools"]] == ["Web-Search"]
    assert [message["role"] for message in second.request["messages"]] == ["user", "user", "assistant", "tool"]
    assert first.answer is not None and first.answer.tool_calls[0].name == "Web-Search"


def test_the_real_litellm_records() -> None:
    (payload,) = rows_of("log_samples", "litellm_standard_logging.jsonl")
    (spend,) = rows_of("log_samples", "litellm_spend_logs.jsonl")
    for row in (payload, spend):
        assert (row["input_tokens"], row["output_tokens"]) == (10, 20)
        assert row["logged_cost_usd"] == pytest.approx(0.000225)
        assert row["latency_ms"] == pytest.approx(4.583)
    assert (payload["body_state"], spend["body_state"]) == ("full", "absent")


def litellm_payload(id: str, start: float, **changes: Any) -> dict[str, Any]:
    """What a callback is given of a call; its row in the database is `spend_log` of the same arguments."""
    return {
        "id": id, "call_type": "acompletion", "cache_hit": None, "status": "success", "startTime": start,
        "endTime": start + 1.0, "completionStartTime": start + 1.0, "model": "gpt-4o", "response_cost": 0.01,
        "prompt_tokens": 120, "completion_tokens": 9, "messages": [{"role": "user", "content": "Hi"}],
        "response": {"id": id, "choices": [{"message": {"role": "assistant", "content": "Hello"}}]}, **changes,
    }  # fmt: skip


def spend_log(id: str, start: float, **changes: Any) -> dict[str, Any]:
    at = [f"2026-09-21 14:13:{second:06.3f}" for second in (20 + start - 1790000000, 21 + start - 1790000000)]
    return {
        "request_id": id, "call_type": "acompletion", "cache_hit": "False", "status": "success", "startTime": at[0],
        "endTime": at[1], "completionStartTime": at[1], "model": "gpt-4o", "spend": 0.01, "prompt_tokens": 120,
        "completion_tokens": 9, "messages": "{}", "response": "{}", "proxy_server_request": "{}", **changes,
    }  # fmt: skip


@pytest.mark.parametrize("rows_first", [True, False])
def test_a_call_in_both_logs_of_litellm_counts_once_with_its_body(read_records, rows_first: bool) -> None:
    start = 1790000000.0
    hit = {"cache_hit": True, "response_cost": 0, "spend": 0}
    failed = {"status": "failure", "response": {}, "completion_tokens": 0}
    payloads = [
        litellm_payload("a", start),
        litellm_payload("a_cache_hit1790000005.1", start + 5, **hit),
        litellm_payload("a_cache_hit1790000006.1", start + 6, **hit),
        litellm_payload("b", start + 7.25, **failed),
        litellm_payload("b", start + 9, **failed),
    ]
    rows = [
        spend_log("a", start),
        spend_log("a_cache_hit1790000005.3", start + 5, **hit),
        spend_log("a_cache_hit1790000006.3", start + 6, **hit),
        spend_log("b", start + 7.25, **failed),
        spend_log("only-here", start + 20),
    ]
    log, calls = read_records(*(rows + payloads if rows_first else payloads + rows))
    assert (log.records, log.rejected, log.passed_over) == (10, 0, 4)
    found = {call.id: call for call in calls}
    assert sorted(map(str, found)) == sorted(
        ["a", "a@1790000005000", "a@1790000006000", "b@1790000007250", "b@1790000009000", "only-here"]
    )
    assert {call.body_state for id, call in found.items() if id != "only-here"} == {"full"}
    assert found["only-here"].body_state == "absent"
    assert [call.error_type for call in calls].count(None) == 4


def test_texts_that_litellm_cut_are_kept_for_money_only() -> None:
    rows = {row["id"]: row for row in fixture("litellm").calls.table.to_pylist()}
    cut = rows["chatcmpl-6"]
    assert (cut["body_state"], cut["prompt_key"]) == ("truncated", None)
    assert (cut["input_tokens"], cut["request_model"]) == (120, "gpt-4o")


@pytest.mark.parametrize(
    ("name", "hits"),
    [("litellm", {"chatcmpl-3@1790000000000", "chatcmpl-5@1790000000000"}), ("helicone", {"h-5"}), ("portkey", {"p-2"}),
     ("cloudflare", {"01J-2"}), ("tensorzero", {"0199c9f0-5c00-7000-8000-000000000003"})],
)  # fmt: skip
def test_answers_out_of_a_gateways_cache_cost_nothing_and_keep_their_tokens(name: str, hits: set[str]) -> None:
    rows = fixture(name).calls.table.to_pylist()
    found = [row for row in rows if dict(row["tags"]).get("app_cache") == "hit"]
    assert {row["id"] for row in found} == hits
    assert all(row["logged_cost_usd"] == 0 and row["input_tokens"] == 120 for row in found)


def test_portkeys_cents_are_dollars_and_other_currencies_unknown() -> None:
    costs = [row["logged_cost_usd"] for row in fixture("portkey").calls.table.to_pylist()]
    assert costs == [0.00021, 0.0, 0.0, None, 0.00006]


@pytest.mark.parametrize(("own_key", "cost"), [(True, 0.00105), (False, 0.001)])
def test_a_key_of_ones_own_is_billed_beside_openrouters_charge(own_key: bool, cost: float, read_records: Any) -> None:
    charge = 0.00005 if own_key else 0.001
    record = {"id": "g", "model": "m", "native_tokens_prompt": 9, "native_tokens_completion": 1, "total_cost": charge,
              "upstream_inference_cost": 0.001, "is_byok": own_key}  # fmt: skip
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "cost": charge, "is_byok": own_key,
             "cost_details": {"upstream_inference_cost": 0.001}}  # fmt: skip
    body = {"object": "chat.completion", "model": "m", "choices": [{"message": {"content": "x"}}], "usage": usage}
    for row in (record, body):
        _, (call,) = read_records(row)
        assert call.logged_cost_usd == pytest.approx(cost)


def test_exports_that_overlap_count_an_observation_once() -> None:
    log = fixture("langfuse")
    identifiers = log.calls.column("id").to_pylist()
    assert len(identifiers) == len(set(identifiers))
    assert "r-exclusive-openai" in identifiers


@pytest.mark.parametrize(
    "record",
    [
        {"id": "t", "timestamp": "2026-10-01 10:00:00", "name": "quiz", "input": "Where?", "output": "Here.",
         "bookmarked": False, "public": False, "release": None, "session_id": "s"},
        {"id": "s", "trace_id": "t", "name": "ok", "value": 1, "data_type": "NUMERIC", "source": "API",
         "string_value": None},
        {"id": "o", "traceId": "t", "type": "SPAN", "level": "DEFAULT", "input": "Where?", "output": "Here."},
        {"run_type": "chain", "trace_id": "t", "inputs": {"messages": []}, "outputs": {}, "total_tokens": 9},
        {"id": "i", "function_name": "f", "variant_name": "v", "episode_id": "e", "inference_params": "{}",
         "input": "{}", "output": "[]"},
    ],
)  # fmt: skip
def test_what_repeats_the_calls_below_it_is_passed_over(record: dict[str, Any], read_records: Any) -> None:
    log, calls = read_records(record)
    assert (calls, log.rejected, log.passed_over) == ([], 0, 1)


def test_a_trace_without_generations_is_passed_over(read_records: Any) -> None:
    span = {"id": "o", "traceId": "t", "type": "SPAN", "level": "DEFAULT"}
    log, _ = read_records({"trace": {"id": "t"}, "observations": [span]})
    assert (log.rejected, log.passed_over) == (0, 1)


def test_bodies_of_other_providers_are_translated(read_records: Any) -> None:
    request = {"model": "claude-sonnet-4-5", "max_tokens": 9, "system": "Be brief.",
               "messages": [{"role": "user", "content": [{"type": "text", "text": "Where?"}]}]}  # fmt: skip
    response = {"type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "stop_reason": "end_turn",
                "content": [{"type": "text", "text": "Here."}],
                "usage": {"input_tokens": 20, "cache_read_input_tokens": 100, "output_tokens": 9}}  # fmt: skip
    record = {"request_created_at": "2026-10-01T10:00:00Z", "response_created_at": None, "response_status": 200,
              "provider": "ANTHROPIC", "request_body": request, "response_body": response}  # fmt: skip
    _, (call,) = read_records(record)
    assert [message["role"] for message in call.request["messages"]] == ["system", "user"]
    assert (call.answer.text, call.answer.finish_reason) == ("Here.", "stop")
    assert (call.usage.input_tokens, call.usage.cache_read_tokens, call.usage.output_tokens) == (120, 100, 9)


def test_neither_text_nor_keys_nor_people_become_tags() -> None:
    for name in ("litellm", "langfuse", "helicone", "portkey", "databricks", "langsmith"):
        stored = str(fixture(name).calls.table.to_pylist())
        for word in ("France", "88dc28", "10.0.0.1", "pk-1", "ann@", "asked too much", "Slow down"):
            assert word not in stored, (name, word)


def test_langchain_messages_however_they_are_written_down() -> None:
    ours = [{"role": "user", "content": "Where?"},
            {"role": "assistant", "content": "", "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "map", "arguments": '{"q":1}'}}]},
            {"role": "tool", "content": "Here.", "tool_call_id": "c"}]  # fmt: skip
    call = {"name": "map", "args": {"q": 1}, "id": "c", "type": "tool_call"}
    dumped = [{"type": "human", "content": "Where?"}, {"type": "ai", "content": "", "tool_calls": [call]},
              {"type": "tool", "content": "Here.", "tool_call_id": "c"}]  # fmt: skip
    classes = {"human": "HumanMessage", "ai": "AIMessageChunk", "tool": "ToolMessage"}
    serialised = [{"lc": 1, "id": ["langchain", classes[item["type"]]], "kwargs": item} for item in dumped]
    wrapped = [{"type": item["type"], "data": item} for item in dumped]
    for items in (ours, dumped, serialised, wrapped, [serialised]):
        assert chat_messages(items) == ours
    assert chat_messages([{"role": "tool", "content": "Here."}]) is None
    assert chat_messages(["Where?"]) is None
