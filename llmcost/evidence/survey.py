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


def effective_share(values: Floats, weights: Floats) -> float:
    """f = effective n / n in (0, 1]: what unequal weights leave of a sample. 1 for equal weights.

    The lesser of two: Kish's (Σw)² / nΣw², right if the differences have nothing to do with the weights; and the ratio
    of the variances of a simple and of this design, right if they have. The latter is seen through the few prompts
    that differ, and is too kind when those that would hurt were not drawn; so one unseen loss at a large weight
    (the 95th percentile) is added to it. Without either, losses that sit on the cheapest tenth of the prompts are
    accepted up to 13–19 % of the time instead of 5 %.
    """
    if np.all(weights == weights[0]):
        return 1.0
    scaled = weights / weights.mean()
    squares = (values - hajek_mean(values, weights)) ** 2
    unseen = float(np.quantile(scaled, UNSEEN_LOSS_QUANTILE, method="higher"))
    simple = float(scaled @ squares) + unseen
    design = float(scaled**2 @ squares) + unseen**2
    return min(1.0, 1 / float(np.mean(scaled**2)), simple / design)


def cost_ratio(candidate: Floats, incumbent: Floats, weights: Floats, confidence: float = 0.95) -> Ratio:
    """What the candidate costs for each dollar of the incumbent, over the calls of the log: Σwy / Σwx.

    Arrays are parallel, one entry a sampled prompt; costs in any one currency, NaN where unknown. A pair with an
    unknown side is left out and counted, never taken as 0. The interval is linearised on the log scale, where the
    error of a ratio of heavy-tailed sums is closest to symmetric. Multiply by the incumbent's known bill for dollars.
    """
    known = np.isfinite(candidate) & np.isfinite(incumbent)
    y, x, w = candidate[known], incumbent[known], weights[known]
    n, unknown = int(known.sum()), int(known.size - known.sum())
    total = float(w @ x)
    if n == 0 or total <= 0:
        return Ratio(None, None, None, n, unknown)
    value = float(w @ y) / total
    if n == 1:
        return Ratio(value, None, None, n, unknown)
    if value == 0:
        return Ratio(0.0, 0.0, 0.0, n, unknown)
    residuals = w * (y - value * x)
    relative_error = sqrt(n / (n - 1) * float(residuals @ residuals)) / (total * value)
    reach = float(special.stdtrit(n - 1, 0.5 + confidence / 2)) * relative_error
    return Ratio(value, exp(log(value) - reach), exp(log(value) + reach), n, unknown)
