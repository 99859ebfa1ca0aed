"""Keeping the answers of a cheaper tier by their score: the true loss of what the product chooses."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import numpy as np
from scipy import special

from llmcost.evidence import cascade
from llmcost.evidence.cascade import (
    CascadeChoice,
    CascadeRefusal,
    Judged,
    Prompts,
    Tier,
    thresholds,
    two_thresholds,
    walk,
)
from worlds.draws import trinary
from worlds.rows import ALPHA, ALPHA_AND_ERROR, Row, within_alpha

MARGIN = 0.02
WRONG, BETTER = 0.15, 0.03


def walked(sample: Tier, prompts: Prompts, delta: float, alpha: float) -> CascadeChoice | CascadeRefusal:
    """The walk alone, without the test of the grader."""
    return walk([Judged([sample], delta)], prompts, cascade._one_by_one(sample), alpha)


def rows(worlds: int, sizes: tuple[int, ...] = (200, 500, 2_000)) -> Iterator[Row]:
    for n in sizes:
        for area in (0.6, 0.75, 0.9):
            yield from cell_rows(worlds, n, area)
    yield edge_row(worlds)
    yield blind_row(max(worlds // 4, 1))
    yield three_tiers_row(max(worlds // 2, 1))


def separation(area: float) -> float:
    """How far the scores of right answers lie above those of wrong ones, in standard deviations, for an AUC."""
    return float(np.sqrt(2) * special.ndtri(area))


def tier(rng: np.random.Generator, n: int, area: float, saving: float = 1.0) -> Tier:
    """Answers of which 15 % are worse than the incumbent's and 3 % better, with normal scores mapped to [0, 1]."""
    luck = rng.random(n)
    differences = (luck > 1 - BETTER).astype(np.float64) - (luck < WRONG)
    return Tier(special.ndtr(rng.normal(0, 1, n) + separation(area) * (differences >= 0)), differences, saving)


def true_difference(threshold: float, area: float) -> float:
    point = special.ndtri(threshold)
    return float(BETTER * special.ndtr(separation(area) - point) - WRONG * special.ndtr(-point))


def true_kept(threshold: float, area: float) -> float:
    point = special.ndtri(threshold)
    return float((1 - WRONG) * special.ndtr(separation(area) - point) + WRONG * special.ndtr(-point))


def by_the_estimate(sample: Tier) -> float:
    """The lowest threshold whose kept answers lost at most the margin in this sample: no test at all."""
    order = np.argsort(-sample.scores)
    within = np.flatnonzero(np.cumsum(sample.differences[order]) >= -MARGIN * order.size)
    return float(sample.scores[order][within[-1]]) if within.size else 1.0


def cell_rows(worlds: int, n: int, area: float) -> Iterator[Row]:
    """The guard is the walk of tests; without, the lowest threshold is taken whose estimate is within the margin."""
    rng = np.random.default_rng(11)
    wrong, by_estimate, bias = 0, 0, []
    for _ in range(worlds):
        sample = tier(rng, n, area)
        choice = walked(sample, Prompts(np.ones(n)), MARGIN, ALPHA)
        if isinstance(choice, CascadeChoice):
            wrong += true_difference(choice.thresholds[0], area) < -MARGIN
            bias.append(choice.kept[0] - true_kept(choice.thresholds[0], area))
        by_estimate += true_difference(by_the_estimate(sample), area) < -MARGIN
    what = f"cascade, n {n}, AUC {area}"
    yield within_alpha(f"{what}: true loss beyond 2 %", wrong / worlds, "a test at each step", by_estimate / worlds)
    yield Row(f"{what}: share kept, told less true", abs(float(np.mean(bias))), 0, 0.01)


def edge_row(worlds: int, n: int = 500) -> Row:
    """All scores equal and the loss just the margin: one step, which passes as often as it may."""
    rng = np.random.default_rng(12)
    samples = [Tier(np.full(n, 0.5), trinary(rng, n, 0.1, -MARGIN)) for _ in range(worlds)]
    passed = np.mean(
        [isinstance(walked(sample, Prompts(np.ones(n)), MARGIN, ALPHA), CascadeChoice) for sample in samples]
    )
    what = f"cascade, n {n}, every step loses just the margin: any kept"
    return Row(what, float(passed), 0.03, ALPHA_AND_ERROR)


def blind_row(worlds: int, n: int = 500) -> Row:
    with patch.object(cascade, "LOWEST_AUC", 0.0):
        without = _kept(worlds, n)
    return Row(f"cascade, n {n}, AUC 0.6: not refused", _kept(worlds, n), 0, 0.01, "the AUC's bound", without)


def _kept(worlds: int, n: int) -> float:
    rng = np.random.default_rng(13)
    samples = [tier(rng, n, 0.6) for _ in range(worlds)]
    found = [thresholds(sample, Prompts(np.ones(n)), MARGIN, ALPHA) for sample in samples]
    return float(np.mean([isinstance(choice, CascadeChoice) for choice in found]))


def three_tiers_row(worlds: int, n: int = 800) -> Row:
    rng = np.random.default_rng(14)
    wrong = 0
    for seed in range(worlds):
        found = two_thresholds(
            tier(rng, n, 0.8), tier(rng, n, 0.9, saving=0.6), Prompts(np.ones(n)), MARGIN, ALPHA, seed
        )
        if isinstance(found, CascadeChoice):
            first, second = found.thresholds
            loses = true_difference(first, 0.8) + (1 - true_kept(first, 0.8)) * true_difference(second, 0.9)
            wrong += loses < -MARGIN
    return within_alpha(f"cascade of three tiers, n {n}: true loss beyond 2 %", wrong / worlds)
