"""Estimates from a sample in which some prompts were likelier to be drawn than others.

Weights are calls of the log that a sampled prompt stands for: (1/π) × its calls. Variances are linearised (Taylor),
prompts taken as drawn with replacement: they speak for the traffic behind the log, so a complete sample is no census.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

UNSEEN_LOSS_QUANTILE = 0.95


@dataclass(frozen=True, slots=True)
class Ratio:
    """Candidate cost over incumbent cost, with its confidence interval.

    value, low, high  None: unknown (no pair with both costs known; for the interval: fewer than two)
    n                 pairs that it rests on
    unknown           pairs left out because one of the two costs is not known
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    unknown: int


def hajek_mean(values: Floats, weights: Floats) -> float:
    """The mean over the log's calls: Σwy / Σw. Never outside of the values, whatever the rounding."""
    return float(np.clip(weights @ values / weights.sum(), values.min(), values.max()))


def effective_share(values: Floats, weights: Floats, clusters: Ints | None = None) -> float:
    """f = effective n / n in (0, 1]: what unequal weights and clusters leave of a sample. 1 for equal, single prompts.

    The lesser of two: Kish's (Σw)² / nΣw², right if the differences have nothing to do with the weights; and the ratio
    of the variances of a simple and of this design, right if they have. The latter is seen through the few prompts
    that differ, and is too kind when those that would hurt were not drawn; so one unseen loss at a large weight
    (the 95th percentile) is added to it. Without either, losses that sit on the cheapest tenth of the prompts are
    accepted up to 13–19 % of the time instead of 5 %.

    Prompts of one cluster may fail together: their deviations are summed before they are squared, and the unseen loss
    takes part of a large cluster with it, m^½ prompts of m, so that a sample of ties counts for its number of
    clusters. Clusters of 20 with an intraclass correlation of .3 are accepted at the margin in 5 % of samples,
    and in up to 7 % where the correlation is that of a few clusters which fail as a whole (200 clusters, a loss in 28
    prompts); in 18–31 % if clusters are ignored.
    """
    groups = np.arange(values.size) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    sizes = np.bincount(groups)
    alone = sizes.size == values.size
    if alone and np.all(weights == weights[0]):
        return 1.0
    scaled = weights / weights.mean()
    deviations = scaled * (values - hajek_mean(values, weights))
    sums, totals = (np.bincount(groups, weights=each) for each in (deviations, scaled))
    few = 1.0 if alone or sizes.size == 1 else sizes.size / (sizes.size - 1)  # what few clusters hide of their spread
    simple = float(deviations @ (deviations / scaled)) + _large(totals / np.sqrt(sizes))
    design = few * float(sums @ sums) + _large(totals**2 / np.sqrt(sizes))
    return float(min(1.0, 1 / np.mean(scaled**2), simple / design))


@dataclass(frozen=True, slots=True)
class Counts:
    """Wins and losses of a sample with unequal weights and clusters, as so many of n equal, single prompts."""

    wins: float
    losses: float
    n: float


def effective_counts(values: Floats, weights: Floats, clusters: Ints | None = None) -> Counts:
    """The counts that a test of equal prompts may be given: weighted shares of effective n, the lesser of two.

    Of the differences and of their signs, whose variances weights and clusters may touch differently.
    """
    signs = np.sign(values)
    n = values.size * min(effective_share(each, weights, clusters) for each in (values, signs))
    wins, losses = (n * hajek_mean((signs == side).astype(np.float64), weights) for side in (1, -1))
    return Counts(wins, losses, n)


def _large(sizes: Floats) -> float:
    return float(np.quantile(sizes, UNSEEN_LOSS_QUANTILE, method="higher"))


def reach_of_total(
    chosen: Bools, sizes: Floats, clusters: Ints | None = None, confidence: float = 0.95
) -> tuple[float, float]:
    """How much less, and how much more, the chosen ones could come to in another sample of such sizes.

    By Clopper and Pearson's interval of a binomial share, which is exact where sizes are equal. Of others so many count
    as Kish's effective number, (Σs)² / Σs² of the clusters' sums. A linearised interval knows only the variation that
    it has seen: where few are chosen it is too narrow, and where none is it has no width at all.
    """
    groups = np.arange(sizes.size) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    sums, total = np.bincount(groups, weights=sizes), float(sizes.sum())
    if total <= 0:
        return 0.0, 0.0
    n, share = total**2 / float(sums @ sums), min(1.0, float(sizes[chosen].sum()) / total)
    hits, tail = n * share, (1 - confidence) / 2
    low = float(special.betaincinv(hits, n - hits + 1, tail)) if share > 0 else 0.0
    high = float(special.betaincinv(hits + 1, n - hits, 1 - tail)) if share < 1 else 1.0
    return total * (share - low), total * (high - share)


def cost_ratio(
    candidate: Floats, incumbent: Floats, weights: Floats, confidence: float = 0.95, clusters: Ints | None = None
) -> Ratio:
    """What the candidate costs for each dollar of the incumbent, over the calls of the log: Σwy / Σwx.

    Arrays are parallel, one entry a sampled prompt; costs in any one currency, NaN where unknown. A pair with an
    unknown side is left out and counted, never taken as 0. The interval is linearised on the log scale, where the
    error of a ratio of heavy-tailed sums is closest to symmetric; residuals of one cluster are summed before they are
    squared. Multiply by the incumbent's known bill for dollars.
    """
    known = np.isfinite(candidate) & np.isfinite(incumbent)
    y, x, w = candidate[known], incumbent[known], weights[known]
    n, unknown = int(known.sum()), int(known.size - known.sum())
    total = float(w @ x)
    if n == 0 or total <= 0:
        return Ratio(None, None, None, n, unknown)
    value = float(w @ y) / total
    residuals = w * (y - value * x)
    groups_of = np.arange(n) if clusters is None else np.unique(clusters[known], return_inverse=True)[1]
    sums = np.bincount(groups_of, weights=residuals)
    groups = sums.size
    if groups == 1:
        return Ratio(value, None, None, n, unknown)
    if value == 0:
        return Ratio(0.0, 0.0, 0.0, n, unknown)
    relative_error = sqrt(groups / (groups - 1) * float(sums @ sums)) / (total * value)
    reach = float(special.stdtrit(groups - 1, 0.5 + confidence / 2)) * relative_error
    return Ratio(value, exp(log(value) - reach), exp(log(value) + reach), n, unknown)
