"""The placeholders of one request, or of a whole run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

LITERAL = re.compile(r"<([A-Z][A-Z0-9_]{0,30})_([0-9]{1,6})>")

# How models write <EMAIL_1>: as it is, escaped for HTML, JSON or Markdown, in other brackets or none, in any case.
_OPENS, _CLOSES = r"<|&lt;|\\u003[cC]|\[(?=[^\]\n]{1,40}\](?!\())", r">|&gt;|\\u003[eE]|\](?!\()"
_KIND = r"[A-Za-z][A-Za-z0-9]{0,30}(?:\\?_[A-Za-z0-9]{1,30}){0,8}?"
_BARE_ENDS = r"(?![A-Za-z0-9])"
_WRITTEN = re.compile(rf"({_OPENS}|(?<![A-Za-z0-9]))({_KIND})\\?_([0-9]{{1,6}})(?:{_CLOSES}|{_BARE_ENDS})")
_A_NAME_OF_CODE = re.compile(r"[\"'`]?\s{0,3}[:=(\[]|\.[A-Za-z]")


class Names:
    """Gives every value a placeholder: the first e-mail address is <EMAIL_1>, and stays it wherever it stands again."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._known: dict[tuple[str, str], str] = {}
        self._counts: Counter[str] = Counter()
        self._last: Counter[str] = Counter()
        self._taken: set[str] = set()

    def __repr__(self) -> str:
        return f"Names({dict(self._counts)})"

    @property
    def values(self) -> Mapping[str, str]:
        """Placeholder → the value that it stands for."""
        return self._values

    @property
    def counts(self) -> Mapping[str, int]:
        """Kind → how many distinct values of it there are."""
        return self._counts

    def reserve(self, text: str) -> None:
        """Leaves out the placeholders that stand in a text already, however they are written: they are not ours."""
        if "_" in text:
            self._taken.update(name for _, name in written(text))

    def placeholder(self, kind: str, value: str) -> str:
        """The placeholder of a value."""
        known = self._known.get((kind, value))
        return known if known is not None else self._new(kind, value)

    def _new(self, kind: str, value: str) -> str:
        self._counts[kind] += 1
        self._last[kind] += 1
        while (name := f"<{kind}_{self._last[kind]}>") in self._taken:
            self._last[kind] += 1
        self._known[kind, value] = name
        self._values[name] = value
        return name


def written(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """What could be a placeholder in any form that a model gives it, and the placeholder that it would be."""
    for match in _WRITTEN.finditer(text):
        bare_word = not match[1] and not match[2].isupper()
        if not (bare_word and _A_NAME_OF_CODE.match(text, match.end())):
            yield match, f"<{match[2]}_{match[3]}>".replace("\\", "").upper()
