"""The call site: where in the customer's code a call was made, recognised by its tools and its system prompt.

A prompt that is filled in at run time (today's date, a user's name, an order number) is one call site, not thousands:
what changes from call to call is replaced by a placeholder before the prompt is hashed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Any, Protocol, TypeGuard

import msgspec
import xxhash

from llmcost.prompts import SYSTEM_ROLES

NAME_LENGTH = 40
NAME_WORDS = 5
READ_CHARACTERS = 16_384  # of a system prompt; what follows are documents more often than instructions

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]{0,6}\.?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"
_ZONE = r" ?(?:z|utc|gmt|[ecmp][sd]t|[+-]\d\d:?\d\d)\b"

# What a program writes into a prompt, in the order in which it is recognised: placeholder, a sign that it may be there
# at all (most sentences have none, and a search for a character is cheap), pattern.
DIGIT = "0123456789"
VOLATILE: tuple[tuple[str, str, str], ...] = (
    ("url", ":", r"\bhttps?://[^\s\"'<>)\]]+"),
    ("email", "@", r"[\w.+-]+@[\w-]+\.[\w.-]*\w"),
    ("id", "-", r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
    ("time", DIGIT, rf"\b\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}(?:[T ]{_CLOCK})?(?:{_ZONE})?\b"),
    ("time", DIGIT, r"\b\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}\b"),
    ("time", DIGIT, rf"\b{_MONTH} {_DAY}(?:,? \d{{4}})?\b|\b{_DAY} (?:of )?{_MONTH}(?:,? \d{{4}})?(?!\w)"),
    ("time", "yY", r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b"),
    ("time", DIGIT, rf"\b{_CLOCK}(?: ?[ap]\.?m\b\.?)?(?:{_ZONE})?"),
    ("number", DIGIT, r"\b\d{1,3}(?:\.\d{1,3}){3}\b"),  # an IP address
    ("id", DIGIT, r"\b(?:[a-z]{1,12}[-_]){1,2}(?=[a-z]*\d)[a-z0-9]{6,}\b"),  # cus_9s6XKzkN, sk-proj-4f9a…
    ("id", DIGIT, r"\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b"),
    ("id", DIGIT, r"\b(?=[a-z+/_=-]*\d)[a-z0-9+/_=-]{24,}"),
    ("number", DIGIT, r"[-+]?[$€£]?\b\d[\d,.]{2,}\d\b|\b\d{4,}\b"),
)
_VOLATILE = tuple(
    (f" <{kind}> ", frozenset(sign), re.compile(pattern, re.IGNORECASE)) for kind, sign, pattern in VOLATILE
)
# A name is only known by what stands before it; here capitals count.
_LABEL = r"(?i:user|customer|client|account|patient|agent|contact|candidate|company|name)(?i:'s)?(?i: name)?"
_PART = r"[^\W\d_a-z][\w'’-]*"
_NAMED = re.compile(rf"\b({_LABEL}(?: (?i:is)|:|=)) ?[\"']?(?!<){_PART}(?: {_PART}){{0,3}}[\"']?")
_BLOCK = re.compile(
    r"<(context|documents?|memor(?:y|ies)|history|conversation|search_results|user_info)>.*?</\1>", re.DOTALL
)
_SPACE = re.compile(r"\s+")
_SITE = re.compile(r".*·([0-9a-f]{6})", re.DOTALL)
_SENTENCE = re.compile(r"\n+|(?<=[.!?])\s+(?=\W*[^\W\d_a-z])|(?<=[。！？])")
_WORD = re.compile(r"<\w+>|[^\W_]+(?:[-'’][^\W_]+)*")
_STOP = """
    a able ai always an and any are as assistant at be below by can carefully expert following for from given good help
    helpful helps highly i in into is it its job llm me model must my of on only or our please professional role skilled
    so system task that the their them then these this those to us user useful very was we what which who will with
    world world-class would you your you're today today's current date time now
