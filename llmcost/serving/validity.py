"""Answers that failed by themselves: none, empty, refused, cut off, or not in the form that the request demanded.

All of it is seen without asking anybody. `failure` says it of an answer that is compared with another, `free_checks`
of one that is about to be kept.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmcost.answers import Answer, ToolCall
from llmcost.endpoint.messages import ChatRequest, Completion
from llmcost.serving.reading import MISSING, whole_json

CUT_OFF = frozenset({"length", "max_tokens", "max_output_tokens"})
FILTERED = frozenset({"content_filter", "safety", "refusal"})


def free_checks(request: ChatRequest, completion: Completion) -> str | None:
    """Why this answer must not be kept, as far as it costs nothing to see; None if nothing was found.

    It asks more than `failure`: whoever keeps an answer calls its tools, whoever compares two does not.
    """
    if completion.status != "answered":
        return completion.status
    calls = completion.answer.tool_calls if completion.answer else ()
    return failure(completion.answer, request.body) or _uncallable(calls, request.body)


def failure(answer: Answer | None, request: Mapping[str, Any]) -> str | None:
    """Why this answer is of no use whatever the other one says; None if it can be compared."""
    if answer is None:
        return "no answer"
    finish = (answer.finish_reason or "").lower()
    if answer.refusal or finish in FILTERED:
        return "refused"
    if finish in CUT_OFF:
        return "cut off"
    if answer.tool_calls:
        return _bad_call(answer.tool_calls, request)
    if not (answer.text or "").strip():
        return "empty"
    return _bad_form(answer.text or "", request)


def demands_json(request: Mapping[str, Any]) -> bool:
    """Whether the request's response_format asks for JSON."""
    return _format(request).get("type") in ("json_schema", "json_object")


def arguments(call: ToolCall) -> Any:
    """The arguments of a tool call; MISSING if they are not a JSON object. No text at all means no arguments."""
    value = whole_json(call.arguments.strip() or "{}")
    return value if isinstance(value, dict) else MISSING


@dataclass(frozen=True, slots=True)
class _Tool:
    """A tool that the request offers: "function" or "custom", whose arguments are free text."""

    kind: str
    parameters: Any = None


def _bad_call(calls: tuple[ToolCall, ...], request: Mapping[str, Any]) -> str | None:
    known = dict(_tools(request))
    if known and any(call.name not in known for call in calls):
        return "unknown tool"
    free_text = {name for name, tool in known.items() if tool.kind == "custom"}
    unread = [call for call in calls if call.name not in free_text and arguments(call) is MISSING]
    return "arguments not JSON" if unread else None


def _uncallable(calls: tuple[ToolCall, ...], request: Mapping[str, Any]) -> str | None:
    """Why these calls, which can be read, are not the ones that may be made."""
    if not calls:
        return "no tool call" if request.get("tool_choice") == "required" else None
    known = dict(_tools(request))
    for call in calls:
        schema = known[call.name].parameters if call.name in known else None
        if isinstance(schema, Mapping) and not _satisfies(arguments(call), schema):
            return "arguments not valid by the schema"
    return None


def _tools(request: Mapping[str, Any]) -> Iterator[tuple[str, _Tool]]:
    """The tools that the request offers, by name."""
    offered = [(tool, tool.get("type", "function")) for tool in request.get("tools") or () if isinstance(tool, Mapping)]
    offered += [(function, "function") for function in request.get("functions") or () if isinstance(function, Mapping)]
    for tool, kind in offered:
        described = tool.get(kind, tool)
        if isinstance(described, Mapping) and isinstance(described.get("name"), str):
            yield described["name"], _Tool(kind, described.get("parameters"))


def _bad_form(text: str, request: Mapping[str, Any]) -> str | None:
    if not demands_json(request):
        return None
    value = whole_json(text)
    if value is MISSING:
        return "not JSON"
    form = _format(request)
    if form["type"] == "json_object":
        return None if isinstance(value, dict) else "not a JSON object"
    schema = (form.get("json_schema") or {}).get("schema")
    return None if not isinstance(schema, Mapping) or _satisfies(value, schema) else "not valid by the schema"


def _format(request: Mapping[str, Any]) -> Mapping[str, Any]:
    form = request.get("response_format")
    return form if isinstance(form, Mapping) else {}


def _satisfies(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether the value is valid; a schema that is itself broken or points elsewhere demands nothing."""
    from referencing.exceptions import Unresolvable

    validator = _validator(json.dumps(schema, sort_keys=True))
    try:
        return validator is None or validator.is_valid(value)
    except (Unresolvable, RecursionError):
        return True


@functools.lru_cache(maxsize=256)
def _validator(schema_json: str) -> Any:
    """The validator of a schema, or None if it is broken. Its registry is empty: nothing is fetched from anywhere."""
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.validators import validator_for
    from referencing import Registry

    schema = json.loads(schema_json)
    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError:
        return None
    return kind(schema, registry=Registry())
