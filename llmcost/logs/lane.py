"""The fast lane: request/response records of shapes that repeat, decoded with types instead of into dictionaries.

A log's records share few shapes. The lane learns the keys of the first ones, and takes a record only if it has no key
that was not learned, and types as a chat completion has them; every other record is left to its format. What it reads
of a record is what the format reads: a law of the tests.

Records come by the batch and are read by the column: a small batch for what is said (`llmcost.logs.exchanges`), so
that texts stay in the processor's cache; a large one for what stands around it (`llmcost.logs.surroundings`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import pyarrow as pa
from msgspec import UNSET, Meta, Raw

from llmcost.calls import SCHEMA
from llmcost.fingerprints import NOT_SHAPING
from llmcost.logs.containers import Lines, Rows
from llmcost.logs.decode import LARGE, Undecodable, embedded
from llmcost.logs.exchanges import MOST_REMEMBERED, TOOLS, Asking, CallSite, Exchanges, reader
from llmcost.logs.features import MAX_OUTPUT
from llmcost.logs.formats.openai_pairs import OpenAIPairs
from llmcost.logs.halves import REQUEST_KEYS, RESPONSE_KEYS
from llmcost.logs.model import ReadOptions, Record
from llmcost.logs.surroundings import ASKED, LOOKED_INTO, SEARCHED, Surroundings
from llmcost.logs.table import column_of
from llmcost.logs.values import MAX_COUNT

BATCH = 1024  # rows: those of a table
MOST_HELD = 64 << 20  # bytes of records: what stands around their halves is held until a table is made of it
MOST_KEYS = 64  # of one object: with more, they are data rather than names
MOST_LESSONS = 32
ANSWERED = ("choices", "error")
# Keys of a request whose kind is not up to the first records of a log.
OBJECTS = frozenset({*TOOLS, "reasoning"})
NEVER_OBJECTS = frozenset({*MAX_OUTPUT, "reasoning_effort", "messages"})
UNREADABLE = (msgspec.DecodeError, Undecodable, OverflowError, UnicodeError, RecursionError, TypeError)

# What is searched for facts and tags; one that holds JSON as text is left to the format.
Searched = dict[str, Any] | list[Any] | None

OPEN = (dict, list, type(None))

# What is taken of a record besides columns of the table, until the batch is full.
AROUND, ASKED_FOR, ANSWERED_WITH = "around", "asked", "answered"

Count = Annotated[int, Meta(ge=0, lt=MAX_COUNT)]


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
    """A usage block as OpenAI writes it. With what must be null, somebody else wrote it."""

    prompt_tokens: Count
    completion_tokens: Count
    prompt_tokens_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None
    input_tokens_details: None = None
    output_tokens_details: None = None
    prompt_cache_hit_tokens: None = None
    cached_tokens: None = None
    cache_read_tokens: None = None
    cache_read_input_tokens: None = None
    cache_write_tokens: None = None
    cache_creation_input_tokens: None = None
    cache_creation: None = None
    reasoning_tokens: None = None
    cost: None = None


class Response(msgspec.Struct, gc=False):
    """What means something in a chat completion, or in the error in its stead; what must be null says neither."""

    choices: Annotated[list[Choice], Meta(min_length=1)] | None = None
    error: dict[str, Any] | None = None
    id: Any = None
    model: Any = None
    created: Any = None
    service_tier: Any = None
    usage: UsageBlock | None = None
    object: Literal["chat.completion"] | None = None
    created_at: None = None
    status: None = None
    status_code: None = None
    data: None = None


_facts = attrgetter("id", "model", "created", "service_tier", "usage", "error")


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


class Shape:
    """The types of a log's records, made of their keys, and what reads their values."""

    def __init__(self, keys: Keys, request_key: str, response_key: str) -> None:
        message, said = _struct("Message", {key: Raw if key == "content" else Any for key in sorted(keys.message)})
        types: dict[str, Any] = {key: Raw if key in keys.objects else Any for key in sorted(keys.request)}
        types |= {"metadata": Searched} if "metadata" in types else {}
        types |= {"messages": Annotated[list[message], Meta(min_length=1)]}  # type: ignore[valid-type]
        request, asked = _struct("Request", types, required=("messages",))
        around = {key: Searched if key in SEARCHED else Any for key in keys.outer}
        halves = {request_key: request, response_key: Response}
        record, outer = _struct("Record", around | halves, required=(request_key, response_key))
        self.decode = msgspec.json.Decoder(record).decode
        self.halves = attrgetter(outer[request_key], outer[response_key])
        self.half_keys, self.outer = (request_key, response_key), tuple(keys.outer)
        self.decode_request = msgspec.json.Decoder(request).decode
        self.decode_response = msgspec.json.Decoder(Response).decode
        self.around = reader(outer, keys.outer)
        asked_keys = [key for key in dict.fromkeys((*ASKED, *LOOKED_INTO)) if key in asked]
        self.asked = reader(asked, asked_keys)
        shaping, _ = _struct("Shaping", {key: kind for key, kind in types.items() if key not in NOT_SHAPING})
        self.asking = Asking(asked, said, keys.objects, shaping)
        self.surroundings = Surroundings(self.outer, request_key, asked_keys)


