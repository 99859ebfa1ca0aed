"""The fast lane: request/response records of shapes that repeat, decoded with types instead of into dictionaries.

A log's records share few shapes. The lane learns the keys of the first ones, and takes a line only if it has no key
that was not learned, and types as a chat completion has them; every other line is left to the format. What it reads of
a line is what the format reads: a law of the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import takewhile
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
import xxhash
from msgspec import UNSET, Raw

from llmcost.calls import Answer, Call, ToolCall
from llmcost.logs.answers import tool_calls_of
from llmcost.logs.decode import Undecodable, decode
from llmcost.logs.envelope import FACTS
from llmcost.logs.exchange import attempt_of
from llmcost.logs.features import MAX_OUTPUT, SYSTEM_ROLES, answer_print, effort_of, features_of, limit_of, texts_of
from llmcost.logs.fingerprints import NOT_SHAPING, canonical
from llmcost.logs.formats.openai_pairs import TAGS, OpenAIPairs
from llmcost.logs.halves import REQUEST_KEYS, RESPONSE_KEYS
from llmcost.logs.model import ReadOptions, Record
from llmcost.logs.requests import state_of_texts
from llmcost.logs.table import Row, row_of
from llmcost.logs.values import boolean

MOST_KEYS = 64  # of one object: with more, they are data rather than names
MOST_LESSONS = 32
MOST_REMEMBERED = 1024
ASKED = ("model", "service_tier", "user")
SERVED = ("id", "model", "created", "service_tier", "usage")
TOOLS = ("tools", "functions")
COMPLETION = (None, "chat.completion")

_encoder = msgspec.json.Encoder(order="deterministic")

# Keys of a request that are searched for what surrounds a call as well (`request.user`, `request.metadata.task`).
LOOKED_INTO = frozenset(path[1] for paths in FACTS.candidates.values() for path in paths if path[0] == "request")

CallSite = Callable[[Call], str | None]


class AnswerMessage(msgspec.Struct, gc=False):
    """The message of a choice."""

    role: str
    content: str | None
    tool_calls: Any = None
    function_call: Any = None
    refusal: str | None = None


class Choice(msgspec.Struct, gc=False):
    """The first choice of a completion."""

    message: AnswerMessage
    finish_reason: Any = None


class Response(msgspec.Struct, gc=False):
    """What means something in a chat completion. Those from `created_at` on say that it is something else."""

    choices: list[Choice]
    id: Any = None
    model: Any = None
    created: Any = None
    service_tier: Any = None
    usage: Any = None
    object: str | None = None
    created_at: Any = None
    error: Any = None
    status: Any = None
    status_code: Any = None
    data: Any = None

    def plain(self) -> bool:
        """Whether it is a chat completion and nothing else."""
        return bool(
            self.choices
            and self.object in COMPLETION
            and self.error is None
            and self.status is None
            and self.status_code is None
            and self.data is None
            and self.created_at is None
        )


class Keys(NamedTuple):
    """The keys of records, in the order first seen: around the exchange, of the request, of its messages.

    objects  keys of the request that hold objects or lists, and shape the answer
    """

    outer: dict[str, None]
    request: dict[str, None]
    message: dict[str, None]
    objects: dict[str, None]

    def and_those_of(self, other: Keys) -> Keys:
        """The keys of both."""
        return Keys(*(mine | theirs for mine, theirs in zip(self, other, strict=True)))


class Remembered(NamedTuple):
    """An object in a request that is the same in many, such as its tools."""

    value: Any
    canonical: Raw | None


class Shape:
    """The types of a log's records, made of their keys, and what reads their values."""

    def __init__(self, keys: Keys, request_key: str, response_key: str) -> None:
        message, self.content = _struct("Message", dict.fromkeys(sorted(keys.message), Any))
        types: dict[str, Any] = {key: Raw if key in keys.objects else Any for key in sorted(keys.request)}
        request, asked = _struct("Request", types | {"messages": list[message]})  # type: ignore[valid-type]
        outer = dict.fromkeys(keys.outer, Any) | {request_key: request, response_key: Response}
        record, around = _struct("Record", outer)
        self.decode = msgspec.json.Decoder(record).decode
        self.request, self.response = attrgetter(around[request_key]), attrgetter(around[response_key])
        self.messages, self.said = attrgetter(asked["messages"]), _values(self.content, ("role", "content"))
        self.outer, self.around = tuple(keys.outer), _values(around, keys.outer)
        self.inner = [(key, asked[key]) for key in keys.request if key in LOOKED_INTO]
        self.request_key = request_key
        self.asked = _values(asked, ASKED)
        self.stream, self.effort = asked.get("stream"), asked.get("reasoning_effort")
        self.limits = _values(asked, MAX_OUTPUT)
        self.objects = [(key, asked[key]) for key in keys.request if key in keys.objects]
        self.aside = [asked[key] for key in keys.request if key in NOT_SHAPING]
        self.plain = [asked[key] for key in keys.request if key not in {*NOT_SHAPING, *keys.objects, "messages"}]


