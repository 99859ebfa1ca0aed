"""One look at the graded pairs of a candidate on a task: may it replace the incumbent?

H0 says that the candidate is worse by the margin or more; SWITCH only if H0 is rejected. Two scales are kept apart.
Differences and bounds are *as judged*; a judge that is not perfect shrinks true differences by an unknown factor
between `Rule.reliability` and 1, so the margin is deflated before the test, and what the test certifies is divided by
the reliability before it is named to the user.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np
from scipy import special

from llmcost.evidence.graded import mean_bounds
from llmcost.evidence.outcomes import Decision, EvidenceGrade, Outcomes, Rule, Verdict
from llmcost.evidence.survey import effective_share, hajek_mean
from llmcost.evidence.tango import lower_bound, tango_statistic, upper_bound

UNCALIBRATED_RELIABILITY = 0.5
"""What a judge is taken to show of a true difference while nothing measured it: good public judges show .6–.8 on
open-ended tasks, so half is cautious, and it costs prompts rather than wrong switches."""

MIN_RELIABILITY = 0.3
"""Below this a judge is nearer to a coin than to a grader: deflated so far, the margin is within its own bias."""

POWER_Z = 0.84
"""Φ⁻¹(.80): "more prompts" means enough to pass four times out of five if the estimate is the truth."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What the sample says, as judged. `wins` and `losses` are effective counts: weighted shares × effective n."""

    z: float
    n: int
    n_effective: float
    wins: float
    losses: float
    difference: float
    lower: float
    upper: float
    mean_lower: float  # the bound of graded differences; +inf where all are wins, ties or losses
    variance: float  # of one pair
    worst_estimate: float  # the lesser of the difference and of wins − losses

    def rejects(self, margin: float) -> bool:
        """Whether "worse by `margin` or more" (as judged) is rejected by every bound."""
        return tango_statistic(self.wins, self.losses, self.n_effective, margin) > self.z and self.mean_lower > -margin

    def passes(self, margin: float) -> bool:
        """Whether it is rejected, and on enough prompts."""
        return self.rejects(margin) and self.n_effective >= prompts_floor(margin, self.z)


def critical_value(rule: Rule) -> float:
    """c = Φ⁻¹(1 − α/comparisons): what a statistic must exceed for one candidate on one task, looked at once."""
    return float(special.ndtri(1 - rule.alpha / rule.comparisons))


def prompts_floor(margin: float, z: float) -> float:
    """Prompts below which nothing passes, even if every pair ties: z²(1 − δ)/δ."""
    return z * z * (1 - margin) / margin


def prompts_needed(difference: float, variance: float, margin: float, z: float) -> float | None:
    """Effective prompts to pass with 80 % power if `difference` and the per-pair `variance` are true; margin as judged.

    None: no number would do, the difference is at or beyond the margin.
    """
    room = margin + min(difference, 0.0)
    if room <= 0:
        return None
    return max((z + POWER_Z) ** 2 * variance / room**2, prompts_floor(margin, z))


def decide(outcomes: Outcomes, rule: Rule, grade: EvidenceGrade = "B") -> Verdict:
    """The verdict on one candidate for one task from one look at a sample of fixed size.

    SWITCH         it is less than `rule.margin` worse, at level alpha / comparisons
    SWITCH_AT      it is not shown within `margin`, but within `rule.limit`; `certified_margin` says how far
    KEEP           it is worse by more than the margin
    INCONCLUSIVE   neither; `more_prompts` says how many would settle it (None: not reachable at this estimate)
    CANNOT_JUDGE   no pairs, pairs without a grade or weight, or a grader that shows too little

    `difference`, `lower_bound` and `upper_bound` are as judged; `certified_margin` is on the user's scale. Raises
    ValueError for a rule or for outcomes that no correct caller could make.
    """
    _check(outcomes, rule)
    obstacle = _obstacle(outcomes, rule)
    if obstacle is not None:
        return _verdict("CANNOT_JUDGE", obstacle, outcomes, rule, None, grade)
    look = _look(outcomes, critical_value(rule))
    decision = _decision(look, rule)
    return _verdict(decision, _reason(decision, look, rule), outcomes, rule, look, grade)


def _look(outcomes: Outcomes, z: float) -> _Look:
    """Tango on the signs with effective counts; with graded differences their own bounds too, and the worse of both."""
    values, weights = outcomes.differences, outcomes.weights
    signs = np.sign(values)
    n_effective = values.size * min(effective_share(values, weights), effective_share(signs, weights))
    win_share, loss_share = (hajek_mean((signs == side).astype(np.float64), weights) for side in (1, -1))
    wins, losses = n_effective * win_share, n_effective * loss_share
    lower, upper = lower_bound(wins, losses, n_effective, z), upper_bound(wins, losses, n_effective, z)
    difference = hajek_mean(values, weights)
    mean_lower, mean_upper = np.inf, -np.inf
    if not np.array_equal(values, signs):
        mean_lower, mean_upper = mean_bounds(values, weights, n_effective, z)
    return _Look(
        z=z,
        n=values.size,
        n_effective=n_effective,
        wins=wins,
        losses=losses,
        difference=difference,
        lower=min(lower, mean_lower, difference),
        upper=max(upper, mean_upper, difference),
        mean_lower=mean_lower,
        variance=max(win_share + loss_share - (win_share - loss_share) ** 2, 0.0),
        worst_estimate=min(difference, win_share - loss_share),
    )


