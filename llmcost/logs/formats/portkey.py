"""Portkey log exports.

| ours              | Portkey                                                                   |
|-------------------|---------------------------------------------------------------------------|
| input_tokens      | response.body.usage (the provider's own), else req_units: cache included  |
| cache_read_tokens | response.body.usage                                                       |
| output_tokens     | response.body.usage, else res_units: reasoning included                   |
| reasoning_tokens  | response.body.usage                                                       |

`cost` is in cents; in another currency than dollars it is unknown. What came out of Portkey's cache (HIT, SEMANTIC HIT)
cost nothing.
"""

from __future__ import annotations

from typing import Any

from llmcost.logs.declared import Declared, Facts
from llmcost.logs.model import Record
from llmcost.logs.values import boolean, number

BESIDE_THE_MODEL = frozenset({"ai_org", "req_units", "res_units", "is_success", "response_status_code"})
CENTS = 100


def _marks(record: Record) -> bool:
    return "ai_model" in record and not BESIDE_THE_MODEL.isdisjoint(record)


def _adjust(facts: Facts, record: Record) -> None:
    cents: Any = number(facts.pop("cost", None))
    if cents is not None and str(record.get("cost_currency") or "USD").upper() == "USD":
        facts["cost"] = cents / CENTS
    if "status" not in facts and boolean(record.get("is_success")) is False:
        facts["status"] = "failed"
    facts["app_cache"] = str(record.get("cache_status") or "").upper().endswith("HIT")


PORTKEY = Declared(
    name="portkey",
    title="Portkey logs",
    marks=_marks,
    opened=("request", "response", "metadata"),
    adjust=_adjust,
    fields={
        "request": ("request.body", "request"),
        "response": ("response.body", "response"),
        "id": ("id",),
        "model": ("ai_model",),
        "provider": ("ai_org",),
        "start": ("created_at",),
        "latency_ms": ("response_time",),
        "user": ("metadata._user",),
        "session": ("trace_id",),
        "stream": ("stream_mode",),
        "status": ("response_status_code",),
        "cost": ("cost",),
        "input_tokens": ("req_units",),
        "output_tokens": ("res_units",),
    },
    hidden=(
        "total_units", "cost_currency", "is_success", "request_url", "request_method", "cache_status", "cache_type",
        "retry_success_count", "metadata._user",
    ),
)  # fmt: skip
