"""Logs that nobody on this project wrote: every record is accounted for, and what it says is read."""

from __future__ import annotations

import json
from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest
from support.real_data import path

from llmcost import logs


def read(*parts: str) -> logs.Log:
    return logs.read([str(path(*parts))], call_site=lambda call: "site")


def test_all_80_recorded_openai_pairs_are_calls_and_their_streams_are_put_together() -> None:
    log = read("log_samples", "openai_pairs_openllmetry.jsonl")
    assert (log.records, log.rejected, len(log.calls)) == (80, 0, 80)
    assert Counter(log.calls.labels("error_type")) == {None: 74, "DeploymentNotFound": 3, "content_filter": 3}
    calls = logs.bodies(log.calls)
    streams = [call for call in calls if call.stream and call.error_type is None]
    assert len(streams) == 33
    assert all(call.answer is not None and call.answer.text and call.response_model for call in streams)
    assert {call.answer.finish_reason for call in streams if call.answer} == {"stop"}


def test_a_streams_text_is_the_text_of_its_chunks() -> None:
    source = path("log_samples", "openai_pairs_openllmetry.jsonl")
    log = logs.read([str(source)], call_site=lambda call: None)
    records = [json.loads(line) for line in source.read_text().splitlines()]
    for record, call in zip(records, logs.bodies(log.calls), strict=True):
        if isinstance(record["response"], str) and call.answer is not None:
            datas = [line[6:] for line in record["response"].splitlines() if line.startswith("data: {")]
            deltas = [choice["delta"] for data in datas for choice in json.loads(data)["choices"]]
            assert call.answer.text == "".join(delta.get("content") or "" for delta in deltas)


def test_azure_deployments_keep_the_name_asked_and_the_model_served() -> None:
    log = read("log_samples", "openai_pairs_openllmetry.jsonl")
    pairs = set(zip(log.calls.labels("request_model"), log.calls.labels("response_model"), strict=True))
    assert ("openllmetry-testing", "gpt-35-turbo") in pairs


def test_a_filtered_answer_is_an_answer_that_says_so() -> None:
    log = read("log_samples", "openai_pairs_openllmetry.jsonl")
    assert Counter(log.calls.labels("finish_reason"))["content_filter"] == 3


def test_a_bare_chat_completion_is_a_call_without_a_body() -> None:
    log = read("log_samples", "openai_chat_completion_tensorzero.json")
    row = log.calls.table.to_pylist()[0]
    assert (row["input_tokens"], row["cache_read_tokens"], row["output_tokens"], row["reasoning_tokens"]) == (
        57, 2, 17, 1,
    )  # fmt: skip
    assert row["body_state"] == "absent" and row["prompt_key"] is None


def test_a_file_of_loose_chunks_is_one_call_a_stream_with_the_last_usage() -> None:
    log = read("log_samples", "openai_stream_chunks_tensorzero.jsonl")
    assert (log.records, log.rejected, log.passed_over, len(log.calls)) == (10, 0, 9, 1)
    (row,) = log.calls.table.to_pylist()
    assert (row["input_tokens"], row["cache_read_tokens"], row["output_tokens"], row["reasoning_tokens"]) == (
        57, 2, 17, 1,
    )  # fmt: skip
    assert (row["request_model"], row["body_state"]) == ("gpt-4.1-mini", "absent")


def test_a_chunk_among_calls_of_another_format_is_no_call_of_its_own(tmp_path) -> None:
    chunk = path("log_samples", "openai_stream_chunks_tensorzero.jsonl").read_text().splitlines()[0]
    pair = {"request": {"model": "m", "messages": [{"role": "user", "content": "x"}]}, "response": {"choices": []}}
    mixed = tmp_path / "mixed.jsonl"
    mixed.write_text("".join(line + "\n" for line in (json.dumps(pair), chunk, json.dumps(pair))))
    log = logs.read([str(mixed)], call_site=lambda call: None)
    assert (log.records, log.rejected, len(log.calls)) == (3, 1, 2)
    assert "one chunk" in log.rejects[0].reason


def test_a_list_of_chunks_beside_its_request_is_a_call_with_a_body(tmp_path) -> None:
    source = path("log_samples", "openai_stream_chunks_tensorzero.jsonl")
    chunks = [json.loads(line) for line in source.read_text().splitlines()]
    wrapped = tmp_path / "wrapped.jsonl"
    request = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Who is Santa?"}], "stream": True}
    wrapped.write_text(json.dumps({"request": request, "response": chunks}) + "\n")
    (call,) = logs.bodies(logs.read([str(wrapped)], call_site=lambda call: None).calls)
    assert call.answer is not None
    assert (call.answer.text, call.answer.finish_reason) == ("Santa Claus is a popular figure in Christmas", "length")
    assert (call.usage.input_tokens, call.usage.output_tokens) == (57, 17)


