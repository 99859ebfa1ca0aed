"""How much of a true difference a grader shows, at least: the κ_L by which a margin is deflated.

κ = E[verdict × the sign of the true difference]. A judge of κ .6 turns a true loss of 2 points into 1.2, so without the
deflation a noisy judge makes "not worse" easier to prove, and more prompts make it worse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from llmcost.evidence.graded import mean_bounds
from llmcost.evidence.survey import effective_share

Floats = npt.NDArray[np.float64]

UNCALIBRATED = 0.5
"""The most that is believed of a judge whom nobody compared with people: good public judges show .6–.8 on open-ended
tasks, and finding a planted error is easier than finding a natural one."""

FEWEST_LABELS = 30
"""People's verdicts, ties aside, below which they are not enough to outrank planted errors."""

FEW_AND_WHOLE = 0.15
"""Added to the critical value. Of 30–200 verdicts nearly all right, the score bound alone lies above the truth in up to
7.5 % of samples instead of 5 %, because so few different samples exist; with it in at most 5.2 %, and in at most 4.7 %
from 60 verdicts on (exact, all κ)."""

Source = Literal["human labels", "planted errors", "checks", "nothing"]


@dataclass(frozen=True, slots=True)
class Reliability:
    """How much of a true difference the grader shows at least, and what says so.

    value   κ_L, in [−1, 1]; below 0 a grader is more often wrong than right
    source  "nothing" where no planted error and too few labels were graded, so that `value` is an assumption
    n       verdicts that it rests on; 0 for checks and for nothing
    """

    value: float
    source: Source
    n: int


EXACT = Reliability(1.0, "checks", 0)
"""A label that is known, tests, a schema: they show the whole difference."""


def reliability_bound(agreements: Floats, weights: Floats | None = None, confidence: float = 0.95) -> float:
    """The lower bound, at this confidence, of the mean agreement κ; in [−1, 1].

    agreements  verdict × sign of the true difference, in [−1, 1]: −verdict for a planted error, verdict × people's
                verdict for a pair on which people saw a difference
    weights     1 / the probability that the item was labelled; None: all alike

    The score bound of graded differences, which knows that an unseen failure is possible. Raises ValueError without
    agreements, or for numbers that cannot be.
    """
    weights = np.ones(agreements.size) if weights is None else weights
    _check(agreements, weights, confidence)
    z = float(special.ndtri(confidence)) + FEW_AND_WHOLE
    n_effective = agreements.size * effective_share(agreements, weights)
    return float(np.clip(mean_bounds(agreements, weights, n_effective, z)[0], -1, 1))


def reliability(
    planted: Floats | None = None, people: Floats | None = None, people_weights: Floats | None = None
) -> Reliability:
    """What is known of a judge: by people's verdicts where there are enough, else by planted errors, else assumed.

    planted  agreements on errors planted in good answers (the subtle ones)
    people   agreements on labelled pairs on which people saw a difference; with weights as in `reliability_bound`

    Only people's verdicts can lift a judge above UNCALIBRATED. Their agreement counts even where planted errors look
    better: it is about the differences that the task really has.
    """
    if people is not None and people.size >= FEWEST_LABELS:
        return Reliability(reliability_bound(people, people_weights), "human labels", people.size)
    if planted is not None and planted.size:
        return Reliability(min(reliability_bound(planted), UNCALIBRATED), "planted errors", planted.size)
    return Reliability(UNCALIBRATED, "nothing", 0)


def _check(agreements: Floats, weights: Floats, confidence: float) -> None:
    if agreements.ndim != 1 or agreements.size == 0 or weights.shape != agreements.shape:
        raise ValueError(f"agreements {agreements.shape} and weights {weights.shape} must be parallel and not empty")
    if not np.all(np.abs(agreements) <= 1):
        raise ValueError("agreements must be in [-1, 1]")
    if not (np.all(weights > 0) and np.all(np.isfinite(weights))):
        raise ValueError("weights must be positive")
    if not 0.5 <= confidence < 1:
        raise ValueError(f"confidence must be in [0.5, 1), got {confidence}")
