"""One small and serious change to a text: a number, a name, a denial, a part left out, an operator of its code.

Every function returns altered texts one after another, in an order of chance, for its caller to take the first that
will do; none if there is nothing to change. Text around the change stays as it was.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from random import Random
from typing import TypeVar

from llmcost.grading import opposites
from llmcost.serving.reading import MISSING, plain, whole_json

T = TypeVar("T")
Span = tuple[int, int]

LONGEST_NAME = 40  # characters; a longer JSON value is a text, not a name
MOST_FIELDS_DROPPED = 6  # JSON fields tried before sentences inside of values are


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the other answers of a task say, sorted: plausible replacements.

    labels  whole answers, where those are short and closed
    values  name of a JSON field → the texts written as its value, quotes included
    names   proper names of running text
    """

    labels: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] | None = None
    names: tuple[str, ...] = ()


Alter = Callable[[str, Surroundings, Random], Iterator[str]]


def number(text: str, around: Surroundings, rng: Random) -> Iterator[str]:
    """The text with one number changed to another of the same form; numbering of lists and steps is left alone."""
    for spot in _spots(_NUMBER, text, rng):
        if not _numbering(text, spot):
            yield _with(text, spot.span(), _another_number(text, spot, rng))


def entity(text: str, around: Surroundings, rng: Random) -> Iterator[str]:
    """The text with another label, another value of one JSON field, or one name replaced wherever it stands."""
    yield from _other_label(text, around, rng)
    yield from _other_value(text, around, rng)
    yield from _other_member(text, rng)
    yield from _other_name(text, around, rng)


def negation(text: str, around: Surroundings, rng: Random) -> Iterator[str]:
    """The text with one statement turned around: a denial put in or taken out, a word replaced by its opposite."""
    spots = [(spot, words) for pattern, words in _STATEMENTS for spot in _spots(pattern, text, rng)]
    for spot, words in _shuffled(spots, rng):
        turned = words.get(spot[0].lower())
        if turned is not None and not _COURTESY.search(_sentence_at(text, spot.span())):
            yield _with(text, spot.span(), opposites.like(spot[0], turned))


def dropped(text: str, around: Surroundings, rng: Random) -> Iterator[str]:
    """The text without one JSON field, list item, sentence, statement of code or, if it is one sentence, clause."""
    part = json_part(text)
    if part is not None:
        yield from islice(_without_field(text, part, rng), MOST_FIELDS_DROPPED)
    for start, end in _droppable(text, part, rng):
        yield text[:start] + text[end:]


def operator(text: str, around: Surroundings, rng: Random) -> Iterator[str]:
    """The text with one operator, constant or boundary of its code changed; none where it holds no code."""
    code = _code(text)
    for spot in _shuffled(_OPERATOR.finditer(text), rng):
        if _inside(spot.span(), code) and not _commented(text, spot.start()):
            yield _with(text, spot.span(), _OPERATORS[spot[0]])


def surroundings(texts: Sequence[str]) -> Surroundings:
    """What these texts, the answers of one task, offer as replacements."""
    names = {spot[0] for text in texts for spot in islice(_NAME.finditer(text), 50)}
    return Surroundings(_labels(texts), _values(texts), tuple(sorted(names)))


def json_part(text: str) -> Span | None:
    """Where the JSON object or array of a text stands: all of it, or the inside of a fence; None if there is none."""
    parts = [(0, len(text)), *(found.span(1) for found in _FENCE.finditer(text))]
    return next((part for part in parts if isinstance(whole_json(text[slice(*part)]), dict | list)), None)


# --- where -----------------------------------------------------------------------------------------------------------

