"""What stands around the exchanges of a batch of records, read by the column: ids, times, users, tags, tokens.

The same facts, at the same places, as `llmcost.logs.envelope` and `llmcost.logs.exchange` read of a single record; only
the way is another. Values that are not of the usual kind go through the very functions of those.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any, NamedTuple

import pyarrow as pa
from msgspec import UNSET

from llmcost.calls import LABEL
from llmcost.fingerprints import identity_key
from llmcost.logs.envelope import (
    CONTAINERS,
    FACTS,
    FIRST_CHUNK_UNITS,
    LATENCY_UNITS,
    MAX_TAG_DEPTH,
    between,
    inside,
    is_private,
    row_usage,
    tag_value,
    weight_of,
)
from llmcost.logs.envelope import NEVER_INSIDE as NEVER
from llmcost.logs.exchange import deployment, error_of
from llmcost.logs.formats.openai_pairs import TAGS
from llmcost.logs.values import boolean, duration_ms, instant_us, number, text

Column = Sequence[Any]
Facts = dict[str, Column]
Named = list[tuple[str, str, bool]]
Pairs = list[tuple[str, str]]


class Answered(NamedTuple):
    """What a response says but for its text; `error` is what it says in the stead of an answer."""

    id: Any
    model: Any
    created: Any
    service_tier: Any
    usage: Any
    error: Any
    finish_reason: Any


ASKED = ("model", "service_tier", "user", "stream")
REQUEST = "request"
MOST_REMEMBERED = 4096

# Facts by the place where they stand: path → [(fact, rank of the place among the places of the fact)].
PLACES: dict[tuple[str, ...], list[tuple[str, int]]] = {}
for _fact, _paths in FACTS.candidates.items():
    for _rank, _path in enumerate(_paths):
        PLACES.setdefault(_path, []).append((_fact, _rank))

# Keys whose objects are searched; and keys of a request that are (`request.user`, `request.metadata.task`).
SEARCHED = frozenset(path[0] for path in PLACES if len(path) > 1) | frozenset(CONTAINERS)
LOOKED_INTO = frozenset(path[1] for path in PLACES if path[0] == REQUEST)


class Surroundings:
    """Reads what surrounds the exchanges of one shape."""

    def __init__(self, outer: Sequence[str], request_key: str, asked: Sequence[str]) -> None:
        self._outer, self._request_key, self._asked = outer, request_key, asked
        self._named: dict[tuple[str, ...], Named] = {}
        self._tags: dict[str, str | None] = {}

    def columns(self, around: Sequence[Column], asked: Sequence[Column], answered: Sequence[Column]) -> dict[str, Any]:
        """Columns of the table of calls, of so many records: values around them, in their requests, and responses."""
        outer = dict(zip(self._outer, zip(*around, strict=True), strict=True))
        asks = {key: (None,) * len(around) for key in ASKED} | {"stream": (UNSET,) * len(around)}
        asks |= dict(zip(self._asked, zip(*asked, strict=True), strict=True))
        inner = {key: asks[key] for key in self._asked if key in LOOKED_INTO}
        facts = _facts(outer, inner if self._request_key == REQUEST else {})
        return _plain(facts, outer, asks, list(map(Answered._make, answered))) | {
            "tags": self._tags_of(outer, inner.get("metadata"), len(around))
        }

    def _tags_of(self, outer: Mapping[str, Column], metadata: Column | None, count: int) -> pa.Array:
        rows: list[Pairs] = [[] for _ in range(count)]
        for key, column in outer.items():
            if TAGS.means(key):
                continue
            if key in CONTAINERS:
                self._add_inside(rows, key, column)
            else:
                private = is_private(key)
                for row, value in zip(rows, column, strict=True):
                    if value is not None and (tag := self._tag(value, private)) is not None:
                        row.append((key, tag))
        if metadata is not None:
            self._add_inside(rows, f"{self._request_key}.metadata", metadata)
        return _map_array(rows)

    def _add_inside(self, rows: Sequence[Pairs], path: str, column: Column) -> None:
        for row, value in zip(rows, column, strict=True):
            if type(value) is not dict:
                for name, tag in inside(path, value, MAX_TAG_DEPTH) if value else ():
                    row.append((name, tag))
                continue
            for key, name, private in self._names(path, value):
                item = value[key]
                if type(item) is str and item in self._tags and not private:
                    if (known := self._tags[item]) is not None:
                        row.append((name, known))
                elif type(item) in (dict, list):
                    for deeper, tag in inside(name, item, MAX_TAG_DEPTH - 1):
                        row.append((deeper, tag))
                elif item is not None and (found := self._tag(item, private)) is not None:
                    row.append((name, found))

    def _names(self, path: str, value: Mapping[str, Any]) -> Named:
        """The keys of an object that may be tags, with their names as tags, and whether they are private."""
        shape = (path, *value)
        found = self._named.get(shape)
        if found is None:
            found = [(key, f"{path}.{key}", is_private(key)) for key in value if key not in NEVER]
            _remember(self._named, shape, found)
        return found

    def _tag(self, value: Any, private: bool) -> str | None:
        if private or type(value) is not str:
            return None if private and type(value) is not bool else tag_value(value)
        if value not in self._tags:
            _remember(self._tags, value, tag_value(value))
        return self._tags[value]


def _facts(outer: Mapping[str, Column], inner: Mapping[str, Column]) -> Facts:
    """Every fact that some record has, as a column: of several places the first that holds something."""
    found: dict[str, list[tuple[int, Column]]] = {}
    for path, column in _places(outer, inner):
        for fact, rank in PLACES.get(path, ()):
            found.setdefault(fact, []).append((rank, column))
    return {fact: _first_of([column for _, column in sorted(places, key=_rank_of)]) for fact, places in found.items()}


def _places(outer: Mapping[str, Column], inner: Mapping[str, Column]) -> Iterator[tuple[tuple[str, ...], Column]]:
    for key, column in outer.items():
        yield (key,), column
        if key in SEARCHED:
            yield from _inside((key,), column)
    for key, column in inner.items():
        yield (REQUEST, key), column
        yield from _inside((REQUEST, key), column)


def _inside(path: tuple[str, ...], column: Column) -> Iterator[tuple[tuple[str, ...], Column]]:
    seen = {key for value in column if type(value) is dict for key in value}
    for key in seen:
        if (*path, key) in PLACES:
            yield (*path, key), [value.get(key) if type(value) is dict else None for value in column]


def _rank_of(place: tuple[int, Column]) -> int:
    return place[0]


def _first_of(columns: Sequence[Column]) -> Column:
    first, *others = columns
    for other in others:
        first = [b if a is None or a == "" else a for a, b in zip(first, other, strict=True)]
    return first


def _plain(
    facts: Facts, outer: Mapping[str, Column], asks: Mapping[str, Column], responses: Sequence[Answered]
) -> dict[str, Any]:
    """The columns that hold one plain value each."""
    count = len(responses)
    nothing: Column = (None,) * count
    served = _either(_texts([response.model for response in responses]), _texts(facts.get("response_model", nothing)))
    model = _either(_texts(asks["model"]), _texts(facts.get("model", nothing)))
    model = _either(model, _deployments(outer, count), served)
    start = _started(facts.get("start"), responses)
    nought = pa.repeat(pa.scalar(0, pa.int32()), count)
    tier = _either(
        _texts([response.service_tier for response in responses]),
        _texts(asks["service_tier"]),
        _texts(facts.get("service_tier", nothing)),
    )
    streams = facts.get("stream", nothing)
    return {
        "id": _either(_texts(facts.get("id", nothing)), _texts([response.id for response in responses])),
        "start_time": start,
        "latency_ms": _durations(facts, LATENCY_UNITS, "end", count),
        "time_to_first_chunk_ms": _durations(facts, FIRST_CHUNK_UNITS, "first_chunk", count),
        "operation": pa.repeat(pa.scalar("chat", LABEL), count),
        "provider": _texts(facts["provider"]) if "provider" in facts else None,
        "request_model": model,
        "response_model": served,
        "service_tier": tier,
        "stream": _booleans([b if a is UNSET else a for a, b in zip(asks["stream"], streams, strict=True)]),
        **_usage(facts, responses),
        "tokens_estimated": pa.repeat(False, count),
        "finish_reason": _finish(facts.get("finish_reason", nothing), responses),
        "error_type": _errors(facts, responses),
        "logged_cost_usd": list(map(number, facts["cost"])) if "cost" in facts else None,
        "user_key": list(map(identity_key, _either(_texts(facts.get("user", nothing)), _texts(asks["user"])))),
        "session_key": list(map(identity_key, _texts(facts["session"]))) if "session" in facts else None,
        "has_expected": [value is not None and value != "" for value in facts.get("expected", nothing)],
        "weight": [weight_of({"sampling_fraction": v}) for v in facts["sampling_fraction"]]
        if "sampling_fraction" in facts
        else None,
        "source": nought,
        "part": nought,
    }


def _texts(column: Column) -> Column:
    return column if _are(column, str) else [value if type(value) is str else text(value) for value in column]


def _are(column: Column, kind: type) -> bool:
    """Whether all values are of this kind, or unknown."""
    return set(map(type, column)) <= {kind, type(None)}


def _either(first: Column, *others: Column) -> Column:
    """Of each row the first that is a text with something in it."""
    for other in others:
        if all(first):
            break
        first = [a or b for a, b in zip(first, other, strict=True)]
    return first if all(first) else [value or None for value in first]


def _deployments(outer: Mapping[str, Column], count: int) -> Column:
    addresses = {key: outer[key] for key in ("uri", "url") if key in outer}
    rows = zip(*addresses.values(), strict=True)
    return [deployment(dict(zip(addresses, row, strict=True))) for row in rows] if addresses else (None,) * count


def _started(column: Column | None, responses: Sequence[Answered]) -> Column:
    started: Column = (None,) * len(responses) if column is None else _instants(column)
    if None not in started:
        return started
    return [
        instant_us(response.created) if start is None else start
        for start, response in zip(started, responses, strict=True)
    ]


def _instants(column: Column) -> Column:
    """Microseconds since 1970. Arrow reads the usual spelling many at a time, and refuses all others."""
    if all(type(value) is str and value[-1:] == "Z" for value in column):
        try:
            times = pa.array(column, pa.string()).cast(pa.timestamp("us", "UTC")).cast(pa.int64())
        except pa.ArrowInvalid:
            pass
        else:
            found: list[Any] = times.to_pylist()
            return found
    return [None if value is None or value == "" else instant_us(value) for value in column]


def _durations(facts: Facts, units: Mapping[str, float | None], end: str, count: int) -> Column | None:
    """Milliseconds: the first of these fields that says, else from the start to an end."""
    found: Column | None = None
    for name, unit in units.items():
        if name in facts:
            found = _where_unknown(found, [_duration(value, unit) for value in facts[name]])
    if end in facts and "start" in facts:
        spans = map(between, _instants(facts["start"]), facts[end])
        found = _where_unknown(found, list(spans))
    return found


def _duration(value: Any, unit: float | None) -> float | None:
    if unit is not None and type(value) in (int, float) and 0 <= value < math.inf:
        return float(value * unit)
    return None if value is None or value == "" else duration_ms(value, unit)


def _booleans(column: Column) -> Column:
    return column if _are(column, bool) else list(map(boolean, column))


def _where_unknown(column: Column | None, other: Column) -> Column:
    if column is None:
        return other
    return [b if a is None else a for a, b in zip(column, other, strict=True)]


def _usage(facts: Facts, responses: Sequence[Answered]) -> dict[str, Column]:
    """The tokens of the provider's usage blocks; of a response without one, what the record itself says."""
    names = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
    own = [name for name in ("usage", *names) if name in facts]
    rows = [_tokens(response.usage) for response in responses]
    for number_, response in enumerate(responses):
        if response.usage is None and own:
            rows[number_] = _row_tokens({name: facts[name][number_] for name in own})
    return dict(zip(names, zip(*rows, strict=True), strict=True))


