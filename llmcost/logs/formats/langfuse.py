"""Langfuse observations: a trace as the app or its interface exports it, or rows of observations in any container.

Only generations and embeddings are calls: spans, agents, chains and tools repeat the counts of what is below them. So
does, within a trace, a generation with a generation right below it, as when two instrumentations watch one client.

`usage_details` has free-form keys that Langfuse takes to exclude one another, while many senders leave the details
inside the sums. Where the logged total tells the two apart it decides (see llmcost.logs.overlap); else the key does:

| ours               | Langfuse key                                                  | without a total         |
|--------------------|---------------------------------------------------------------|-------------------------|
| input_tokens       | input, input_tokens, prompt_tokens, promptTokens              | + all other input keys  |
| cache_read_tokens  | input_cached_tokens, input_cache_read, cache_read_input_tokens| beside input            |
|                    | prompt_details.cache_read (OpenInference)                     | inside input            |
| cache_write_tokens | input_cache_creation, cache_creation_input_tokens             | beside input            |
|                    | prompt_details.cache_write                                    | inside input            |
| output_tokens      | output, output_tokens, completion_tokens, completionTokens    | + all other output keys |
| reasoning_tokens   | output_reasoning_tokens, output_reasoning, reasoning_tokens   | beside output           |
|                    | completion_details.reasoning                                  | inside output           |

A provider's own usage block in the output goes before all of these. Langfuse sums up a total itself where the sender
gave none; with doubly counted details such a total is as wrong as the parts, and cannot be told. Times are start and
end; `latency` is in seconds in the interface and the blob export, but in milliseconds in the app's, so it is used only
where there is no end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from llmcost.answers import Usage
from llmcost.calls import Call
from llmcost.fingerprints import canonical
from llmcost.logs.declared import INTERFACES, Declared, Facts, is_body, put_usage, response_of
from llmcost.logs.decode import embedded
from llmcost.logs.langchain import chat_message, chat_messages
from llmcost.logs.model import PassedOver, ReadOptions, Record
from llmcost.logs.overlap import Parts, settled
from llmcost.logs.parameters import PARAMETERS, parameters_of
from llmcost.logs.values import count, is_empty, number

CALLS = {"GENERATION": None, "EMBEDDING": "embeddings"}
TYPES = frozenset(
    {*CALLS, "SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "GUARDRAIL"}
)  # fmt: skip
USAGE_KEYS = ("usageDetails", "usage_details")
TRACE_KEYS = ("traceId", "trace_id")
BESIDE = (
    frozenset({"bookmarked", "public", "release", "timestamp"}),
    frozenset({"data_type", "string_value", "source", "value"}),
)
NO_CALL = "a Langfuse trace without a generation"

INPUT = ("input", "input_tokens", "prompt_tokens", "promptTokens")
OUTPUT = ("output", "output_tokens", "completion_tokens", "completionTokens")
TOTAL = ("total", "total_tokens", "totalTokens")
CACHE_READ = (
    "input_cached_tokens", "input_cache_read", "cache_read_input_tokens", "input_cache_read_tokens",
    "prompt_details.cache_read",
)  # fmt: skip
CACHE_WRITE = (
    "input_cache_creation", "cache_creation_input_tokens", "input_cache_creation_tokens", "prompt_details.cache_write",
)  # fmt: skip
REASONING = ("output_reasoning_tokens", "output_reasoning", "reasoning_tokens", "completion_details.reasoning")
INSIDE = "_details."  # OpenInference's names, whose parts lie inside the sums

RESPONSES_ITEMS = frozenset({"function_call", "function_call_output", "message", "reasoning", "item_reference"})
TEXT_ALONE = frozenset({"model", "contents"})  # what a client of Gemini's may be asked with
ECHOED = ("tools", "instructions", "tool_choice")


def usage_details(block: Mapping[str, Any]) -> Usage:
    """The tokens of a `usage_details` block, in this project's meaning."""
    counts = {key: found for key, value in block.items() if (found := count(value)) is not None}
    inputs = [key for key in counts if _is_input(key)]
    outputs = [key for key in counts if _is_output(key)]
    parts = Parts(
        input=_first(counts, INPUT),
        output=_first(counts, OUTPUT),
        cache_read=_first(counts, CACHE_READ),
        cache_write=_first(counts, CACHE_WRITE),
        reasoning=_first(counts, REASONING),
        input_details=sum(counts[key] for key in inputs),
        output_details=sum(counts[key] for key in outputs),
    )
    beside = [not any(INSIDE in key for key in keys) for keys in (inputs, outputs)]
    return settled(parts, _first(counts, TOTAL), cache_beside=beside[0], reasoning_beside=beside[1])