class Lane:
    """Reads the lines of one log that have its usual shapes."""

    def __init__(self, options: ReadOptions, call_site: CallSite) -> None:
        self._options, self._call_site = options, call_site
        self._halves: tuple[str, str] | None = None
        self._keys: Keys | None = None
        self._shape: Shape | None = None
        self._lessons = 0
        self._sites: dict[Any, str | None] = {}
        self._remembered: dict[bytes, Remembered] = {}

    def learn(self, record: Any) -> None:
        """Takes the keys of a record that was left to its format, if it is one that could be read here."""
        halves = _halves(record)
        if self._lessons >= MOST_LESSONS or halves is None or self._halves not in (None, halves):
            return
        found = _keys(record, *halves)
        keys = found if self._keys is None else self._keys.and_those_of(found)
        if keys != self._keys and max(map(len, keys)) <= MOST_KEYS:
            self._lessons += 1
            self._halves, self._keys, self._shape = halves, keys, Shape(keys, *halves)

    @staticmethod
    def reads(form: str, options: ReadOptions) -> bool:
        """Whether logs of this format, read with these options, may have a lane."""
        plain = not options.fields and options.expected_field is None and not options.estimate_tokens
        return form == OpenAIPairs.name and plain

    def row(self, line: bytes, position: int) -> Row | None:
        """The row of the call that a line holds; None if the line must be read by its format."""
        shape = self._shape
        if shape is None:
            return None
        try:
            if not line.isascii():
                line.decode()  # keys that are passed over are not looked at, but bytes that are no text spoil a line
            record = shape.decode(line)
            request, response = shape.request(record), shape.response(record)
            if request is None or response is None or not response.plain() or not shape.messages(request):
                return None
            return self._row(shape, record, request, response, (0, position, 0))
        except (msgspec.DecodeError, Undecodable, OverflowError, UnicodeError, RecursionError):
            return None

    def _row(self, shape: Shape, record: Any, request: Any, response: Response, place: tuple[int, int, int]) -> Row:
        call = self._surroundings(shape, record, request, response)
        objects = {
            key: self._object(bytes(raw)) for key, name in shape.objects if (raw := getattr(request, name)) is not None
        }
        said = [shape.said(message) for message in shape.messages(request)]
        parts = [(content,) if type(content) is str else tuple(texts_of(content)) for _, content in said]
        call["body_state"] = next((state for p in parts if (state := state_of_texts(p)) != "full"), "full")
        tools = next((found for key in TOOLS if (found := objects.get(key)) is not None and found.value), None)
        effort = {"reasoning_effort": getattr(request, shape.effort) if shape.effort else None}
        if "reasoning" in objects:
            effort["reasoning"] = objects["reasoning"].value
        text = features_of(
            limit_of(shape.limits(request)),
            effort_of(effort),
            [role for role, _ in said],
            ["".join(p) for p in parts],
            tools is not None,
            _answer_print(response.choices[0].message),
        )
        site = self._site(said, parts, objects)
        key = _prompt_key(shape, request, objects) if call["body_state"] == "full" else None
        return row_of(call, site, key, text, place)

    def _surroundings(self, shape: Shape, record: Any, request: Any, response: Response) -> dict[str, Any]:
        """The fields of the call that its text does not tell."""
        outer = dict(zip(shape.outer, shape.around(record), strict=True))
        metadata = None
        if shape.inner:
            inner = {key: getattr(request, name) for key, name in shape.inner}
            outer[shape.request_key], metadata = inner, inner.get("metadata")
        facts = FACTS.find(outer)
        asked = dict(zip(ASKED, shape.asked(request), strict=True))
        body = {name: getattr(response, name) for name in SERVED}
        call = attempt_of(outer, facts, asked, body, None)
        stream = UNSET if shape.stream is None else getattr(request, shape.stream)
        reason = response.choices[0].finish_reason
        reason = reason if isinstance(reason, str) and reason else None
        if reason is None and isinstance(facts.get("finish_reason"), str):
            reason = facts["finish_reason"]
        call["operation"], call["tokens_estimated"], call["finish_reason"] = "chat", False, reason
        call["stream"] = boolean(facts.get("stream") if stream is UNSET else stream)
        call["tags"] = TAGS.read(outer, self._options, (shape.request_key, {"metadata": metadata}))
        return call

    def _object(self, raw: bytes) -> Remembered:
        found = self._remembered.get(raw)
        if found is None:
            value = decode(raw)
            if type(value) is float and value.is_integer():
                value = int(value)
            found = Remembered(value, None if value is None else Raw(canonical(value)))
            _remember(self._remembered, raw, found)
        return found

    def _site(self, said: list[Any], parts: list[Any], objects: Mapping[str, Remembered]) -> str | None:
        """The call site, which the leading system messages and the tools decide."""
        leading = tuple(takewhile(lambda item: item[0][0] in SYSTEM_ROLES, zip(said, parts, strict=True)))
        tools = tuple(bytes(objects[key].canonical or b"") if key in objects else b"" for key in TOOLS)
        key = tuple(part for _, part in leading), tools
        if key not in self._sites:
            messages = [{"role": "system", "content": [{"type": "text", "text": t} for t in p]} for _, p in leading]
            declared = {name: objects[name].value for name in TOOLS if name in objects}
            _remember(self._sites, key, self._call_site(Call(request={"messages": messages, **declared})))
        return self._sites[key]