_FENCE = re.compile(r"^```[^\n`]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?|-?[0-9][0-9.eE+-]*|true|false')
_COURTESY = re.compile(
    r"\b(?:let me know|feel free|hope|thank|thanks|happy to|glad|sorry|welcome|regards|sincerely|dear|sure|certainly|"
    r"of course|please (?:contact|ask)|here (?:is|are)|in summary|in conclusion|bitte|danke|gerne|merci|gracias)\b",
    re.IGNORECASE,
)
_ENDS = ".!?\n。！？"
LONGEST_SENTENCE = 400  # characters looked at on either side of a spot


def _spots(pattern: re.Pattern[str], text: str, rng: Random) -> list[re.Match[str]]:
    """Matches in chance order; of JSON, those in its values."""
    part = json_part(text)
    regions = [(0, len(text))] if part is None else [token.span() for token in _tokens(text, part) if not token[2]]
    return _shuffled((spot for region in regions for spot in pattern.finditer(text, *region)), rng)


def _tokens(text: str, part: Span) -> Iterator[re.Match[str]]:
    return _TOKEN.finditer(text, *part)


def _inside(span: Span, regions: Iterable[Span]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in regions)


def _sentence_at(text: str, span: Span) -> str:
    first, last = max(span[0] - LONGEST_SENTENCE, 0), span[1] + LONGEST_SENTENCE
    start = max(text.rfind(mark, first, span[0]) + 1 for mark in _ENDS)
    ends = [end for mark in _ENDS if (end := text.find(mark, span[1], last)) >= 0]
    return text[max(start, first) : min(ends, default=last)]


def _with(text: str, span: Span, new: str) -> str:
    return text[: span[0]] + new + text[span[1] :]


def _shuffled(items: Iterable[T], rng: Random) -> list[T]:
    found = list(items)
    rng.shuffle(found)
    return found


# --- numbers ---------------------------------------------------------------------------------------------------------

_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.\\])(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?(?![0-9])"
    r"(?!(?:st|nd|rd|th)\b|[xX][0-9a-fA-F]|[A-Za-z_]*[0-9_])"
)
_COUNTED = re.compile(r"(?:step|part|section|chapter|table|figure|option|question|#)[ ]*\Z", re.IGNORECASE)
_CODED = re.compile(r"[A-Za-z]-")  # A-1029 is an identifier, too
LONGEST_NUMBER = 15  # digits; a longer one is an identifier, of which one digit changes
FACTORS = (0.5, 0.7, 0.8, 0.9, 1.1, 1.2, 1.3, 1.5, 2.0)
NEARBY = (-3, -2, -1, 1, 2, 3)
YEARS = (1500, 2100)
CALENDAR = ((0, 12), (13, 28), (29, 59))  # months and hours, days, minutes: a neighbour of its own kind stays plausible


def _numbering(text: str, spot: re.Match[str]) -> bool:
    """Whether the number only counts lines, steps or the like."""
    line = text[text.rfind("\n", 0, spot.start()) + 1 : spot.start()]
    heads = not line.strip(" \t>*#-") and re.match(r"[.):]\**\s", text[spot.end() : spot.end() + 5]) is not None
    return heads or _COUNTED.search(line[-20:]) is not None


def _another_number(text: str, spot: re.Match[str], rng: Random) -> str:
    written = spot[0]
    digits = written.replace(",", "")
    if len(digits) > LONGEST_NUMBER or (
        len(digits) > 1 and _CODED.search(text[max(spot.start() - 2, 0) : spot.start()])
    ):
        return _another_digit(written, rng)
    whole, _, decimals = digits.partition(".")
    around = text[max(spot.start() - 1, 0) : spot.start()] + text[spot.end() : spot.end() + 1]
    return _written(rng.choice(_others(whole, decimals, around)), whole, len(decimals), "," in written)


def _others(whole: str, decimals: str, around: str) -> list[int]:
    """Plausible other values, in units of the last decimal; `around`: the characters beside the number."""
    value, unit = int(whole + decimals), 10 ** len(decimals)
    if not decimals and len(whole) == 2 and any(mark in around for mark in "-/:") and value < 60:
        low, high = next(kind for kind in CALENDAR if kind[0] <= value <= kind[1])
        near = list(range(max(low, 1), high + 1))
    elif not decimals and len(whole) == 4 and YEARS[0] <= value < YEARS[1]:
        near = [value + step * times for step in NEARBY for times in (1, 3)]
    elif value == 0 or (not decimals and value <= 12):
        near = [value + step * unit for step in NEARBY]
    else:
        near = [round(value * factor) for factor in FACTORS]
    most = 100 * unit if "%" in around and value <= 100 * unit else None
    return [other for other in near if other != value and other >= 0 and (most is None or other <= most)]


