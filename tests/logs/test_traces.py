"""Traces: each model call counts once, whoever exported the spans, however they are grouped, whatever is above them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.examples import odd
from support.real_data import path

from llmcost import logs
from llmcost.answers import Usage
from llmcost.calls import Call

FIXTURES = Path(__file__).parent / "fixtures"
START_NS = 1_790_848_800_000_000_000


def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}
    return [{"key": key, "value": {kinds[type(value)]: value}} for key, value in attributes.items()]


def span(id: str, parent: str | None = None, **attributes: Any) -> dict[str, Any]:
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    return {
        "traceId": "t", "spanId": id, "parentSpanId": parent or "", "name": "x", "startTimeUnixNano": str(START_NS),
        "endTimeUnixNano": str(START_NS + 2_000_000), "attributes": pairs(named),
    }  # fmt: skip


def batch(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": [one]} for one in spans]}]}


def chat(id: str, parent: str | None = None, tokens: int = 10, **attributes: Any) -> dict[str, Any]:
    known = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-4o"}
    return span(id, parent, **{**known, "gen_ai__usage__input_tokens": tokens, **attributes})


def read(tmp_path: Path, *records: Any) -> tuple[logs.Log, list[Call]]:
    file = tmp_path / "trace.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    log = logs.read([str(file)], call_site=lambda call: None)
    return log, logs.bodies(log.calls)


def test_the_recorded_spans_of_the_vercel_sdk_count_each_step_once() -> None:
    log = logs.read([str(path("log_samples", "otel_vercel_ai_sdk_v6_spans.json"))], call_site=lambda call: None)
    assert (log.records, log.rejected, log.passed_over, log.formats) == (10, 0, 5, ["Vercel AI SDK spans"])
    assert log.calls.column("input_tokens").to_pylist() == [14, 50, 63, 15, 10]
    assert log.calls.column("output_tokens").to_pylist() == [20, 9, 156, 112, None]
    assert log.calls.labels("operation") == ["chat", "chat", "chat", "chat", "embeddings"]
    assert log.calls.labels("body_state") == ["full", "full", "truncated", "full", "unsupported"]
    assert log.calls.column("time_to_first_chunk_ms").to_pylist()[3] == pytest.approx(426.8535)
    _, second, *_ = logs.bodies(log.calls)
    assert second.request is not None and second.answer is not None
    assert [message["role"] for message in second.request["messages"]] == ["system", "user", "assistant", "user"]
    assert second.answer.text == "3 + 3 equals 6."


def test_a_span_above_a_call_is_no_call_however_far_above(tmp_path: Path) -> None:
    log, calls = read(
        tmp_path, batch(chat("a", tokens=99), span("b", "a", http__method="POST"), chat("c", "b"), chat("d", "b", 20))
    )
    assert [call.usage.input_tokens for call in calls] == [10, 20]
    assert log.calls.column("part").to_pylist() == [0, 1]


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai__operation__name": "invoke_agent"},
        {"gen_ai__operation__name": "execute_tool"},
        {"gen_ai__operation__name": "invoke_workflow"},
        {"traceloop__span__kind": "workflow"},
        {"gen_ai__agent__name": "guide", "gen_ai__request__model": "gpt-4o", "gen_ai__usage__input_tokens": 10},
        {"openinference__span__kind": "AGENT", "llm__token_count__prompt": 10},
        {"openinference__span__kind": "CHAIN", "llm__model_name": "gpt-4o"},
        {"ai__operationId": "ai.streamText", "ai__usage__inputTokens": 10},
        {"ai__operationId": "ai.toolCall"},
        {"http__request__method": "GET"},
    ],
)
def test_spans_that_only_surround_calls_are_passed_over_in_records_of_their_own(tmp_path: Path, attributes) -> None:
    usage = {"gen_ai__usage__input_tokens": 10} if "gen_ai__operation__name" in attributes else {}
    log, calls = read(tmp_path, chat("a"), span("b", **attributes, **usage))
    assert (log.records, log.passed_over, log.rejected, len(calls)) == (2, 1, 0, 1)


@pytest.mark.parametrize(
    ("names", "usage"),
    [
        ({"input_tokens": 100, "output_tokens": 9, "cache_read.input_tokens": 60, "cache_write.input_tokens": 5,
          "reasoning.output_tokens": 4}, Usage(100, 60, 5, 9, 4)),
        ({"input_tokens": 100, "output_tokens": 9, "cache_creation.input_tokens": 5}, Usage(100, None, 5, 9, None)),
        ({"prompt_tokens": 100, "completion_tokens": 9}, Usage(100, None, None, 9, None)),
        ({"input_tokens": 100, "details.cache_read_tokens": 60, "details.reasoning_tokens": 0},
         Usage(100, 60, None, None, 0)),
        ({"input_tokens": 35, "cache_read_input_tokens": 60, "cache_creation_input_tokens": 5},
         Usage(100, 60, 5, None, None)),
    ],
)  # fmt: skip
def test_token_names_of_every_generation(tmp_path: Path, names: dict[str, int], usage: Usage) -> None:
    attributes = {f"gen_ai.usage.{name}": count for name, count in names.items()} | {"gen_ai.request.model": "gpt-4o"}
    _, (call,) = read(tmp_path, {**span("a"), "attributes": pairs(attributes)})
    assert call.usage == usage


def test_dialects_mixed_in_one_record_are_all_read(tmp_path: Path) -> None:
    inner = span("b", openinference__span__kind="LLM", llm__model_name="gpt-4o", llm__token_count__prompt=7)
    step = span("c", ai__operationId="ai.generateText.doGenerate", ai__model__id="gpt-4o", ai__usage__inputTokens=8)
    log, calls = read(tmp_path, batch(chat("a"), inner, step))
    assert [call.usage.input_tokens for call in calls] == [10, 7, 8]
    assert {source.format for source in log.calls.sources} == {"otel-genai"}


def test_one_exchange_in_every_dialect_is_one_request(tmp_path: Path) -> None:
    said, answered = "Capital of France?", "Paris"
    parts = json.dumps([{"role": "user", "parts": [{"type": "text", "content": said}]}])
    back = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": answered}]}])
    flat = {f"gen_ai.prompt.0.{key}": value for key, value in {"role": "user", "content": said}.items()}
    events = [
        {"name": "gen_ai.user.message", "attributes": pairs({"content": said})},
        {"name": "gen_ai.choice", "attributes": pairs({"message": json.dumps({"content": answered})})},
    ]
    message = {"role": "user", "content": [{"type": "text", "text": said}]}
    spans = [
        span("a", **{"gen_ai.input.messages": parts, "gen_ai.output.messages": back}),
        span("b", **flat, **{"gen_ai.completion.0.content": answered}),
        {**span("c", **{"gen_ai.operation.name": "chat"}), "events": events},
        span("d", **{"openinference.span.kind": "LLM", "llm.input_messages.0.message.role": "user",
                     "llm.input_messages.0.message.content": said, "llm.output_messages.0.message.content": answered,
                     "llm.model_name": "gpt-4o"}),
        span("e", **{"ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "gpt-4o",
                     "ai.response.text": answered, "ai.prompt.messages": json.dumps([message])}),
    ]  # fmt: skip
    for one in spans[:3]:
        one["attributes"] += pairs({"gen_ai.request.model": "gpt-4o"})
    log, calls = read(tmp_path, *spans)
    assert len(set(log.calls.column("prompt_key").to_pylist())) == 1
    assert log.calls.labels("body_state") == ["full"] * 5
    assert {call.answer.text for call in calls if call.answer} == {answered}


def test_a_body_with_a_part_missing_is_kept_for_its_cost_alone(tmp_path: Path) -> None:
    cut = {"gen_ai.input.messages": '[{"role": "user", "parts": [{"type": "te'}
    called = json.dumps([{"role": "assistant", "parts": [{"type": "tool_call", "name": "f", "arguments": {}}]}])
    asked = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "x"}]}])
    odd = json.dumps([{"role": "user", "parts": [{"type": "file", "file_id": "f1", "modality": "document"}]}])
    log, _ = read(
        tmp_path,
        chat("a", **cut),
        chat("b", **{"gen_ai.input.messages": asked, "gen_ai.output.messages": called}),
        chat("c", **{"gen_ai.input.messages": odd}),
        chat("d"),
    )
    assert log.calls.labels("body_state") == ["truncated", "truncated", "unsupported", "absent"]
    assert log.calls.column("input_tokens").to_pylist() == [10] * 4


def test_users_and_texts_are_no_tags_and_mapped_attributes_are_what_they_were_mapped_to(tmp_path: Path) -> None:
    file = tmp_path / "trace.jsonl"
    attributes = {"user.id": "ann", "team": "search", "gen_ai.agent.name": "guide", "gen_ai.input.messages": "[]"}
    file.write_text(json.dumps(chat("a", **attributes)) + "\n")
    options = logs.ReadOptions(fields={"task": "attributes.team"})
    log = logs.read([str(file)], options, call_site=lambda call: None)
    (row,) = log.calls.table.to_pylist()
    assert dict(row["tags"]) == {"attributes.gen_ai.agent.name": "guide", "task": "search"}
    assert row["user_key"] is not None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.integers(0, 8))
def test_how_spans_are_grouped_into_records_changes_nothing(tmp_path: Path, kinds: list[int], cut: int) -> None:
    spans = [
        (chat(f"s{n}", tokens=n), span(f"s{n}", gen_ai__operation__name="invoke_agent"), span(f"s{n}", db__system="x"),
         span(f"s{n}", openinference__span__kind="LLM", llm__model_name="m", llm__token_count__prompt=n))[kind]
        for n, kind in enumerate(kinds)
    ]  # fmt: skip
    single, _ = read(tmp_path, *spans)
    grouped, _ = read(tmp_path, *(batch(*part) for part in (spans[:cut], spans[cut:]) if part))
    assert grouped.calls.column("input_tokens") == single.calls.column("input_tokens")
    assert grouped.calls.column("id") == single.calls.column("id")
    assert grouped.rejected == single.rejected == 0


names = st.sampled_from(
    ["resourceSpans", "scopeSpans", "spans", "resource", "attributes", "spanId", "parentSpanId", "name", "events",
     "startTimeUnixNano", "status", "code", "key", "value", "stringValue", "arrayValue", "values", "kvlistValue",
     "gen_ai.request.model", "gen_ai.input.messages", "gen_ai.operation.name", "gen_ai.prompt.0.content",
     "gen_ai.usage.input_tokens", "gen_ai.tool.definitions", "openinference.span.kind", "llm.input_messages",
     "llm.tools", "input.value", "llm.invocation_parameters", "ai.operationId", "ai.prompt.messages", "ai.prompt.tools",
     "ai.response.toolCalls", "ai.response.providerMetadata", "ai.prompt.toolChoice", "role", "parts", "content",
     "type", "message", "type", "sessionId", "usage", "payload", "info", "total_token_usage", "last_token_usage",
     "input_tokens", "timestamp", "uuid", "model", "tool_calls", "function"]
)  # fmt: skip
words = st.sampled_from(
    ["chat", "LLM", "ai.generateText.doGenerate", "assistant", "event_msg", "token_count", "turn_context", "text",
     "tool_call", "tool_call_response", "[{}]", '{"a": [1]}', "[", "x"]
)  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=14,
)
attributes = st.dictionaries(names, anything, max_size=6) | st.just({"ai.operationId": "ai.generateText.doGenerate"})
spans = st.fixed_dictionaries({"spanId": words, "attributes": attributes}, optional={"events": anything})
events = st.fixed_dictionaries({"type": words, "payload": anything, "sessionId": words, "message": anything})


@odd
@given(st.lists(st.dictionaries(names, anything, max_size=6) | spans | events, min_size=1, max_size=4))
def test_odd_traces_and_sessions_lose_no_record(tmp_path: Path, records: list[dict[str, Any]]) -> None:
    log, calls = read(tmp_path, *records)
    holding = {(row["source"], row["position"]) for row in log.calls.table.to_pylist()}
    assert log.records == len(records) == len(holding) + log.passed_over + log.rejected
    assert len(calls) == len(log.calls)


def test_an_embedding_span_is_a_call_unless_another_stands_below_it(tmp_path: Path) -> None:
    def embedding(id: str, parent: str | None = None) -> dict[str, Any]:
        return span(id, parent, **{
            "openinference.span.kind": "EMBEDDING", "embedding.model_name": "text-embedding-3-small",
            "llm.token_count.prompt": 8,
        })  # fmt: skip

    log, (call,) = read(tmp_path, batch(embedding("outer"), embedding("inner", "outer")))
    assert (call.id, call.operation, call.request_model) == ("inner", "embeddings", "text-embedding-3-small")
    assert (call.usage.input_tokens, call.body_state, log.rejected) == (8, "unsupported", 0)


def test_an_event_that_tells_a_whole_call_is_one_and_events_of_messages_are_not(tmp_path: Path) -> None:
    def event(name: str, **attributes: Any) -> dict[str, Any]:
        known = {key.replace("__", "."): value for key, value in attributes.items()}
        return {"timeUnixNano": str(START_NS), "spanId": "s", "eventName": name, "attributes": pairs(known)}

    whole = event(
        "gen_ai.client.inference.operation.details",
        gen_ai__operation__name="chat", gen_ai__request__model="gpt-4o", gen_ai__usage__input_tokens=10,
    )  # fmt: skip
    said = event("gen_ai.user.message", gen_ai__system="openai")
    logged = {"resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": {}, "logRecords": [said, whole]}]}]}
    log, calls = read(tmp_path, logged, whole, said)
    assert [call.usage.input_tokens for call in calls] == [10, 10]
    assert [call.latency_ms for call in calls] == [None, None]
    assert (log.records, log.rejected, log.passed_over) == (3, 0, 1)
