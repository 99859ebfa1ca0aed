"""Has a cost per call risen? The log ratio of means or sums, its delta-method error, and a one-sided bound.

Log against log, at the mix of the past: R = Σ w·m₁ / Σ w·m₀ over tasks with weights w fixed by the past. For one fixed
suite of prompts before and after a change: R = Σ c₁ / Σ c₀ over its cases. Errors of log R are those of the linearised
ratio (Särndal, Swensson & Wretman 1992, ch. 5); calls that belong together are one unit (clusters).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
REACH = 2.0  # standard errors to the sides of a quantile: about where the bounds that are asked for lie


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean, its standard error, and the independent units that it rests on."""

    mean: float
    error: float
    units: int


@dataclass(frozen=True, slots=True)
class Change:
    """A log ratio with its standard error and degrees of freedom (Welch–Satterthwaite)."""

    log_ratio: float
    error: float
    freedom: float

    @property
    def change(self) -> float:
        """The relative change: 0.1 is a rise of 10 %."""
        return math.expm1(self.log_ratio)

    def at_least(self, alpha: float) -> float:
        """The least relative change that is certain at one-sided level alpha; −1: nothing is."""
        if self.error == 0:
            return self.change
        if self.freedom <= 0:
            return -1.0
        return math.expm1(self.log_ratio - _t_quantile(alpha, self.freedom) * self.error)

    def settled_by(self, allowed: float, alpha: float) -> float | None:
        """How many times the units would make this rise certain, were it true; None: it is not above what is allowed.

        At even odds: the bound then lies at what is allowed.
        """
        distance = self.log_ratio - math.log1p(allowed)
        if distance <= 0 or self.error == 0:
            return None
        return (_t_quantile(alpha, math.inf) * self.error / distance) ** 2


def group_means(values: Floats, weights: Floats, units: Integers, groups: Integers, number: int) -> list[Mean | None]:
    """The weighted mean of each of `number` groups, with its error over units; None for a group without a row.

    All arrays are parallel, one row a call. The same rows in any order give the same figures, bit by bit.
    """
    order = np.lexsort((units, weights, values, groups))
    edges = np.searchsorted(groups[order], np.arange(number + 1))
    return [
        _mean(values[rows], weights[rows], units[rows]) if len(rows) else None
        for rows in (order[edges[group] : edges[group + 1]] for group in range(number))
    ]


def at_past_mix(past: Sequence[Mean], now: Sequence[Mean], weights: Sequence[float]) -> Change | None:
    """The change of Σ w·mean at fixed weights; None where a side is nothing, so that it has no ratio."""
    before = math.fsum(w * mean.mean for w, mean in zip(weights, past, strict=True))
    after = math.fsum(w * mean.mean for w, mean in zip(weights, now, strict=True))
    if before <= 0 or after <= 0:
        return None
    sides = ((past, before), (now, after))
    parts = [
        ((w * mean.error / total) ** 2, mean.units - 1)
        for means, total in sides
        for w, mean in zip(weights, means, strict=True)
    ]
    return _changed(math.log(after / before), parts)


def of_pairs(past: Floats, now: Floats) -> Change | None:
    """The change of the sum over the same cases, `past` and `now` parallel; None where a side is nothing."""
    before, after, cases = math.fsum(past), math.fsum(now), len(past)
    if before <= 0 or after <= 0:
        return None
    if cases < 2:
        return Change(math.log(after / before), math.inf, 0.0)
    gaps = now * (cases / after) - past * (cases / before)
    variance = math.fsum(gaps**2) / (cases - 1) / cases
    return _changed(math.log(after / before), [(_rounded_away(variance), cases - 1)])


def of_quantiles(past: float, past_error: float, now: float, now_error: float) -> Change | None:
    """The change of a quantile from the errors of its logarithm (`quantile`); None where one is nothing."""
    if past <= 0 or now <= 0:
        return None
    return Change(math.log(now / past), math.hypot(past_error, now_error), math.inf)


def quantile(values: Floats, weights: Floats, units: Integers, share: float) -> tuple[float, float] | None:
    """A weighted quantile and the standard error of its logarithm (Woodruff 1952); arrays are parallel.

    The share of values up to the quantile is a mean, with its error over units; what lies `REACH` errors to its sides,
    read off the sample, brackets the quantile. None where values are too few for both to lie inside the sample.
    """
    order = np.lexsort((units, weights, values))
    values, weights, units = values[order], weights[order], units[order]
    if not len(values) or values[0] <= 0:
        return None
    reached = np.cumsum(weights) / weights.sum()

    def at(part: float) -> float:
        return float(values[min(int(np.searchsorted(reached, part * (1 - 1e-12))), len(values) - 1)])

    found = at(share)
    below = _mean((values <= found).astype(np.float64), weights, units)
    reach = REACH * max(below.error, math.sqrt(share * (1 - share) / below.units))  # ties make the first one small
    if not reach < min(share, 1 - share):
        return None
    return found, math.log(at(share + reach) / at(share - reach)) / (2 * REACH)


def _mean(values: Floats, weights: Floats, units: Integers) -> Mean:
    total = math.fsum(weights)
    mean = math.fsum(values * weights) / total
    _, which = np.unique(units, return_inverse=True)
    residuals = np.bincount(which, weights=weights * (values - mean))
    number = len(residuals)
    if number < 2:
        return Mean(mean, math.inf, number)
    variance = math.fsum(residuals**2) * number / (number - 1) / total**2
    exact = variance <= (mean * 1e-12) ** 2  # equal costs differ in the last bit of a mean
    return Mean(mean, 0.0 if exact else math.sqrt(variance), number)


def _changed(log_ratio: float, parts: Sequence[tuple[float, int]]) -> Change:
    """Variances with their degrees of freedom, put together."""
    variance = math.fsum(part for part, _ in parts)
    if variance == 0:
        return Change(log_ratio, 0.0, math.inf)
    if not math.isfinite(variance):
        return Change(log_ratio, math.inf, 0.0)
    spread = math.fsum(part**2 / freedom for part, freedom in parts if part)
    return Change(log_ratio, math.sqrt(variance), variance**2 / spread)


def _rounded_away(variance: float) -> float:
    """A variance of relative gaps that is nothing but rounding is none."""
    return 0.0 if variance <= 1e-24 else variance


def _t_quantile(alpha: float, freedom: float) -> float:
    """The upper quantile of Student's t, of the normal law with no end of freedom."""
    from scipy import special  # an audit has no use for it, and it takes long to load

    return float(-special.ndtri(alpha) if math.isinf(freedom) else -special.stdtrit(freedom, alpha))
