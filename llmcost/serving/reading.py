"""What an answer says: JSON wherever it stands in the text, the final answer, numbers, literals."""

from __future__ import annotations

import ast
import json
import re
import unicodedata
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

MISSING: Any = object()
ANSWER_FIELDS = ("final_answer", "answer", "label", "category", "result", "output", "value")

LONGEST_READ = 200_000  # characters; whatever is longer is not searched for JSON
MOST_TORN = 1_000  # beginnings of an object that turn out to be none, after which a text is given up
LONGEST_LITERAL = 10_000  # characters, and
MOST_BRACKETS = 200  # of them: what is beyond is not a value that anyone expects

_DECODER = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """What an answer states: a JSON value or a piece of its text. `marked`: the answer says that this is its result."""

    value: Any
    marked: bool

    @property
    def text(self) -> str:
        """The value as text."""
        return self.value if isinstance(self.value, str) else json.dumps(self.value, ensure_ascii=False)


def claim(text: str, field: str | None = None) -> Claim:
    """The result that an answer states: a JSON field, else what \\boxed{}, #### or "Answer:" marks, else all of it."""
    value = field_value(text, field)
    if value is not MISSING:
        return Claim(value, True)
    for pattern in _MARKS:
        if found := pattern.findall(text[-LONGEST_READ:]):
            return Claim(found[-1].strip(), True)
    return Claim(text.strip(), False)


_MARKS = (
    re.compile(r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}"),
    re.compile(r"^ *#{2,} *([^\s#][^\n]*)\Z", re.MULTILINE),
    re.compile(r"^[^\w\n]*(?:the )?(?:final )?answer(?: is)?[*_ ]*:[*_ ]*(\S[^\n]*)$", re.IGNORECASE | re.MULTILINE),
)


def field_value(text: str, field: str | None = None) -> Any:
    """The named field (dotted for nesting), or the usual answer field, of the last JSON object; MISSING if none.

    An object that is cut off or badly escaped is still read where the field itself is complete.
    """
    for value in reversed(list(objects(text))):
        if (found := pick(value, field)) is not MISSING:
            return found
    return _torn_field(text, field)


def pick(value: Any, field: str | None = None) -> Any:
    """The named field of a JSON object, or its usual answer field, or its only one; MISSING if there is none."""
    if not isinstance(value, dict):
        return MISSING
    if field is not None:
        return _walk(value, field)
    usual = [value[name] for name in ANSWER_FIELDS if name in value]
    if usual:
        return usual[0]
    return next(iter(value.values())) if len(value) == 1 else MISSING


def _walk(value: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return MISSING
        value = value[name]
    return value


def _torn_field(text: str, field: str | None) -> Any:
    names = ANSWER_FIELDS if field is None else (field.rsplit(".", 1)[-1],)
    for name in names:
        found = re.findall(rf'(?<!\\)"{re.escape(name)}"\s*:\s*{_TORN_VALUE}', text[-LONGEST_READ:])
        if found:
            quoted, bare = found[-1]
            return _unescape(quoted) if quoted else bare.strip()
    return MISSING


_TORN_VALUE = r'(?:("(?:[^"\\\n]|\\.)*")\s*(?=[,}\n]|\Z)|([^\s",}\[{][^",}\n]*)(?=[,}\n]))'


def _unescape(quoted: str) -> str:
    try:
        return str(_DECODER.decode(quoted))
    except ValueError:
        return quoted[1:-1]


def objects(text: str) -> Iterator[dict[str, Any]]:
    """The outermost JSON objects in a text, in order, whatever stands around them."""
    return (value for value, _, _ in objects_at(text))


def objects_at(text: str) -> Iterator[tuple[dict[str, Any], int, int]]:
    """The outermost JSON objects in a text, in order, each with where it starts and ends."""
    failed, end = 0, 0
    for start in _OBJECT_START.finditer(text) if len(text) <= LONGEST_READ else ():
        if start.start() < end or failed >= MOST_TORN:
            continue
        try:
            value, end = _DECODER.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            failed += 1
        else:
            yield value, start.start(), end


_OBJECT_START = re.compile(r'\{(?=\s*["}])')


def whole_json(text: str) -> Any:
    """The JSON value that all of the text is; MISSING if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return MISSING


def any_json(text: str) -> Any:
    """The JSON value that the text is, else the last array or object that it fences or holds; MISSING if none."""
    for part in (text, *reversed(re.findall(r"```(?:json)?\s*\n(.*?)```", text[-LONGEST_READ:], re.DOTALL))):
        if (value := whole_json(part)) is not MISSING:
            return value
    found = list(objects(text))
    return found[-1] if found else MISSING


def literal(text: str) -> Any:
    """The Python or JSON literal that all of the text is; MISSING if it is none, or too long or too deep to be read."""
    text = text.strip()
    if not text or len(text) > LONGEST_LITERAL or sum(map(text.count, "([{")) > MOST_BRACKETS:
        return whole_json(text) if len(text) <= LONGEST_LITERAL else MISSING
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return whole_json(text)


_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>(?<![\w)\]])[-+−] ?)?(?:[$€£¥₹] ?)?"
    r"(?P<digits>\d{1,3}(?:[,\u00a0\u202f]\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?P<exponent>[eE][-+]?\d{1,3}\b)?"
)
_ONLY_NUMBER = re.compile(rf"[#\s]*(?:{_NUMBER.pattern})\s?%?\.?\s*")


def only_number(text: str) -> Decimal | None:
    """The number that a text is, apart from "####", currency, percent and thousands signs; None if it is more."""
    found = _ONLY_NUMBER.fullmatch(text.replace("\\$", "$").replace("\\%", "%"))
    return _decimal(found) if found else None


def last_number(text: str) -> Decimal | None:
    """The last number in a text, whatever its currency or unit; None if there is none."""
    found = None
    for found in _NUMBER.finditer(text.replace("\\$", "$")):  # noqa: B007
        pass
    return _decimal(found) if found else None


def _decimal(found: re.Match[str]) -> Decimal | None:
    digits = re.sub(r"[,\u00a0\u202f]", "", found["digits"])
    sign = "-" if (found["sign"] or "").strip() in ("-", "−") else ""
    try:
        return Decimal(f"{sign}{digits}{found['exponent'] or ''}")
    except InvalidOperation:
        return None


def plain(text: str) -> str:
    """A short text without what does not tell labels apart: case, spacing, quotes, emphasis, closing punctuation."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("“", '"').replace("”", '"')
    return " ".join(text.split()).strip(" \"'`*_.,;:!")


def same_value(one: Any, other: Any, *, tuples_are_lists: bool = True) -> bool:
    """Deep equality of decoded values: 10 is 10.0, true is not 1, and keys may stand in any order.

    What is nested too deep to be compared is the same as nothing.
    """
    try:
        return bool(_canonical(one, tuples_are_lists) == _canonical(other, tuples_are_lists))
    except RecursionError:
        return False


def _canonical(value: Any, flat: bool) -> Any:
    """The value with booleans and, unless `flat`, tuples made unlike anything else."""
    match value:
        case bool() | None:
            return ("constant", str(value))
        case dict():
            return {("key", _canonical(key, flat)): _canonical(item, flat) for key, item in value.items()}
        case list() | tuple():
            items = tuple(_canonical(item, flat) for item in value)
            return ("list" if flat or isinstance(value, list) else "tuple", items)
        case set() | frozenset():
            return frozenset(_canonical(item, flat) for item in value)
    return value
