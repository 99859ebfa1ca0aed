"""One look at the graded pairs of a candidate on a task: may it replace the incumbent?

H0 says that the candidate is worse by the margin or more; SWITCH only if H0 is rejected. Two scales are kept apart.
Differences and bounds are *as judged*; a judge that is not perfect shrinks true differences by an unknown factor
between `Rule.reliability` and 1, so the margin is deflated before the test, and what the test certifies is divided by
the reliability before it is named to the user. People's verdicts, where there are enough, are on the user's scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np
from scipy import special

from llmcost.evidence.graded import mean_bounds
from llmcost.evidence.length import adjusted_bounds
from llmcost.evidence.outcomes import Decision, EvidenceGrade, Outcomes, Rule, Verdict
from llmcost.evidence.prediction_powered import human_bounds
from llmcost.evidence.survey import effective_counts, hajek_mean
from llmcost.evidence.tango import lower_bound, tango_statistic, upper_bound

MIN_RELIABILITY = 0.3
"""Below this a judge is nearer to a coin than to a grader: deflated so far, the margin is within its own bias."""

MOST_MORE = 100_000
"""Prompts beyond which "so many more" is not said: an estimate that small moves decide promises nothing."""

POWER_Z = 0.84
"""Φ⁻¹(.80): "more prompts" means enough to pass four times out of five if the estimate is the truth."""


ENOUGH_LABELS = 200
"""People's verdicts on one candidate and task from which they decide with the judges: evidence of grade A."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What the sample says, as judged. `wins` and `losses` are effective counts: weighted shares × effective n.

    mean_lower      the bound of graded differences; +inf where all are wins, ties or losses
    length_lower    the bound if both answers were of one length; +inf where that does not apply
    human_lower, human_upper   the bounds that people's verdicts give, on the user's scale; infinite where too few
    variance        of one pair
    worst_estimate  the least of the difference, of wins − losses and of the difference at equal length
    """

    z: float
    n: int
    n_effective: float
    wins: float
    losses: float
    difference: float
    lower: float
    upper: float
    mean_lower: float
    length_lower: float
    length_adjusted: float | None
    human_lower: float
    human_upper: float
    variance: float
    worst_estimate: float

    def rejects(self, margin: float) -> bool:
        """Whether "worse by `margin` or more" (as judged) is rejected by every bound."""
        return self.statistic(margin) > self.z and min(self.mean_lower, self.length_lower) > -margin

    def passes(self, margin: float, reliability: float) -> bool:
        """Whether it is rejected, on enough prompts, for judges and for people; margin on the user's scale."""
        judged = reliability * margin
        enough = self.n_effective >= prompts_floor(judged, self.z)
        return enough and self.rejects(judged) and self.human_lower > -margin

    def statistic(self, margin: float) -> float:
        """T at this margin, as judged."""
        return tango_statistic(self.wins, self.losses, self.n_effective, margin)


def critical_value(rule: Rule) -> float:
    """What a statistic must exceed: that of the look, or Φ⁻¹(1 − α/comparisons) where there is but one look."""
    return float(special.ndtri(1 - rule.alpha / rule.comparisons)) if rule.critical is None else rule.critical


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


def decide(outcomes: Outcomes, rule: Rule) -> Verdict:
    """The verdict on one candidate for one task from one look at its graded pairs.

    SWITCH         it is less than `rule.margin` worse, at level alpha / comparisons
    SWITCH_AT      it is not shown within `margin`, but within `rule.limit`; `certified_margin` says how far
    KEEP           it is worse by more than the margin
    INCONCLUSIVE   neither; `more_prompts` says how many would settle it (None: not reachable at this estimate)
    CANNOT_JUDGE   no pairs, pairs without a grade or weight, or a grader that shows too little

    With enough of people's verdicts the bound that they correct the judges to must rule the margin out too, and their
    word alone makes it a KEEP: the evidence is of grade A. Without, it is B, "as judged".

    `difference`, `lower_bound` and `upper_bound` are as judged; `certified_margin` is on the user's scale. Raises
    ValueError for a rule or for outcomes that no correct caller could make.
    """
    _check(outcomes, rule)
    obstacle = _obstacle(outcomes, rule)
    if obstacle is not None:
        return _verdict("CANNOT_JUDGE", obstacle, outcomes, rule, None)
    look = _look(outcomes, critical_value(rule))
    decision = _decision(look, rule)
    return _verdict(decision, _reason(decision, look, rule), outcomes, rule, look)


def _look(outcomes: Outcomes, z: float) -> _Look:
    """Tango on the signs with effective counts; with graded differences their own bounds too, and the worse of both."""
    values, weights, clusters = outcomes.differences, outcomes.weights, outcomes.clusters
    counts = effective_counts(values, weights, clusters)
    wins, losses, n_effective = counts.wins, counts.losses, counts.n
    win_share, loss_share = wins / n_effective, losses / n_effective
    lower, upper = lower_bound(wins, losses, n_effective, z), upper_bound(wins, losses, n_effective, z)
    difference = hajek_mean(values, weights)
    mean_lower, mean_upper = np.inf, -np.inf
    if not np.array_equal(values, np.sign(values)):
        mean_lower, mean_upper = mean_bounds(values, weights, n_effective, z)
    human_lower, human_upper = _people(outcomes, z)
    length_lower, at_one_length = _at_one_length(outcomes, z)
    if np.isfinite(human_lower):  # what judges like has been corrected by people already
        length_lower = np.inf
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
        length_lower=length_lower,
        length_adjusted=at_one_length,
        human_lower=human_lower,
        human_upper=human_upper,
        variance=max(win_share + loss_share - (win_share - loss_share) ** 2, 0.0),
        worst_estimate=min(difference, win_share - loss_share, difference if at_one_length is None else at_one_length),
    )