def _written(value: int, whole: str, decimals: int, grouped: bool) -> str:
    """The value in the form of the number it replaces: decimals, leading zeros and thousands signs."""
    digits = str(value).rjust(decimals + 1, "0")
    front, back = (digits[:-decimals], "." + digits[-decimals:]) if decimals else (digits, "")
    padded = front.rjust(len(whole), "0") if whole.startswith("0") and len(whole) > 1 else front
    return (f"{int(padded):,}" if grouped else padded) + back


def _another_digit(written: str, rng: Random) -> str:
    place = rng.choice([index for index, sign in enumerate(written) if sign.isdigit()][1:])
    return _with(written, (place, place + 1), str((int(written[place]) + rng.randint(1, 9)) % 10))


# --- names -----------------------------------------------------------------------------------------------------------

_LATIN = "A-Za-zÀ-ÖØ-öø-ÿ"
_WORD = rf"[A-ZÀ-ÖØ-Þ][{_LATIN}0-9-]{{2,}}"
_NAME = re.compile(
    rf"(?:(?<=[a-zß-ÿ,;] )|(?<=[a-z]: ))(?!(?:The|This|That|You|And|But|For) ){_WORD}(?: {_WORD}){{0,3}}"
    r"|(?<=`)[\w.-]{3,60}(?=`)|\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b|\b[a-z]{2,}(?:[A-Z][a-z]+)+\b"
)
_GROUP_OF = {word: group for group in opposites.GROUPS for word in group}
_MEMBER = re.compile(rf"\b(?:{'|'.join(sorted(_GROUP_OF, key=len, reverse=True))})\b")
STOCK = ("Halvorsen", "Brightwater", "Okonkwo", "Lindqvist", "Castellano", "Merriweather")
PREFIXES = ("old_", "tmp_", "base_")
LONGEST_LABEL = 80  # characters of a label that is given more than once
LONGEST_WORDS = 30  # bytes of a few words, which are a label even if they are given once


def _labels(texts: Sequence[str]) -> tuple[str, ...]:
    """Short closed answers: of a few words, or given more than once."""
    stripped = [text.strip() for text in texts]
    short = [text for text in stripped if 0 < len(text) <= LONGEST_LABEL and "\n" not in text and _worded(text)]
    return tuple(
        sorted(text for text, count in Counter(short).items() if count > 1 or len(_bytes(text)) <= LONGEST_WORDS)
    )


def _worded(text: str) -> bool:
    """Whether there is a letter in it, and it is neither a JSON object nor an array."""
    return any(sign.isalpha() for sign in text) and text[0] not in "{["


