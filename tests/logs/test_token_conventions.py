"""Token conventions, by hand: what a source's counts mean, one record of each convention, down to the dollar.

Ours: input includes what was read from and written to the cache, output includes reasoning.

inclusive         the source counts like us: OpenAI, DeepSeek, OpenRouter, OTel, LiteLLM …
exclusive         cached input stands beside the input: Anthropic, Bedrock, Helicone, Claude Code …
thoughts outside  reasoning stands beside the output: Gemini, Vertex AI, Helicone …
"""

from __future__ import annotations

from typing import Any

import pytest
from support.real_data import path

from llmcost import logs, pricing
from llmcost.answers import Usage
from llmcost.config import ModelPriceOverride, ModelSettings

# Dollars per million tokens that make the sums easy: 1 of input, 0.1 read, 1.25 written, 10 of output.
RATES = ModelPriceOverride(input=1.0, cache_read=0.1, cache_write=1.25, output=10.0)
MODELS = ("gpt-4o", "gpt-5", "deepseek-chat", "claude-sonnet-4-5", "anthropic.claude-sonnet-4-5", "gemini-2.5-pro")
BOOK = pricing.load({model: ModelSettings(price=RATES) for model in MODELS})
ASKED = [{"role": "user", "content": "Capital of France?"}]


def openai(usage: dict[str, Any], model: str = "gpt-4o") -> dict[str, Any]:
    message = {"role": "assistant", "content": "Paris"}
    response = {"object": "chat.completion", "model": model, "choices": [{"message": message}], "usage": usage}
    return {"request": {"model": model, "messages": ASKED}, "response": response}


INCLUSIVE = {
    # 1,000 in, of which 800 from the cache: 200 × 1 + 800 × 0.1; 50 out, of which 30 thought: 50 × 10
    "openai chat": (
        openai({
            "prompt_tokens": 1000, "completion_tokens": 50, "prompt_tokens_details": {"cached_tokens": 800},
            "completion_tokens_details": {"reasoning_tokens": 30},
        }),
        Usage(1000, 800, None, 50, 30), 200 + 80 + 500,
    ),
    "openai responses": (
        {
            "request": {"model": "gpt-5", "input": "Capital of France?"},
            "response": {
                "object": "response", "model": "gpt-5", "status": "completed", "output": [],
                "usage": {
                    "input_tokens": 1000, "output_tokens": 50, "input_tokens_details": {"cached_tokens": 800},
                    "output_tokens_details": {"reasoning_tokens": 30},
                },
            },
        },
        Usage(1000, 800, None, 50, 30), 200 + 80 + 500,
    ),
    "deepseek": (
        openai({"prompt_tokens": 1000, "prompt_cache_hit_tokens": 800, "prompt_cache_miss_tokens": 200,
                "completion_tokens": 50}, "deepseek-chat"),
        Usage(1000, 800, None, 50), 200 + 80 + 500,
    ),
    "otel": (
        {"traceId": "t", "spanId": "s", "name": "chat", "attributes": {
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 1000,
            "gen_ai.usage.cache_read.input_tokens": 800, "gen_ai.usage.output_tokens": 50,
            "gen_ai.usage.reasoning.output_tokens": 30}},
        Usage(1000, 800, None, 50, 30), 200 + 80 + 500,
    ),
}  # fmt: skip

