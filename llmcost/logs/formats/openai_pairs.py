"""OpenAI request/response pairs: nested under two keys, or merged in one object.

Chat completions, the Responses API and legacy completions; streamed answers as SSE text or as a list of chunks.

| ours              | chat, legacy completions                   | Responses API                         |
|-------------------|--------------------------------------------|---------------------------------------|
| input_tokens      | usage.prompt_tokens, cache included        | usage.input_tokens, cache included    |
| cache_read_tokens | ….prompt_tokens_details.cached_tokens, or  | ….input_tokens_details.cached_tokens  |
|                   | DeepSeek's prompt_cache_hit_tokens         |                                       |
| output_tokens     | usage.completion_tokens, reasoning included| usage.output_tokens, reasoning incl.  |
| reasoning_tokens  | ….completion_tokens_details.reasoning_…    | ….output_tokens_details.reasoning_…   |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from llmcost.calls import Call
from llmcost.logs.decode import embedded
from llmcost.logs.envelope import Tags
from llmcost.logs.exchange import NOT_A_CALL, Exchange, call_of
from llmcost.logs.halves import REQUEST_KEYS, RESPONSE_KEYS, WRAPPED
from llmcost.logs.model import NotACall, ReadOptions, Record
from llmcost.logs.parameters import PARAMETERS, parameters_of
from llmcost.logs.streams import ONE_CHUNK, SSE_STARTS, is_chunk
from llmcost.logs.values import text

ASKS = ("messages", "input", "prompt")
ASKS_OR_HISTORY = frozenset({*ASKS, "previous_response_id"})
RESPONSE_OBJECTS = ("chat.completion", "response", "text_completion", "chat.completion.chunk")
FLAT_RESPONSE = (
    "choices", "output", "usage", "object", "id", "created", "created_at", "status", "error", "incomplete_details",
    "service_tier",
)  # fmt: skip
BODY = (*REQUEST_KEYS, *RESPONSE_KEYS, *ASKS, *FLAT_RESPONSE, *PARAMETERS, "chunks", "method")

TAGS = Tags(BODY)


@dataclass(frozen=True, slots=True)
class Found:
    """Where the two halves of a record stand."""

    request: dict[str, Any] | None
    request_path: str
    response: Any
    flat: bool


class OpenAIPairs:
    """Reads records that hold an OpenAI request, its response, or both."""

    name: ClassVar[str] = "openai-pairs"
    title: ClassVar[str] = "OpenAI request/response pairs"

    def detect(self, rows: Sequence[Record]) -> float:
        """The share of records with a half that only OpenAI's interfaces have."""
        return sum(_found(row) is not None for row in rows) / len(rows) if rows else 0.0

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The one call of the record."""
        found = _found(record)
        if found is None:
            raise NotACall(NOT_A_CALL)
        if is_chunk(found.response) and found.request is None:
            raise NotACall(ONE_CHUNK)
        served = text(record.get("model")) if found.flat else None
        nested = (found.request_path, found.request) if found.request_path else ("", None)
        tags = TAGS.read(record, options, nested)
        return (call_of(record, Exchange(found.request, found.response, served), tags, options),)


def _found(record: Record) -> Found | None:
    request_path, request = _nested_request(record)
    response = _nested_response(record)
    if request is not None:
        given = _plain_response(record) if response is None else response
        return Found(request, request_path, given, False)
    if response is not None:
        return Found(_flat_request(record), "", response, False)
    flat = _flat_response(record)
    return None if flat is None else Found(_flat_request(record), "", flat, True)


def _nested_request(record: Record) -> tuple[str, dict[str, Any] | None]:
    for key in REQUEST_KEYS:
        if key not in record:
            continue
        body = _object(record[key])
        if body is None:
            continue
        if _asks(body):
            return key, body
        for inner in WRAPPED:
            if (unwrapped := _object(body.get(inner))) is not None and _asks(unwrapped):
                return f"{key}.{inner}", unwrapped
    return "", None


def _asks(body: dict[str, Any]) -> bool:
    return not ASKS_OR_HISTORY.isdisjoint(body)


def _nested_response(record: Record) -> Any:
    for key in RESPONSE_KEYS:
        if key in record and (body := _response(record[key])) is not None:
            return body
    return None


def _response(value: Any) -> Any:
    """The response half if this is one in OpenAI's shape, else None."""
    if isinstance(value, str):
        if value.startswith(SSE_STARTS) and "data:" in value:
            return value
        value = embedded(value) if value[:1] in ("{", "[") else None
    if isinstance(value, list):
        return value if any(map(_is_piece, value)) else None
    if not isinstance(value, dict):
        return None
    if _answers(value) or isinstance(value.get("chunks"), list | str):
        return value
    return next((found for key in WRAPPED if (found := _response(value.get(key))) is not None), None)


def _is_piece(item: Any) -> bool:
    return is_chunk(item) or (isinstance(item, str) and item.startswith(("data:", "event:")))


def _answers(body: dict[str, Any]) -> bool:
    if isinstance(body.get("choices"), list) or body.get("object") in RESPONSE_OBJECTS:
        return True
    if isinstance(body.get("error"), dict):
        return True
    if isinstance(body.get("data"), list) and "usage" in body:
        return True
    return isinstance(body.get("output"), list) and ("status" in body or "usage" in body)


def _plain_response(record: Record) -> Any:
    """The response of a record whose request is OpenAI's: a message, or just text."""
    for key in RESPONSE_KEYS:
        value = record.get(key)
        if value not in (None, "", {}, []):
            return (embedded(value) or value) if isinstance(value, str) else value
    return _flat_response(record)


def _flat_response(record: Record) -> dict[str, Any] | None:
    """The response half of a merged record; its lists may be JSON text, as in a CSV cell."""
    opened = {key: record[key] for key in FLAT_RESPONSE if record.get(key) is not None}
    for key in ("choices", "output", "usage", "error"):
        value = opened.get(key)
        if isinstance(value, str) and value[:1] in ("{", "[") and (found := embedded(value)) is not None:
            opened[key] = found
    if isinstance(opened.get("choices"), list) or opened.get("object") in RESPONSE_OBJECTS:
        return opened
    items = opened.get("output")
    if isinstance(items, list) and any(
        isinstance(i, dict) and i.get("type") in ("message", "function_call") for i in items
    ):
        return opened
    return None


def _flat_request(record: Record) -> dict[str, Any] | None:
    request = parameters_of(record)
    for key in ASKS:
        value = record.get(key)
        if isinstance(value, str) and key != "prompt":
            value = embedded(value) or value
        if value not in (None, "", []):
            request[key] = value
    return request if _asks(request) else None


def _object(value: Any) -> dict[str, Any] | None:
    if isinstance(value, str) and value[:1] == "{":
        value = embedded(value)
    return value if isinstance(value, dict) else None
