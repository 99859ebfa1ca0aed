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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
import numpy.typing as npt
from scipy import special

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

    scores       the run-time grader's score of its answer, in [0, 1]; NaN: it has none, and always escalates
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
    """

    weights: Floats
    clusters: Ints | None = None

    def part(self, chosen: Bools) -> Prompts:
        """Some of them."""
        return Prompts(self.weights[chosen], None if self.clusters is None else self.clusters[chosen])


@dataclass(frozen=True, slots=True)
class Judged:
    """What one judge says of the tiers' answers, whose scores are the same for every judge.

    delta  the loss to be ruled out, as this judge sees it
    last   score(the last tier's answer) − score(the incumbent's); None: the incumbent is the last tier
    """

    tiers: Sequence[Tier]
    delta: float
    last: Floats | None = None

    def part(self, chosen: Bools) -> Judged:
        """Of some of the prompts."""
        tiers = [Tier(tier.scores[chosen], tier.differences[chosen], tier.saving) for tier in self.tiers]
        return Judged(tiers, self.delta, None if self.last is None else self.last[chosen])


@dataclass(frozen=True, slots=True)
class Auc:
    """How well scores tell right answers from wrong ones: 1 always, .5 never. `lower` is the one-sided 95 % bound."""

    value: float
    lower: float
    wrong: int
    right: int


@dataclass(frozen=True, slots=True)
class CascadeChoice:
    """Thresholds shown to lose less than delta. Shares are of the log's calls, on the prompts tested.

    No tighter loss is proved, and the estimate on the prompts that chose the thresholds is too good to be told.

    thresholds        keep a tier's answer if its score is at least this; inf: the tier keeps nothing
    kept              share that ends at each tier
    escalated         share that goes on to the incumbent
    n                 prompts on which it was tested
    """

    thresholds: tuple[float, ...]
    kept: tuple[float, ...]
    escalated: float
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
    return choose([Judged([tier], delta)], prompts, alpha, seed=0)


def two_thresholds(
    cheap: Tier, middle: Tier, prompts: Prompts, delta: float, alpha: float, seed: int
) -> CascadeChoice | CascadeRefusal:
    """A threshold for each of two tiers before the last, shown to lose less than delta together, at level alpha."""
    return choose([Judged([cheap, middle], delta)], prompts, alpha, seed)


def choose(judges: Sequence[Judged], prompts: Prompts, alpha: float, seed: int) -> CascadeChoice | CascadeRefusal:
    """The thresholds, one a tier, that every judge shows to lose less than its delta.

    A fixed sequence needs one order. Of one tier it is that of the scores. Of two it is laid on 30 % of the prompts
    (drawn by `seed`): each step lowers the threshold that loses least for what it saves, in the mean of the judges. It
    is walked on the other 70 %, which had no say in it. Judges walk the same steps, and the first to stop stops all.
    """
    for judged in judges:
        _check(judged, prompts, alpha)
    if (refusal := next((found for judged in judges if (found := _blind(judged.tiers))), None)) is not None:
        return refusal
    if len(judges[0].tiers) == 1:
        return walk(judges, prompts, _one_by_one(judges[0].tiers[0]), alpha)
    size = prompts.weights.size
    laying = np.random.default_rng(seed).permutation(size) < SHARE_FOR_THE_PATH * size
    steps = list(_path(in_the_mean([judged.part(laying) for judged in judges]), prompts.part(laying)))
    return walk([judged.part(~laying) for judged in judges], prompts.part(~laying), steps, alpha)


def _one_by_one(tier: Tier) -> list[tuple[float, ...]]:
    return [(threshold,) for threshold in _grid(tier.scores, STEPS)]


def walk(
    judges: Sequence[Judged], prompts: Prompts, steps: Sequence[tuple[float, ...]], alpha: float
) -> CascadeChoice | CascadeRefusal:
    """The last of the steps before the first that fails, whatever the grader is worth: a coin only keeps less."""
    z, passed = float(special.ndtri(1 - alpha)), None
    for step in [(inf,) * len(judges[0].tiers), *steps]:
        if not all(_passes(_outcomes(judged, step), prompts, judged.delta, z) for judged in judges):
            break
        passed = step
    points = f"{100 * min(judged.delta for judged in judges):.3g} points"
    if passed is None:
        few = "are too few to" if judges[0].last is None else "do not, of the last tier alone,"
        return CascadeRefusal(f"{prompts.weights.size:,} prompts {few} rule out a loss of {points}")
    if min(passed) == inf:
        return CascadeRefusal(
            "a cascade is not worth it here: not even the answers with the highest scores are shown to lose less than "
            f"{points}"
        )
    kept, escalated = _shares(judges[0].tiers, prompts, passed)
    return CascadeChoice(passed, kept, escalated, prompts.weights.size)


def in_the_mean(judges: Sequence[Judged]) -> Judged:
    """All judges as one, who says the mean of what they say. Fit to lay a path or to be drawn, never to decide."""
    tiers = [
        Tier(same[0].scores, np.mean([tier.differences for tier in same], axis=0), same[0].saving)
        for same in zip(*(judged.tiers for judged in judges), strict=True)
    ]
    lasts = [judged.last for judged in judges if judged.last is not None]
    return Judged(tiers, judges[0].delta, np.mean(lasts, axis=0) if lasts else None)


def frontier(judged: Judged, prompts: Prompts, alpha: float) -> list[FrontierPoint]:
    """What a cascade costs in quality at falling thresholds: escalate all first, keep all last; of two tiers the path.

    Bounds are one-sided at level alpha for each point alone.
    """
    z = float(special.ndtri(1 - alpha))
    path = _one_by_one(judged.tiers[0]) if len(judged.tiers) == 1 else _path(judged, prompts)
    return [_point(judged, prompts, step, z) for step in [(inf,) * len(judged.tiers), *path]]


def _point(judged: Judged, prompts: Prompts, step: tuple[float, ...], z: float) -> FrontierPoint:
    outcomes = _outcomes(judged, step)
    kept, escalated = _shares(judged.tiers, prompts, step)
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
    from scipy import stats  # a third of a second, and most runs have no cascade

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


def _blind(tiers: Sequence[Tier]) -> CascadeRefusal | None:
    """The refusal of a grader that does not show well enough which answers are wrong; None if all do."""
    for tier in tiers:
        known = ~np.isnan(tier.scores)
        found = auc(tier.scores[known], tier.differences[known] < 0)
        if found.lower < LOWEST_AUC:
            return CascadeRefusal(
                f"a cascade is not worth it here: the run-time grader tells wrong answers from right ones with an AUC "
                f"of {found.value:.2f}, at least {found.lower:.2f}, on {found.wrong:,} wrong and {found.right:,} right "
                f"answers; at least {LOWEST_AUC:.2f} is needed"
            )
    return None


def _grid(scores: Floats, steps: int) -> list[float]:
    """Falling thresholds that keep ever larger shares of the answers, up to all of them. Equal scores stay together."""
    falling = np.sort(scores[~np.isnan(scores)])[::-1]
    if not falling.size:
        return []
    places = np.ceil(np.arange(1, steps + 1) * falling.size / steps).astype(np.int64) - 1
    return sorted({float(score) for score in falling[places]}, reverse=True)


def _shares(tiers: Sequence[Tier], prompts: Prompts, step: tuple[float, ...]) -> tuple[tuple[float, ...], float]:
    """The shares of the log's calls that end at each tier, and that escalate to the last."""
    ended = ends(tiers, step)
    *kept, escalated = (
        hajek_mean((ended == place).astype(np.float64), prompts.weights) for place in range(len(tiers) + 1)
    )
    return tuple(kept), escalated


