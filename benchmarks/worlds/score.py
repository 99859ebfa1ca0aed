"""Tango's test against another way to the same numbers: the score equation, solved without the closed form.

Of n pairs w are won, l lost, t tied. Given a difference d = P(win) − P(loss), the likelihood has one free chance left.
Where d ≤ 0 that is the chance r of a win: P(loss) = r − d, P(tie) = 1 − 2r + d, and log L = w log r + l log(r − d) +
t log(1 − 2r + d) is concave, so that its maximum is where the slope w/r + l/(r − d) − 2t/(1 − 2r + d) changes its sign:
found by halving, for all tables at once. The product solves a quadratic. Where d > 0 wins and losses change places.
"""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from llmcost.evidence import lower_bound, tango, tango_statistic, upper_bound
from worlds.rows import Row

Floats = npt.NDArray[np.float64]

TABLES = 10_000
HALVINGS = 80
AGREE = 1e-8
Z = 1.959963984540054

# Wins, losses, pairs, and the 95 % interval as printed by M. W. Fagerland, S. Lydersen and P. Laake, "Statistical
# Analysis of Contingency Tables" (2017), chapter 8, whose R package `contingencytables` tests for it: complete response
# before and after consolidation therapy (M. Cavo et al. 2012).
PUBLISHED = (6, 16, 161, -0.1240, -0.0054)


def rows(worlds: int, tables: int = TABLES) -> Iterator[Row]:
    wins, losses, n, margin, z = draw(tables)
    apart = statistics_apart(wins, losses, n, margin)
    with patch.object(tango, "_loss_rate", lambda wins, losses, n, d0: losses / n):
        by_wald = statistics_apart(wins, losses, n, margin)
    yield _row(
        f"T against the score equation, {tables:,} tables: farthest", apart, "the restricted likelihood", by_wald
    )
    yield _row(f"bounds against the score equation, {tables:,} tables: farthest", bounds_apart(wins, losses, n, z))
    yield _row("a published 95 % interval, as printed: farthest", published_apart())


def published_apart() -> float:
    *table, low, high = PUBLISHED
    found = lower_bound(*table, Z), upper_bound(*table, Z)
    return max(abs(round(found[0], 4) - low), abs(round(found[1], 4) - high))


def _row(what: str, apart: float, guard: str = "", without: float | None = None) -> Row:
    return Row(what, apart, 0, AGREE, guard, without, percent=False)


def draw(tables: int) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Tables of all kinds and sizes, many with nothing lost, won or tied; a margin and a critical value for each."""
    rng = np.random.default_rng(28)
    n = np.ceil(10 ** rng.uniform(0, 3.7, tables))
    shares = np.where(rng.random((tables, 3)) < 0.2, 0.0, rng.dirichlet([0.4, 0.4, 2.0], tables))
    shares[:, 2] += 1e-9
    counts = np.array([rng.multinomial(int(k), p / p.sum()) for k, p in zip(n, shares, strict=True)], dtype=np.float64)
    return counts[:, 0], counts[:, 1], n, rng.uniform(0.005, 0.5, tables), rng.uniform(0.5, 4.0, tables)


def statistics_apart(wins: Floats, losses: Floats, n: Floats, margin: Floats) -> float:
    mine = by_score_equation(wins, losses, n, -margin)
    theirs = [tango_statistic(*table) for table in zip(wins, losses, n, margin, strict=True)]
    return float(np.max(np.abs(mine - theirs) / np.maximum(1, np.abs(mine))))


def bounds_apart(wins: Floats, losses: Floats, n: Floats, z: Floats) -> float:
    low, high = bounds_by_score_equation(wins, losses, n, z), -bounds_by_score_equation(losses, wins, n, z)
    tables = list(zip(wins, losses, n, z, strict=True))
    lows, highs = [lower_bound(*table) for table in tables], [upper_bound(*table) for table in tables]
    return float(max(np.max(np.abs(low - lows)), np.max(np.abs(high - highs))))


def by_score_equation(wins: Floats, losses: Floats, n: Floats, difference: Floats) -> Floats:
    """T of each table at a difference."""
    above = difference > 0
    won, lost, d = np.where(above, losses, wins), np.where(above, wins, losses), -np.abs(difference)
    tied = n - won - lost
    low, high = np.zeros(n.size), (1 + d) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(HALVINGS):
            r = (low + high) / 2
            rises = np.where(won > 0, won / r, 0) + np.where(lost > 0, lost / (r - d), 0)
            falls = np.where(tied > 0, 2 * tied / (1 - 2 * r + d), 0)
            low, high = np.where(rises > falls, r, low), np.where(rises > falls, high, r)
        r = (low + high) / 2
        return (wins - losses - n * difference) / np.sqrt(n * (2 * r - d - d**2))


def bounds_by_score_equation(wins: Floats, losses: Floats, n: Floats, z: Floats) -> Floats:
    """The lowest difference of each table that is not rejected."""
    low, high = np.full(n.size, -1.0), (wins - losses) / n
    for _ in range(45):
        middle = (low + high) / 2
        rejected = by_score_equation(wins, losses, n, middle) > z
        low, high = np.where(rejected, middle, low), np.where(rejected, high, middle)
    return low