def test_cached_tokens_of_openai_and_deepseek_bodies() -> None:
    log = read("log_samples", "helicone_provider_response_bodies.jsonl")
    assert log.calls.column("cache_read_tokens").to_pylist() == [1152, 70]
    assert log.calls.column("input_tokens").to_pylist() == [1248, 100]


def test_a_spend_log_without_messages_has_no_body() -> None:
    row = read("log_samples", "litellm_spend_logs.jsonl").calls.table.to_pylist()[0]
    assert (row["body_state"], row["prompt_key"]) == ("absent", None)
    assert (row["input_tokens"], row["output_tokens"]) == (10, 20)


def test_trajectories_are_message_lists_without_a_model() -> None:
    log = read("tau_bench", "gpt-4o-airline.trajectories.jsonl.gz")
    assert (log.records, log.rejected) == (200, 0)
    assert set(log.calls.labels("request_model")) == {None}
    assert len(logs.bodies(log.calls)) == 200


class Sample(NamedTuple):
    """What a file holds, counted by hand: tokens from its own usage blocks, parents of a call not counted again."""

    format: str
    records: int
    calls: int
    input_tokens: int
    output_tokens: int
    passed_over: int = 0


SAMPLES = {
    "helicone_provider_response_bodies.jsonl": Sample("openai-pairs", 2, 2, 1_248 + 100, 60),
    "langfuse_agno-2025-06-11.json": Sample("langfuse", 1, 2, 663 + 163, 225 + 20),
    "langfuse_google-gemini-2025-08-01.json": Sample("langfuse", 1, 1, 6, 2_055),
    "langfuse_koog-2025-08-26.json": Sample("langfuse", 1, 2, 168 + 47, 19 + 106),
    "langfuse_langgraph-2025-08-22.json": Sample("langfuse", 1, 2, 60 + 108, 15 + 51),
    "langfuse_microsoft-agent-2025-10-14.json": Sample("langfuse", 1, 2, 631 + 25, 35 + 70),
    "langfuse_openai-agents-2025-09-30.json": Sample("langfuse", 1, 2, 85 + 55, 29 + 15),
    "litellm_spend_logs.jsonl": Sample("litellm", 1, 1, 10, 20),
    "litellm_standard_logging.jsonl": Sample("litellm", 1, 1, 10, 20),
    "openai_chat_completion_tensorzero.json": Sample("openai-pairs", 1, 1, 57, 17),
    "openai_pairs_openllmetry.jsonl": Sample("openai-pairs", 80, 80, 753, 1_311),
    # Ten chunks of one stream; the last one has the usage.
    "openai_stream_chunks_tensorzero.jsonl": Sample("openai-stream-chunks", 10, 1, 57, 17, passed_over=9),
    # Five calls, each inside a span of the whole operation; an embedding has no output.
    "otel_vercel_ai_sdk_v6_spans.json": Sample(
        "vercel-ai-sdk", 10, 5, 14 + 50 + 63 + 15 + 10, 20 + 9 + 156 + 112, passed_over=5
    ),
}


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_sample_is_read_to_the_last_record(name: str) -> None:
    log = read("log_samples", name)
    (source,) = log.calls.sources
    tokens = (int(np.nansum(log.calls.floats(column))) for column in ("input_tokens", "output_tokens"))
    assert Sample(source.format, log.records, len(log.calls), *tokens, log.passed_over) == SAMPLES[name]
    assert log.rejected == 0, log.rejects


def test_no_sample_is_forgotten() -> None:
    assert {file.name for file in path("log_samples").glob("*.json*")} == set(SAMPLES)


def test_a_trace_of_token_counts_is_read_through_mapped_fields() -> None:
    options = logs.ReadOptions(
        fields={"timestamp": "TIMESTAMP", "input_tokens": "ContextTokens", "output_tokens": "GeneratedTokens"}
    )
    log = logs.read([str(path("traces", "azure_conv_2023.csv"))], options, call_site=lambda call: None)
    assert (log.records, log.rejected) == (19_366, 0)
    assert log.calls.column("input_tokens")[0].as_py() == 374
    assert log.calls.column("start_time")[0].as_py().isoformat() == "2023-11-16T18:15:46.680590+00:00"
