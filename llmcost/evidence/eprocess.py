"""Watching a switch after it was made: does its promise, "at most δ worse", still hold? To be looked at at any time.

A sceptic bets against the promise on every graded prompt, at odds that are fair or worse for him as long as it holds.
His wealth E then exceeds 1/alpha with probability alpha at most, at any time ever; when it does, the promise is broken.
Unlike a p-value it may be looked at after every prompt. He splits his first unit over several stakes λ, so that
both a great and a small loss are found.

Sources: J. Ville (1939); I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by betting",
J. R. Statist. Soc. B 86 (2024), 1–27.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, inf, log

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]

STAKES = np.array([0.02, 0.04, 0.08, 0.16, 0.32, 0.64])
"""Shares of the wealth that are lost on a prompt whose outcome is the best for the promise. Doubling: the best stake is
about loss beyond δ / share of prompts that differ, and half or twice the best is nearly as good. More would cost more
at the start than they gain; smaller ones win only after tens of thousands of prompts."""

PER_POINT = 100
"""Differences are counted in hundredths for the bound of the mean; what lies between counts as the lower one."""

TOLERANCE = 1e-5
LARGEST_LOG = 700.0  # beyond, e to that is no float


@dataclass(frozen=True, slots=True)
class Watch:
    """What is remembered of all prompts so far: small, and of plain numbers, to be kept between runs.

    delta         the promise, as judged: the mean difference is −delta at least
    log_wealths   of each stake
    highest       the highest log E that there ever was
    n, total      prompts, and the sum of their differences
    counts        (difference in hundredths, rounded down; prompts), rising
    """

    delta: float
    log_wealths: tuple[float, ...]
    highest: float
    n: int
    total: float
    counts: tuple[tuple[int, int], ...]


def start(delta: float) -> Watch:
    """A watch over the promise "at most delta worse" before its first prompt. Raises ValueError outside (0, 1)."""
    if not 0 < delta < 1:
        raise ValueError(f"delta must be in (0, 1), got {delta}")
    return Watch(delta, (0.0,) * STAKES.size, 0.0, 0, 0.0, ())


def update(watch: Watch, differences: Floats) -> Watch:
    """The watch after these prompts too, in the order in which they came; differences in [−1, 1].

    However they are cut into batches, the result is the same to the last digit. Prompts must be drawn without regard
    to how they will fare. Raises ValueError for a difference that is missing or cannot be.
    """
    if differences.ndim != 1 or not np.all(np.abs(differences) <= 1):
        raise ValueError("differences must be one row of numbers in [-1, 1]")
    if not differences.size:
        return watch
    fortunes = np.log1p(-STAKES * (differences[:, None] + watch.delta) / (1 + watch.delta))
    # cumsum adds one by one from the wealth that there was; a sum of the batch would round otherwise than its parts
    wealths = np.cumsum(np.vstack([watch.log_wealths, fortunes]), axis=0)[1:]
    return replace(
        watch,
        log_wealths=tuple(wealths[-1].tolist()),
        highest=max(watch.highest, float(_mixed(wealths).max())),
        n=watch.n + differences.size,
        total=float(np.cumsum(np.r_[watch.total, differences])[-1]),
        counts=_counted(watch.counts, differences),
    )


def value(watch: Watch) -> float:
    """E now: how many times his first unit the sceptic has; mostly below 1 while the promise holds."""
    log_value = float(_mixed(np.array(watch.log_wealths)))
    return exp(log_value) if log_value < LARGEST_LOG else inf


def broken(watch: Watch, alpha: float) -> bool:
    """Whether the promise is shown to be broken at level alpha; once it is, it stays so."""
    return watch.highest >= _log_limit(alpha)


def least_mean(watch: Watch, alpha: float) -> float:
    """What the mean difference is at least, at level alpha, valid at all times together; −1 where nothing is known.

    The highest mean against which the same stakes, laid on a higher one, have won 1/alpha by now; found to 1e-5.
    """
    limit = _log_limit(alpha)
    if not watch.n:
        return -1.0
    outcomes, counts = (np.array(column, dtype=np.float64) for column in zip(*watch.counts, strict=True))

    def shown(mean: float) -> bool:
        fortunes = np.log1p(STAKES * (outcomes[:, None] / PER_POINT - mean) / (1 + mean))
        return bool(_mixed(counts @ fortunes) >= limit)

    low, high = -1.0, watch.total / watch.n
    while high - low > TOLERANCE:
        middle = (low + high) / 2
        low, high = (middle, high) if shown(middle) else (low, middle)
    return low


def _mixed(log_wealths: Floats) -> Floats:
    """The log of the mean wealth over the stakes (the last axis)."""
    return np.asarray(special.logsumexp(log_wealths, axis=-1) - log(STAKES.size))


def _counted(counts: tuple[tuple[int, int], ...], differences: Floats) -> tuple[tuple[int, int], ...]:
    outcomes, times = np.unique(np.floor(differences * PER_POINT + 1e-9).astype(np.int64), return_counts=True)
    together = dict(counts)
    for outcome, count in zip(outcomes.tolist(), times.tolist(), strict=True):
        together[outcome] = together.get(outcome, 0) + count
    return tuple(sorted(together.items()))


def _log_limit(alpha: float) -> float:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be in (0, 1), got {alpha}")
    return -log(alpha)
