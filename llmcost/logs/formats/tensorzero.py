"""TensorZero's ModelInference rows. Rows of ChatInference and JsonInference repeat them, and are no calls.

| ours              | TensorZero                                                                                 |
|-------------------|--------------------------------------------------------------------------------------------|
| all token counts  | the usage block of `raw_response`, the provider's own, where it is one JSON text; else     |
| input_tokens      | input_tokens, as the provider counts                                                       |
| output_tokens     | output_tokens, as the provider counts                                                      |

`raw_request` is what the provider was sent, in its own interface. The time is in the identifier
(UUID version 7) where the `timestamp` column was not selected. `cached`: an answer out of TensorZero's cache.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from llmcost.logs.chat_parts import Untold, chat_messages
from llmcost.logs.declared import Declared, Facts
from llmcost.logs.decode import embedded
from llmcost.logs.model import PassedOver, Record
from llmcost.logs.values import boolean, text

MODEL_CALL = frozenset({"inference_id", "raw_request", "raw_response", "model_name"})
FUNCTION_CALL = frozenset({"function_name", "variant_name", "episode_id", "inference_params"})
CONVERSATIONS = frozenset({"messages", "contents", "input", "prompt"})
MILLISECONDS_SHIFT = 80
WITH_TIME = 7
FINISH_REASONS = {"tool_call": "tool_calls", "stop_sequence": "stop"}


def _marks(record: Record) -> bool:
    return record.keys() >= MODEL_CALL or record.keys() >= FUNCTION_CALL


def _adjust(facts: Facts, record: Record) -> None:
    if not record.keys() >= MODEL_CALL:
        raise PassedOver("a TensorZero function call: its model calls are rows of ModelInference")
    if "start" not in facts:
        facts["start"] = _born(record.get("id"))
    facts["app_cache"] = boolean(record.get("cached")) is True
    reason = facts.get("finish_reason")
    facts["finish_reason"] = FINISH_REASONS.get(str(reason), reason)
    if not isinstance(facts.get("response"), dict):  # the chunks of a stream, in the provider's own way
        facts["response"] = _answer(record.get("output"))
    sent = facts.get("request")
    if not isinstance(sent, dict) or CONVERSATIONS.isdisjoint(sent):
        _put_messages(facts, record)


def _born(identifier: Any) -> int | None:
    """Milliseconds since 1970 out of an identifier of version 7."""
    try:
        found = UUID(str(identifier))
    except ValueError:
        return None
    return found.int >> MILLISECONDS_SHIFT if found.version == WITH_TIME else None


def _put_messages(facts: Facts, record: Record) -> None:
    """The request, said again from what every provider is sent; without the parameters, which only it understands."""
    facts.pop("request", None)
    system, messages = text(record.get("system")), _list(record.get("input_messages"))
    try:
        said = chat_messages([_blocks(message) for message in messages])
    except Untold:
        facts["operation"] = "unsupported"
        return
    if said:
        facts["messages"] = [*([{"role": "system", "content": system}] if system else []), *said]


def _blocks(message: Any) -> Any:
    """A message whose text blocks say `text`, not `value` as rows of earlier versions do."""
    if not isinstance(message, dict) or not isinstance(message.get("content"), list):
        return message
    content = [
        {"type": "text", "text": block.get("text") or block.get("value")}
        if isinstance(block, dict) and block.get("type") == "text"
        else block
        for block in message["content"]
    ]
    return {**message, "content": content}


def _answer(output: Any) -> Mapping[str, Any] | None:
    """The answer that TensorZero put together from a stream."""
    try:
        said = chat_messages([_blocks({"role": "assistant", "content": _list(output)})])
    except Untold:
        return None
    return said[-1] if said else None


def _list(value: Any) -> list[Any]:
    found = embedded(value) if isinstance(value, str) else value
    return found if isinstance(found, list) else []


TENSORZERO = Declared(
    name="tensorzero",
    title="TensorZero model inferences",
    marks=_marks,
    opened=("raw_request", "raw_response"),
    adjust=_adjust,
    fields={
        "request": ("raw_request",),
        "response": ("raw_response",),
        "id": ("id",),
        "model": ("model_name",),
        "provider": ("model_provider_name",),
        "start": ("timestamp",),
        "latency_ms": ("response_time_ms",),
        "ttft_ms": ("ttft_ms",),
        "finish_reason": ("finish_reason",),
        "input_tokens": ("input_tokens",),
        "output_tokens": ("output_tokens",),
    },
    hidden=("inference_id", "system", "input_messages", "output", "cached", "snapshot_hash"),
)
