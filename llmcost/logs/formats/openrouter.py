"""OpenRouter generation records, as `GET /api/v1/generation` gives them (bare, or under `data`).

Its chat completions, whose `usage.cost` is read too, are OpenAI request/response pairs.

| ours              | OpenRouter                                                                    |
|-------------------|-------------------------------------------------------------------------------|
| input_tokens      | native_tokens_prompt: cache included (`tokens_prompt` is normalised, unbilled)|
| cache_read_tokens | native_tokens_cached                                                          |
| output_tokens     | native_tokens_completion: reasoning included                                  |
| reasoning_tokens  | native_tokens_reasoning                                                       |

The cost is what OpenRouter charged, and with a key of one's own (`is_byok`) the provider's bill on top of it.
"""

from __future__ import annotations

from llmcost.logs.declared import Declared, Facts
from llmcost.logs.model import Record
from llmcost.logs.values import boolean, number

MARK = "native_tokens_prompt"
WRAPPER = "data"


def _marks(record: Record) -> bool:
    return MARK in record or (isinstance(inner := record.get(WRAPPER), dict) and MARK in inner)


def _adjust(facts: Facts, record: Record) -> None:
    if boolean(facts.pop("cancelled", None)):
        facts["error"] = "cancelled"
    charge, bill = number(facts.get("cost")), number(record.get("upstream_inference_cost"))
    if charge is not None and bill is not None and boolean(record.get("is_byok")):
        facts["cost"] = charge + bill


OPENROUTER = Declared(
    name="openrouter",
    title="OpenRouter generations",
    marks=_marks,
    inside=WRAPPER,
    adjust=_adjust,
    fields={
        "id": ("id",),
        "model": ("model",),
        "provider": ("provider_name",),
        "start": ("created_at",),
        "latency_ms": ("latency",),
        "user": ("external_user",),
        "session": ("session_id",),
        "finish_reason": ("finish_reason",),
        "cancelled": ("cancelled",),
        "cost": ("total_cost", "usage"),
        "service_tier": ("service_tier",),
        "stream": ("streamed",),
        "input_tokens": ("native_tokens_prompt",),
        "cache_read_tokens": ("native_tokens_cached",),
        "output_tokens": ("native_tokens_completion",),
        "reasoning_tokens": ("native_tokens_reasoning",),
    },
    hidden=(
        "upstream_id", "generation_time", "moderation_latency", "cache_discount", "upstream_inference_cost",
        "tokens_prompt", "tokens_completion", "native_tokens_completion_images", "num_media_prompt",
        "num_input_audio_prompt", "num_media_completion", "num_search_results", "num_fetches", "native_finish_reason",
        "preset_id", "user_agent", "http_referer", "request_id", "provider_responses",
    ),
)  # fmt: skip
