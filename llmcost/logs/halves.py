"""Where the two halves of an exchange stand in a record: under two keys, wrapped, merged, or as JSON text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llmcost.logs.decode import embedded
from llmcost.logs.model import Record

REQUEST_KEYS = ("request", "request_body", "requestBody", "llm_request", "req", "input", "inputs", "payload", "body")
RESPONSE_KEYS = (
    "response", "response_body", "responseBody", "llm_response", "res", "resp", "output", "outputs", "result",
    "completion",
)  # fmt: skip
WRAPPED = ("body", "json")


@dataclass(frozen=True, slots=True)
class Halves:
    """What was found: the request and its dotted path ("" if it is the record itself), and the response."""

    request: dict[str, Any] | None
    request_path: str
    response: Any


def halves(record: Record, asks: Callable[[dict[str, Any]], bool], answers: Callable[[Any], bool]) -> Halves:
    """The halves of a record that these tests recognise, nested ones first."""
    response = _response(record, answers)
    for key in REQUEST_KEYS:
        if key in record and isinstance(body := _opened(record[key]), dict):
            if asks(body):
                return Halves(body, key, response)
            for name in WRAPPED:
                if name in body and isinstance(inner := _opened(body[name]), dict) and asks(inner):
                    return Halves(inner, f"{key}.{name}", response)
    return Halves(record if asks(record) else None, "", response)


def _response(record: Record, answers: Callable[[Any], bool]) -> Any:
    for key in RESPONSE_KEYS:
        if key in record and (found := _half(_opened(record[key]), answers)) is not None:
            return found
    return record if answers(record) else None


def _half(value: Any, answers: Callable[[Any], bool]) -> Any:
    if value is None or answers(value):
        return value
    inner = [_opened(value[name]) for name in WRAPPED if name in value] if isinstance(value, dict) else []
    return next((found for found in inner if found is not None and answers(found)), None)


def _opened(value: Any) -> Any:
    """The object or list that a text holds; a text of another kind, such as a stream, as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        return embedded(value)
    return value
