"""How far judges can be believed by what they say alone: position bias of one, agreement of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from math import fsum

from llmcost.grading.pairs import Grade

SIGNS = (-1, 0, 1)  # the candidate is worse, no different, better


def position_bias(grades: Iterable[Grade]) -> float | None:
    """How much a judge favours what it is shown first, in [−1, 1]; None if it read no pair in both orders.

    The mean over pairs of half of what is said for the answer shown first in the one order, and in the other. A judge
    that always prefers the first has 1, one that always prefers the second −1, and one without a position 0. Verdicts
    that could not be read say nothing of position.
    """
    orders = [grade.orders for grade in grades if grade.orders is not None and not grade.unparsed]
    return fsum((swapped - straight) / 2 for straight, swapped in orders) / len(orders) if orders else None


def agreement(by_judge: Mapping[str, Sequence[Grade]]) -> float | None:
    """The share of pairs, of those that all judges graded, on which all say the same: worse, no different or better.

    The grades of the judges are parallel. None if there are fewer than two judges, or nothing that all graded.
    """
    said = _said(by_judge)
    return sum(len(set(signs)) == 1 for signs in said) / len(said) if said else None


def chance_corrected(by_judge: Mapping[str, Sequence[Grade]]) -> float | None:
    """The agreement of pairs of judges beyond chance: Gwet's AC1, at most 1; 0 is what chance would give.

    Unlike kappa it stays meaningful where nearly every pair ties, as with equal models. None where `agreement` is.
    Source: K. L. Gwet (2008), Computing inter-rater reliability and its variance in the presence of high agreement,
    British Journal of Mathematical and Statistical Psychology 61(1).
    """
    said = _said(by_judge)
    if not said:
        return None
    seen = fsum(map(_alike, said)) / len(said)
    total = len(said) * len(said[0])
    shares = [count / total for count in Counter(chain.from_iterable(said)).values()]
    chance = fsum(share * (1 - share) for share in shares) / (len(SIGNS) - 1)
    return (seen - chance) / (1 - chance)


def _said(by_judge: Mapping[str, Sequence[Grade]]) -> list[tuple[int, ...]]:
    """What each judge says of every pair that all of them graded."""
    rows = zip(*by_judge.values(), strict=True) if len(by_judge) > 1 else ()
    return [tuple(map(_sign, row)) for row in rows if all(grade.orders is not None for grade in row)]


def _sign(grade: Grade) -> int:
    difference = grade.difference or 0.0
    return (difference > 0) - (difference < 0)


def _alike(signs: Sequence[int]) -> float:
    """The share of pairs of judges that say the same of one pair of answers."""
    judges = len(signs)
    return sum(count * (count - 1) for count in Counter(signs).values()) / (judges * (judges - 1))