NO_TOKENS = (None,) * 5


def _tokens(block: Any) -> tuple[int | None, ...]:
    if block is None:
        return NO_TOKENS
    into, out = block.prompt_tokens_details, block.completion_tokens_details
    return (
        block.prompt_tokens,
        None if into is None else into.cached_tokens,
        None if into is None else into.cache_write_tokens,
        block.completion_tokens,
        None if out is None else out.reasoning_tokens,
    )


def _row_tokens(facts: Mapping[str, Any]) -> tuple[int | None, ...]:
    usage = row_usage({name: value for name, value in facts.items() if value is not None and value != ""})
    return (
        usage.input_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
    )


def _finish(logged: Column, responses: Sequence[Answered]) -> Column:
    return [
        _word(response.finish_reason) or _word(said) if response.error is None else None
        for response, said in zip(responses, logged, strict=True)
    ]


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _errors(facts: Facts, responses: Sequence[Answered]) -> Column:
    nothing = (None,) * len(responses)
    errors, states = facts.get("error", nothing), facts.get("status", nothing)
    return [
        None
        if response.error is None and error is None and (state is None or (type(state) is int and state < 400))
        else error_of({"error": response.error}, {"error": error, "status": state})
        for response, error, state in zip(responses, errors, states, strict=True)
    ]


def _map_array(rows: Sequence[Pairs]) -> pa.Array:
    """Rows of (key, value) as maps, in an order that no other row decides."""
    for row in rows:
        row.sort()
    offsets = [0, *accumulate(map(len, rows))]
    pairs = list(chain.from_iterable(rows))
    keys, values = zip(*pairs, strict=True) if pairs else ((), ())
    return pa.MapArray.from_arrays(
        pa.array(offsets, pa.int32()), pa.array(keys, pa.string()), pa.array(values, pa.string())
    )


def _remember(known: dict[Any, Any], key: Any, value: Any) -> None:
    if len(known) >= MOST_REMEMBERED:
        known.clear()
    known[key] = value