EXCLUSIVE = {
    # 150 in beside 800 read and 50 written, 1,000 in all: 150 × 1 + 800 × 0.1 + 50 × 1.25; 50 out: 50 × 10
    "anthropic": (
        {
            "request": {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": ASKED},
            "response": {
                "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "stop_reason": "end_turn",
                "content": [{"type": "text", "text": "Paris"}],
                "usage": {"input_tokens": 150, "cache_read_input_tokens": 800, "cache_creation_input_tokens": 50,
                          "output_tokens": 50},
            },
        },
        Usage(1000, 800, 50, 50), 150 + 80 + 62.5 + 500,
    ),
    # the same with 40 of the 50 written for an hour, at twice the input: 10 × 1.25 + 40 × 2
    "anthropic, for an hour": (
        {
            "request": {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": ASKED},
            "response": {
                "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "stop_reason": "end_turn",
                "content": [{"type": "text", "text": "Paris"}],
                "usage": {"input_tokens": 150, "cache_read_input_tokens": 800, "cache_creation_input_tokens": 50,
                          "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 40},
                          "output_tokens": 50},
            },
        },
        Usage(1000, 800, 50, 50, None, 40), 150 + 80 + 12.5 + 80 + 500,
    ),
    "bedrock": (
        {
            "schemaType": "ModelInvocationLog", "timestamp": "2026-10-01T10:00:00Z", "requestId": "r",
            "operation": "Converse", "modelId": "anthropic.claude-sonnet-4-5",
            "input": {"inputTokenCount": 150, "cacheReadInputTokenCount": 800, "cacheWriteInputTokenCount": 50},
            "output": {"outputTokenCount": 50},
        },
        Usage(1000, 800, 50, 50), 150 + 80 + 62.5 + 500,
    ),
    "claude code": (
        {
            "type": "assistant", "sessionId": "s", "uuid": "u", "timestamp": "2026-10-01T10:00:00Z",
            "message": {
                "id": "m", "model": "claude-sonnet-4-5", "role": "assistant", "content": [],
                "usage": {"input_tokens": 150, "cache_read_input_tokens": 800, "cache_creation_input_tokens": 50,
                          "output_tokens": 50},
            },
        },
        Usage(1000, 800, 50, 50), 150 + 80 + 62.5 + 500,
    ),
}  # fmt: skip

THOUGHTS_OUTSIDE = {
    # 1,000 in, of which 800 from the cache: 200 × 1 + 800 × 0.1; 20 said and 30 thought beside it: 50 × 10
    "gemini": (
        {
            "request": {"contents": [{"role": "user", "parts": [{"text": "Capital of France?"}]}]},
            "response": {
                "modelVersion": "gemini-2.5-pro",
                "candidates": [{"content": {"role": "model", "parts": [{"text": "Paris"}]}, "finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 1000, "cachedContentTokenCount": 800,
                                  "candidatesTokenCount": 20, "thoughtsTokenCount": 30, "totalTokenCount": 1050},
            },
        },
        Usage(1000, 800, None, 50, 30), 200 + 80 + 500,
    ),
    "vertex ai": (
        {
            "logging_time": "2026-10-01T10:00:00Z", "request_id": "7",
            "model": "publishers/google/models/gemini-2.5-pro",
            "full_request": {"contents": [{"role": "user", "parts": [{"text": "Capital of France?"}]}]},
            "full_response": {
                "candidates": [{"content": {"role": "model", "parts": [{"text": "Paris"}]}, "finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 1000, "cachedContentTokenCount": 800,
                                  "candidatesTokenCount": 20, "thoughtsTokenCount": 30, "totalTokenCount": 1050},
            },
        },
        Usage(1000, 800, None, 50, 30), 200 + 80 + 500,
    ),
}  # fmt: skip


def check(read_records: Any, record: dict[str, Any], usage: Usage, millionths: float) -> None:
    log, (call,) = read_records(record)
    assert call.usage == usage
    assert pricing.price(log.calls, BOOK).tolist() == [pytest.approx(millionths / 1e6, rel=1e-12)]


@pytest.mark.parametrize(("record", "usage", "millionths"), INCLUSIVE.values(), ids=list(INCLUSIVE))
def test_inclusive_counts_are_taken_as_they_are(read_records, record, usage, millionths) -> None:
    check(read_records, record, usage, millionths)


@pytest.mark.parametrize(("record", "usage", "millionths"), EXCLUSIVE.values(), ids=list(EXCLUSIVE))
def test_exclusive_counts_get_the_cached_input_added(read_records, record, usage, millionths) -> None:
    check(read_records, record, usage, millionths)


@pytest.mark.parametrize(("record", "usage", "millionths"), THOUGHTS_OUTSIDE.values(), ids=list(THOUGHTS_OUTSIDE))
def test_thoughts_outside_of_the_output_are_added(read_records, record, usage, millionths) -> None:
    check(read_records, record, usage, millionths)


def test_a_recorded_inclusive_body_by_hand() -> None:
    """OpenAI's own record: 1,248 prompt tokens, 1,152 of them cached; DeepSeek's: 100, of which 70 hit."""
    source = path("log_samples", "helicone_provider_response_bodies.jsonl")
    log = logs.read([str(source)], call_site=lambda call: None)
    book = pricing.load({model: ModelSettings(price=RATES) for model in log.calls.labels("request_model") if model})
    openai_, deepseek = log.calls.column("output_tokens").to_pylist()
    assert log.calls.column("input_tokens").to_pylist() == [1248, 100]
    assert pricing.price(log.calls, book).tolist() == [
        pytest.approx((96 * 1 + 1152 * 0.1 + openai_ * 10) / 1e6),
        pytest.approx((30 * 1 + 70 * 0.1 + deepseek * 10) / 1e6),
    ]
