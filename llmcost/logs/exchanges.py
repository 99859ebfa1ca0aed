"""What the exchanges of a batch say, read by the column: fingerprints, sizes, and the texts to be fingerprinted.

The same as `llmcost.logs.features` and `llmcost.fingerprints` read of a single call; only the way is another. A
batch is small, so that its texts are still in the processor's cache when they are looked at for the last time.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
import numpy as np
import xxhash
from msgspec import Raw

from llmcost.calls import Call
from llmcost.fingerprints import NOT_SHAPING, canonical
from llmcost.logs.answers import tool_calls_of
from llmcost.logs.contents import MOST_BYTES, Contents
from llmcost.logs.decode import decode
from llmcost.logs.features import MAX_OUTPUT, effort_of, written
from llmcost.logs.values import count
from llmcost.prompts import LONGEST_SKETCHED, SYSTEM_ROLES

MOST_REMEMBERED = 1024
TOOLS = ("tools", "functions")
PLAIN = frozenset({str, type(None)})

CallSite = Callable[[Call], str | None]
Column = Sequence[Any]

_encode = msgspec.json.Encoder(order="deterministic").encode
_digest = xxhash.xxh3_128_digest


class Known(NamedTuple):
    """An object in a request that is the same in many, such as its tools."""

    value: Any
    canonical: Raw | None
    key: bytes


class Asking:
    """What reads the requests of one shape.

    request, message  the attribute of each key of a request, and of a message
    objects           keys of a request that hold objects or lists, and shape the answer
    shaping           a struct of all keys that shape the answer, in the order of `request`
    """

    def __init__(
        self,
        request: Mapping[str, str],
        message: Mapping[str, str],
        objects: Iterable[str],
        shaping: Callable[..., Any],
    ) -> None:
        self.messages = attrgetter(request["messages"])
        self._content = message.get("content", "")
        self.roles, self.contents = (_column(message.get(key)) for key in ("role", "content"))
        self.beside = [(name, attrgetter(name)) for key, name in message.items() if key != "content"]
        self.keys = [key for key in request if key not in NOT_SHAPING]
        self.values = reader(request, self.keys)
        self.objects = tuple(objects)
        self.limits = [key for key in MAX_OUTPUT if key in request]
        self.shaping = shaping

    def respell(self, messages: Sequence[Any], contents: Contents) -> None:
        """Spells in messages what may have several spellings as this project does."""
        for place, spelled in contents.respelled():
            if self._content:
                setattr(messages[place], self._content, spelled)
        for name, read in self.beside:
            column = list(map(read, messages))
            if not PLAIN.issuperset(map(type, column)):
                for message, value in zip(messages, column, strict=True):
                    if type(value) not in PLAIN:
                        setattr(message, name, Raw(canonical(value)))


class Messages(NamedTuple):
    """The messages of a batch, one behind the other: those of request i are [starts[i], ends[i]).

    heads  where the leading system messages of each request end
    """

    roles: Column
    contents: Contents
    starts: Sequence[int]
    heads: Sequence[int]
    ends: Sequence[int]


class Exchanges:
    """Reads the exchanges of one log. What repeats in them, such as tools, is looked at once."""

    def __init__(self, call_site: CallSite) -> None:
        self._call_site = call_site
        self._objects: dict[bytes, Known] = {}
        self._sites: dict[Any, tuple[str | None, bool]] = {}

    def columns(self, asking: Asking, requests: Sequence[Any], answers: Sequence[Any]) -> dict[str, Column]:
        """Columns of the table of calls, and of texts to be fingerprinted, of so many requests and their answers.

        `answers` are the messages that answer the requests, None without one.
        """
        asked = dict(zip(asking.keys, zip(*map(asking.values, requests), strict=True), strict=True))
        messages = _messages(asking, asked["messages"])
        objects = {key: list(map(self._known, asked[key])) for key in asking.objects}
        states = _states(messages)
        sites, tooled = self._at_sites(messages, objects)
        said = [None if text is None else text.encode("utf-8", "replace") for text in map(_said, answers)]
        return {
            "call_site": sites,
            "prompt_key": [
                key if state == "full" else None
                for key, state in zip(_prompt_keys(asking, asked, objects), states, strict=True)
            ],
            "body_state": states,
            "max_output_tokens": _limits([asked[key] for key in asking.limits], len(requests)),
            "reasoning_effort": _efforts(asked.get("reasoning_effort"), objects.get("reasoning"), len(requests)),
            "messages": list(map(len, asked["messages"])),
            "prompt_bytes": np.add.reduceat(messages.contents.sizes, messages.starts).tolist(),
            "answer_bytes": [None if text is None else len(text) for text in said],
            "answer_key": [None if text is None else _digest(text) for text in said],
            "opening": _opening(messages, tooled),
            "sketch": _sketched(messages),
        }

    def _known(self, raw: Raw | None) -> Known | None:
        if raw is None:
            return None
        content = bytes(raw)
        found = self._objects.get(content)
        if found is None:
            value = decode(content)
            if type(value) is float and value.is_integer():
                value = int(value)
            plain = b"" if value is None else canonical(value)
            found = Known(value, Raw(plain) if plain else None, plain)
            remember(self._objects, content, found)
        return found

    def _at_sites(
        self, messages: Messages, objects: Mapping[str, Sequence[Known | None]]
    ) -> tuple[list[str | None], list[bool]]:
        """Of each request its call site, which its leading system messages and tools decide; and if it has tools."""
        nothing: Sequence[Known | None] = (None,) * len(messages.starts)
        declared = zip(*(objects.get(key, nothing) for key in TOOLS), strict=True)
        leading = map(range, messages.starts, messages.heads)
        found = list(map(self._at_site, itertools.repeat(messages.contents), leading, declared))
        return [site for site, _ in found], [tools for _, tools in found]

    def _at_site(
        self, contents: Contents, leading: Sequence[int], declared: Sequence[Known | None]
    ) -> tuple[str | None, bool]:
        key = (*[_digest(contents.raw(place)) for place in leading], *[known and known.key for known in declared])
        found = self._sites.get(key)
        if found is None:
            messages = [{"role": "system", "content": contents.value(place)} for place in leading]
            tools = {name: known.value for name, known in zip(TOOLS, declared, strict=True) if known is not None}
            found = self._call_site(Call(request={"messages": messages, **tools})), any(tools.values())
            remember(self._sites, key, found)
        return found


def _messages(asking: Asking, of_requests: Sequence[Sequence[Any]]) -> Messages:
    every = list(itertools.chain.from_iterable(of_requests))
    roles, contents = asking.roles(every), Contents(asking.contents(every))
    asking.respell(every, contents)
    edges = list(itertools.accumulate(map(len, of_requests), initial=0))
    heads = []
    for start, end in itertools.pairwise(edges):
        head = start
        while head < end and roles[head] in SYSTEM_ROLES:
            head += 1
        heads.append(head)
    return Messages(roles, contents, edges[:-1], heads, edges[1:])


def _states(messages: Messages) -> list[str]:
    """Of each request what the first of its messages says that is not there in full."""
    states = ["full"] * len(messages.starts)
    for place, state in messages.contents.not_full():
        row = bisect_right(messages.starts, place) - 1
        states[row] = state if states[row] == "full" else states[row]
    return states


def _prompt_keys(
    asking: Asking, asked: Mapping[str, Column], objects: Mapping[str, Sequence[Known | None]]
) -> list[bytes]:
    """The fingerprints of all that shapes the answers."""
    canonicals = {key: [known and known.canonical for known in column] for key, column in objects.items()}
    shaping = [
        canonicals[key] if key in canonicals else column if key == "messages" else _whole_as_integers(column)
        for key, column in asked.items()
    ]
    return list(map(_digest, map(_encode, map(asking.shaping, *shaping))))


def _whole_as_integers(column: Column) -> Column:
    if float not in set(map(type, column)):
        return column
    return [int(value) if type(value) is float and value.is_integer() else value for value in column]


def _limits(columns: Sequence[Column], rows: int) -> Column:
    """Of each request the first limit of its answer's tokens that is a count."""
    found: Column = (None,) * rows
    for column in columns:
        found = [
            count(value) if limit is None and value is not None else limit
            for limit, value in zip(found, column, strict=True)
        ]
    return found


