"""LiteLLM: the StandardLoggingPayload of its callbacks and buckets, and rows of its LiteLLM_SpendLogs table.

| ours               | payload                                             | spend log                          |
|--------------------|-----------------------------------------------------|------------------------------------|
| input_tokens       | response.usage.prompt_tokens, else prompt_tokens:   | prompt_tokens: cache included      |
|                    | cache included                                      |                                    |
| cache_read_tokens  | response.usage.prompt_tokens_details.cached_tokens, | metadata.usage_object.….cached_…,  |
|                    | else metadata.usage_object.…                        | metadata.additional_usage_values.… |
| cache_write_tokens | ….cache_creation_input_tokens                       | ….cache_creation_input_tokens      |
| output_tokens      | response.usage.completion_tokens: reasoning incl.   | completion_tokens: reasoning incl. |
| reasoning_tokens   | ….completion_tokens_details.reasoning_tokens        | metadata.….reasoning_tokens        |

The table keeps prompts, in `proxy_server_request`, only where told to, and cuts texts over 2,048 characters with the
mark `litellm_truncated`: such a body is truncated, never replayed. Latency is from start to end, for `response_time`
ends at the first chunk of a stream.

A call may be in both, under the id of its response, and counts once. A failed call has the id of its request, which its
retries share, and what the cache answered that of the first answer: both are told by their start as well (`id@start`,
in milliseconds), so that no attempt is taken for another.
"""

from __future__ import annotations

from llmcost.logs.declared import Declared, Facts, has
from llmcost.logs.model import Record
from llmcost.logs.values import boolean, instant_us

USAGE = ("response.usage", "metadata.usage_object", "metadata.additional_usage_values")
TEXT_CALLS = frozenset(
    {
        "completion", "acompletion", "text_completion", "atext_completion", "responses", "aresponses",
        "anthropic_messages", "generate_content", "agenerate_content", "generate_content_stream",
        "agenerate_content_stream", "pass_through_endpoint",
    }
)  # fmt: skip
EMBEDDING_CALLS = frozenset({"embedding", "aembedding"})


CACHED = "_cache_hit"  # and the time of writing, which differs between the two logs


def _adjust(facts: Facts, record: Record) -> None:
    kind = record.get("call_type")
    if kind in EMBEDDING_CALLS:
        facts["operation"] = "embeddings"
    elif kind and kind not in TEXT_CALLS:
        facts["operation"] = "unsupported"
    if facts.get("first_chunk") == facts.get("end"):  # written for calls without a stream too
        facts.pop("first_chunk", None)
    if isinstance(sent := facts.get("request"), dict) and "model" in facts:  # what was sent names a group of models
        facts["request"] = {**sent, "model": facts["model"]} if sent else None
    facts["app_cache"] = boolean(record.get("cache_hit")) is True
    if facts["app_cache"] or facts.get("status") == "failure":
        facts["id"] = _attempt(facts)


def _attempt(facts: Facts) -> str | None:
    """The id of an attempt that has none of its own."""
    start = instant_us(facts.get("start"))
    shared = str(facts["id"]).partition(CACHED)[0] if "id" in facts else None
    return shared if shared is None or start is None else f"{shared}@{start // 1000}"


LITELLM = Declared(
    name="litellm",
    title="LiteLLM logs",
    marks=has("call_type", "startTime", "endTime", "cache_hit"),
    opened=("metadata", "request_tags", "messages", "response", "proxy_server_request", "model_parameters"),
    adjust=_adjust,
    copies=True,
    fields={
        "request": ("proxy_server_request",),
        "messages": ("messages",),
        "parameters": ("model_parameters",),
        "response": ("response",),
        "id": ("request_id", "id", "litellm_call_id"),
        "model": ("model", "hidden_params.litellm_model_name"),
        "provider": ("custom_llm_provider",),
        "start": ("startTime",),
        "end": ("endTime",),
        "latency_ms": ("request_duration_ms",),
        "first_chunk": ("completionStartTime",),
        "user": ("end_user", "metadata.user_api_key_end_user_id", "user"),
        "session": ("session_id", "trace_id"),
        "status": ("status",),
        "error": (
            "error_information.error_code", "error_information.error_class", "metadata.error_information.error_code",
            "metadata.error_information.error_class", "error_str",
        ),
        "cost": ("response_cost", "spend"),
        "stream": ("stream",),
        "usage": ("metadata.usage_object",),
        "input_tokens": ("prompt_tokens",),
        "output_tokens": ("completion_tokens",),
        "cache_read_tokens": tuple(f"{at}.prompt_tokens_details.cached_tokens" for at in USAGE),
        "cache_write_tokens": tuple(f"{at}.cache_creation_input_tokens" for at in USAGE),
        "reasoning_tokens": tuple(f"{at}.completion_tokens_details.reasoning_tokens" for at in USAGE),
    },
    hidden=(
        "response_time", "saved_cache_cost", "total_tokens", "completionStartTime", "litellm_call_id", "id",
        "requester_ip_address", "hidden_params", "model_id", "cache_hit", "error_str", "metadata.usage_object",
        "metadata.additional_usage_values", "metadata.error_information", "metadata.model_map_information",
        "metadata.cost_breakdown", "metadata.guardrail_information", "metadata.requester_ip_address",
        "metadata.status", "metadata.litellm_overhead_time_ms", "metadata.cold_storage_object_key",
        "metadata.user_agent", "metadata.requester_custom_headers", "metadata.vector_store_request_metadata",
        "metadata.mcp_tool_call_metadata", "metadata.prompt_management_metadata",
    ),
)  # fmt: skip
