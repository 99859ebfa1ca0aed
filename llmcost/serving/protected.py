"""What a shortened text may neither lose nor add: faults that are found without a model.

Shortening drops something, so most facts may go; what the question names may not. Facts are words that hold a digit
(numbers, dates, ids), literals are URLs, e-mail addresses, code and phrases in quotes. Words of duty, negation and
limit are known in English alone; in other languages they are left to the graders and to whoever reads the difference.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from llmcost.serving.reading import MISSING, whole_json

SHORTER = 0.95  # of the bytes at most; more is not worth a changed text
LEAST = 0.4  # of the length aimed at; less is an answer or a refusal rather than a shorter text
OWN_WORDS = 0.7  # of the words are the text's own; an answer, a refusal or a translation has fewer
TOLERANCE = 0.5  # a text cut to a half has to keep a quarter of its figures and of its requirements


@dataclass(frozen=True, slots=True)
class Named:
    """Facts and literals that an answer is looked for by, case folded."""

    facts: frozenset[str] = frozenset()
    literals: frozenset[str] = frozenset()

    def within(self, text: str) -> Named:
        """Those that the text holds."""
        folded = text.casefold()
        return Named(self.facts & facts(text), frozenset(part for part in self.literals if part in folded))


def named_by(question: str, instructions: str = "") -> Named:
    """What a question names, and the literals of the instructions; their figures (examples, limits) name nothing."""
    return Named(facts(question), literals(question) | literals(instructions))


def fault(text: str, short: str, named: Named, ratio: float) -> str | None:
    """Why the shortened text may not stand for this one; `ratio` is what was aimed at. None: nothing was found."""
    lost = named.within(text) != named.within(text).within(short)
    return (
        _first(_SHAPE, text, short, ratio)
        or ("loses what the question names" if lost else None)
        or _first(_TOLERATED, text, short, ratio)
    )


def instruction_fault(text: str, short: str, ratio: float) -> str | None:
    """Why the shortened instructions may not stand for these, which must keep all figures and literals."""
    return _first((*_SHAPE, *_STRICT, *_TOLERATED), text, short, ratio)


def size(text: str) -> int:
    """Bytes as UTF-8; a lone surrogate of a log counts three."""
    return len(text.encode(errors="surrogatepass"))


_APART = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Chinese and Japanese
_WORD = re.compile(rf"[{_APART}]|[^\W{_APART}]+")


def words(text: str) -> list[str]:
    """The words of a text, case folded; its characters where words are not written apart."""
    return _WORD.findall(text.casefold())


_RUN = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|[^\W_]+(?:\.\d+)*")


def facts(text: str) -> frozenset[str]:
    """Words that hold a digit, case folded: 1,000 is 1000, and 2024-05-01 is three of them however it is written."""
    return frozenset(run.replace(",", "") for run in _RUN.findall(text.casefold()) if any(map(str.isdigit, run)))


_LITERAL = re.compile(
    r"(?:https?|ftp|s3|gs)://[^\s<>\"'`)\]}]+"
    r"|(?<![\w.+\-])[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+"
    r"|```.*?```"
    r"|`[^`\n]+`"
    r"|[\"“„«][^\"“”„«»\n]{0,80}[\"”“»]",
    re.DOTALL,
)


def literals(text: str) -> frozenset[str]:
    """URLs, e-mail addresses, code in backticks and phrases in quotes, without what encloses them; case folded."""
    return frozenset(part for found in _LITERAL.findall(text.casefold()) if (part := found.strip('`"“”„«».,;:!?\n ')))


_REQUIREMENT = re.compile(
    r"\b(?:(?P<duty>must|shall|should|always|require[sd]?|ensure|needs? to|ha(?:s|ve) to)"
    r"|(?P<negation>not|never|no|nor|none|cannot|without|avoid|\w+n['’]t)"
    r"|(?P<limit>only|exactly|at most|at least|unless|except|until|if))\b",
    re.IGNORECASE,
)


def requirements(text: str) -> Counter[str]:
    """How often a text says a duty, a negation or a limit, by these kinds. English."""
    return Counter(found.lastgroup or "" for found in _REQUIREMENT.finditer(text))


_Check: TypeAlias = Callable[[str, str, float], bool]
_Checks: TypeAlias = tuple[tuple[str, _Check], ...]


def _first(checks: _Checks, text: str, short: str, ratio: float) -> str | None:
    return next((name for name, fails in checks if fails(text, short, ratio)), None)


def _in_other_words(text: str, short: str, _: float) -> bool:
    own, said = frozenset(words(text)), words(short)
    return sum(word in own for word in said) < OWN_WORDS * len(said)


_ITEM = re.compile(r"^[ \t]*\d{1,3}[.)](?=\s)", re.MULTILINE)  # a list that was numbered anew adds no figure


def _adds_a_figure(text: str, short: str, _: float) -> bool:
    return not facts(_ITEM.sub("", short)) <= facts(text)


def _no_json_any_more(text: str, short: str, _: float) -> bool:
    return _is_json(text) and not _is_json(short)


def _is_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[") and whole_json(text) is not MISSING


def _loses_figures(text: str, short: str, _: float) -> bool:
    held = facts(text)
    return _too_few(len(held & facts(short)), len(held), text, short)


def _loses_requirements(text: str, short: str, _: float) -> bool:
    held, left = requirements(text), requirements(short)
    return any(_too_few(left[kind], count, text, short) for kind, count in held.items())


def _too_few(left: int, held: int, text: str, short: str) -> bool:
    """Whether fewer are left than a text of this length can be expected to keep, with tolerance; one may always go."""
    return left < int(TOLERANCE * held * size(short) / size(text))


_SHAPE: _Checks = (
    ("empty", lambda _, short, __: not short.strip()),
    ("no shorter", lambda text, short, _: size(short) > SHORTER * size(text)),
    ("too short", lambda text, short, ratio: size(short) < LEAST * ratio * size(text)),
    ("no JSON any more", _no_json_any_more),
    ("in other words", _in_other_words),
    ("adds a figure", _adds_a_figure),
)
_STRICT: _Checks = (
    ("loses a figure", lambda text, short, _: not facts(_ITEM.sub("", text)) <= facts(short)),
    ("loses a literal", lambda text, short, _: not literals(text) <= literals(short)),
)
_TOLERATED: _Checks = (("loses figures", _loses_figures), ("loses requirements", _loses_requirements))
