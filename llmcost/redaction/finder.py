"""Finder: what all detectors find in a text, without overlap."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from llmcost.errors import ConfigError
from llmcost.redaction.detectors import BUILT_IN, KINDS
from llmcost.redaction.found import Detector, Found
from llmcost.redaction.names import LITERAL

REMEMBERED = 4_096  # texts: system prompts and tools come again in every prompt of a task
LONGEST_REMEMBERED = 50_000  # characters
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_WIDE = re.compile("[\uff01-\uff5e]")
_NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}  # letter for letter, so that places stay
NO_PATTERNS: Mapping[str, str] = MappingProxyType({})


class Finder:
    """Finds values in texts; remembers what it found in the last texts that were not very long."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._detectors = tuple(detectors)
        self._remembered = lru_cache(REMEMBERED)(self._look)

    def find(self, text: str) -> tuple[Found, ...]:
        """What is found, in order and without overlap: of two that do, the one that begins first, then the longer."""
        return self._remembered(text) if len(text) <= LONGEST_REMEMBERED else self._look(text)

    def _look(self, text: str) -> tuple[Found, ...]:
        plain = _plain(text)
        every = [
            (found.start, -found.end, rank, found)
            for rank, detector in enumerate(self._detectors)
            for found in detector.find(plain)
        ]
        if not every:
            return ()
        kept: list[Found] = []
        for *_, found in sorted(every, key=lambda entry: entry[:3]):
            if not kept or found.start >= kept[-1].end:
                kept.append(found)
            elif found.end > kept[-1].end:  # the rest of one that overlaps must not stay either
                kept.append(Found(kept[-1].end, found.end, found.kind))
        return _without(kept, text)


def _plain(text: str) -> str:
    """The text as detectors read it, letter for letter: full-width letters narrow, escapes of JSON resolved."""
    if _WIDE.search(text):
        text = text.translate(_NARROW)
    return _ESCAPE.sub(_meant, text) if "\\" in text else text


def _meant(escape: re.Match[str]) -> str:
    """What an escape stands for, as long as it is written."""
    if escape[0][1] == "u":
        return chr(int(escape[0][2:], 16)).rjust(len(escape[0]), "\0")
    return escape[0][1].rjust(2) if escape[0][1] in '"/' else "  "


def _without(found: Sequence[Found], text: str) -> tuple[Found, ...]:
    """Those that are not placeholders already; none ends inside an escape."""
    taken = [match.span() for match in LITERAL.finditer(text)] if "<" in text else []
    escapes = [match.span() for match in _ESCAPE.finditer(text)] if "\\" in text else []
    free = [value for value in found if not _inside(taken, value.start, value.end)]
    return tuple(_whole(value, escapes) for value in free) if escapes else tuple(free)


def _inside(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Whether any of these ordered spans touches this one."""
    place = bisect_left(spans, (end, 0)) - 1
    return place >= 0 and spans[place][1] > start


def _whole(value: Found, escapes: Sequence[tuple[int, int]]) -> Found:
    """The value with all of an escape that it begins or ends in."""
    start, end = value.start, value.end
    for at in (start, end):
        place = bisect_left(escapes, (at, 0)) - 1
        if place >= 0 and escapes[place][0] < at < escapes[place][1]:
            start, end = min(start, escapes[place][0]), max(end, escapes[place][1])
    return Found(start, end, value.kind)


def finder(
    kinds: Sequence[str] = KINDS, patterns: Mapping[str, str] = NO_PATTERNS, languages: Sequence[str] = ()
) -> Finder:
    """What finds values of these kinds, the user's own patterns (kind → regular expression), and, where the languages
    of the prompts are named, people and places.

    Raises ConfigError for a kind that is not known, a pattern that cannot be used, or an extra that is not installed.
    """
    unknown = [kind for kind in kinds if kind not in BUILT_IN]
    if unknown:
        raise ConfigError(f"[redact] kinds: {unknown[0]!r} is not known", f"choose of {', '.join(KINDS)}")
    detectors: list[Detector] = []
    if patterns:
        from llmcost.redaction.detectors.own import OwnPatterns  # brings its library

        detectors.append(OwnPatterns(patterns))
    detectors += [BUILT_IN[kind]() for kind in KINDS if kind in kinds]
    if languages:
        from llmcost.redaction.detectors.people import People  # brings its library, and that one its models

        detectors.append(People(languages))
    return Finder(detectors)
