"""Which answers of a cheaper model may be kept, by the score that a grader gives them at run time; the rest escalate.

Learn then test, by a fixed sequence: start where everything escalates, which cannot lose, and lower the threshold step
by step while the kept answers are shown to be within the margin; stop at the first step that fails, use the last that
passed. To be wrong, the sequence has to pass the first step that loses too much, and that step passes with probability
alpha: so the whole walk is of level alpha, however many steps it has. Choosing the cheapest threshold whose *estimate*
is within the margin instead breaks the promise a third to a half of the time.

Where the last tier is not the incumbent but a model that has been shown to be no worse, "everything escalates" can lose
too, and is the first step that has to pass.

The steps are set by shares of the scores, and never by how the answers fared: given the scores, they are fixed.

Sources: A. N. Angelopoulos et al., "Learn then Test" (2021); E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson,
Biometrics 44 (1988), 837–845, for the spread of an AUC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from llmcost.evidence.graded import mean_bounds
from llmcost.evidence.survey import effective_counts, hajek_mean
from llmcost.evidence.tango import lower_bound, tango_statistic

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

STEPS = 40
STEPS_OF_TWO = 20
LOWEST_AUC = 0.70
SHARE_FOR_THE_PATH = 0.3


@dataclass(frozen=True, slots=True)
class Tier:
    """A model that answers before the incumbent; the arrays are parallel, one entry a prompt.

    scores       the run-time grader's score of its answer, in [0, 1]
    differences  score(its answer) − score(the incumbent's), in [−1, 1]
    saving       what a prompt costs less that ends here instead of at the incumbent, all tried tiers paid; any unit
    """

    scores: Floats
    differences: Floats
    saving: float = 1.0


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of the tiers, one entry each.

    weights   calls of the log that each stands for
    clusters  numbers of those that may fail together; None: each may alone
    last      score(the last tier's answer) − score(the incumbent's); None: the incumbent is the last tier
    """

    weights: Floats
    clusters: Ints | None = None
    last: Floats | None = None

    def part(self, chosen: Bools) -> Prompts:
        """Some of them."""
        clusters = None if self.clusters is None else self.clusters[chosen]
        return Prompts(self.weights[chosen], clusters, None if self.last is None else self.last[chosen])


@dataclass(frozen=True, slots=True)
class Auc:
    """How well scores tell right answers from wrong ones: 1 always, .5 never. `lower` is the one-sided 95 % bound."""

    value: float
    lower: float
    wrong: int
    right: int


@dataclass(frozen=True, slots=True)
class CascadeChoice:
    """Thresholds shown to lose less than the margin. Shares are of the log's calls, on the prompts tested.

    thresholds        keep a tier's answer if its score is at least this; inf: the tier keeps nothing
    kept              share that ends at each tier
    escalated         share that goes on to the incumbent
    certified_margin  the loss that is ruled out, as judged: the margin asked for. The walk proves no tighter one, and
                      the estimate on the prompts that chose the threshold is too good to be told.
    n                 prompts on which it was tested
    """

    thresholds: tuple[float, ...]
    kept: tuple[float, ...]
    escalated: float
    certified_margin: float
    n: int


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """A cascade at some thresholds: shares that end at each tier, the rest escalated; the difference as judged and its
    lower bound, which holds for this point alone. Not a choice: the best of many points looks better than it is."""

    thresholds: tuple[float, ...]
    kept: tuple[float, ...]
    escalated: float
    difference: float
    lower_bound: float


@dataclass(frozen=True, slots=True)
class CascadeRefusal:
    """Why there is no cascade, in plain words."""

    reason: str


def thresholds(tier: Tier, prompts: Prompts, delta: float, alpha: float) -> CascadeChoice | CascadeRefusal:
    """The lowest threshold at which kept answers are shown to lose less than delta, at level alpha.

    `delta` is as judged: deflate it first. A grader that cannot tell wrong answers from right ones is refused. Raises
    ValueError for numbers that cannot be.
    """
    _check([tier], prompts, delta, alpha)
    return _blind([tier]) or walk(tier, prompts, delta, alpha)


def walk(tier: Tier, prompts: Prompts, delta: float, alpha: float) -> CascadeChoice | CascadeRefusal:
    """The walk of `thresholds`, whatever the grader is worth: it is as valid with a coin, only keeps less."""
    steps: list[tuple[float, ...]] = [(threshold,) for threshold in _grid(tier.scores, STEPS)]
    return _last_passed([tier], prompts, steps, delta, alpha)


def two_thresholds(
    cheap: Tier, middle: Tier, prompts: Prompts, delta: float, alpha: float, seed: int
) -> CascadeChoice | CascadeRefusal:
    """A threshold for each of two tiers before the incumbent, shown to lose less than delta together, at level alpha.

    A fixed sequence needs one order. It is laid on 30 % of the prompts (drawn by `seed`): each step lowers the
    threshold that loses least for what it saves. It is walked on the other 70 %, which had no say in it.
    """
    tiers = [cheap, middle]
    _check(tiers, prompts, delta, alpha)
    laying = np.random.default_rng(seed).permutation(prompts.weights.size) < SHARE_FOR_THE_PATH * prompts.weights.size
    steps = list(_path([_part(tier, laying) for tier in tiers], prompts.part(laying)))
    tested = [_part(tier, ~laying) for tier in tiers]
    return _blind(tiers) or _last_passed(tested, prompts.part(~laying), steps, delta, alpha)


def frontier(tiers: list[Tier], prompts: Prompts, alpha: float, steps: int = STEPS) -> list[FrontierPoint]:
    """What a cascade costs in quality at falling thresholds: escalate all first, keep all last; of two tiers the path.

    Bounds are one-sided at level alpha for each point alone.
    """
    z = float(special.ndtri(1 - alpha))
    path = [(score,) for score in _grid(tiers[0].scores, steps)] if len(tiers) == 1 else list(_path(tiers, prompts))
    return [_point(tiers, prompts, step, z) for step in [(inf,) * len(tiers), *path]]


def _point(tiers: list[Tier], prompts: Prompts, step: tuple[float, ...], z: float) -> FrontierPoint:
    outcomes = _outcomes(tiers, prompts, step)
    kept, escalated = _shares(tiers, prompts, step)
    counts = effective_counts(outcomes, prompts.weights, prompts.clusters)
    bound = lower_bound(counts.wins, counts.losses, counts.n, z)
    if _graded(outcomes):
        bound = min(bound, mean_bounds(outcomes, prompts.weights, counts.n, z)[0])
    return FrontierPoint(step, kept, escalated, hajek_mean(outcomes, prompts.weights), bound)


def auc(scores: Floats, wrong: Bools) -> Auc:
    """The chance that a right answer is scored above a wrong one (ties count half), with its lower bound.

    DeLong's spread on the logit scale, by Student's t on the fewer of the two kinds; a perfect separation counts as
    half an error short of one. Where fewer than two are wrong or right nothing is known: the bound is 0.
    """
    low, high = scores[wrong], scores[~wrong]
    few = min(low.size, high.size)
    if few < 2:
        return Auc(0.5, 0.0, low.size, high.size)
    ranks = stats.rankdata(np.r_[low, high])
    above_low = 1 - (ranks[: low.size] - stats.rankdata(low)) / high.size
    below_high = (ranks[low.size :] - stats.rankdata(high)) / low.size
    value = float(below_high.mean())
    variance = float(np.var(above_low, ddof=1) / low.size + np.var(below_high, ddof=1) / high.size)
    return Auc(value, _logit_bound(value, variance, few), low.size, high.size)


def _logit_bound(value: float, variance: float, few: int) -> float:
    if value <= 0:
        return 0.0
    within = min(value, 1 - 0.5 / few)
    spread = within * (1 - within)
    if within < value:  # hardly an error: their spread was not seen, so it is taken for the largest that there is
        variance = max(variance, spread / few)
    reach = float(special.stdtrit(few - 1, 0.95)) * sqrt(variance) / spread
    return float(special.expit(special.logit(within) - reach))


def _blind(tiers: list[Tier]) -> CascadeRefusal | None:
    """The refusal of a grader that does not show well enough which answers are wrong; None if all do."""
    for tier in tiers:
        found = auc(tier.scores, tier.differences < 0)
        if found.lower < LOWEST_AUC:
            return CascadeRefusal(
                f"a cascade is not worth it here: the run-time grader tells wrong answers from right ones with an AUC "
                f"of {found.value:.2f}, at least {found.lower:.2f}, on {found.wrong:,} wrong and {found.right:,} right "
                f"answers; at least {LOWEST_AUC:.2f} is needed"
            )
    return None


def _grid(scores: Floats, steps: int) -> list[float]:
    """Falling thresholds that keep ever larger shares of the answers, up to all of them. Equal scores stay together."""
    falling = np.sort(scores)[::-1]
    places = np.ceil(np.arange(1, steps + 1) * scores.size / steps).astype(np.int64) - 1
    return sorted({float(score) for score in falling[places]}, reverse=True)


def _last_passed(
    tiers: list[Tier], prompts: Prompts, steps: list[tuple[float, ...]], delta: float, alpha: float
) -> CascadeChoice | CascadeRefusal:
    """The walk: the last of the steps before the first that fails."""
    z, passed = float(special.ndtri(1 - alpha)), None
    for step in [(inf,) * len(tiers), *steps]:
        if not _passes(_outcomes(tiers, prompts, step), prompts, delta, z):
            break
        passed = step
    if passed is None:
        n = prompts.weights.size
        return CascadeRefusal(f"{n:,} prompts are too few to rule out a loss of {100 * delta:.3g} points")
    if min(passed) == inf:
        return CascadeRefusal(
            "a cascade is not worth it here: not even the answers with the highest scores are shown to lose less than "
            f"{100 * delta:.3g} points"
        )
    return CascadeChoice(passed, *_shares(tiers, prompts, passed), delta, prompts.weights.size)


def _shares(tiers: list[Tier], prompts: Prompts, step: tuple[float, ...]) -> tuple[tuple[float, ...], float]:
    """The shares of the log's calls that end at each tier, and that escalate to the last."""
    ends = _ends(tiers, step)
    *kept, escalated = (
        hajek_mean((ends == place).astype(np.float64), prompts.weights) for place in range(len(tiers) + 1)
    )
    return tuple(kept), escalated


def _ends(tiers: list[Tier], step: tuple[float, ...]) -> npt.NDArray[np.int64]:
    """At which tier each prompt ends; len(tiers) is the incumbent."""
    ends = np.full(tiers[0].scores.size, len(tiers), dtype=np.int64)
    for place in reversed(range(len(tiers))):
        ends[tiers[place].scores >= step[place]] = place
    return ends


def _outcomes(tiers: list[Tier], prompts: Prompts, step: tuple[float, ...]) -> Floats:
    """The difference of the answer that each prompt would get; 0 if it escalates to the incumbent."""
    ends = _ends(tiers, step)
    last = np.zeros(ends.size) if prompts.last is None else prompts.last
    return np.select([ends == place for place in range(len(tiers))], [tier.differences for tier in tiers], last)


def _passes(outcomes: Floats, prompts: Prompts, delta: float, z: float) -> bool:
    """Tango's test on the signs with effective counts; where there are grades between, their own bound too."""
    counts = effective_counts(outcomes, prompts.weights, prompts.clusters)
    if tango_statistic(counts.wins, counts.losses, counts.n, delta) <= z:
        return False
    return not _graded(outcomes) or mean_bounds(outcomes, prompts.weights, counts.n, z)[0] > -delta


def _graded(outcomes: Floats) -> bool:
    return bool(np.any(np.sign(outcomes) != outcomes))


def _path(tiers: list[Tier], prompts: Prompts) -> Iterator[tuple[float, ...]]:
    """Steps from "escalate all" on: each lowers the threshold that loses least for what it saves, while any saves."""
    grids = [[inf, *_grid(tier.scores, STEPS_OF_TWO)] for tier in tiers]
    at = [0] * len(tiers)
    while options := [place for place, grid in enumerate(grids) if at[place] + 1 < len(grid)]:
        nexts = {place: _lowered(grids, at, place) for place in options}
        here = _gains(tiers, prompts, tuple(grid[step] for grid, step in zip(grids, at, strict=True)))
        prices = {place: _price(here, _gains(tiers, prompts, nexts[place])) for place in options}
        best = min(prices, key=prices.__getitem__)
        if prices[best] == inf:
            return
        at[best] += 1
        yield nexts[best]


def _lowered(grids: list[list[float]], at: list[int], lowered: int) -> tuple[float, ...]:
    return tuple(grid[at[place] + (place == lowered)] for place, grid in enumerate(grids))


def _gains(tiers: list[Tier], prompts: Prompts, step: tuple[float, ...]) -> tuple[float, float]:
    """What a step saves, and the mean difference it leads to."""
    savings = np.array([*(tier.saving for tier in tiers), 0.0])
    saved = float(prompts.weights @ savings[_ends(tiers, step)])
    return saved, float(prompts.weights @ _outcomes(tiers, prompts, step))


def _price(here: tuple[float, float], there: tuple[float, float]) -> float:
    """What is lost for each unit saved; infinite for a step that saves nothing, unless nothing is lost by it either."""
    saved, lost = there[0] - here[0], here[1] - there[1]
    if saved > 0:
        return lost / saved
    return 0.0 if saved == 0 and lost <= 0 else inf


def _part(tier: Tier, chosen: Bools) -> Tier:
    return Tier(tier.scores[chosen], tier.differences[chosen], tier.saving)


def _check(tiers: list[Tier], prompts: Prompts, delta: float, alpha: float) -> None:
    weights = prompts.weights
    if weights.ndim != 1 or weights.size < 2:
        raise ValueError("at least two prompts are needed")
    for tier in tiers:
        if not tier.scores.shape == tier.differences.shape == weights.shape:
            raise ValueError("scores, differences and weights must be parallel")
        if not (np.all((tier.scores >= 0) & (tier.scores <= 1)) and np.all(np.abs(tier.differences) <= 1)):
            raise ValueError("scores must be in [0, 1] and differences in [-1, 1]")
    if not np.all(weights > 0):
        raise ValueError("weights must be positive")
    if not (0 < delta < 1 and 0 < alpha < 0.5):
        raise ValueError(f"delta must be in (0, 1) and alpha in (0, 0.5), got {delta} and {alpha}")
