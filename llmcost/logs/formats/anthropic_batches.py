"""Anthropic Message Batches: requests and results, by custom_id.

| ours               | a line of the results                                                               |
|--------------------|-------------------------------------------------------------------------------------|
| input_tokens       | result.message.usage.input_tokens + cache_read_input_tokens + cache_creation_…      |
| cache_read_tokens  | ….cache_read_input_tokens                                                           |
| cache_write_tokens | ….cache_creation_input_tokens, or the sum of ….cache_creation                       |
| output_tokens      | ….output_tokens, thinking included                                                  |
| reasoning_tokens   | ….output_tokens_details.thinking_tokens                                             |

A request is `{custom_id, params}`, where params is the body of a Messages request; a result `{custom_id, result}` of
type succeeded, errored, canceled or expired, in any order. Read together they are one call; a result alone keeps its
costs, and has no body. All are charged as the service tier "batch".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from llmcost.calls import Call
from llmcost.logs.anthropic_api import to_answer, to_chat
from llmcost.logs.envelope import Tags, mapped_facts
from llmcost.logs.exchange import NOT_A_CALL, Exchange
from llmcost.logs.model import CallPart, NotACall, ReadOptions, Record
from llmcost.logs.translated import fragment_of, translated_call

TAGS = Tags(("custom_id", "params", "result"))
TIER = "batch"
OUTCOMES = ("succeeded", "errored", "canceled", "expired")


class AnthropicBatches:
    """Reads the requests and the results of message batches."""

    name: ClassVar[str] = "anthropic-batches"
    title: ClassVar[str] = "Anthropic Message Batches"

    def detect(self, rows: Sequence[Record]) -> float:
        """The share of records that are a request or a result of a batch."""
        return sum(_is_request(row) or _is_result(row) for row in rows) / len(rows) if rows else 0.0

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The side of the call that the record holds."""
        facts = mapped_facts({"id": record.get("custom_id")}, record, options)
        key = record.get("custom_id")
        if _is_request(record):
            params = record["params"]
            tags = TAGS.read(record, options, ("params", params))
            call = translated_call(record, params, to_chat, {}, tags, options, facts)
            return (CallPart.of(replace(call, service_tier=TIER), self.name, key, "request"),)
        if not _is_result(record):
            raise NotACall(NOT_A_CALL)
        exchange = Exchange(None, _outcome(record["result"]))
        call = fragment_of(record, exchange, TAGS.read(record, options), options, facts)
        return (CallPart.of(replace(call, service_tier=TIER), self.name, key, "call"),)


def _is_request(record: Record) -> bool:
    return "custom_id" in record and isinstance(record.get("params"), dict) and "messages" in record["params"]


def _is_result(record: Record) -> bool:
    result = record.get("result")
    return "custom_id" in record and isinstance(result, dict) and result.get("type") in OUTCOMES


def _outcome(result: dict[str, Any]) -> dict[str, Any]:
    """The answer of a result, or why there is none."""
    if result["type"] == "succeeded":
        return to_answer(result.get("message"))
    error = result.get("error")
    inner = error.get("error") if isinstance(error, dict) else None
    return {"error": inner or error or {"type": result["type"]}}
