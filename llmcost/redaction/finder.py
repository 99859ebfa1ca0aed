"""Finder: what all detectors find in a text, without overlap."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from llmcost.errors import ConfigError
from llmcost.redaction.detectors import BUILT_IN, KINDS
from llmcost.redaction.found import Detector, Found
from llmcost.redaction.names import LITERAL
from llmcost.redaction.reading import read

REMEMBERED = 4_096  # texts: system prompts and tools come again in every prompt of a task
LONGEST_REMEMBERED = 50_000  # characters
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
        reading = read(text)
        every = [
            (found.start, -found.end, rank, found)
            for rank, detector in enumerate(self._detectors)
            for found in detector.find(reading.plain)
        ]
        if not every:
            return ()
        kept: list[Found] = []
        for *_, found in sorted(every, key=lambda entry: entry[:3]):
            if not kept or found.start >= kept[-1].end:
                kept.append(found)
            elif found.end > kept[-1].end:  # the rest of one that overlaps must not stay either
                kept.append(Found(kept[-1].end, found.end, found.kind))
        return tuple(_free(text, (Found(*reading.span(found.start, found.end), found.kind) for found in kept)))


def _free(text: str, found: Iterable[Found]) -> Iterator[Found]:
    """What is found, without placeholders that stand in the text already."""
    taken = [match.span() for match in LITERAL.finditer(text)] if "<" in text else []
    for value in found:
        start = value.start
        for begin, end in taken[max(0, bisect_left(taken, (start, 0)) - 1) :]:
            if begin >= value.end:
                break
            if begin > start:
                yield Found(start, begin, value.kind)
            start = max(start, end)
        if start < value.end:
            yield Found(start, value.end, value.kind)


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