def ends(tiers: Sequence[Tier], step: tuple[float, ...]) -> npt.NDArray[np.int64]:
    """At which tier each prompt ends with these thresholds; len(tiers) is the last, which is not scored."""
    ended = np.full(tiers[0].scores.size, len(tiers), dtype=np.int64)
    for place in reversed(range(len(tiers))):
        ended[tiers[place].scores >= step[place]] = place
    return ended


def _outcomes(judged: Judged, step: tuple[float, ...]) -> Floats:
    """The difference of the answer that each prompt would get; 0 if it escalates to the incumbent."""
    ended = ends(judged.tiers, step)
    last = np.zeros(ended.size) if judged.last is None else judged.last
    return np.select(
        [ended == place for place in range(len(judged.tiers))], [t.differences for t in judged.tiers], last
    )


def _passes(outcomes: Floats, prompts: Prompts, delta: float, z: float) -> bool:
    """Tango's test on the signs with effective counts; where there are grades between, their own bound too."""
    counts = effective_counts(outcomes, prompts.weights, prompts.clusters)
    if tango_statistic(counts.wins, counts.losses, counts.n, delta) <= z:
        return False
    return not _graded(outcomes) or mean_bounds(outcomes, prompts.weights, counts.n, z)[0] > -delta


def _graded(outcomes: Floats) -> bool:
    return bool(np.any(np.sign(outcomes) != outcomes))


