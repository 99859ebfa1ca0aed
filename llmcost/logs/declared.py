"""Log formats declared by data: the marks of a record, the paths of its fields, what is never a tag.

Each such format is one `Declared`; only arithmetic between fields (cents, cache hits, what a count includes) is code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from llmcost.answers import Usage
from llmcost.calls import APP_CACHE, HIT, Call
from llmcost.logs import anthropic_api, converse_api, gemini_api
from llmcost.logs.decode import embedded
from llmcost.logs.envelope import FACTS, TOKEN_FIELDS, Tags, mapped_facts
from llmcost.logs.exchange import Exchange, call_of
from llmcost.logs.model import ReadOptions, Record
from llmcost.logs.parameters import parameters_of
from llmcost.logs.paths import FieldMap
from llmcost.logs.streams import SSE_STARTS
from llmcost.logs.translated import translated_call
from llmcost.logs.values import count, is_empty

Facts = MutableMapping[str, Any]

ASKS = frozenset({"messages", "input", "prompt", "previous_response_id"})
INTERFACES = (anthropic_api, gemini_api, converse_api)
BODY_KEYS = frozenset(
    {
        "choices", "output", "object", "role", "content", "tool_calls", "error", "error_code", "usage", "candidates",
        "chunks", "stop_reason",
    }
)  # fmt: skip
# The tag of a call that the gateway answered from its own cache: it cost nothing, its tokens say what it would have.
EXPECTED = {"expected": tuple(".".join(path) for path in FACTS.candidates["expected"])}


def unchanged(facts: Facts, record: Record) -> None:
    """No arithmetic: the fields mean what they are declared as."""


@dataclass(frozen=True)
class Declared:
    """A log format declared by data.

    marks    whether a record surely has this shape
    fields   our field → candidate paths: the facts of `llmcost.logs.envelope`, and
             request, response   the bodies, as objects or JSON text
             messages, parameters   the parts of a request that is logged in pieces
             total   input and output tokens together
             operation   set by `adjust`: embeddings, or unsupported for what is no text
             app_cache   set by `adjust`: true for an answer out of the gateway's cache
    opened   fields at the top that may hold JSON as text
    inside   where the record stands, if it comes wrapped
    hidden   what is never a tag: `key`, or `container.key`
    adjust   the arithmetic; changes the facts in place, raises NotACall or PassedOver
    copies   whether calls of one id are copies of one call (see `llmcost.logs.model.RepeatingFormat`)
    """

    name: str
    title: str
    marks: Callable[[Record], bool]
    fields: Mapping[str, Sequence[str]]
    opened: Sequence[str] = ()
    inside: str | None = None
    hidden: Sequence[str] = ()
    adjust: Callable[[Facts, Record], None] = unchanged
    copies: bool = False

    def detect(self, rows: Sequence[Record]) -> float:
        """The share of records that carry the marks."""
        return sum(map(self.marks, rows)) / len(rows) if rows else 0.0

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The one call of the record."""
        opened = self.open(record)
        found: Facts = self._map.find(opened)
        self.adjust(found, opened)
        facts = mapped_facts(dict(found), record, options)
        return (_finished(_call(opened, self.tags(opened, options), options, facts), facts),)

    def open(self, record: Record) -> Record:
        """The record out of its wrapper, with JSON texts decoded where the format may have them."""
        if self.inside is not None and isinstance(inner := record.get(self.inside), dict):
            record = inner
        decoded = {key: embedded(value) for key in self.opened if isinstance(value := record.get(key), str)}
        return {**record, **{key: value for key, value in decoded.items() if value is not None}} if decoded else record

    def tags(self, record: Record, options: ReadOptions) -> dict[str, str]:
        """The tags of a record, without what the format hides."""
        shown = {key: value for key, value in record.items() if key not in self._hidden_keys}
        for key, inner in self._hidden_inside.items():
            if isinstance(value := shown.get(key), dict):
                shown[key] = {name: item for name, item in value.items() if name not in inner}
        return self._tags.read(shown, options)

    @cached_property
    def _map(self) -> FieldMap:
        return FieldMap({**EXPECTED, **self.fields})

    @cached_property
    def _tags(self) -> Tags:
        return Tags(self._map.keys)

    @cached_property
    def _hidden_keys(self) -> frozenset[str]:
        return frozenset(path for path in self.hidden if "." not in path)

    @cached_property
    def _hidden_inside(self) -> dict[str, frozenset[str]]:
        pairs = [path.split(".", 1) for path in self.hidden if "." in path]
        return {key: frozenset(inner for outer, inner in pairs if outer == key) for key, _ in pairs}