def _prompt_key(shape: Shape, request: Any, objects: Mapping[str, Remembered]) -> bytes:
    """The fingerprint of all that shapes the answer; spends the request."""
    for name in shape.aside:
        setattr(request, name, UNSET)
    for key, name in shape.objects:
        if key in objects:
            setattr(request, name, objects[key].canonical)
    for name in shape.plain:
        value = getattr(request, name)
        if type(value) is float and value.is_integer():
            setattr(request, name, int(value))
    encoded = _encoder.encode(request)
    if b":null" in encoded:
        encoded = canonical(decode(encoded))
    return xxhash.xxh3_128_digest(encoded)


def _answer_print(message: AnswerMessage) -> tuple[int | None, bytes | None]:
    calls: tuple[ToolCall, ...] = ()
    if message.tool_calls or message.function_call:
        calls = tool_calls_of({"tool_calls": message.tool_calls, "function_call": message.function_call})
    return answer_print(Answer(message.content, calls))


def _halves(record: Any) -> tuple[str, str] | None:
    """The keys of the request and the response, if the record is a chat exchange nested under two keys."""
    if not isinstance(record, dict):
        return None
    asked = [key for key in REQUEST_KEYS if key in record]
    answered = [key for key in RESPONSE_KEYS if key in record]
    if len(asked) != 1 or len(answered) != 1:
        return None
    request, response = record[asked[0]], record[answered[0]]
    if not isinstance(request, dict) or not isinstance(response, dict) or "choices" not in response:
        return None
    messages = request.get("messages")
    known = isinstance(messages, list) and messages and all(isinstance(item, dict) for item in messages)
    return (asked[0], answered[0]) if known else None


def _keys(record: Record, request_key: str, response_key: str) -> Keys:
    request = record[request_key]
    objects = {key for key, value in request.items() if isinstance(value, dict | list)} - NOT_SHAPING - {"messages"}
    return Keys(
        dict.fromkeys(key for key in record if key not in (request_key, response_key)),
        dict.fromkeys(request),
        dict.fromkeys(key for message in request["messages"] for key in message),
        dict.fromkeys(sorted(objects)),
    )


def _struct(name: str, types: Mapping[str, Any]) -> tuple[Any, dict[str, str]]:
    """A struct with these keys and no others, and the attribute of each: keys need not be Python names."""
    attributes = {key: f"a{number}" for number, key in enumerate(types)}
    fields = [(attributes[key], kind, UNSET if key == "stream" else None) for key, kind in types.items()]
    rename = {attribute: key for key, attribute in attributes.items()}
    made = msgspec.defstruct(name, fields, rename=rename, forbid_unknown_fields=True, omit_defaults=True, gc=False)
    return made, attributes


def _values(attributes: Mapping[str, str], keys: Iterable[str]) -> Callable[[Any], tuple[Any, ...]]:
    """What reads the values of these keys; None for a key that is not there."""
    names = [attributes.get(key) for key in keys]
    found = [name for name in names if name is not None]
    if len(found) == len(names) and len(found) > 1:
        return attrgetter(*found)
    return lambda record: tuple(None if name is None else getattr(record, name) for name in names)


def _remember(known: dict[Any, Any], key: Any, value: Any) -> None:
    if len(known) >= MOST_REMEMBERED:
        known.clear()
    known[key] = value