def _path(judged: Judged, prompts: Prompts) -> Iterator[tuple[float, ...]]:
    """Steps from "escalate all" on: each lowers the threshold that loses least for what it saves, while any saves."""
    grids = [[inf, *_grid(tier.scores, STEPS_OF_TWO)] for tier in judged.tiers]
    at = [0] * len(grids)
    while options := [place for place, grid in enumerate(grids) if at[place] + 1 < len(grid)]:
        nexts = {place: _lowered(grids, at, place) for place in options}
        here = _gains(judged, prompts, tuple(grid[step] for grid, step in zip(grids, at, strict=True)))
        prices = {place: _price(here, _gains(judged, prompts, nexts[place])) for place in options}
        best = min(prices, key=prices.__getitem__)
        if prices[best] == inf:
            return
        at[best] += 1
        yield nexts[best]


def _lowered(grids: list[list[float]], at: list[int], lowered: int) -> tuple[float, ...]:
    return tuple(grid[at[place] + (place == lowered)] for place, grid in enumerate(grids))


def _gains(judged: Judged, prompts: Prompts, step: tuple[float, ...]) -> tuple[float, float]:
    """What a step saves, and the mean difference it leads to."""
    savings = np.array([*(tier.saving for tier in judged.tiers), 0.0])
    saved = float(prompts.weights @ savings[ends(judged.tiers, step)])
    return saved, float(prompts.weights @ _outcomes(judged, step))


def _price(here: tuple[float, float], there: tuple[float, float]) -> float:
    """What is lost for each unit saved; infinite for a step that saves nothing, unless nothing is lost by it either."""
    saved, lost = there[0] - here[0], here[1] - there[1]
    if saved > 0:
        return lost / saved
    return 0.0 if saved == 0 and lost <= 0 else inf


def _check(judged: Judged, prompts: Prompts, alpha: float) -> None:
    weights, delta = prompts.weights, judged.delta
    if weights.ndim != 1 or weights.size < 2:
        raise ValueError("at least two prompts are needed")
    for tier in judged.tiers:
        if not tier.scores.shape == tier.differences.shape == weights.shape:
            raise ValueError("scores, differences and weights must be parallel")
        within = np.isnan(tier.scores) | ((tier.scores >= 0) & (tier.scores <= 1))
        if not (np.all(within) and np.all(np.abs(tier.differences) <= 1)):
            raise ValueError("scores must be in [0, 1] and differences in [-1, 1]")
    if not np.all(weights > 0):
        raise ValueError("weights must be positive")
    if not (0 < delta < 1 and 0 < alpha < 0.5):
        raise ValueError(f"delta must be in (0, 1) and alpha in (0, 0.5), got {delta} and {alpha}")
