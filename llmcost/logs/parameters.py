"""Request parameters that stand beside the messages in a record, or in an object of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llmcost.logs.decode import embedded
from llmcost.logs.model import Record
from llmcost.logs.values import boolean, count, number


def _structure(value: Any) -> Any:
    """A list, an object or a word; from text if it holds one as JSON."""
    found = (embedded(value) or value) if isinstance(value, str) else value
    return found if found not in ("", [], {}) else None


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _shortened(value: Any) -> float | None:
    found = number(value)
    return int(found) if found is not None and found.is_integer() else found


PARAMETERS: dict[str, Callable[[Any], Any]] = {
    "model": _word,
    "temperature": _shortened,
    "top_p": _shortened,
    "n": count,
    "seed": _shortened,
    "max_tokens": count,
    "max_completion_tokens": count,
    "max_output_tokens": count,
    "presence_penalty": _shortened,
    "frequency_penalty": _shortened,
    "stop": _structure,
    "tools": _structure,
    "tool_choice": _structure,
    "functions": _structure,
    "function_call": _structure,
    "parallel_tool_calls": boolean,
    "response_format": _structure,
    "reasoning_effort": _word,
    "reasoning": _structure,
    "verbosity": _word,
    "text": lambda value: found if isinstance(found := _structure(value), dict) else None,
    "instructions": _word,
    "previous_response_id": _word,
    "conversation": _structure,
    "logit_bias": _structure,
    "logprobs": boolean,
    "top_logprobs": count,
    "modalities": _structure,
    "prediction": _structure,
    "stream": boolean,
}
NESTED = ("parameters", "params", "model_parameters", "invocation_params", "generation_config", "model_params")


def parameters_of(record: Record) -> dict[str, Any]:
    """The parameters of a merged record, with the types that an endpoint expects."""
    found: dict[str, Any] = {}
    for key in NESTED:
        if key in record and isinstance(inner := _structure(record[key]), dict):
            _add(found, inner)
    _add(found, record)
    return found


def _add(found: dict[str, Any], record: Record) -> None:
    for key, value in record.items():
        if value is not None and key in PARAMETERS and (known := PARAMETERS[key](value)) is not None:
            found[key] = known
