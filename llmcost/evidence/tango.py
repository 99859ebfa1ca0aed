"""Tango's score test for paired proportions: is a candidate not worse than the incumbent on the same prompts?

Of n pairs the candidate wins `wins`, loses `losses`, the rest are ties. Counts may be fractional: a weighted sample
enters with its effective counts. The test is chosen because it does not fall for a sample of ties, where Wald and
bootstrap intervals have no width.

Source: T. Tango, "Equivalence test and confidence interval for the difference in proportions for the paired-sample
design", Statistics in Medicine 17 (1998), 891–908.
"""

from __future__ import annotations

from math import copysign, inf, isfinite, sqrt

TOLERANCE = 1e-12


def tango_statistic(wins: float, losses: float, n: float, margin: float) -> float:
    """Evidence that the candidate is less than `margin` worse: it is, at level a, if this exceeds Φ⁻¹(1 − a).

    margin is a share in [−1, 1] (0.02 = 2 points in a hundred). Infinite where the data rule the margin out entirely;
    0 where they say nothing (all ties, margin 0). Raises ValueError for impossible counts.
    """
    _check_counts(wins, losses, n)
    if not -1 <= margin <= 1:
        raise ValueError(f"margin must be in [-1, 1], got {margin}")
    return _statistic(wins, losses, n, -margin)


def lower_bound(wins: float, losses: float, n: float, z: float) -> float:
    """The lowest difference (wins − losses)/n that the data do not reject at critical value z; in [−1, (w − l)/n].

    Within 1e-12 of the exact solution, never above it. Raises ValueError for impossible counts, or z < 0.
    """
    _check_counts(wins, losses, n)
    if not z >= 0:
        raise ValueError(f"z must be at least 0, got {z}")
    rejected, kept = -1.0, (wins - losses) / n
    while kept - rejected > TOLERANCE:
        middle = (rejected + kept) / 2
        if _statistic(wins, losses, n, middle) > z:
            rejected = middle
        else:
            kept = middle
    return rejected


def upper_bound(wins: float, losses: float, n: float, z: float) -> float:
    """The highest difference (wins − losses)/n that the data do not reject at critical value z; in [(w − l)/n, 1]."""
    return -lower_bound(losses, wins, n, z)


def _statistic(wins: float, losses: float, n: float, d0: float) -> float:
    """T at the hypothesis difference = d0: excess over its standard error under that hypothesis."""
    excess = wins - losses - n * d0
    # Never below the variance of a world without needless discordance; guards the square root against rounding.
    variance = max(2 * _loss_rate(wins, losses, n, d0) + d0 * (1 - d0), abs(d0) * (1 - abs(d0)))
    if variance > 0:
        return excess / sqrt(n * variance)
    return copysign(inf, excess) if excess else 0.0


def _loss_rate(wins: float, losses: float, n: float, d0: float) -> float:
    """The most likely share of losses if the true difference is d0: the root of A·q² + B·q + C."""
    a = 2 * n
    b = -wins - losses + (2 * n - wins + losses) * d0
    c = -losses * d0 * (1 - d0)
    root = sqrt(max(b * b - 4 * a * c, 0.0))
    if b <= 0:
        return (root - b) / (2 * a)
    return -2 * c / (b + root)  # the same root, without cancellation


def _check_counts(wins: float, losses: float, n: float) -> None:
    if not (isfinite(n) and n > 0):
        raise ValueError(f"n must be positive, got {n}: without pairs there is nothing to test")
    if not (wins >= 0 and losses >= 0 and wins + losses <= n * (1 + 1e-9)):
        raise ValueError(f"wins ({wins}) and losses ({losses}) must be at least 0 and together at most n ({n})")
