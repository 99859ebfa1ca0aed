"""What the statistics take and give: graded pairs in, a verdict out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Decision = Literal["SWITCH", "SWITCH_AT", "KEEP", "INCONCLUSIVE", "CANNOT_JUDGE"]
EvidenceGrade = Literal["A", "B"]


@dataclass(frozen=True, slots=True)
class HumanVerdicts:
    """People's verdicts on some of the pairs; the arrays are parallel, one entry a pair whose worth is known.

    places         indices into the pairs
    differences    candidate − incumbent as people see it, in [−1, 1]; of a pair that no judge was asked about (checked,
                   the same, failed) as it was settled, with probability 1: there is nothing to correct
    probabilities  with which the pair was chosen to be labelled, in (0, 1]
    labels         how many of them people have labelled
    """

    places: npt.NDArray[np.int64]
    differences: npt.NDArray[np.float64]
    probabilities: npt.NDArray[np.float64]
    labels: int


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Graded pairs of one candidate on one task; the arrays are parallel, one entry a sampled prompt.

    differences  score(candidate) − score(incumbent), in [−1, 1]; already −1 where the candidate alone failed
    weights      survey weights: calls of the log that the prompt stands for, 1/π × its calls
    clusters     which prompts belong together (one conversation, nearly the same text); None: each stands alone
    lengths      how much longer the candidate's answer is than the incumbent's, tanh of the log ratio; 0 where no
                 judge was asked; None: not known, or no judge at all
    human        people's verdicts on some of the pairs; None: there are none
    failures     how many of the differences are the candidate's own failures (refused, cut off, empty, invalid)
    unparsed     how many verdicts stayed unreadable after a retry; they stand in `differences` as losses
    """

    differences: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    failures: int = 0
    unparsed: int = 0
    clusters: npt.NDArray[np.int64] | None = None
    lengths: npt.NDArray[np.float64] | None = None
    human: HumanVerdicts | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """When a switch may be recommended.

    margin        δ, the largest loss of quality the user accepts, in score points (0.02 = 2 points in a hundred)
    limit         the loosest margin at which a switch may still be named (SWITCH_AT); None: only `margin` counts
    critical      what a statistic must exceed at this look (see `evidence.looks`); None: the only look there is, at
                  level alpha / comparisons
    last          the same at the last look of the plan, for which further prompts are planned; None: as `critical`
    alpha         the chance of any wrong switch over the whole plan
    comparisons   candidates × tasks of the plan, among which alpha is divided
    reliability   κ_L, how much of a true difference the grader shows at least: 1 for exact checks
    """

    margin: float
    alpha: float = 0.05
    comparisons: int = 1
    reliability: float = 1.0
    limit: float | None = None
    critical: float | None = None
    last: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on one candidate for one task, and every figure it rests on. Rates are shares in [−1, 1].

    difference, lower_bound, upper_bound   candidate − incumbent over the calls of the log, as judged
    certified_margin                       the least loss that is ruled out, on the user's scale (÷ reliability)
    tipping_bias                           the verdict flips if the judge favours the candidate by more than this
    wins, ties, losses                     sampled prompts, unweighted
    n_effective                            what unequal weights and clusters leave of n
    statistic                              T of the score test at the margin (as judged); None: nothing was tested
    length_adjusted                        the difference if both answers were of one length, as judged; None: no judge
    human_labels, human_lower              people's verdicts used, and the bound that they give, on the user's scale;
                                           None: too few
    """

    decision: Decision
    reason: str
    n: int
    n_effective: float
    wins: int
    ties: int
    losses: int
    failures: int
    unparsed: int
    difference: float | None
    lower_bound: float | None
    upper_bound: float | None
    certified_margin: float | None
    tipping_bias: float | None
    grade: EvidenceGrade
    more_prompts: int | None
    statistic: float | None = None
    length_adjusted: float | None = None
    human_labels: int = 0
    human_lower: float | None = None
