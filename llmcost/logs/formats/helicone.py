"""Helicone exports: of `@helicone/export`, or of its request query interface.

| ours               | Helicone                                                                                  |
|--------------------|-------------------------------------------------------------------------------------------|
| all token counts   | the usage block of `response_body`, the provider's own, where there is one; else          |
| input_tokens       | prompt_tokens: cache included, or beside it if `total_tokens` says so; for Anthropic,     |
|                    | whose input count leaves the cache out, always beside it                                  |
| cache_read_tokens  | prompt_cache_read_tokens                                                                  |
| cache_write_tokens | prompt_cache_write_tokens                                                                 |
| output_tokens      | completion_tokens: reasoning included, or beside it if `total_tokens` says so             |
| reasoning_tokens   | reasoning_tokens                                                                          |

Latency and time to the first token are in milliseconds, cost in dollars. A `cache_reference_id` other than zero names
the request whose answer Helicone's cache gave again, at no cost.
"""

from __future__ import annotations

from llmcost.logs.declared import Declared, Facts, count_in, has, put_usage
from llmcost.logs.model import Record
from llmcost.logs.overlap import Parts, settled
from llmcost.logs.values import number

PLACEHOLDER = "helicone_message"
CLEAR = frozenset("0-")  # the letters of the identifier that names no request
NOT_ANSWERED = {-1: "timeout", -2: "pending", -3: "cancelled"}


def _adjust(facts: Facts, record: Record) -> None:
    for name in ("request", "response"):
        if isinstance(body := facts.get(name), dict) and body.get(PLACEHOLDER) is not None:
            del facts[name]
    status = number(facts.get("status"))
    if status is not None and status < 0:
        facts["error"] = NOT_ANSWERED.get(int(status), "failed")
    reference = record.get("cache_reference_id")
    facts["app_cache"] = isinstance(reference, str) and not CLEAR.issuperset(reference)
    if isinstance(provider := facts.get("provider"), str):
        facts["provider"] = provider.casefold()
    _settle(facts)


def _settle(facts: Facts) -> None:
    read, write = count_in(facts, "cache_read_tokens"), count_in(facts, "cache_write_tokens")
    reasoning, anthropic = count_in(facts, "reasoning_tokens"), facts.get("provider") == "anthropic"
    parts = Parts(
        input=count_in(facts, "input_tokens"),
        output=count_in(facts, "output_tokens"),
        cache_read=read,
        cache_write=write,
        reasoning=reasoning,
        input_details=(read or 0) + (write or 0),
        output_details=reasoning or 0,
    )
    total = None if anthropic else count_in(facts, "total")
    put_usage(facts, settled(parts, total, cache_beside=anthropic, reasoning_beside=False))


HELICONE = Declared(
    name="helicone",
    title="Helicone export",
    marks=has("request_created_at", "response_created_at", "response_status"),
    opened=("request_body", "response_body", "request_properties", "properties"),
    adjust=_adjust,
    fields={
        "request": ("request_body",),
        "response": ("response_body",),
        "id": ("request_id", "response_id"),
        "model": ("request_model", "model_override", "model"),
        "response_model": ("response_model", "model"),
        "provider": ("provider",),
        "start": ("request_created_at",),
        "end": ("response_created_at",),
        "latency_ms": ("delay_ms", "latency"),
        "ttft_ms": ("time_to_first_token",),
        "user": ("request_user_id", "user_id"),
        "session": ("request_properties.Helicone-Session-Id", "properties.Helicone-Session-Id"),
        "status": ("response_status",),
        "cost": ("cost", "costUSD"),
        "input_tokens": ("prompt_tokens",),
        "output_tokens": ("completion_tokens",),
        "cache_read_tokens": ("prompt_cache_read_tokens",),
        "cache_write_tokens": ("prompt_cache_write_tokens",),
        "reasoning_tokens": ("reasoning_tokens",),
        "total": ("total_tokens",),
    },
    hidden=(
        "response_id", "signed_body_url", "cache_reference_id", "prompt_audio_tokens", "completion_audio_tokens",
        "helicone_user", "cached", "cache_enabled", "auth_hash", "organization_id", "feedback_id", "job_id", "node_id",
        "feedback_created_at", "request_path", "target_url", "request_properties.Helicone-Session-Id",
        "properties.Helicone-Session-Id",
    ),
)  # fmt: skip
