"""Cloudflare AI Gateway logs, as `GET …/ai-gateway/gateways/{id}/logs` lists them.

| ours          | Cloudflare                                                            |
|---------------|-----------------------------------------------------------------------|
| input_tokens  | tokens_in, as the provider counts; the cached part is not logged      |
| output_tokens | tokens_out, as the provider counts; the reasoning part is not logged  |

Bodies are not in the list; a `request` and a `response` put beside a log are read. `cached`: an answer out of the
gateway's cache, which cost nothing.
"""

from __future__ import annotations

from llmcost.logs.declared import Declared, Facts, has
from llmcost.logs.model import Record
from llmcost.logs.values import boolean


def _adjust(facts: Facts, record: Record) -> None:
    if "status" not in facts and boolean(record.get("success")) is False:
        facts["status"] = "failed"
    facts["app_cache"] = boolean(record.get("cached")) is True


CLOUDFLARE = Declared(
    name="cloudflare",
    title="Cloudflare AI Gateway logs",
    marks=has("tokens_in", "tokens_out", "cached", "provider", "created_at"),
    opened=("metadata", "request", "response"),
    adjust=_adjust,
    fields={
        "request": ("request",),
        "response": ("response",),
        "id": ("id",),
        "model": ("model",),
        "provider": ("provider",),
        "start": ("created_at",),
        "latency_ms": ("duration",),
        "user": ("metadata.user_id", "metadata.user"),
        "session": ("metadata.session_id",),
        "status": ("status_code",),
        "cost": ("cost",),
        "input_tokens": ("tokens_in",),
        "output_tokens": ("tokens_out",),
    },
    hidden=("cached", "success", "step", "request_content_type", "response_content_type", "request_head", "path",
            "response_head", "request_head_complete", "response_head_complete", "request_size", "response_size"),
)  # fmt: skip
