"""Cascades as a replay chooses them: several judges, prompts that fail together, a last tier that may lose too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf

import numpy as np

from llmcost.evidence.cascade import CascadeChoice, Judged, Prompts, Tier, choose, in_the_mean
from worlds.counts import Plan
from worlds.draws import Ints, trinary
from worlds.paths import by_looks, followed
from worlds.rows import ALPHA, Row, within_alpha

DELTA = 0.02
LIKING = 0.03  # of a judge that favours the cheaper answers: on so many prompts it sees them a step better
SIZE, CORRELATION = 10, 0.3  # of clusters

# Score, share of the answers, and of these the shares of losses and of wins. Kept from a score on, the answers of
# CROSSING lose nothing, just the margin, and far more; those of AT_LAST nothing, and then just the margin; those of
# AT_ONCE just the margin wherever they are kept from, if what escalates loses it too.
Levels = tuple[tuple[float, float, float, float], ...]
CROSSING: Levels = ((0.9, 0.6, 0.0, 0.0), (0.6, 0.3, 0.1, 1 / 30), (0.3, 0.1, 0.6, 0.1))
AT_LAST: Levels = ((0.9, 0.6, 0.0, 0.0), (0.6, 0.3, 0.1, 1 / 30), (0.3, 0.1, 0.4, 0.4))
AT_ONCE: Levels = ((0.9, 0.6, 0.02, 0.0), (0.6, 0.3, 0.10, 0.08), (0.3, 0.1, 0.40, 0.38))


def rows(worlds: int) -> Iterator[Row]:
    yield from judges_rows(worlds)
    yield clusters_row(worlds)
    yield last_row(worlds)
    yield from early_rows(worlds)


def levels(rng: np.random.Generator, n: int, table: Levels) -> Tier:
    """Answers whose scores and differences are as the table says."""
    scores, shares, losses, wins = np.array(table).T
    which, luck = rng.choice(len(table), n, p=shares), rng.random(n)
    return Tier(scores[which], (luck > 1 - wins[which]).astype(np.float64) - (luck < losses[which]))


def true_difference(table: Levels, step: tuple[float, ...], last: float = 0.0) -> float:
    """What a cascade of tiers of this table is worth at these thresholds; `last`: what escalated requests are worth."""
    if not step:
        return last
    kept = [(share, wins - losses) for score, share, losses, wins in table if score >= step[0]]
    rest = 1 - sum(share for share, _ in kept)
    return sum(share * worth for share, worth in kept) + rest * true_difference(table, step[1:], last)


def is_wrong(found: object, table: Levels, last: float = 0.0) -> bool:
    """Whether what was chosen is a cascade that loses the margin or more."""
    return isinstance(found, CascadeChoice) and true_difference(table, found.thresholds, last) < -DELTA + 1e-9


def any_wrong(tiers: Sequence[Tier], table: Levels, alpha: float, seed: int) -> bool:
    """Whether any cascade of these two tiers, of either or of both, is accepted although it loses the margin."""
    prompts = Prompts(np.ones(tiers[0].scores.size))
    each = [[tiers[0]], [tiers[1]], list(tiers)]
    return any(is_wrong(choose([Judged(some, DELTA)], prompts, alpha, seed), table) for some in each)


def judges_rows(worlds: int, n: int = 1_000) -> Iterator[Row]:
    """One judge sees what is true, the other likes the cheaper answers. Guards: each must pass, by a test."""
    rng = np.random.default_rng(51)
    prompts = Prompts(np.ones(n))
    both = mean = estimated = 0
    for _ in range(worlds):
        fair = levels(rng, n, CROSSING)
        fond = replace(fair, differences=np.minimum(fair.differences + (rng.random(n) < LIKING), 1.0))
        judged = [Judged([tier], DELTA) for tier in (fair, fond)]
        both += is_wrong(choose(judged, prompts, ALPHA, 0), CROSSING)
        mean += is_wrong(choose([in_the_mean(judged)], prompts, ALPHA, 0), CROSSING)
        estimated += true_difference(CROSSING, (_by_the_estimates([fair, fond]),)) < -DELTA + 1e-9
    what = f"cascade, one of two judges {100 * LIKING:.0f} points fond of it, n {n}: true loss 2 % or more"
    yield within_alpha(what, both / worlds, "every judge", mean / worlds)
    yield within_alpha(what, both / worlds, "a test at each step", estimated / worlds)


def _by_the_estimates(tiers: Sequence[Tier]) -> float:
    """The lowest score from which kept answers lost less than the margin in this sample, as each judge says."""
    scores = np.unique(tiers[0].scores)
    worst = [min(float(np.mean(t.differences * (t.scores >= score))) for t in tiers) for score in scores]
    return min((float(s) for s, mean in zip(scores, worst, strict=True) if mean > -DELTA), default=inf)


def clusters_row(worlds: int, n: int = 2_000) -> Row:
    """Prompts of a cluster have its score and outcome with chance √ICC. The guard is that clusters are counted."""
    rng = np.random.default_rng(52)
    groups = np.repeat(np.arange(n // SIZE), SIZE)
    counted = ignored = 0
    for _ in range(worlds):
        sample = _together(rng, groups)
        for clusters in (groups, None):
            found = choose([Judged([sample], DELTA)], Prompts(np.ones(n), clusters), ALPHA, 0)
            counted += clusters is not None and is_wrong(found, CROSSING)
            ignored += clusters is None and is_wrong(found, CROSSING)
    what = f"cascade, clusters of {SIZE}, ICC {CORRELATION}, n {n}: true loss 2 % or more"
    return within_alpha(what, counted / worlds, "clusters counted", ignored / worlds)


def _together(rng: np.random.Generator, groups: Ints) -> Tier:
    own, common = levels(rng, groups.size, CROSSING), levels(rng, int(groups.max()) + 1, CROSSING)
    copies = rng.random(groups.size) < np.sqrt(CORRELATION)
    return Tier(
        np.where(copies, common.scores[groups], own.scores),
        np.where(copies, common.differences[groups], own.differences),
    )


def last_row(worlds: int, n: int = 1_000) -> Row:
    """The guard is that "all escalate" is a step that has to pass; without, the last tier passes for the incumbent."""
    rng = np.random.default_rng(53)
    prompts, wrong, trusted = Prompts(np.ones(n)), 0, 0
    for _ in range(worlds):
        tier, last = levels(rng, n, AT_ONCE), trinary(rng, n, 0.10, -DELTA)
        wrong += is_wrong(choose([Judged([tier], DELTA, last)], prompts, ALPHA, 0), AT_ONCE, -DELTA)
        trusted += is_wrong(choose([Judged([tier], DELTA)], prompts, ALPHA, 0), AT_ONCE, -DELTA)
    what = f"cascade, the last tier at the margin and all kept ones too, n {n}: any accepted"
    return within_alpha(what, wrong / worlds, "the last tier tested", trusted / worlds)


def early_rows(worlds: int, n: int = 1_000) -> Iterator[Row]:
    """A candidate that was dropped at an early look is asked the rest before thresholds are learned.

    Without, they are learned from the prompts on which it looked bad enough to be dropped: that errs less often, not
    more, and finds fewer cascades.
    """
    rng = np.random.default_rng(54)
    plan = Plan(n)
    found = {"all": np.zeros(2), "as asked": np.zeros(2)}
    tried, asked = 0, list[int]()
    for _ in range(worlds):
        tier = levels(rng, n, CROSSING)
        end = followed(plan, *by_looks(plan, tier.differences))
        if end.passed:  # it is used as it is
            continue
        tried += 1
        asked.append(int(end.asked))
        for name, size in (("all", n), ("as asked", int(end.asked))):
            part = Tier(tier.scores[:size], tier.differences[:size])
            choice = choose([Judged([part], DELTA)], Prompts(np.ones(size)), ALPHA, 0)
            found[name] += (is_wrong(choice, CROSSING), isinstance(choice, CascadeChoice))
    (wrong, any_), (wrong_early, any_early) = (found[name] / tried for name in ("all", "as asked"))
    what = f"cascade of a model dropped after {np.mean(asked):.0f} of n {n}"
    yield within_alpha(f"{what}, asked the rest: true loss 2 % or more", wrong)
    yield within_alpha(f"{what}, learned on these alone: true loss 2 % or more", wrong_early)
    yield Row(f"{what}: one is found", any_, 0.9, 1, "the rest of the prompts", any_early)