def _efforts(plain: Column | None, objects: Sequence[Known | None] | None, rows: int) -> Column:
    nothing = (None,) * rows
    return [
        None
        if effort is None and reasoning is None
        else effort_of({"reasoning_effort": effort, "reasoning": reasoning and reasoning.value})
        for effort, reasoning in zip(plain or nothing, objects or nothing, strict=True)
    ]


def _said(message: Any) -> str | None:
    if message is None:
        return None
    if not message.tool_calls and not message.function_call:
        return written(message.content, ())
    calls = {"tool_calls": message.tool_calls, "function_call": message.function_call}
    return written(message.content, tool_calls_of(calls))


def _opening(messages: Messages, tooled: Sequence[bool]) -> list[str | None]:
    """The first prompt of each request without tools and system prompt."""
    return [
        messages.contents.text(start) or None if messages.roles[start] == "user" and not tools else None
        for start, tools in zip(messages.starts, tooled, strict=True)
    ]


def _sketched(messages: Messages) -> list[str | None]:
    """The prompt of each request of a single turn, if it is short enough to be asked again in other words."""
    roles, contents = messages.roles, messages.contents
    may_be_short = (contents.sizes <= MOST_BYTES * LONGEST_SKETCHED).tolist()
    texts = [
        contents.text(head) if head == end - 1 and may_be_short[head] and roles[head] == "user" else ""
        for head, end in zip(messages.heads, messages.ends, strict=True)
    ]
    return [text if 0 < len(text) <= LONGEST_SKETCHED else None for text in texts]


def reader(attributes: Mapping[str, str], keys: Iterable[str]) -> Callable[[Any], tuple[Any, ...]]:
    """What reads the values of these keys; None for a key that is not there."""
    names = [attributes.get(key) for key in keys]
    if len(names) > 1 and None not in names:
        return attrgetter(*filter(None, names))
    return lambda record: tuple(None if name is None else getattr(record, name) for name in names)


def _column(name: str | None) -> Callable[[Sequence[Any]], Column]:
    """What reads an attribute of many; None for each where there is no such attribute."""
    if name is None:
        return lambda records: (None,) * len(records)
    read = attrgetter(name)
    return lambda records: list(map(read, records))


def remember(known: dict[Any, Any], key: Any, value: Any) -> None:
    """Keeps a value that is used often, and few of them."""
    if len(known) >= MOST_REMEMBERED:
        known.clear()
    known[key] = value
