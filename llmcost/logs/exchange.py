"""A request, a response and what stands around them → one Call. Shared by the formats."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from llmcost.answers import Answer, Usage
from llmcost.calls import Call
from llmcost.logs.answers import answer_of, text_of
from llmcost.logs.envelope import expected_of, facts_of, row_usage, times_of, weight_of
from llmcost.logs.model import NotACall, ReadOptions, Record
from llmcost.logs.requests import normalised
from llmcost.logs.streams import unstreamed
from llmcost.logs.usage import usage_of
from llmcost.logs.values import boolean, count, instant_us, is_empty, number, text

NOT_A_CALL = "no model and no messages: not an LLM call"
FAILED = frozenset({"error", "failure", "failed", "timeout", "cancelled", "canceled", "expired", "errored"})
ERROR_NAME = re.compile(r"\s*([A-Za-z_][\w.]{0,63})(?=\s*(?::|\(|$))")
BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Exchange:
    """The two halves as found in a record. `answered_as` is the model that the response half names, if any."""

    request: Mapping[str, Any] | None
    response: Any
    answered_as: str | None = None


def call_of(
    record: Record,
    exchange: Exchange,
    tags: Mapping[str, str],
    options: ReadOptions,
    facts: Mapping[str, Any] | None = None,
) -> Call:
    """The call that an exchange and its record amount to. Raises NotACall if nothing says that it is one.

    `facts`, where the format knows its own fields, stand for those found at the usual places.
    """
    if facts is None:
        facts = facts_of(record, options)
    streamed = unstreamed(exchange.response) if isinstance(exchange.response, str | list | dict) else None
    response = exchange.response if streamed is None else streamed
    body: Mapping[str, Any] = response if isinstance(response, dict) else {}
    request, operation, state = normalised(exchange.request, _is_embedding(body))
    asked: Mapping[str, Any] = exchange.request or {}
    found = attempt_of(record, facts, asked, body, exchange.answered_as)
    usage = found.pop("usage")
    if found["request_model"] is None and request is None and usage.input_tokens is None and state == "absent":
        raise NotACall(NOT_A_CALL)
    answer = None if found["error_type"] is not None and not body.get("choices") else _answer(response, facts)
    estimated = options.estimate_tokens and usage == Usage() and request is not None
    return Call(
        **found,
        operation=_operation(operation, body),
        stream=True if streamed is not None else boolean(asked.get("stream", facts.get("stream"))),
        usage=_estimate(request, answer) if estimated else usage,
        tokens_estimated=estimated,
        tags=tags,
        request=request,
        answer=answer,
        body_state=state,
    )


def attempt_of(
    record: Record, facts: Mapping[str, Any], asked: Mapping[str, Any], body: Mapping[str, Any], answered_as: str | None
) -> dict[str, Any]:
    """The fields of a call that its surroundings and the plain values of its halves tell: nothing of its text."""
    start, latency, first_chunk = times_of(facts)
    served = text(body.get("model")) or text(facts.get("response_model")) or answered_as
    return {
        "id": text(facts.get("id")) or text(body.get("id")),
        "start_time_us": _started(body) if start is None else start,
        "latency_ms": latency,
        "time_to_first_chunk_ms": first_chunk,
        "provider": text(facts.get("provider")),
        "request_model": text(asked.get("model")) or text(facts.get("model")) or deployment(record) or served,
        "response_model": served,
        "service_tier": text(body.get("service_tier"))
        or text(asked.get("service_tier"))
        or text(facts.get("service_tier")),
        "usage": _usage(body, facts),
        "error_type": error_of(body, facts),
        "logged_cost_usd": _cost(body, facts),
        "user": text(facts.get("user")) or text(asked.get("user")),
        "session": text(facts.get("session")),
        "expected": expected_of(facts),
        "weight": weight_of(facts),
    }


def _usage(body: Mapping[str, Any], facts: Mapping[str, Any]) -> Usage:
    """The provider's own block counts; what it lacks, the record's token fields say."""
    block = body.get("usage")
    if not isinstance(block, dict):
        return row_usage(facts)
    found = usage_of(block)
    return row_usage(facts) if found.input_tokens is None and found.output_tokens is None else found


def _answer(response: Any, facts: Mapping[str, Any]) -> Answer | None:
    answer = None if is_empty(response) and not isinstance(response, str) else answer_of(response)
    reason = facts.get("finish_reason")
    if answer is None or answer.finish_reason is not None or not isinstance(reason, str):
        return answer
    return Answer(answer.text, answer.tool_calls, answer.refusal, reason)


def error_of(body: Mapping[str, Any], facts: Mapping[str, Any]) -> str | None:
    """Code, type or name of what went wrong: never its message, which may quote the user."""
    for found in (body.get("error"), facts.get("error")):
        if not is_empty(found):
            return _error_name(found)
    for status in (facts.get("status"), body.get("status"), body.get("status_code")):
        code = count(status)
        if code is not None and 400 <= code < 600:
            return str(code)
        if isinstance(status, str) and status.casefold() in FAILED:
            return status.casefold()
    return None


def _error_name(error: Any) -> str:
    if isinstance(error, dict):
        name = next((found for key in ("code", "type", "name", "status") if (found := text(error.get(key)))), None)
        return name[:64] if name else "error"
    if isinstance(error, list):
        return _error_name(error[0]) if error else "error"
    match = ERROR_NAME.match(error) if isinstance(error, str) else None
    if match:
        return match[1]
    return str(error) if count(error) is not None else "error"


def _started(body: Mapping[str, Any]) -> int | None:
    for key in ("created", "created_at"):
        if key in body and (found := instant_us(body[key])) is not None:
            return found
    return None


def _cost(body: Mapping[str, Any], facts: Mapping[str, Any]) -> float | None:
    """What the log claims; of OpenRouter's charge for a key of one's own, with the provider's bill on top."""
    if "cost" in facts:
        return number(facts["cost"])
    block = body.get("usage")
    if not isinstance(block, dict) or (charge := number(block.get("cost"))) is None:
        return None
    details = block.get("cost_details")
    bill = number(details.get("upstream_inference_cost")) if isinstance(details, dict) else None
    return charge + bill if bill is not None and block.get("is_byok") is True else charge


def _operation(operation: str, body: Mapping[str, Any]) -> str:
    if body.get("object") == "text_completion":
        return "completion"
    return "responses" if body.get("object") == "response" else operation


def _is_embedding(body: Mapping[str, Any]) -> bool:
    data = body.get("data")
    return isinstance(data, list) and bool(data) and isinstance(data[0], dict) and "embedding" in data[0]


def deployment(record: Record) -> str | None:
    """The deployment that an Azure address names, for requests that carry no model."""
    for key in ("uri", "url"):
        address = record.get(key)
        if isinstance(address, str) and "/deployments/" in address:
            return address.partition("/deployments/")[2].partition("/")[0] or None
    return None


def _estimate(request: Mapping[str, Any] | None, answer: Answer | None) -> Usage:
    asked = request or {}
    texts = [text_of(message.get("content")) or "" for message in asked.get("messages", ())]
    tools = len(msgspec.json.encode(asked["tools"])) if asked.get("tools") else 0
    into = sum(len(found.encode("utf-8", "replace")) for found in texts) + tools
    if answer is None:
        return Usage(input_tokens=_tokens(into))
    said = [answer.text or "", *(call.name + call.arguments for call in answer.tool_calls)]
    return Usage(_tokens(into), None, None, _tokens(sum(len(found.encode("utf-8", "replace")) for found in said)))


def _tokens(size: int) -> int:
    return -(-size // BYTES_PER_TOKEN)