"""
STOP_WORDS = frozenset(_STOP.split())


class Asking(Protocol):
    """What has asked something: a logged call, or a request that is yet to be answered."""

    @property
    def request(self) -> Mapping[str, Any] | None:
        """The body of a chat completion; None where there is none."""


def call_site(call: Asking) -> str | None:
    """A readable name and a short fingerprint, such as "summarize support tickets·3f9a21"; None without a body.

    Calls with the same tools and the same system prompt share it, whatever dates, ids, names and numbers were filled
    in. A call with neither a system prompt nor tools has no call site.
    """
    request = call.request or {}
    system, tools = _system_prompt(request), _tools(request)
    if not system and not tools:
        return None
    normalised, name = _read_prompt(system)
    content = msgspec.json.encode([normalised, sorted(tools)], order="deterministic")
    return f"{name or _join(sorted(name for name, _ in tools))}·{xxhash.xxh3_128_hexdigest(content)[:6]}"


def fingerprint(name: str) -> str | None:
    """The fingerprint in the name of a call site; None for a name that is none, such as a tag."""
    site = _SITE.fullmatch(name)
    return site[1] if site else None


@lru_cache(maxsize=65_536)
def normalise(sentence: str) -> str:
    """The sentence with everything that a program filled in replaced by a placeholder, spaces folded."""
    characters = set(sentence)
    for placeholder, signs, pattern in _VOLATILE:
        if not signs.isdisjoint(characters):
            sentence = pattern.sub(placeholder, sentence)
    return _SPACE.sub(" ", _NAMED.sub(r"\1 <name>", sentence)).strip()


def volatile(text: str) -> list[tuple[int, int, str]]:
    """Start, end and kind of everything in this text that a program filled in: what `normalise` replaces, by place."""
    found: list[tuple[int, int, str]] = []
    characters = set(text)
    for placeholder, signs, pattern in _VOLATILE:
        if not signs.isdisjoint(characters) and (matches := list(pattern.finditer(text))):
            found += ((match.start(), match.end(), placeholder.strip(" <>")) for match in matches)
            text = pattern.sub(lambda match: "\0" * len(match[0]), text)  # a later pattern must not see it
    for match in _NAMED.finditer(text):
        named = match[0][match.end(1) - match.start() :].lstrip(" \"'")
        found.append((match.end() - len(named), match.end(), "name"))
    return sorted(found)


@lru_cache(maxsize=8192)
def _read_prompt(system: str) -> tuple[str, str]:
    """The normalised prompt and its name. Sentences are cached too: of a filled-in prompt most stay the same."""
    fixed = _BLOCK.sub(r"<\1>", system[:READ_CHARACTERS])
    sentences = list(filter(None, map(normalise, _SENTENCE.split(fixed))))
    return " ".join(sentences), next(filter(None, map(name_of, sentences)), "assistant" if sentences else "")


def first_prompt(call: Asking) -> str:
    """The text of the call's first message; empty if there is none."""
    messages = (call.request or {}).get("messages")
    first = messages[0] if isinstance(messages, list | tuple) and messages else None
    return "".join(_texts(first.get("content"))) if _is_mapping(first) else ""


def name_of(sentence: str, skipped: frozenset[str] = STOP_WORDS) -> str:
    """The telling words of a normalised sentence; empty if it has none."""
    words = [word for word in _WORD.findall(sentence.lower()) if word[0] != "<" and word not in skipped]
    return _join(words[:NAME_WORDS], " ")


def _join(words: Sequence[str], separator: str = ", ") -> str:
    """As many whole words as fit into a name; one word that is too long is cut."""
    name = words[0][:NAME_LENGTH] if words else ""
    for word in words[1:]:
        if len(name) + len(separator) + len(word) > NAME_LENGTH:
            break
        name += separator + word
    return name


def _system_prompt(request: Mapping[str, Any]) -> str:
    messages = request.get("messages")
    if not isinstance(messages, list | tuple):
        return ""
    leading = takewhile(lambda message: message.get("role") in SYSTEM_ROLES, filter(_is_mapping, messages))
    return "\n".join(text for message in leading for text in _texts(message.get("content")))


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list | tuple):
        yield from (str(part["text"]) for part in content if _is_mapping(part) and isinstance(part.get("text"), str))


def _tools(request: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name, schema as canonical JSON) of every tool; flat, nested and legacy `functions` read alike."""
    declared = request.get("tools") or request.get("functions")
    return [_tool(tool) for tool in declared if _is_mapping(tool)] if isinstance(declared, list | tuple) else []


def _tool(tool: Mapping[str, Any]) -> tuple[str, str]:
    function = tool["function"] if _is_mapping(tool.get("function")) else tool
    schema = msgspec.json.encode(function.get("parameters"), order="deterministic")
    return str(function.get("name") or tool.get("type") or "tool"), schema.decode()


def _is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)
