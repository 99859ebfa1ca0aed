"""Looking as prompts go out: the level over all looks, a whole plan, bounds after stopping, a planned size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from scipy import special

from llmcost.evidence.looks import FIVE_LOOKS, _Motion, boundaries
from llmcost.grading import Grade
from llmcost.grading.panel import CHECKS_ALONE, GradedPairs
from llmcost.trial.cell import Cell
from llmcost.trial.pilot import PILOT, _needed
from worlds.counts import ARM, Plan, chance, limits, too_high
from worlds.fixed import DISCORDANCES, MARGIN, MARGINS, OF_A_PLAN
from worlds.rows import ALPHA, Row, within_alpha

MOST = (400, 2_000)
TASKS = (0.05, 0.10, 0.20, 0.30, 0.60)  # a plan's tasks: how often its candidates differ
CANDIDATES = 4
PEEKING = (float(special.ndtri(1 - ALPHA)),) * len(FIVE_LOOKS)

# One-sided .025 as printed in textbooks and by the programs in use: looks evenly spaced.
PUBLISHED = (
    (2.963, 1.969),
    (3.710, 2.511, 1.993),
    (4.333, 2.963, 2.359, 2.014),
    (4.877, 3.357, 2.680, 2.290, 2.031),
)
EASY = (400, -MARGIN)  # most prompts and truth with which looks at one critical value are seen to be too many
SIMULATED = (12.0, 3.749, 2.527, 2.010, 1.714)  # the table of five looks at 5 % that the plan of this project had


def rows(worlds: int) -> Iterator[Row]:
    yield from boundary_rows()
    yield from level_rows()
    yield plan_row()
    yield from worse_rows()
    yield from power_rows()
    yield from bound_rows()
    yield from planned_rows(worlds)


def boundary_rows() -> Iterator[Row]:
    apart = max(
        abs(mine - theirs)
        for row in PUBLISHED
        for mine, theirs in zip(boundaries(0.025, tuple((k + 1) / len(row) for k in range(len(row)))), row, strict=True)
    )
    yield Row("boundaries of 2 to 5 looks, farthest from the published ones", apart, 0, 0.005, percent=False)
    yield Row("what the product's five looks spend of 5 % (exact)", spent_by(boundaries(ALPHA)), 0.0499, 0.0501)
    yield Row("what the simulated table of the plan would spend: not the one in use (exact)", spent_by(SIMULATED))


def spent_by(critical: tuple[float, ...]) -> float:
    """The chance that a Brownian motion crosses one of these at the five looks."""
    motion, crossed = _Motion(), 0.0
    for fraction, value in zip(FIVE_LOOKS, critical, strict=True):
        step = np.sqrt(fraction - motion.time)
        crossed += float(motion.masses @ special.ndtr((motion.nodes - value * np.sqrt(fraction)) / step))
        motion = motion.survivors(fraction, value)
    return crossed


def level_rows(most: tuple[int, ...] = MOST) -> Iterator[Row]:
    """The guard is a critical value of its own for each look; without, each is compared with that of a single look."""
    for margin in MARGINS:
        for n in most:
            for discordance in DISCORDANCES:
                plan = Plan(n, margin)
                yield within_alpha(
                    f"{100 * margin:.0f} % worse, five looks up to n {n}, discordance {discordance:.2f} (exact)",
                    chance(plan, discordance, -margin),
                    "boundaries",
                    chance(replace(plan, critical=PEEKING), discordance, -margin) if n == min(most) else None,
                )


def plan_row(most: int = 2_000) -> Row:
    """The guard is that alpha is shared; without, each comparison has all of it. Candidates fail independently."""
    return within_alpha(
        f"plan of 5 tasks × 4 candidates, all at the margin, five looks up to n {most}: any switch (exact)",
        any_of(Plan(most, comparisons=OF_A_PLAN)), "alpha shared by the plan", any_of(Plan(most)),
    )  # fmt: skip


def any_of(plan: Plan) -> float:
    """The chance that any candidate of any task is switched to, all at the margin."""
    none = [(1 - chance(plan, discordance, -plan.margin)) ** CANDIDATES for discordance in TASKS]
    return 1 - float(np.prod(none))


def worse_rows(most: tuple[int, ...] = MOST) -> Iterator[Row]:
    for n in most:
        for worse in (0.05, 0.10):
            discordances = [each for each in DISCORDANCES if each >= worse]
            worst = max(chance(Plan(n, comparisons=OF_A_PLAN), each, -worse) for each in discordances)
            yield Row(
                f"{100 * worse:.0f} points worse, margin 2 %, one of {OF_A_PLAN}, five looks up to n {n} (exact)",
                worst, 0, 0.001,
            )  # fmt: skip


def power_rows() -> Iterator[Row]:
    yield Row("equal candidate, margin 2 %, discordance 0.10, five looks up to n 2000 (exact)",
              chance(Plan(2_000), 0.10, 0.0), 0.80, 1)  # fmt: skip


def bound_rows(most: tuple[int, ...] = MOST) -> Iterator[Row]:
    """The lower bound at the look that ended it, wherever the truth is; 95 % one-sided, as the looks share 5 %."""
    for n in most:
        for difference in (0.0, -0.01, -MARGIN, -0.04):
            for discordance in (0.05, 0.30):
                plan = Plan(n)
                yield within_alpha(
                    f"truth {100 * difference:+.0f} %, stopped, up to n {n}, discordance {discordance:.2f}: "
                    "lower bound above it (exact)",
                    too_high(plan, discordance, difference),
                    "boundaries in the bound",
                    too_high(replace(plan, critical=PEEKING), discordance, difference)
                    if (n, difference) == EASY
                    else None,
                )


def planned_rows(worlds: int) -> Iterator[Row]:
    """`--sample auto`: 100 answers, that stay in the trial, tell by how often they differ how many are asked."""
    for discordance in (0.05, 0.10, 0.30):
        rng = np.random.default_rng(21)
        share = (discordance - MARGIN) / 2, (discordance + MARGIN) / 2, 1 - discordance
        wrong = [_planned_world(rng, share) for _ in range(worlds)]
        yield within_alpha(f"2 % worse, size planned by a pilot of 100, discordance {discordance:.2f}", np.mean(wrong))


def _planned_world(rng: np.random.Generator, shares: tuple[float, float, float]) -> bool:
    wins, losses, _ = (int(count) for count in rng.multinomial(PILOT, shares))
    seen = PILOT
    for look in Plan(planned_size(wins + losses)).looks():
        more = max(look.n - seen, 0)
        fresh = rng.multinomial(more, shares)
        wins, losses, seen = wins + int(fresh[0]), losses + int(fresh[1]), seen + more
        tables = limits(replace(look, n=seen))
        at = np.array([wins])
        if losses <= tables.passing(at)[0]:
            return True
        if losses > tables.asked(at)[0]:
            return False
    return False


def planned_size(differing: int, most: int = 2_000) -> int:
    """Prompts that the product plans after a pilot with so many differing answers."""
    if differing not in _SIZES:
        grades = [Grade(-1.0 if i < differing else 0.0, "exact") for i in range(PILOT)]
        design = SimpleNamespace(
            critical_values=lambda comparisons: boundaries(ALPHA),
            comparisons=lambda task: 1,
            margin=lambda task: MARGIN,
            sample=SimpleNamespace(weights=np.ones(PILOT)),
            clusters=np.arange(PILOT),
        )
        arm = replace(ARM, positions=np.arange(PILOT))
        cell = Cell(arm, "task", np.arange(PILOT), most, pairs=[object()] * PILOT)  # type: ignore[list-item]
        cell.graded = GradedPairs({CHECKS_ALONE: grades}, 0)
        _SIZES[differing] = _needed(design, cell, {})  # type: ignore[arg-type]
    return _SIZES[differing]


_SIZES: dict[int, int] = {}