def _is_input(key: str) -> bool:
    return key not in INPUT and ("input" in key or key.startswith("prompt"))


def _is_output(key: str) -> bool:
    return key not in OUTPUT and ("output" in key or key.startswith("completion") or key in REASONING)


def _first(counts: Mapping[str, int], names: Iterable[str]) -> int | None:
    return next((counts[name] for name in names if name in counts), None)


def _marks(record: Record) -> bool:
    if isinstance(record.get("observations"), list):
        return any(isinstance(item, dict) and _is_observation(item) for item in record["observations"][:3])
    return _is_observation(record) or _is_beside(record)


def _is_beside(record: Record) -> bool:
    """Whether this is a trace or a score of an export, which lie beside the observations."""
    return any(record.keys() >= keys for keys in BESIDE)


def _is_observation(record: Record) -> bool:
    return (
        isinstance(kind := record.get("type"), str)
        and kind in TYPES
        and any(key in record for key in TRACE_KEYS)
        and ("level" in record or any(key in record for key in USAGE_KEYS))
    )


def _adjust(facts: Facts, record: Record) -> None:
    kind = record.get("type")
    if _is_beside(record):
        raise PassedOver("a Langfuse trace or score: the model calls are observations")
    if kind not in CALLS:
        raise PassedOver(f"a Langfuse {str(kind).casefold()}: its model calls are generations of their own")
    if "end" in facts:
        facts.pop("latency_s", None)
        facts.pop("ttft_s", None)
    if record.get("level") == "ERROR":
        facts["status"] = "error"
        message = record.get("statusMessage") or record.get("status_message")
        if isinstance(message, str):
            facts["error"] = message
    if number(facts.get("cost")) == 0 and is_empty(record.get("costDetails", record.get("cost_details"))):
        del facts["cost"]  # the sum of nothing: no price was known
    block = facts.pop("usage", None)
    put_usage(facts, usage_details(block) if isinstance(block, dict) else Usage())
    response = _response(facts.get("response"))
    facts["response"] = response
    if (operation := CALLS[kind]) is not None:
        facts["operation"] = operation
    else:
        _put_request(facts, facts.pop("asked", None), response if isinstance(response, dict) else {})


def _put_request(facts: Facts, asked: Any, response: Mapping[str, Any]) -> None:
    """Sets the request, whatever was given as the input of a generation."""
    if is_empty(asked):
        return
    asked = (embedded(asked) or asked) if isinstance(asked, str) else asked
    parameters = parameters_of({"model_parameters": facts.get("parameters")})
    request = _request(asked, parameters, response)
    if isinstance(asked, dict) and any(api.is_request(asked) for api in INTERFACES):
        facts["request"] = {**asked, "model": facts.get("model")}
    elif request is None:
        facts["operation"] = "unsupported"
    else:
        facts["request"] = {"model": facts.get("model"), **request}


def _request(asked: Any, parameters: dict[str, Any], response: Mapping[str, Any]) -> dict[str, Any] | None:
    if isinstance(asked, str):
        return {**parameters, "messages": [{"role": "user", "content": asked}]}
    if isinstance(asked, dict):
        inner = asked.get("messages", [asked] if "role" in asked else None)
        if inner is None and asked.keys() <= TEXT_ALONE and isinstance(asked.get("contents"), str):
            inner = asked["contents"]
        if inner is None:
            return {**parameters, **asked} if "input" in asked else None
        around = {key: value for key, value in asked.items() if key in PARAMETERS} if "messages" in asked else {}
        request = _request(inner, parameters, response)
        return None if request is None else {**request, **parameters_of(around)}
    if not isinstance(asked, list):
        return None
    if _is_of_responses(asked, parameters, response):
        echoed = {key: response[key] for key in ECHOED if not is_empty(response.get(key))}
        return {**parameters, **echoed, "input": asked}
    return _chat(asked, parameters)


def _is_of_responses(items: Sequence[Any], parameters: Mapping[str, Any], response: Mapping[str, Any]) -> bool:
    """Whether a conversation is one of the Responses interface, which repeats tools and instructions in its answer."""
    if response.get("object") == "response" or "instructions" in parameters:
        return True
    return any(isinstance(item, dict) and "role" not in item and item.get("type") in RESPONSES_ITEMS for item in items)


