"""OpenAI Batch files (and those of providers that copied them): what was asked and what came of it, by custom_id.

| ours              | a line of the output or error file                                                   |
|-------------------|--------------------------------------------------------------------------------------|
| input_tokens      | response.body.usage.prompt_tokens or input_tokens, cache included                    |
| cache_read_tokens | ….prompt_tokens_details.cached_tokens, or input_tokens_details                       |
| output_tokens     | response.body.usage.completion_tokens or output_tokens, reasoning included           |
| reasoning_tokens  | ….completion_tokens_details.reasoning_tokens, or output_tokens_details               |

A line of the input file has `custom_id, method, url, body`; one of the output `id, custom_id, response{status_code,
request_id, body}, error`, in any order. Read together they are one call; an output alone keeps its costs, and has no
body. All are charged as the service tier "batch", whatever the body says of its tier.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from llmcost.calls import Call
from llmcost.logs.decode import embedded
from llmcost.logs.envelope import Tags, mapped_facts
from llmcost.logs.exchange import NOT_A_CALL, Exchange
from llmcost.logs.model import CallPart, NotACall, ReadOptions, Record
from llmcost.logs.translated import fragment_of

TAGS = Tags(("custom_id", "method", "url", "body", "response", "error"))
TIER = "batch"


class OpenAIBatch:
    """Reads the input, output and error files of batches."""

    name: ClassVar[str] = "openai-batch"
    title: ClassVar[str] = "OpenAI Batch"

    def detect(self, rows: Sequence[Record]) -> float:
        """The share of records that are a line of such a file."""
        return sum(_is_input(row) or _is_output(row) for row in rows) / len(rows) if rows else 0.0

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The side of the call that the line holds."""
        key = record.get("custom_id")
        if _is_input(record):
            return (CallPart.of(_asked(record, options), self.name, key, "request"),)
        if not _is_output(record):
            raise NotACall(NOT_A_CALL)
        return (CallPart.of(_answered(record, options), self.name, key, "call"),)


def _is_input(record: Record) -> bool:
    return "custom_id" in record and "url" in record and _object(record.get("body")) is not None


def _is_output(record: Record) -> bool:
    if "custom_id" not in record or "response" not in record:
        return False
    response = _object(record["response"])
    return "status_code" in response if response is not None else _object(record.get("error")) is not None


def _asked(record: Record, options: ReadOptions) -> Call:
    body = _object(record["body"]) or {}
    tags = TAGS.read(record, options, ("body", body))
    facts = mapped_facts({"id": record["custom_id"]}, record, options)
    call = replace(fragment_of(record, Exchange(body, None), tags, options, facts), service_tier=TIER)
    if "embeddings" in str(record["url"]):
        return replace(call, operation="embeddings", request=None, body_state="unsupported")
    return call


def _answered(record: Record, options: ReadOptions) -> Call:
    response = _object(record["response"]) or {}
    facts = {"id": record["custom_id"], "status": response.get("status_code"), "error": _object(record.get("error"))}
    facts = mapped_facts({name: value for name, value in facts.items() if value is not None}, record, options)
    exchange = Exchange(None, _object(response.get("body")))
    tags = TAGS.read(record, options)
    return replace(fragment_of(record, exchange, tags, options, facts), service_tier=TIER)


def _object(value: Any) -> dict[str, Any] | None:
    found = embedded(value) if isinstance(value, str) else value
    return found if isinstance(found, dict) else None