def _decision(look: _Look, rule: Rule) -> Decision:
    margin = rule.reliability * rule.margin
    if look.passes(margin):
        return "SWITCH"
    if look.upper < -margin:
        return "KEEP"
    if rule.limit is not None and rule.limit > rule.margin and look.passes(rule.reliability * rule.limit):
        return "SWITCH_AT"
    return "INCONCLUSIVE"


def _certified_margin(look: _Look, rule: Rule) -> float:
    """The least loss that is ruled out, on the user's scale; never tighter than a sample of ties of this size allows.

    A loss as judged is at least reliability × the true loss, hence the division; a gain as judged may be the whole
    gain, hence none.
    """
    all_ties = look.z**2 / (look.n_effective + look.z**2)
    return min(max(-look.lower, all_ties) / rule.reliability, 1.0)


def _more_prompts(look: _Look, rule: Rule) -> int | None:
    margin = rule.reliability * rule.margin
    needed = prompts_needed(look.worst_estimate, look.variance, margin, look.z)
    if needed is None:
        return None
    if look.rejects(margin):  # only the floor is in the way
        needed = prompts_floor(margin, look.z)
    return max(ceil(needed * look.n / look.n_effective) - look.n, 1)


def _verdict(
    decision: Decision, reason: str, outcomes: Outcomes, rule: Rule, look: _Look | None, grade: EvidenceGrade
) -> Verdict:
    values = outcomes.differences
    return Verdict(
        decision=decision,
        reason=reason,
        n=values.size,
        n_effective=look.n_effective if look else 0.0,
        wins=int((values > 0).sum()),
        ties=int((values == 0).sum()),
        losses=int((values < 0).sum()),
        failures=outcomes.failures,
        unparsed=outcomes.unparsed,
        difference=look.difference if look else None,
        lower_bound=look.lower if look else None,
        upper_bound=look.upper if look else None,
        certified_margin=_certified_margin(look, rule) if look else None,
        tipping_bias=look.lower + rule.reliability * rule.margin if look else None,
        grade=grade,
        more_prompts=_more_prompts(look, rule) if look and decision == "INCONCLUSIVE" else None,
    )


def _obstacle(outcomes: Outcomes, rule: Rule) -> str | None:
    """Why these outcomes cannot be judged at all, in plain words; None if they can."""
    n = outcomes.differences.size
    ungraded = int((~np.isfinite(outcomes.differences)).sum())
    unweighted = int((~(np.isfinite(outcomes.weights) & (outcomes.weights > 0))).sum())
    if n == 0:
        return "nothing was graded"
    if ungraded:
        return f"{ungraded:,} of {n:,} pairs have no grade"
    if unweighted:
        return f"{unweighted:,} of {n:,} prompts have no weight"
    if not rule.reliability >= MIN_RELIABILITY:
        shown = max(100 * rule.reliability, 0.0)
        return f"the grader shows only {shown:.0f} % of a true difference; {100 * MIN_RELIABILITY:.0f} % is needed"
    return None


def _reason(decision: Decision, look: _Look, rule: Rule) -> str:
    """The verdict in one line for a backend engineer. What is claimed is rounded to the cautious side."""
    limit = f"limit {_points(rule.margin)}"
    if decision in ("SWITCH", "SWITCH_AT"):
        return f"at most {ceil(1000 * _certified_margin(look, rule)) / 10:.1f} points worse (n {look.n:,}; {limit})"
    if decision == "KEEP":
        least = floor(-1000 * look.upper) / 10
        return f"{-100 * look.difference:.1f} points worse, at least {least:.1f} (n {look.n:,}; {limit})"
    lowest, highest = (_signed(end) for end in _user_interval(look, rule))
    between = f"not decided: between {lowest} and {highest} points (n {look.n:,})"
    more = _more_prompts(look, rule)
    if more is None:
        return f"{between}; more prompts will not bring it within the {limit} while the estimate is beyond it"
    return f"{between}; about {_round_up(more):,} more prompt{'s' if more > 1 else ''}"


def _user_interval(look: _Look, rule: Rule) -> tuple[float, float]:
    """The bounds on the user's scale: widened where the judge may have shrunk the difference, never narrowed."""
    lowest = look.lower / rule.reliability if look.lower < 0 else look.lower
    highest = look.upper / rule.reliability if look.upper > 0 else look.upper
    return max(lowest, -1.0), min(highest, 1.0)


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")


def _points(share: float) -> str:
    return f"{100 * share:.3g}"


def _round_up(count: int) -> int:
    """Two leading digits, rounded up: more would claim a precision that the estimate does not have."""
    step = int(10 ** max(floor(log10(count)) - 1, 0))
    return -(-count // step) * step


def _check(outcomes: Outcomes, rule: Rule) -> None:
    values, weights = outcomes.differences, outcomes.weights
    if values.ndim != 1 or values.shape != weights.shape:
        raise ValueError(f"differences {values.shape} and weights {weights.shape} are not parallel")
    if np.any(np.abs(values[np.isfinite(values)]) > 1):
        raise ValueError("differences must be in [-1, 1]")
    if not (0 < rule.margin < 1 and 0 < rule.alpha < 0.5 and rule.comparisons >= 1):
        raise ValueError(f"margin must be in (0, 1), alpha in (0, 0.5), comparisons at least 1: {rule}")
    if rule.reliability > 1 or (rule.limit is not None and not 0 < rule.limit <= 1):
        raise ValueError(f"reliability is at most 1, limit in (0, 1]: {rule}")