def _chat(items: Sequence[Any], parameters: dict[str, Any]) -> dict[str, Any] | None:
    tools = [item["content"] for item in items if _is_tool(item)]
    messages = chat_messages([item for item in items if not _is_tool(item)])
    if messages is None:
        return None
    return {**parameters, **({"tools": tools} if tools else {}), "messages": messages}


def _is_tool(item: Any) -> bool:
    """Whether a message is the definition of a tool, which Langfuse's LangChain handler puts among the messages."""
    content = item.get("content") if isinstance(item, dict) and item.get("role") == "tool" else None
    return isinstance(content, dict) and isinstance(content.get("function"), dict)


def _response(output: Any) -> Any:
    """The output as a body or a message where it is one; an answer that is an object, as JSON."""
    found = response_of(output)
    if isinstance(found, list):
        messages = chat_messages(found)
        return messages[-1] if messages else found
    if not isinstance(found, dict):
        return found
    if not is_body(found):
        return canonical(found).decode()
    return (chat_message(found) or found) if "role" in found else found


OBSERVATION = Declared(
    name="langfuse",
    title="Langfuse observations",
    marks=_marks,
    opened=("metadata", "usage_details", "usageDetails", "usage", "model_parameters", "modelParameters", "tags",
            "cost_details", "costDetails"),
    adjust=_adjust,
    fields={
        "asked": ("input",),
        "response": ("output",),
        "parameters": ("modelParameters", "model_parameters"),
        "id": ("id",),
        "model": ("model", "provided_model_name", "providedModelName"),
        "start": ("startTime", "start_time"),
        "end": ("endTime", "end_time"),
        "first_chunk": ("completionStartTime", "completion_start_time"),
        "latency_s": ("latency",),
        "ttft_s": ("timeToFirstToken", "time_to_first_token"),
        "user": ("user_id", "userId"),
        "session": ("session_id", "sessionId"),
        "cost": ("totalCost", "total_cost", "calculatedTotalCost", "costDetails.total", "cost_details.total"),
        "usage": ("usageDetails", "usage_details", "usage"),
    },
    hidden=(
        "traceId", "projectId", "project_id", "parentObservationId", "parent_observation_id", "createdAt", "updatedAt",
        "updated_at", "event_ts", "bookmarked", "public", "type", "level", "statusMessage", "status_message",
        "internalModelId", "internal_model_id", "model_id", "modelId", "promptId", "prompt_id", "is_deleted",
        "inputPrice", "outputPrice", "totalPrice", "input_price", "output_price", "total_price", "inputCost",
        "outputCost", "inputUsage", "outputUsage", "totalUsage", "promptTokens", "completionTokens", "totalTokens",
        "unit", "calculatedInputCost", "calculatedOutputCost", "calculatedTotalCost", "is_app_root",
        "metadata.attributes", "metadata.resourceAttributes", "metadata.scope", "metadata.checkpoint_ns",
        "metadata.langgraph_checkpoint_ns",
    ),
)  # fmt: skip


class Langfuse:
    """Reads traces with their observations, and observations alone."""

    name: ClassVar[str] = OBSERVATION.name
    title: ClassVar[str] = OBSERVATION.title
    copies: ClassVar[bool] = True  # exports overlap, and the blob export may write each observation twice

    def detect(self, rows: Sequence[Record]) -> float:
        """The share of records that are observations, or hold some."""
        return OBSERVATION.detect(rows)

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The generations of a trace, or the one that the record is."""
        observations = record.get("observations")
        if not isinstance(observations, list):
            return OBSERVATION.parse(record, options)
        around = _of_trace(record)
        calls = [
            call
            for observation in _innermost(observations)
            for call in OBSERVATION.parse({**around, **observation}, options)
        ]
        if not calls:
            raise PassedOver(NO_CALL)
        return calls


def _innermost(observations: Sequence[Any]) -> list[Record]:
    """The calls of a trace that wrap no other call."""
    found = [item for item in observations if isinstance(item, dict) and item.get("type") in CALLS]
    wrappers = {item.get("parentObservationId") or item.get("parent_observation_id") for item in found}
    return [item for item in found if item.get("id") not in wrappers]


def _of_trace(record: Record) -> Record:
    """What the trace says of all its observations."""
    trace = record.get("trace", record)
    if not isinstance(trace, dict):
        return {}
    found = {
        "userId": trace.get("userId"),
        "sessionId": trace.get("sessionId"),
        "tags": trace.get("tags"),
        "trace_name": trace.get("name"),
        "release": trace.get("release"),
    }
    return {key: value for key, value in found.items() if value}
