"""The plain row: a model, a prompt or messages, an answer, and whatever else, at any of the usual places.

| ours              | the row                                                                          |
|-------------------|----------------------------------------------------------------------------------|
| input_tokens      | input_tokens, prompt_tokens, tokens_in; or usage.…: cache included               |
| cache_read_tokens | cache_read_tokens, cached_tokens, prompt_cache_hit_tokens; or usage.…            |
| output_tokens     | output_tokens, completion_tokens, tokens_out; or usage.…: reasoning included     |
| reasoning_tokens  | reasoning_tokens; or usage.…                                                     |

A usage block in Anthropic's shape leaves the cache out of input_tokens; it is added (see llmcost.logs.usage).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from llmcost.calls import Call
from llmcost.logs.decode import embedded
from llmcost.logs.envelope import Tags
from llmcost.logs.exchange import Exchange, call_of
from llmcost.logs.model import ReadOptions, Record
from llmcost.logs.parameters import NESTED, PARAMETERS, parameters_of
from llmcost.logs.paths import FieldMap, lookup
from llmcost.logs.values import is_empty

PLACES = ("", "data.", "log.", "event.", "payload.", "request.", "input.", "inputs.", "llm.", "call.")
ANSWER_PLACES = ("", "data.", "log.", "event.", "payload.", "response.", "output.", "outputs.", "llm.", "call.")


def _anywhere(places: Sequence[str], *names: str) -> tuple[str, ...]:
    return tuple(place + name for place in places for name in names)


FIELDS = FieldMap(
    {
        "messages": _anywhere(PLACES, "messages", "prompt_messages", "chat_history", "conversation_messages"),
        "prompt": (
            *_anywhere(PLACES, "prompt", "user_prompt", "user_message", "question", "query"),
            "input", "inputs", "instruction",
        ),
        "system": _anywhere(PLACES, "system", "system_prompt", "system_message"),
        "response": (
            *_anywhere(ANSWER_PLACES, "response", "completion", "answer", "response_text", "output_text",
                       "generated_text", "generation", "reply", "assistant", "model_output", "message", "choices"),
            "output", "outputs", "result", "response.text", "response.content", "output.text", "output.content",
            "result.text",
        ),
        "model": _anywhere(PLACES, "model", "model_name"),
    }
)  # fmt: skip
TAGS = Tags((*FIELDS.keys, *PARAMETERS, *NESTED, "choices"))

SURE, LIKELY, POSSIBLE = 0.6, 0.5, 0.1
ROLES = {"human": "user", "ai": "assistant"}
ANSWER_KEYS = frozenset({"role", "content", "text", "tool_calls", "choices", "message", "output_text"})

Messages = list[dict[str, Any]]


class PlainRow:
    """Reads rows of named columns: model, prompt or messages, answer, tokens, time."""

    name: ClassVar[str] = "plain-row"
    title: ClassVar[str] = "plain rows"

    def detect(self, rows: Sequence[Record]) -> float:
        """How much the records look like rows of calls; never so sure as a format with marks of its own."""
        return sum(map(_score, rows)) / len(rows) if rows else 0.0

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The one call of the row."""
        found = {name: value for name, value in FIELDS.find(record).items() if not is_empty(value)}
        for name in ("messages", "prompt", "response", "model"):
            if name in options.fields and (value := lookup(record, options.fields[name])) is not None:
                found[name] = value
        messages = _messages(found)
        response = _response(found.get("response"))
        if messages and response is None and len(messages) > 1 and messages[-1].get("role") == "assistant":
            messages, response = messages[:-1], messages[-1]
        request = {**_parameters(record, options), "messages": messages} if messages else None
        if request is not None and isinstance(model := found.get("model"), str):
            request["model"] = model
        exchange = Exchange(request, response)
        tags = TAGS.read(record, options, _request_tags(record))
        return (call_of(record, exchange, tags, options),)


def _parameters(record: Record, options: ReadOptions) -> Record:
    """The request parameters beside the messages; a field that the user mapped is none, whatever it is called."""
    mapped = frozenset(options.fields.values())
    return parameters_of({key: value for key, value in record.items() if key not in mapped} if mapped else record)


def _score(record: Record) -> float:
    found = FIELDS.find(record)
    if "messages" in found or "prompt" in found:
        return SURE if "response" in found or "model" in found else LIKELY
    return LIKELY if "model" in found else POSSIBLE


def _messages(found: dict[str, Any]) -> Messages | None:
    """The messages of a row; from a prompt, and a system prompt beside it, where there are none."""
    given = _as_messages(found.get("messages"))
    if given is None:
        given = _as_messages(found.get("prompt"))
    if given is None and isinstance(prompt := found.get("prompt", found.get("messages")), str):
        given = [{"role": "user", "content": prompt}]
    system = found.get("system")
    if given and isinstance(system, str) and given[0].get("role") not in ("system", "developer"):
        return [{"role": "system", "content": system}, *given]
    return given


def _as_messages(value: Any) -> Messages | None:
    """A list of messages, also from JSON text; None if the value is something else, such as a prompt in JSON."""
    if isinstance(value, str):
        value = embedded(value) if '"role"' in value else None
    if isinstance(value, dict):
        value = value.get("messages") if "messages" in value else [value]
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        return None
    if not all(isinstance(item.get("role"), str) for item in value):
        return None
    return [{**item, "role": ROLES[item["role"]]} if item["role"] in ROLES else item for item in value]


def _response(value: Any) -> Any:
    """The answer as it stands; decoded only if it is a message or a body, for an answer may be JSON itself."""
    if isinstance(value, str):
        body = embedded(value) if value[:1] in ("{", "[") else None
        if isinstance(body, dict) and "role" in body and not ANSWER_KEYS.isdisjoint(body):
            return body
        if isinstance(body, list) and body and all(isinstance(item, dict) and "role" in item for item in body):
            return body
    return value


def _request_tags(record: Record) -> tuple[str, Any]:
    request = record.get("request")
    return ("request", request) if isinstance(request, dict) else ("", None)