class Decoded(NamedTuple):
    """Records of a batch: which they are of it, the values around their halves, and those."""

    numbers: list[int]
    around: list[Any]
    requests: list[Any]
    responses: list[Any]

    def only(self, rows: Sequence[int]) -> Decoded:
        """Some of them."""
        numbers, around, requests, responses = ([column[row] for row in rows] for column in self)
        return Decoded(numbers, around, requests, responses)


class Lane:
    """Reads the records of one log that have its usual shapes. They must be UTF-8: it does not look at all of them."""

    def __init__(self, call_site: CallSite) -> None:
        self._halves: tuple[str, str] | None = None
        self._keys: Keys | None = None
        self._shape: Shape | None = None
        self._lessons = 0
        self._exchanges = Exchanges(call_site)
        self._taken: dict[str, list[Any]] = {}
        self._tables: list[pa.Table] = []
        self._held = 0

    @staticmethod
    def reads(form: str, options: ReadOptions) -> bool:
        """Whether logs of this format, read with these options, may have a lane."""
        plain = not options.fields and options.expected_field is None and not options.estimate_tokens
        return form == OpenAIPairs.name and plain

    def learn(self, record: Any) -> bool:
        """Takes the keys of a record that was left to its format, if it could be read here; whether any is new."""
        record = _opened(record)
        halves = _halves(record)
        if self._lessons >= MOST_LESSONS or halves is None or self._halves not in (None, halves):
            return False
        found = _keys(record, *halves)
        keys = found if self._keys is None else self._keys.and_those_of(found)
        if keys == self._keys or max(map(len, keys)) > MOST_KEYS:
            return False
        self._flush()
        self._lessons += 1
        self._halves, self._keys, self._shape = halves, keys, Shape(keys, *halves)
        return True

    def takes(self, some: Lines | Rows) -> list[int]:
        """Reads some records; which of them it did not: they must be read by their format."""
        found = None
        if self._shape is not None:
            found = _of_rows(self._shape, some) if isinstance(some, Rows) else _of_lines(self._shape, some)
        if found is None:
            return list(range(len(some.positions)))
        taken = {*self._take(_completions(found), some.positions)}
        self._held += _size(some)
        if self._held > MOST_HELD:
            self._flush()
        return [number for number in range(len(some.positions)) if number not in taken]

    def tables(self) -> list[pa.Table]:
        """The rows of all records that were taken, as tables of calls."""
        self._flush()
        return self._tables

    def _take(self, found: Decoded, positions: Sequence[int]) -> Sequence[int]:
        """The numbers of the records that were taken; if there is something odd among them, each is looked at alone."""
        if self._shape is None or not found.numbers:
            return ()
        firsts = [response.choices[0] if response.choices else None for response in found.responses]
        answers = [choice and choice.message for choice in firsts]
        try:
            columns = self._exchanges.columns(self._shape.asking, found.requests, answers)
        except UNREADABLE:
            if len(found.numbers) == 1:
                return ()
            each = (self._take(found.only([row]), positions) for row in range(len(found.numbers)))
            return list(itertools.chain.from_iterable(each))
        ends = [(choice and choice.finish_reason,) for choice in firsts]
        columns |= {
            "position": [positions[number] for number in found.numbers],
            AROUND: found.around,
            ASKED_FOR: list(map(self._shape.asked, found.requests)),
            ANSWERED_WITH: list(map(tuple.__add__, map(_facts, found.responses), ends)),
        }
        for name, values in columns.items():
            self._taken.setdefault(name, []).extend(values)
        if len(self._taken["position"]) >= BATCH:
            self._flush()
        return found.numbers

    def _flush(self) -> None:
        self._held = 0
        if not self._taken or self._shape is None:
            return
        columns, self._taken = self._taken, {}
        beside = (columns.pop(name) for name in (AROUND, ASKED_FOR, ANSWERED_WITH))
        count = len(columns["position"])
        found = self._shape.surroundings.columns(*beside) | columns
        self._tables.append(pa.table([column_of(item, found.get(item.name), count) for item in SCHEMA], SCHEMA))


