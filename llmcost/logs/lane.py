"""The fast lane: request/response records of shapes that repeat, decoded with types instead of into dictionaries.

A log's records share few shapes. The lane learns the keys of the first ones, and takes a line only if it has no key
that was not learned, and types as a chat completion has them; every other line is left to its format. What it reads of
a line is what the format reads: a law of the tests.

A line's text is looked at when it is taken; the rest waits for the batch, which is read by the column
(`llmcost.logs.surroundings`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any, NamedTuple

import msgspec
import pyarrow as pa
import xxhash
from msgspec import UNSET, Meta, Raw

from llmcost.calls import SCHEMA, Call
from llmcost.logs.answers import tool_calls_of
from llmcost.logs.decode import Undecodable, decode, embedded
from llmcost.logs.features import MAX_OUTPUT, SYSTEM_ROLES, answer_print, effort_of, features_of, texts_of
from llmcost.logs.fingerprints import NOT_SHAPING, canonical
from llmcost.logs.formats.openai_pairs import OpenAIPairs
from llmcost.logs.halves import REQUEST_KEYS, RESPONSE_KEYS
from llmcost.logs.model import ReadOptions, Record
from llmcost.logs.requests import LONGEST_MARKER, state_of_texts
from llmcost.logs.surroundings import ASKED, LOOKED_INTO, SEARCHED, Surroundings
from llmcost.logs.table import column_of
from llmcost.logs.values import MAX_COUNT, count

BATCH = 1024
MOST_KEYS = 64  # of one object: with more, they are data rather than names
MOST_LESSONS = 32
MOST_REMEMBERED = 1024
TOOLS = ("tools", "functions")
ANSWERED = ("choices", "error")
# Keys of a request whose kind is not up to the first records of a log.
OBJECTS = frozenset({*TOOLS, "reasoning"})
NEVER_OBJECTS = frozenset({*MAX_OUTPUT, "reasoning_effort", "messages"})
PLAIN = {str}
NO_OBJECTS: Mapping[str, Remembered] = {}
NO_LIMITS = (None, None)
COMPLETION = (None, "chat.completion")

# What is searched for facts and tags; one that holds JSON as text is left to the format.
Searched = dict[str, Any] | list[Any] | None

OPEN = (dict, list, type(None))

CallSite = Callable[[Call], str | None]
Taken = tuple[Any, ...]
Count = Annotated[int, Meta(ge=0, lt=MAX_COUNT)]

_encode = msgspec.json.Encoder(order="deterministic").encode


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


class InputDetails(msgspec.Struct, gc=False):
    """Of a usage block."""

    cached_tokens: Count | None = None
    cache_write_tokens: Any = None
    cache_creation_tokens: Any = None


class OutputDetails(msgspec.Struct, gc=False):
    """Of a usage block."""

    reasoning_tokens: Count | None = None


class UsageBlock(msgspec.Struct, gc=False):
    """A usage block as OpenAI writes it. What follows the details says that somebody else did."""

    prompt_tokens: Count
    completion_tokens: Count
    prompt_tokens_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None
    input_tokens_details: Any = None
    output_tokens_details: Any = None
    prompt_cache_hit_tokens: Any = None
    cached_tokens: Any = None
    cache_read_tokens: Any = None
    cache_read_input_tokens: Any = None
    cache_write_tokens: Any = None
    cache_creation_input_tokens: Any = None
    cache_creation: Any = None
    reasoning_tokens: Any = None
    cost: Any = None


class Response(msgspec.Struct, gc=False):
    """What means something in a chat completion, or in the error in its stead. What follows is of something else."""

    choices: list[Choice] | None = None
    error: Any = None
    id: Any = None
    model: Any = None
    created: Any = None
    service_tier: Any = None
    usage: UsageBlock | None = None
    object: str | None = None
    created_at: Any = None
    status: Any = None
    status_code: Any = None
    data: Any = None


_unlike_openai = attrgetter(
    "input_tokens_details", "output_tokens_details", "prompt_cache_hit_tokens", "cached_tokens", "cache_read_tokens",
    "cache_read_input_tokens", "cache_write_tokens", "cache_creation_input_tokens", "cache_creation",
    "reasoning_tokens", "cost",
)  # fmt: skip
_unlike_completion = attrgetter("created_at", "status", "status_code", "data")
NOTHING_OF_USAGE, NOTHING_OF_RESPONSE = (None,) * 11, (None,) * 4


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
        types |= {"metadata": Searched} if "metadata" in types else {}
        request, asked = _struct("Request", types | {"messages": list[message]})  # type: ignore[valid-type]
        around = {key: Searched if key in SEARCHED else Any for key in keys.outer}
        record, outer = _struct("Record", around | {request_key: request, response_key: Response})
        self.decode = msgspec.json.Decoder(record).decode
        self.halves = attrgetter(outer[request_key], outer[response_key])
        self.keys, self.half_keys = frozenset(outer), (request_key, response_key)
        self.outer = tuple(keys.outer)
        self.searched = [number for number, key in enumerate(keys.outer) if key in SEARCHED]
        self.decode_request = msgspec.json.Decoder(request).decode
        self.decode_response = msgspec.json.Decoder(Response).decode
        self.messages = attrgetter(asked["messages"])
        self.said = _values(self.content, ("role", "content"))
        self.around = _values(outer, keys.outer)
        self.rich = not keys.message.keys() <= {"role", "content", "name", "tool_call_id"}
        self.asked_keys = [key for key in dict.fromkeys((*ASKED, *LOOKED_INTO)) if key in asked]
        self.asked = _values(asked, self.asked_keys)
        self.effort, self.limits = asked.get("reasoning_effort"), [asked[key] for key in MAX_OUTPUT if key in asked]
        self.limited = not asked.keys().isdisjoint({*MAX_OUTPUT, "reasoning_effort", "reasoning"})
        self.objects = [(key, asked[key]) for key in keys.request if key in keys.objects]
        self.aside = [asked[key] for key in keys.request if key in NOT_SHAPING]
        self.plain = [asked[key] for key in keys.request if key not in {*NOT_SHAPING, *keys.objects, "messages"}]
        self.surroundings = Surroundings(tuple(keys.outer), request_key, self.asked_keys)


class Lane:
    """Reads the lines of one log that have its usual shapes. They must be UTF-8: it does not look at all of them."""

    def __init__(self, options: ReadOptions, call_site: CallSite) -> None:
        self._call_site = call_site
        self._halves: tuple[str, str] | None = None
        self._keys: Keys | None = None
        self._shape: Shape | None = None
        self._lessons = 0
        self._sites: dict[Any, tuple[str | None, bool]] = {}
        self._remembered: dict[bytes, Remembered] = {}
        self._taken: list[tuple[Any, ...]] = []
        self._tables: list[pa.Table] = []

    @staticmethod
    def reads(form: str, options: ReadOptions) -> bool:
        """Whether logs of this format, read with these options, may have a lane."""
        plain = not options.fields and options.expected_field is None and not options.estimate_tokens
        return form == OpenAIPairs.name and plain

    def learn(self, record: Any) -> None:
        """Takes the keys of a record that was left to its format, if it is one that could be read here."""
        record = _opened(record)
        halves = _halves(record)
        if self._lessons >= MOST_LESSONS or halves is None or self._halves not in (None, halves):
            return
        found = _keys(record, *halves)
        keys = found if self._keys is None else self._keys.and_those_of(found)
        if keys != self._keys and max(map(len, keys)) <= MOST_KEYS:
            self._flush()
            self._lessons += 1
            self._halves, self._keys, self._shape = halves, keys, Shape(keys, *halves)

    def takes(self, line: bytes, position: int) -> bool:
        """Whether the line was read; if not, it must be read by its format."""
        return self._shape is not None and self._takes(self._of_line, self._shape, line, position)

    def takes_row(self, record: Record, position: int) -> bool:
        """The same of a row of a table, whose request and response are JSON texts."""
        return self._shape is not None and self._takes(self._of_row, self._shape, record, position)

    def _takes(self, read: Callable[[Shape, Any], Taken | None], shape: Shape, content: Any, position: int) -> bool:
        try:
            taken = read(shape, content)
        except (msgspec.DecodeError, Undecodable, OverflowError, UnicodeError, RecursionError, TypeError):
            return False
        if taken is None:
            return False
        self._taken.append((*taken, position))
        if len(self._taken) >= BATCH:
            self._flush()
        return True

    def tables(self) -> list[pa.Table]:
        """The rows of all lines that were taken, as tables of calls."""
        self._flush()
        return self._tables

    def _flush(self) -> None:
        if not self._taken or self._shape is None:
            return
        around, asked, responses, *texts, positions = zip(*self._taken, strict=True)
        columns = self._shape.surroundings.columns(around, asked, responses)
        columns |= dict(zip(TEXT_COLUMNS, texts, strict=True)) | {"position": positions}
        self._tables.append(
            pa.table([column_of(item, columns.get(item.name), len(positions)) for item in SCHEMA], SCHEMA)
        )
        self._taken = []

    def _of_line(self, shape: Shape, line: bytes) -> Taken | None:
        record = shape.decode(line)
        return self._exchange(shape, shape.around(record), *shape.halves(record), b"runcated" in line)

    def _of_row(self, shape: Shape, record: Record) -> Taken | None:
        request, response = (record.get(key) for key in shape.half_keys)
        if type(request) is not str or type(response) is not str or record.keys() != shape.keys:
            return None
        around = tuple([record[key] for key in shape.outer])
        if any(type(around[number]) not in OPEN for number in shape.searched):
            return None
        halves = shape.decode_request(request), shape.decode_response(response)
        return self._exchange(shape, around, *halves, "runcated" in request)

    def _exchange(
        self, shape: Shape, around: Sequence[Any], request: Any, response: Response | None, may_be_cut: bool
    ) -> Taken | None:
        """What is taken of an exchange: what surrounds it, and all that its text tells."""
        if request is None or response is None or not _is_completion(response):
            return None
        messages = shape.messages(request)
        if not messages:
            return None
        roles, contents = zip(*map(shape.said, messages), strict=True)
        texts = contents if set(map(type, contents)) == PLAIN else tuple("".join(texts_of(item)) for item in contents)
        state = _state(contents, texts, may_be_cut)
        objects = self._objects(shape, request) if shape.objects else NO_OBJECTS
        site, tools = self._site(roles, contents, objects)
        limit, effort = _limits(shape, request, objects) if shape.limited else NO_LIMITS
        text = features_of(limit, effort, roles, texts, tools, _answer_print(response))
        asked = shape.asked(request)
        rich = shape.rich or texts is not contents
        key = _prompt_key(shape, request, objects, rich) if state == "full" else None
        return around, asked, response, site, key, state, *text

    def _objects(self, shape: Shape, request: Any) -> dict[str, Remembered]:
        """The objects that the request has, as they were read before where they are the same."""
        found = {}
        for key, name in shape.objects:
            raw = getattr(request, name)
            if raw is not None:
                found[key] = self._object(bytes(raw))
        return found

    def _object(self, raw: bytes) -> Remembered:
        found = self._remembered.get(raw)
        if found is None:
            value = decode(raw)
            if type(value) is float and value.is_integer():
                value = int(value)
            found = Remembered(value, None if value is None else Raw(canonical(value)))
            _remember(self._remembered, raw, found)
        return found

    def _site(
        self, roles: Sequence[Any], contents: Sequence[Any], objects: Mapping[str, Remembered]
    ) -> tuple[str | None, bool]:
        """The call site, which the leading system messages and the tools decide; and whether there are tools."""
        count = next((number for number, role in enumerate(roles) if role not in SYSTEM_ROLES), len(roles))
        leading = contents[:count]
        tools = tuple(objects[key].canonical for key in TOOLS if key in objects) if objects else ()
        key = leading, *map(bytes, filter(None, tools))
        try:
            return self._sites[key]
        except (KeyError, TypeError):  # contents in parts are lists, which are no keys
            messages = [{"role": "system", "content": content} for content in leading]
            declared = {name: objects[name].value for name in TOOLS if name in objects}
            found = self._call_site(Call(request={"messages": messages, **declared})), any(declared.values())
            if set(map(type, leading)) <= PLAIN:
                _remember(self._sites, key, found)
            return found


TEXT_COLUMNS = (
    "call_site", "prompt_key", "body_state", "max_output_tokens", "reasoning_effort", "messages", "prompt_bytes",
    "answer_bytes", "answer_key", "opening", "sketch",
)  # fmt: skip


def _is_completion(response: Response) -> bool:
    usage = response.usage
    return (
        (
            bool(response.choices)
            if response.error is None
            else response.choices is None and type(response.error) is dict
        )
        and response.object in COMPLETION
        and _unlike_completion(response) == NOTHING_OF_RESPONSE
        and (usage is None or _unlike_openai(usage) == NOTHING_OF_USAGE)
    )


def _state(contents: Sequence[Any], texts: Sequence[str], may_be_cut: bool) -> str:
    """As `state_of_texts`, looking only at texts that may hold a mark."""
    if texts is not contents:
        return state_of_texts([text for content in contents for text in texts_of(content)])
    if not may_be_cut and min(map(len, texts)) > LONGEST_MARKER:
        return "full"
    return state_of_texts(texts if may_be_cut else [text for text in texts if len(text) <= LONGEST_MARKER])


def _limits(shape: Shape, request: Any, objects: Mapping[str, Remembered]) -> tuple[int | None, str | None]:
    limit = None
    for name in shape.limits:
        if limit is None and (value := getattr(request, name)) is not None:
            limit = count(value)
    effort = None if shape.effort is None else getattr(request, shape.effort)
    if effort is None and "reasoning" not in objects:
        return limit, None
    reasoning = objects["reasoning"].value if "reasoning" in objects else None
    return limit, effort_of({"reasoning_effort": effort, "reasoning": reasoning})


def _prompt_key(shape: Shape, request: Any, objects: Mapping[str, Remembered], rich: bool) -> bytes:
    """The fingerprint of all that shapes the answer; spends the request. `rich`: messages may hold more than texts."""
    for name in shape.aside:
        setattr(request, name, UNSET)
    if objects:
        for key, name in shape.objects:
            if key in objects:
                setattr(request, name, objects[key].canonical)
    for name in shape.plain:
        value = getattr(request, name)
        if type(value) is float and value.is_integer():
            setattr(request, name, int(value))
    encoded = _encode(request)
    if rich and b":null" in encoded:
        encoded = canonical(decode(encoded))
    return xxhash.xxh3_128_digest(encoded)


def _answer_print(response: Response) -> tuple[int | None, bytes | None]:
    if not response.choices:
        return None, None
    message = response.choices[0].message
    if not message.tool_calls and not message.function_call:
        return answer_print(message.content, ())
    calls = {"tool_calls": message.tool_calls, "function_call": message.function_call}
    return answer_print(message.content, tool_calls_of(calls))


def _opened(record: Any) -> Any:
    """The record with a request and a response that are JSON texts decoded, as in a table."""
    if not isinstance(record, dict):
        return record
    texts = {key: value for key in (*REQUEST_KEYS, *RESPONSE_KEYS) if isinstance(value := record.get(key), str)}
    return {**record, **{key: found for key, text in texts.items() if (found := embedded(text)) is not None}}


def _halves(record: Any) -> tuple[str, str] | None:
    """The keys of the request and the response, if the record is a chat exchange nested under two keys."""
    if not isinstance(record, dict):
        return None
    asked = [key for key in REQUEST_KEYS if key in record]
    answered = [key for key in RESPONSE_KEYS if key in record]
    if len(asked) != 1 or len(answered) != 1 or any("." in key for key in record):
        return None
    request, response = record[asked[0]], record[answered[0]]
    if not isinstance(request, dict) or not isinstance(response, dict) or response.keys().isdisjoint(ANSWERED):
        return None
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(item, dict) for item in messages):
        return None
    keys = itertools.chain(record, request, *messages)
    return (asked[0], answered[0]) if all(map(_is_plain, keys)) else None


@lru_cache(maxsize=MOST_REMEMBERED)
def _is_plain(key: str) -> bool:
    """Whether a key can be one of a struct: without what JSON escapes."""
    return key.isprintable() and not {'"', "\\"} & {*key}


def _keys(record: Record, request_key: str, response_key: str) -> Keys:
    request = record[request_key]
    around = {key: value for key, value in record.items() if key not in (request_key, response_key)}
    objects = {key for key, value in request.items() if isinstance(value, dict | list)} | (OBJECTS & request.keys())
    objects -= NOT_SHAPING | NEVER_OBJECTS
    return Keys(
        dict.fromkeys(around),
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
    if len(names) > 1 and None not in names:
        return attrgetter(*filter(None, names))
    return lambda record: tuple(None if name is None else getattr(record, name) for name in names)


def _remember(known: dict[Any, Any], key: Any, value: Any) -> None:
    if len(known) >= MOST_REMEMBERED:
        known.clear()
    known[key] = value