def _at_one_length(outcomes: Outcomes, z: float) -> tuple[float, float | None]:
    """The lower bound and the estimate of the difference between answers of one length; (inf, None) where unknown."""
    if outcomes.lengths is None:
        return np.inf, None
    found = adjusted_bounds(outcomes.differences, outcomes.lengths, outcomes.weights, z, outcomes.clusters)
    return (np.inf, None) if found is None else (max(found.lower, -1.0), found.estimate)


def _people(outcomes: Outcomes, z: float) -> tuple[float, float]:
    """The bounds that people's verdicts give to the difference; infinite where there are too few of them."""
    human = outcomes.human
    if human is None or human.labels < ENOUGH_LABELS:
        return np.inf, np.inf
    found = human_bounds(
        outcomes.differences, outcomes.weights, human.places, human.differences, human.probabilities, z,
        outcomes.clusters,
    )  # fmt: skip
    return max(found.lower, -1.0), min(found.upper, 1.0)


def _decision(look: _Look, rule: Rule) -> Decision:
    if look.passes(rule.margin, rule.reliability):
        return "SWITCH"
    if look.upper < -rule.reliability * rule.margin or look.human_upper < -rule.margin:
        return "KEEP"
    if rule.limit is not None and rule.limit > rule.margin and look.passes(rule.limit, rule.reliability):
        return "SWITCH_AT"
    return "INCONCLUSIVE"


def _certified_margin(look: _Look, rule: Rule) -> float:
    """The least loss that is ruled out, on the user's scale; never tighter than a sample of ties of this size allows.

    A loss as judged is at least reliability × the true loss, hence the division; a gain as judged may be the whole
    gain, hence none.
    """
    all_ties = look.z**2 / (look.n_effective + look.z**2)
    judged = max(-look.lower, -look.length_lower, all_ties) / rule.reliability
    return min(max(judged, -look.human_lower), 1.0)


def _more_prompts(look: _Look, rule: Rule) -> int | None:
    margin, z = rule.reliability * rule.margin, look.z if rule.last is None else rule.last
    needed = prompts_needed(look.worst_estimate, look.variance, margin, z)
    if needed is None:
        return None
    if look.rejects(margin):  # only the floor is in the way
        needed = prompts_floor(margin, z)
    needed = max(needed, look.n_effective * _wider(look, margin, z)) * look.n / look.n_effective
    return max(ceil(needed) - look.n, 1) if needed <= MOST_MORE else None


def _wider(look: _Look, margin: float, z: float) -> float:
    """How many times the prompts it takes for the bound at equal length to pass with 80 % power."""
    if look.length_adjusted is None or not np.isfinite(look.length_lower):
        return 0.0
    reach = (look.length_adjusted - look.length_lower) / look.z
    return float((z + POWER_Z) * reach / (margin + min(look.length_adjusted, 0.0))) ** 2


def _verdict(decision: Decision, reason: str, outcomes: Outcomes, rule: Rule, look: _Look | None) -> Verdict:
    values = outcomes.differences
    by_people = look is not None and np.isfinite(look.human_lower)
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
        grade=_GRADES[by_people],
        more_prompts=_more_prompts(look, rule) if look and decision == "INCONCLUSIVE" else None,
        statistic=look.statistic(rule.reliability * rule.margin) if look else None,
        length_adjusted=look.length_adjusted if look else None,
        human_labels=0 if outcomes.human is None else outcomes.human.labels,
        human_lower=look.human_lower if look and by_people else None,
    )


_GRADES: dict[bool, EvidenceGrade] = {True: "A", False: "B"}


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
    if decision == "KEEP" and look.human_upper < -rule.margin:
        return f"people see it at least {floor(-1000 * look.human_upper) / 10:.1f} points worse (n {look.n:,}; {limit})"
    if decision == "KEEP":
        least = floor(-1000 * look.upper) / 10
        return f"{-100 * look.difference:.1f} points worse, at least {least:.1f} (n {look.n:,}; {limit})"
    lowest, highest = (_signed(end) for end in _user_interval(look, rule))
    between = f"not decided: between {lowest} and {highest} points (n {look.n:,})"
    if (veto := _veto(look, rule)) is not None:
        return f"{between}; {veto}"
    more = _more_prompts(look, rule)
    if more is None:
        return f"{between}; more prompts will not bring it within the {limit} while the estimate is beyond it"
    return f"{between}; about {_round_up(more):,} more prompt{'s' if more > 1 else ''}"


def _veto(look: _Look, rule: Rule) -> str | None:
    """What alone keeps a candidate from passing that judges let pass; None if it is the judges, or nothing."""
    margin = rule.reliability * rule.margin
    if look.statistic(margin) <= look.z or look.mean_lower <= -margin:
        return None
    if look.length_lower <= -margin:
        return "the judges' liking for longer answers could make the difference"
    return "people's verdicts do not confirm the judges'" if look.human_lower <= -rule.margin else None


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
    for name, other in (("clusters", outcomes.clusters), ("lengths", outcomes.lengths)):
        if other is not None and other.shape != values.shape:
            raise ValueError(f"differences {values.shape} and {name} {other.shape} are not parallel")
    if not (0 < rule.margin < 1 and 0 < rule.alpha < 0.5 and rule.comparisons >= 1):
        raise ValueError(f"margin must be in (0, 1), alpha in (0, 0.5), comparisons at least 1: {rule}")
    if rule.reliability > 1 or (rule.limit is not None and not 0 < rule.limit <= 1):
        raise ValueError(f"reliability is at most 1, limit in (0, 1]: {rule}")
