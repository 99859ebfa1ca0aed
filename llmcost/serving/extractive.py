"""Shortening without a model: sentences are chosen, in their order and word for word.

`sentencex` (Wikimedia's splitter, about 300 languages, compiled, no data to download) finds the sentences and `bm25s`
(BM25 on numpy, which is here anyway) ranks them; sumy and NLTK want downloaded data, scikit-learn is far larger, and
summa, rank-bm25 and pysbd have had no release for years.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import accumulate, chain, pairwise
from typing import Any

from llmcost.errors import ConfigError
from llmcost.serving.protected import Named, size, words

LONG = 1000  # characters of a "sentence" from which on its lines are taken apart: a log, a table, a list


@dataclass(frozen=True, slots=True)
class Libraries:
    """What is needed to choose sentences."""

    segment: Callable[[str, str], list[str]]
    bm25: Callable[[], Any]


@cache
def libraries() -> Libraries:
    """The optional libraries. Raises ConfigError if they are not installed."""
    try:
        return Libraries(import_module("sentencex").segment, import_module("bm25s").BM25)
    except ImportError as error:
        hint = "pip install 'llmcost-cli[compress]'"
        raise ConfigError(f"texts cannot be shortened without a model: {error.name} is not installed", hint) from error


def chosen(text: str, ratio: float, question: str, named: Named) -> str:
    """The sentences of a text that count most, in their order, within `ratio` of its bytes as far as any more fit.

    What is named is kept, one sentence for each fact and literal, even where this is more than the ratio.
    Then go the sentences that share most with the question and with the whole text (BM25, each by its best).
    """
    units = sentences(text)
    ranked = _ranked(units, question)
    kept = _holding(units, ranked, named.within(text))
    left = ratio * size(text) - sum(size(units[place]) for place in kept)
    for place in ranked:
        if place not in kept and size(units[place]) <= left:
            kept.add(place)
            left -= size(units[place])
    return "".join(units[place] for place in sorted(kept))


def sentences(text: str) -> list[str]:
    """The text in pieces that can be left out: sentences with the blanks behind them, code blocks, lines of tables."""
    pieces = [text[start:end] for start, end in pairwise(accumulate(map(len, _segments(text)), initial=0))]
    return [line for piece in _whole_fences(pieces) for line in _lines(piece)]


# Where quotes stay open the splitter takes the square of the time, so it gets blocks, cut at the best of these ends.
_ENDS = (r"\Z", r"\n[^\S\n]*\n", r"(?:[.!?]\s|[。！？])", r"\s", "")
_BLOCK = re.compile("|".join(rf".{{1,4000}}{end}" for end in _ENDS), re.DOTALL)


def _segments(text: str) -> Iterator[str]:
    """The pieces, as long as the text's; wide blanks and lone surrogates, at which the splitter fails, are replaced."""
    plain = text.encode(errors="replace").decode()
    narrow = "".join(" " if char.isspace() and char != "\n" else char for char in plain)
    return chain.from_iterable(libraries().segment("en", block) for block in _BLOCK.findall(narrow))


def _whole_fences(pieces: Sequence[str]) -> list[str]:
    """The pieces, those of one code block and mere blanks put to what stands before them."""
    whole: list[str] = []
    open_fence = False
    for piece in pieces:
        if whole and (open_fence or not piece.strip()):
            whole[-1] += piece
        else:
            whole.append(piece)
        open_fence ^= piece.count("```") % 2 == 1
    return whole


def _lines(piece: str) -> list[str]:
    return piece.splitlines(keepends=True) if len(piece) > LONG and "```" not in piece else [piece]


def _ranked(units: Sequence[str], question: str) -> list[int]:
    """Places of the units, best first."""
    read = [words(unit) for unit in units]
    spread = Counter(word for unit in read for word in set(unit))
    if not spread:
        return list(range(len(units)))
    bm25 = libraries().bm25()
    bm25.index(read, show_progress=False)
    shared = [word for word, count in spread.items() if count > 1]  # a word of one sentence says nothing of the text
    asked, whole = (_scores(bm25, query, len(units)) for query in (words(question), sorted(shared)))
    return sorted(range(len(units)), key=lambda place: (-asked[place] - whole[place], place))


def _scores(bm25: Any, query: list[str], count: int) -> list[float]:
    """BM25 of each unit as a share of the best one's."""
    scores = [float(score) for score in bm25.get_scores(query)] if query else [0.0] * count
    best = max(scores)
    return [score / best for score in scores] if best > 0 else scores


def _holding(units: Sequence[str], ranked: Sequence[int], named: Named) -> set[int]:
    """The best unit for each fact and literal that is named."""
    kept: set[int] = set()
    missing = named
    for place in ranked:
        held = missing.within(units[place])
        if held != Named():
            kept.add(place)
            missing = Named(missing.facts - held.facts, missing.literals - held.literals)
    return kept