def _values(texts: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for text in texts:
        part = json_part(text)
        for key, value in _fields(text, part) if part else ():
            found.setdefault(key[1], set()).add(value[0])
    return {key: tuple(sorted(values)) for key, values in found.items()}


def _fields(text: str, part: Span) -> Iterator[tuple[re.Match[str], re.Match[str]]]:
    """Key and value of every field whose value is a short string."""
    for key, value in pairwise(_tokens(text, part)):
        beside = key[2] and not value[2] and not text[key.end() : value.start()].strip()
        if beside and value[0].startswith('"') and len(value[0]) <= LONGEST_NAME:
            yield key, value


def _other_label(text: str, around: Surroundings, rng: Random) -> Iterator[str]:
    label = text.strip()
    if label in around.labels:
        others = [other for other in around.labels if plain(other) != plain(label)]
        yield from (text.replace(label, other) for other in _shuffled(others, rng))


def _other_value(text: str, around: Surroundings, rng: Random) -> Iterator[str]:
    part = json_part(text)
    for key, value in _shuffled(_fields(text, part), rng) if part else ():
        others = [other for other in (around.values or {}).get(key[1], ()) if plain(other) != plain(value[0])]
        if others:
            yield _with(text, value.span(), rng.choice(others))


def _other_member(text: str, rng: Random) -> Iterator[str]:
    """Another weekday, month, currency, unit …"""
    for spot in _spots(_MEMBER, text, rng):
        others = [word for word in _GROUP_OF[spot[0]] if word != spot[0]]
        yield _with(text, spot.span(), rng.choice(others))


def _other_name(text: str, around: Surroundings, rng: Random) -> Iterator[str]:
    code = _code(text)
    for spot in (spot for spot in _spots(_NAME, text, rng) if not _inside(spot.span(), code)):
        new = _another_name(spot[0], text, around, rng)
        yield re.sub(rf"(?<!\w){re.escape(spot[0])}(?!\w)", lambda _, new=new: new, text)  # type: ignore[misc]


def _another_name(name: str, text: str, around: Surroundings, rng: Random) -> str:
    """A name of another answer that is written alike and does not stand in this text, else an invented one."""
    low = name.casefold()
    fitting = [
        other
        for other in around.names
        if _shape(other) == _shape(name) and other not in text and other.casefold() not in low
    ]
    if fitting:
        return rng.choice(fitting)
    return rng.choice(PREFIXES) + name if name[0].islower() else rng.choice([new for new in STOCK if new != name])


def _shape(name: str) -> tuple[bool, bool, int]:
    return name[0].isupper(), "_" in name, name.count(" ")


# --- statements ------------------------------------------------------------------------------------------------------

_OPPOSITES = opposites.both_ways(opposites.OPPOSITES)
_TURNED = dict(opposites.TURNED)
_UNSPACED = opposites.both_ways(opposites.UNSPACED)
_STATEMENTS: tuple[tuple[re.Pattern[str], Mapping[str, str]], ...] = (
    (opposites.finder(_OPPOSITES, whole=True, ignore_case=True), _OPPOSITES),
    (opposites.finder(_TURNED, whole=True), _TURNED),
    (opposites.finder(_UNSPACED, whole=False), _UNSPACED),
)
_OPERATORS = {**opposites.both_ways(opposites.OPERATORS), **dict(opposites.SIMPLER)}
_OPERATOR = opposites.finder(_OPERATORS, whole=False)


# --- code ------------------------------------------------------------------------------------------------------------

_CODE_LINE = re.compile(
    r"(?:def |class |return\b|import |from \w+ import|(?:if|for|while|elif|else)\b.*[:{]$|const |let |var |func |"
    r"function |public |private |SELECT |INSERT |UPDATE |DELETE FROM |#include|.*[;{}]$|\w+(?:\[.*\]|\.\w+)* ?=[^=])"
)
CODE_SHARE = 0.5  # of the lines that look like code: then an unfenced text is code


def _code(text: str) -> list[Span]:
    """The parts of a text that are code: inside fences, or all of it."""
    fenced = [found.span(1) for found in _FENCE.finditer(text)]
    if fenced:
        return fenced
    lines = [line for line in map(str.strip, text.splitlines()) if line]
    looks = sum(_CODE_LINE.match(line) is not None for line in lines)
    return [(0, len(text))] if looks and looks >= CODE_SHARE * len(lines) and json_part(text) is None else []


def _commented(text: str, at: int) -> bool:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return "#" in line or "//" in line or "--" in line


# --- parts -----------------------------------------------------------------------------------------------------------

_SENTENCE_END = re.compile(r"(?<=[.!?])[ \t]+(?=[^a-z\s])|(?<=[。！？])|\n+")
_CLAUSE_END = re.compile(r"(?<=[,;])[ ]|(?<=[，；、])| (?=and |or |und |et |y )")
_LINE_END = re.compile(r"\n+")
_NO_STATEMENT = re.compile(r"[)\]}]+[;,]?|#.*|//.*|--.*|[\"']{3}.*|.*[:{(\[,]")
_NO_SENTENCE = re.compile(r"#+ .*|\*\*[^*]*\*\*:?|.*:|[|\-\s:=*_`~>]*|```.*")
SHORTEST_PART = 12  # bytes: a few words, or four characters of Chinese
SHORTEST_STATEMENT = 5


def _droppable(text: str, part: Span | None, rng: Random) -> list[Span]:
    """Parts that can be left out, those first that say what is said nowhere else."""
    for pieces in (_sentences(text, part), _clauses(text, part)):
        spans = [span for span in pieces if not _COURTESY.search(text[slice(*span)])]
        if spans and len(pieces) > 1:
            return _by_weight(text, spans, rng)
    return []


def _sentences(text: str, part: Span | None) -> list[Span]:
    """Sentences, list items and statements of code; inside of JSON, sentences of its values."""
    if part is not None:
        values = [token.span(1) for token in _tokens(text, part) if token[1] and not token[2]]
        return [span for value in values if len(found := _pieces(text, value, _SENTENCE_END)) > 1 for span in found]
    code = _code(text)
    prose = [span for gap in _gaps(code, len(text)) for span in _pieces(text, gap, _SENTENCE_END)]
    lines = [span for block in code for span in _pieces(text, block, _LINE_END, SHORTEST_STATEMENT)]
    return [span for span in prose if _says(text, span, _NO_SENTENCE)] + [
        span for span in lines if _says(text, span, _NO_STATEMENT)
    ]


def _clauses(text: str, part: Span | None) -> list[Span]:
    return [] if part is not None or _code(text) else _pieces(text, (0, len(text.rstrip(" \n.!?"))), _CLAUSE_END)


def _gaps(regions: Sequence[Span], length: int) -> list[Span]:
    edges = [0, *(edge for region in regions for edge in region), length]
    return [(edges[index], edges[index + 1]) for index in range(0, len(edges), 2)]


def _pieces(text: str, region: Span, end: re.Pattern[str], shortest: int = SHORTEST_PART) -> list[Span]:
    """The pieces of a region between ends, each with the end behind it."""
    cuts = [region[0], *(found.end() for found in end.finditer(text, *region)), region[1]]
    return [(start, stop) for start, stop in pairwise(cuts) if len(_bytes(text[start:stop].strip())) >= shortest]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _says(text: str, span: Span, nothing: re.Pattern[str]) -> bool:
    return nothing.fullmatch(text[slice(*span)].strip()) is None


def _by_weight(text: str, spans: Sequence[Span], rng: Random) -> list[Span]:
    """The half of the parts with the most words of their own in chance order, then the other half."""
    words = {span: set(re.findall(r"\w+", text[slice(*span)].casefold())) for span in spans}
    count = Counter(chain.from_iterable(words.values()))
    ranked = sorted(spans, key=lambda span: -sum(count[word] == 1 for word in words[span]))
    half = (len(ranked) + 1) // 2
    return _shuffled(ranked[:half], rng) + _shuffled(ranked[half:], rng)


def _without_field(text: str, part: Span, rng: Random) -> Iterator[str]:
    """The text without one field or one element, with the comma beside it, where JSON is left that is not empty."""
    for start, end in _shuffled(_members(text, part), rng):
        before, after = text[:start].rstrip(), text[end:].lstrip()
        if after.startswith(","):
            yield text[:start] + after[1:].lstrip()
        elif before.endswith(","):
            yield before[:-1] + text[end:]


def _members(text: str, part: Span) -> Iterator[Span]:
    """Fields with a plain value, and plain elements of arrays that stand behind a comma."""
    tokens = list(_tokens(text, part))
    for key, value in pairwise(tokens):
        if key[2] and not value[2] and not text[key.end() : value.start()].strip():
            yield key.start(), value.end()
        elif not value[2] and "," in text[key.end() : value.start()]:
            yield value.span()


def kept_form(old: str, new: str) -> bool:
    """Whether what was JSON still is."""
    if whole_json(old) is not MISSING:
        return whole_json(new) is not MISSING
    return json_part(old) is None or json_part(new) is not None
