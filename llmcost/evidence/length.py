"""The difference between answers of one length: what is left when a judge's liking for long answers is taken out.

A judge that adds b × (how much longer) to its preference makes a wordier candidate look better than it is. Judged
differences are regressed on that shift, and the line is read at shift 0. A reader may truly prefer longer answers, so
this is no better estimate than the plain one; it is a second hurdle: a switch must not hang on length.

Sources: Y. Dubois et al., "Length-controlled AlpacaEval" (2024), for the idea; the variance is the sandwich of
K.-Y. Liang and S. L. Zeger, Biometrika 73 (1986), 13–22.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
import numpy.typing as npt
from scipy import special

from llmcost.evidence.graded import mean_bounds
from llmcost.evidence.survey import effective_share, hajek_mean

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NO_SPREAD = 1e-9


@dataclass(frozen=True, slots=True)
class LengthBounds:
    """The mean difference at equal length, in [−1, 1], and its bounds; all as judged.

    slope  what the judge adds for one unit of shift, in score points; 0 where it cannot be told
    """

    estimate: float
    lower: float
    upper: float
    slope: float


def adjusted_bounds(
    differences: Floats, lengths: Floats, weights: Floats, z: float, clusters: Ints | None = None
) -> LengthBounds | None:
    """The mean difference if both answers were of one length, with bounds at critical value z each; None: all are.

    Arrays are parallel, one entry a pair. `lengths` is the shift of the candidate's answer, such as tanh(log(its
    length / the logged one's)), and 0 for pairs that no judge graded: those add their difference and have no say on
    the slope, or failures and exact matches would bend it. `clusters` are small numbers of what belongs together.

    Where the shifts are all the same but not 0, length and quality cannot be told apart, and where fewer than three
    clusters were graded nothing can: the bounds are then −1 and 1. Raises ValueError for arrays that are not parallel,
    or for numbers that cannot be.
    """
    _check(differences, lengths, weights, z, clusters)
    if not np.any(lengths):
        return None
    fit = _Fit(differences, lengths, weights)
    groups = _groups(differences.size, clusters)
    graded_groups = np.unique(groups[lengths != 0]).size
    if fit.spread <= NO_SPREAD or graded_groups < 3:
        return LengthBounds(hajek_mean(differences, weights), -1.0, 1.0, 0.0)
    return _bounds(fit, groups, graded_groups - 1, z, clusters)


class _Fit:
    """Mean difference − slope × mean shift, the slope that of the pairs with a shift.

    spread              the variance of the shifts, over the pairs that have one
    adjusted            the differences less slope × shift
    of_mean, of_slope   what each pair adds to the error of the estimate through the mean and through the slope
    """

    def __init__(self, differences: Floats, lengths: Floats, weights: Floats) -> None:
        graded = np.where(lengths != 0, weights, 0.0)
        centred = np.where(lengths != 0, lengths - graded @ lengths / graded.sum(), 0.0)
        moment = float(graded @ centred**2)
        self.weights = weights
        self.spread = moment / float(graded.sum())
        self.slope = float(graded @ (centred * differences)) / moment if self.spread > NO_SPREAD else 0.0
        self.adjusted = differences - self.slope * lengths
        self.estimate = float(weights @ self.adjusted / weights.sum())
        self.of_mean = weights * (self.adjusted - self.estimate) / weights.sum()
        residuals = self.adjusted - graded @ self.adjusted / graded.sum()
        shift = float(weights @ lengths / weights.sum())
        self.of_slope = -shift * graded * centred * residuals / max(moment, NO_SPREAD)


def _bounds(fit: _Fit, groups: Ints, freedom: int, z: float, clusters: Ints | None) -> LengthBounds:
    design, simple = (_variance(errors, groups) for errors in (fit.of_mean + fit.of_slope, fit.of_mean))
    reach = -float(special.stdtrit(freedom, special.ndtr(-z))) * sqrt(design)
    low, high = _score_bounds(fit, min(1.0, simple / design) if design > 0 else 1.0, z, clusters)
    low, high = min(fit.estimate - reach, low), max(fit.estimate + reach, high)
    estimate, lower, upper = np.clip((fit.estimate, low, high), -1, 1).tolist()
    return LengthBounds(estimate, lower, upper, fit.slope)


def _score_bounds(fit: _Fit, share: float, z: float, clusters: Ints | None) -> tuple[float, float]:
    """The bounds of the adjusted differences by the score test, on the effective number that the slope leaves."""
    n = fit.adjusted.size * effective_share(fit.adjusted, fit.weights, clusters) * share
    scale = max(1.0, float(np.abs(fit.adjusted).max()))
    low, high = mean_bounds(fit.adjusted / scale, fit.weights, n, z)
    return low * scale, high * scale


def _variance(errors: Floats, groups: Ints) -> float:
    """Of a sum of errors that are independent only between groups; G/(G − 1) for what few groups hide."""
    sums = np.bincount(groups, weights=errors)
    return float(sums @ sums) * sums.size / (sums.size - 1)


def _groups(n: int, clusters: Ints | None) -> Ints:
    """0, 1, 2 … for the cluster of each pair; one a pair where they stand alone."""
    return np.arange(n) if clusters is None else np.unique(clusters, return_inverse=True)[1]


def _check(differences: Floats, lengths: Floats, weights: Floats, z: float, clusters: Ints | None) -> None:
    others = (lengths, weights) if clusters is None else (lengths, weights, clusters)
    if differences.ndim != 1 or any(other.shape != differences.shape for other in others):
        raise ValueError("differences, lengths, weights and clusters must be parallel")
    if not (np.all(np.isfinite(lengths)) and np.all(weights > 0)):
        raise ValueError("lengths must be finite and weights positive")
    if not 0 < z < inf:
        raise ValueError(f"z must be above 0 and finite, got {z}")
