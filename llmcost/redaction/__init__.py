"""Personal data and keys in texts → placeholders such as <EMAIL_1>, and back again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llmcost.answers import Answer

KINDS: tuple[str, ...] = ("EMAIL", "PHONE", "CARD", "IBAN", "IP", "SECRET")
_EMAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"


@dataclass(frozen=True, slots=True)
class Found:
    """A value in a text: from `start` to before `end`, of this kind."""

    start: int
    end: int
    kind: str


class Finder:
    """Finds values of some kinds in texts."""

    def __init__(self, patterns: Mapping[str, re.Pattern[str]]) -> None:
        self._patterns = patterns

    def find(self, text: str) -> tuple[Found, ...]:
        """What is found, in order, without overlap."""
        every = [Found(*match.span(), kind) for kind, one in self._patterns.items() for match in one.finditer(text)]
        kept: list[Found] = []
        for found in sorted(every, key=lambda found: (found.start, -found.end)):
            if not kept or found.start >= kept[-1].end:
                kept.append(found)
        return tuple(kept)


class Names:
    """The placeholders of one request, or of a whole run."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self._known: dict[tuple[str, str], str] = {}

    def placeholder(self, kind: str, value: str) -> str:
        """The same for the same value."""
        if (kind, value) not in self._known:
            self.counts[kind] += 1
            name = f"<{kind}_{self.counts[kind]}>"
            self._known[kind, value], self.values[name] = name, value
        return self._known[kind, value]


@dataclass(frozen=True, slots=True)
class Hidden:
    """A request body with placeholders; `unseen` parts of it are no text."""

    body: Mapping[str, Any]
    names: Names
    unseen: int = 0


def finder(
    kinds: Sequence[str] = KINDS, patterns: Mapping[str, str] | None = None, languages: Sequence[str] = ()
) -> Finder:
    """What finds values of these kinds, and what the user's own patterns match."""
    own = {kind: re.compile(text) for kind, text in (patterns or {}).items()}
    return Finder({**({"EMAIL": re.compile(_EMAIL)} if "EMAIL" in kinds else {}), **own})


def hide_text(text: str, finder: Finder, names: Names) -> str:
    """The text with placeholders."""
    pieces, last = [], 0
    for found in finder.find(text):
        pieces += [text[last : found.start], names.placeholder(found.kind, text[found.start : found.end])]
        last = found.end
    return "".join([*pieces, text[last:]])


def hide_json(value: Any, finder: Finder, names: Names) -> Any:
    """JSON with placeholders in its texts."""
    if isinstance(value, str):
        return hide_text(value, finder, names)
    if isinstance(value, list):
        return [hide_json(item, finder, names) for item in value]
    if isinstance(value, Mapping):
        return {key: hide_json(item, finder, names) for key, item in value.items()}
    return value


def hide(body: Mapping[str, Any], finder: Finder, names: Names | None = None) -> Hidden:
    """A request body with placeholders."""
    known = Names() if names is None else names
    hidden = {**body, "messages": hide_json(list(body.get("messages") or ()), finder, known)}
    return Hidden(hidden if known.values else body, known)


def reveal(answer: Answer, names: Names) -> Answer:
    """An answer with values in the place of their placeholders."""
    return _changed(answer, lambda text: _replaced(text, names.values))


def conceal(answer: Answer, names: Names) -> Answer:
    """An answer with placeholders in the place of their values."""
    return _changed(answer, lambda text: _replaced(text, {value: name for name, value in names.values.items()}))


def _changed(answer: Answer, change: Callable[[str], str]) -> Answer:
    calls = tuple(replace(call, arguments=change(call.arguments)) for call in answer.tool_calls)
    text, refusal = (None if said is None else change(said) for said in (answer.text, answer.refusal))
    return replace(answer, text=text, refusal=refusal, tool_calls=calls)


def _replaced(text: str, by: Mapping[str, str]) -> str:
    for old in sorted(by, key=len, reverse=True):
        text = text.replace(old, by[old])
    return text
