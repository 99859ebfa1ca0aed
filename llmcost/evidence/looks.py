"""Looking more than once: how much of α each look may spend, and the critical values that follow.

A statistic that is compared with one critical value at every look rejects a true hypothesis more often than α. The
O'Brien–Fleming spending function of Lan and DeMets spends next to nothing early and nearly everything at the last look,
whatever the number of looks and their places; the critical values are those of a Brownian motion observed at the
looks, found by integrating its density from look to look.

Sources: K. K. G. Lan and D. L. DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70 (1983),
659–663; P. Armitage, C. K. McPherson and B. C. Rowe, "Repeated significance tests on accumulating data", J. R. Statist.
Soc. A 132 (1969), 235–244 (the recursive integration).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import log, sqrt

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

Floats = npt.NDArray[np.float64]

FIVE_LOOKS = (0.125, 0.25, 0.5, 0.75, 1.0)
FARTHEST = 12.0  # standard deviations; no critical value is beyond
NODES = 200
LEAST = 1e-300  # a share of paths that stands for none: logarithms need one
_STEP, _SHARE = np.polynomial.legendre.leggauss(NODES)


def fractions(looks: int) -> tuple[float, ...]:
    """Where the looks are, as shares of the largest sample: early ones close together for five, else evenly spaced."""
    return FIVE_LOOKS if looks == len(FIVE_LOOKS) else tuple((k + 1) / looks for k in range(looks))


def spent(alpha: float, fraction: float) -> float:
    """What of the one-sided level alpha may be spent by the time that `fraction` of the sample is graded."""
    return float(2 * special.ndtr(special.ndtri(alpha / 2) / sqrt(fraction)))


@lru_cache(maxsize=256)
def boundaries(alpha: float, at: Sequence[float] = FIVE_LOOKS) -> tuple[float, ...]:
    """Critical values c₁ … c_K of a one-sided test of level alpha that looks at these shares of its sample.

    `at` rises to 1 and is hashable. Exact to about 1e-6. Raises ValueError for a level outside (0, 0.5) or for looks
    that do not rise from above 0 to 1.
    """
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha must be in (0, 0.5), got {alpha}")
    if not at or at[0] <= 0 or at[-1] != 1 or any(late <= early for early, late in pairwise(at)):
        raise ValueError(f"looks must rise from above 0 to 1, got {tuple(at)}")
    found: list[float] = []
    motion = _Motion()
    for fraction in at:
        allowed = spent(alpha, fraction) - (spent(alpha, motion.time) if motion.time else 0.0)
        found.append(motion.critical_value(fraction, allowed))
        motion = motion.survivors(fraction, found[-1])
    return tuple(found)


class _Motion:
    """The part of a Brownian motion that has crossed no boundary so far: its density on quadrature nodes.

    nodes, masses  where it may be at `time`, and how much of it is there
    """

    def __init__(self, time: float = 0.0, nodes: Floats | None = None, masses: Floats | None = None) -> None:
        self.time = time
        self.nodes = np.zeros(1) if nodes is None else nodes
        self.masses = np.ones(1) if masses is None else masses

    def critical_value(self, time: float, allowed: float) -> float:
        """The critical value at `time` that a share `allowed` of all paths is the first to cross there."""
        step = sqrt(time - self.time)

        def excess(critical: float) -> float:
            beyond = special.ndtr((self.nodes - critical * sqrt(time)) / step)
            return log(max(float(self.masses @ beyond), LEAST)) - log(max(allowed, LEAST))

        if excess(FARTHEST) > 0:
            return FARTHEST
        return float(optimize.brentq(excess, 0.0, FARTHEST, xtol=1e-9))

    def survivors(self, time: float, critical: float) -> _Motion:
        """What has not crossed `critical` at `time` either."""
        low, high, step = -FARTHEST * sqrt(time), critical * sqrt(time), sqrt(time - self.time)
        nodes = low + (high - low) * (_STEP + 1) / 2
        density = np.exp(-(((nodes[:, None] - self.nodes) / step) ** 2) / 2) / (step * sqrt(2 * np.pi))
        return _Motion(time, nodes, (high - low) / 2 * _SHARE * (density @ self.masses))
