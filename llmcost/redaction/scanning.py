"""One pass of RE2 over a text: its time grows with the text's length alone, whatever stands in it.

The text is looked at as one byte a letter, so that places in the bytes are places in the text: Latin-1, with a question
mark for every other letter. Whoever needs to know those letters looks around what was found.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

MEMORY = 64 << 20  # bytes for the automaton of one pattern: more than any of ours takes


def spans(pattern: str, text: str) -> Iterator[tuple[int, int]]:
    """Where the pattern matches, in order, without overlap."""
    for match in compiled(pattern).finditer(text.encode("latin-1", "replace")):
        yield match.span()


def groups(pattern: str, text: str) -> Iterator[tuple[tuple[int, int], ...]]:
    """The whole match and its groups; (-1, -1) for a group that took no part."""
    look = compiled(pattern)
    for match in look.finditer(text.encode("latin-1", "replace")):
        yield tuple(match.span(group) for group in range(look.groups + 1))


@cache
def compiled(pattern: str, *, ignore_case: bool = False) -> Any:
    """A pattern for bytes of Latin-1."""
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = MEMORY
    options.case_sensitive = not ignore_case
    return re2.compile(pattern.encode("latin-1"), options)
