"""What the prompts of a call site have in common at their beginning, measured on a few of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from llmcost.audit.exemplars import NEAR_S, Exemplars
from llmcost.audit.prompt_text import Alignment, Break, Part, align, parts, size
from llmcost.calls import Call, Calls

PAIRS = 8  # compared of each sort: close in time, further apart, of one session
WHOLE = 0.95  # of a prompt that the next of its session begins with, where conversations grow
MOSTLY = 0.8
PICTURE_TOKENS_A_BYTE = 0.25  # of text, where pictures are in the prompt and their tokens in the count


@dataclass(frozen=True, slots=True)
class Prefix:
    """What the prompts of one call site begin with; tokens are estimated from bytes by the site's own ratio.

    compared     pairs of prompts          broken  share of those close in time that part at `at`
    shared       tokens that calls close in time begin with alike
    static       tokens that all calls would, were everything that a program fills in at the end
    grows        each call of a session begins with the whole prompt of the call before
    would_grow   it would, were everything that a program fills in at the end
    """

    compared: int
    shared: float
    static: float
    at: Break | None
    broken: float
    grows: bool
    would_grow: bool


def prefixes(calls: Calls, exemplars: Exemplars) -> dict[str, Prefix]:
    """By call site what its prompts begin with; sites with fewer than two whole prompts, or no tokens, are left out."""
    codes, names = calls.codes("call_site")
    tokens, texts = calls.floats("input_tokens"), calls.floats("prompt_bytes")
    known = (codes >= 0) & (tokens > 0) & (texts > 0)
    counted, written, rows = (
        np.bincount(codes[known], weights=values, minlength=len(names))
        for values in (tokens[known], texts[known], np.ones(int(known.sum())))
    )
    found = {}
    for number, site in enumerate(names):
        sample = [call for call in exemplars.of(site) if call.request]
        if len(sample) > 1 and rows[number]:
            found[site] = _prefix(sample, counted[number], written[number], rows[number])
    return found


def _prefix(sample: Sequence[Call], tokens: float, texts: float, rows: float) -> Prefix:
    prompts = [parts(call.request or {}) for call in sample]
    near, apart, turns = _pairs(sample)
    close, rest = ([align(prompts[a], prompts[b]) for a, b in pairs] for pairs in (near, apart))
    static = sorted(alignment.static for alignment in (*close, *rest))[(len(close) + len(rest)) // 10]
    shared = min(_median([alignment.shared for alignment in close or rest]), static)
    at, share = _most_frequent(close or rest)
    ratio = float(tokens / (texts + rows * _beside_texts(prompts)))
    if any(not part.said and not part.text for prompt in prompts for part in prompt):
        ratio = min(ratio, PICTURE_TOKENS_A_BYTE)
    turned = [(align(prompts[a], prompts[b]), WHOLE * size(prompts[a])) for a, b in turns]
    return Prefix(
        compared=len(close) + len(rest),
        shared=shared * ratio,
        static=static * ratio,
        at=at,
        broken=share,
        grows=_mostly([alignment.shared >= whole for alignment, whole in turned]),
        would_grow=_mostly([alignment.static >= whole for alignment, whole in turned]),
    )


def _mostly(seen: list[bool]) -> bool:
    return bool(seen) and sum(seen) >= MOSTLY * len(seen)


def _pairs(sample: Sequence[Call]) -> tuple[list[tuple[int, int]], list[tuple[int, int]], list[tuple[int, int]]]:
    """Neighbours in time: close ones, preferably of different sessions; ones further apart; and turns of a session."""
    neighbours = list(pairwise(range(len(sample))))
    near = [(a, b) for a, b in neighbours if _seconds(sample[a], sample[b]) <= NEAR_S]
    apart = [pair for pair in neighbours if pair not in near]
    others = [(a, b) for a, b in near if sample[a].session is None or sample[a].session != sample[b].session]
    last: dict[str, int] = {}
    turns = []
    for number, call in enumerate(sample):
        if call.session is not None:
            if call.session in last:
                turns.append((last[call.session], number))
            last[call.session] = number
    return _some(others if len(others) > 1 else near), _some(apart), _some(turns)


def _some(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Not more than PAIRS of them, evenly spread."""
    return pairs if len(pairs) <= PAIRS else [pairs[n * len(pairs) // PAIRS] for n in range(PAIRS)]


def _seconds(one: Call, two: Call) -> float:
    if one.start_time_us is None or two.start_time_us is None:
        return float("inf")
    return (two.start_time_us - one.start_time_us) / 1e6


def _median(values: list[int]) -> int:
    return sorted(values)[(len(values) - 1) // 2]


def _most_frequent(found: Sequence[Alignment]) -> tuple[Break | None, float]:
    """Where most pairs part, and the share that do; of equally frequent places the first."""
    places = Counter(alignment.at for alignment in found if alignment.at is not None)
    if not places:
        return None, 0.0
    at = min(places, key=lambda place: (-places[place], place.byte, place.kind))
    return at, places[at] / len(found)


def _beside_texts(prompts: Sequence[Sequence[Part]]) -> float:
    """Bytes of tools and tool calls in a prompt, which the column `prompt_bytes` does not count, on average."""
    return sum(size([part for part in prompt if not part.said]) for prompt in prompts) / len(prompts)