def has(*keys: str) -> Callable[[Record], bool]:
    """The marks of a format whose records all have these keys."""
    wanted = frozenset(keys)
    return lambda record: record.keys() >= wanted


def put_usage(facts: Facts, usage: Usage) -> None:
    """Sets the token facts to this usage, unknown ones left out."""
    for name in TOKEN_FIELDS:
        facts.pop(name, None)
        if (value := getattr(usage, name)) is not None:
            facts[name] = value


def count_in(facts: Mapping[str, Any], name: str) -> int | None:
    """A fact as a count; None if it is not there or is none."""
    return count(facts.get(name))


def request_of(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """The request body: as logged whole, else put together from messages (or a prompt) and parameters."""
    body = _structure(facts.get("request"))
    if isinstance(body, dict) and not ASKS.isdisjoint(body):
        return body
    asked = facts.get("messages")
    asked = _structure(asked) or asked
    if is_empty(asked):
        return None
    request = parameters_of({"model_parameters": facts.get("parameters"), "model": facts.get("model")})
    if isinstance(asked, dict):
        return {**request, **asked} if not ASKS.isdisjoint(asked) else None
    return {**request, "messages": [{"role": "user", "content": asked}] if isinstance(asked, str) else asked}


def response_of(value: Any) -> Any:
    """The response body, decoded if it is one as JSON text: an answer that is JSON stays text. None if it is empty."""
    if not isinstance(value, str):
        return None if is_empty(value) else value
    found = embedded(value)
    if value.strip() in ("{}", "[]"):
        return None
    return found if is_body(found) else value


def is_body(value: Any) -> bool:
    """Whether this is a response body, a message or a list of them, rather than an answer in JSON."""
    if isinstance(value, list):
        return any(isinstance(item, dict) and not BODY_KEYS.isdisjoint(item) for item in value)
    return isinstance(value, dict) and not BODY_KEYS.isdisjoint(value)


def _call(record: Record, tags: Mapping[str, str], options: ReadOptions, facts: Mapping[str, Any]) -> Call:
    """The call of these facts; bodies in the interface of another provider are translated."""
    response = response_of(facts.get("response"))
    answering = next((api for api in INTERFACES if _may_be_body(response) and api.is_response(response)), None)
    if answering is not None:
        response = answering.to_answer(response)
    asked = _structure(facts.get("request"))
    asking = next((api for api in INTERFACES if isinstance(asked, dict) and api.is_request(asked)), None)
    if asking is None or "operation" in facts:
        return call_of(record, Exchange(request_of(facts), response), tags, options, facts)
    if isinstance(response, str):
        response = {"choices": [{"message": {"role": "assistant", "content": response}}]}
    return translated_call(record, asked, asking.to_chat, response or {}, tags, options, facts)


def _may_be_body(response: Any) -> bool:
    return isinstance(response, dict) or (isinstance(response, str) and response.startswith(SSE_STARTS))


def _structure(value: Any) -> Any:
    return embedded(value) if isinstance(value, str) else value


def _finished(call: Call, facts: Mapping[str, Any]) -> Call:
    operation = facts.get("operation")
    if operation is not None:
        known = call.operation if operation == "unsupported" else operation
        call = replace(call, operation=known, request=None, body_state="unsupported")
    if facts.get("app_cache"):
        call = replace(call, logged_cost_usd=0.0, tags={**call.tags, APP_CACHE: HIT})
    return call
