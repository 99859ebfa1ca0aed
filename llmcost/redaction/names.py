"""The placeholders of one request, or of a whole run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

LITERAL = re.compile(r"<([A-Z][A-Z0-9_]{0,30})_([0-9]{1,6})>")


class Names:
    """Gives every value a placeholder: the first e-mail address is <EMAIL_1>, and stays it wherever it stands again."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._known: dict[tuple[str, str], str] = {}
        self._counts: Counter[str] = Counter()
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
        """Leaves out the placeholders that stand in a text already: they are not ours."""
        if "_" in text and "<" in text:
            self._taken.update(match[0] for match in LITERAL.finditer(text))

    def placeholder(self, kind: str, value: str) -> str:
        """The placeholder of a value."""
        known = self._known.get((kind, value))
        return known if known is not None else self._new(kind, value)

    def _new(self, kind: str, value: str) -> str:
        self._counts[kind] += 1
        number = self._counts[kind]
        while (name := f"<{kind}_{number}>") in self._taken or name in self._values:
            number += 1
        self._known[kind, value] = name
        self._values[name] = value
        return name