def _size(some: Lines | Rows) -> int:
    """Bytes of the texts of some records."""
    columns = [some.lines] if isinstance(some, Lines) else some.columns.values()
    return sum(len(text) for column in columns for text in column if type(text) is bytes)


def _of_lines(shape: Shape, some: Lines) -> Decoded:
    numbers, records = _readable(shape.decode, some.lines)
    halves = list(map(shape.halves, records))
    return Decoded(numbers, list(map(shape.around, records)), [one for one, _ in halves], [one for _, one in halves])


def _of_rows(shape: Shape, some: Rows) -> Decoded | None:
    """The rows that can be read, whose requests and responses are JSON texts; None if the columns are others."""
    if some.columns.keys() != {*shape.half_keys, *shape.outer}:
        return None
    asked, answered = (some.columns[key] for key in shape.half_keys)
    requests = dict(zip(*_readable(shape.decode_request, asked), strict=True))
    responses = dict(zip(*_readable(shape.decode_response, answered), strict=True))
    searched = [some.columns[key] for key in shape.outer if key in SEARCHED]
    numbers = [
        number
        for number in requests
        if number in responses and all(type(column[number]) in OPEN for column in searched)
    ]
    around = list(zip(*(some.columns[key] for key in shape.outer), strict=True)) or [()] * len(some.positions)
    return Decoded(
        numbers,
        [around[number] for number in numbers],
        [requests[number] for number in numbers],
        [responses[number] for number in numbers],
    )


def _completions(found: Decoded) -> Decoded:
    """What answers, or says why it does not."""
    kept = [row for row, said in enumerate(found.responses) if (said.choices is None) != (said.error is None)]
    return found if len(kept) == len(found.numbers) else found.only(kept)


def _readable(decode: Callable[[Any], Any], texts: Sequence[Any]) -> tuple[list[int], list[Any]]:
    """What could be decoded: the numbers of the texts, and their values."""
    numbers, values = [], []
    for number, text in enumerate(texts):
        if type(text) is bytes and len(text) > LARGE:  # its values are counted before it is decoded
            continue
        try:
            values.append(decode(text))
        except UNREADABLE:
            continue
        numbers.append(number)
    return numbers, values


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


def _struct(name: str, types: Mapping[str, Any], required: Sequence[str] = ()) -> tuple[Any, dict[str, str]]:
    """A struct with these keys and no others, and the attribute of each: keys need not be Python names."""
    attributes = {key: f"a{number}" for number, key in enumerate(types)}
    fields = [
        (attributes[key], kind) if key in required else (attributes[key], kind, UNSET if key == "stream" else None)
        for key, kind in types.items()
    ]
    rename = {attribute: key for key, attribute in attributes.items()}
    made = msgspec.defstruct(
        name,
        fields,
        rename=rename,
        forbid_unknown_fields=True,
        omit_defaults=True,
        gc=False,
        kw_only=bool(required),
    )
    return made, attributes
