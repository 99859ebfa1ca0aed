"""One look at a sample of fixed size: the level, the power, the interval, and samples of ties."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import inf, sqrt
from unittest.mock import patch

import numpy as np

from llmcost.evidence import Rule, verdict
from worlds.counts import Look, Plan, chance, coverage, fixed, verdict_of
from worlds.draws import Floats, switches
from worlds.rows import Row, within_alpha

SIZES = (150, 400, 1_000, 2_000)
DISCORDANCES = (0.05, 0.10, 0.30, 0.60)
MARGIN = 0.02
MARGINS = (0.02, 0.05)
OF_A_PLAN = 5 * 4


def rows(worlds: int) -> Iterator[Row]:
    yield from level_rows()
    yield from far_worse_rows()
    yield from power_rows()
    yield from ties_rows()
    yield from coverage_rows()
    yield from graded_rows(worlds)


def level_rows(sizes: tuple[int, ...] = SIZES) -> Iterator[Row]:
    """The guard is the critical value: without it, the estimate decides."""
    for margin in MARGINS:
        for n in sizes:
            for discordance in DISCORDANCES:
                by_estimate = chance(estimate_decides(n, margin), discordance, -margin) if n == min(sizes) else None
                yield within_alpha(
                    f"{100 * margin:.0f} % worse, margin the same, n {n}, discordance {discordance:.2f} (exact)",
                    chance(fixed(n, margin), discordance, -margin), "a critical value", by_estimate,
                )  # fmt: skip


def estimate_decides(n: int, margin: float) -> Plan:
    """One look with the critical value 0."""
    return replace(fixed(n, margin), critical=(0.0,))


def far_worse_rows(sizes: tuple[int, ...] = SIZES) -> Iterator[Row]:
    for n in sizes:
        worst = max(chance(fixed(n, comparisons=OF_A_PLAN), each, -0.05) for each in DISCORDANCES)
        alone = max(chance(estimate_decides(n, MARGIN), each, -0.05) for each in DISCORDANCES)
        yield Row(
            f"5 points worse, margin 2 %, one of {OF_A_PLAN} comparisons, n {n}, worst discordance (exact)",
            worst, 0, 0.001, "a critical value", alone,
        )  # fmt: skip


def power_rows() -> Iterator[Row]:
    """The small ones are sizes planned for 80 % by the normal approximation."""
    for margin, discordance, n, least in (
        (0.02, 0.10, 2_000, 0.80),
        (0.02, 0.05, 780, 0.77),
        (0.05, 0.10, 250, 0.77),
        (0.05, 0.30, 750, 0.77),
    ):
        what = f"equal candidate, margin {100 * margin:.0f} %, n {n}, discordance {discordance:.2f} (exact)"
        yield Row(what, chance(fixed(n, margin), discordance, 0.0), least, 1)


def ties_rows() -> Iterator[Row]:
    """Wald's test takes the spread as it was seen: of ties there is none, and any margin is ruled out."""
    with patch.object(verdict, "tango_statistic", _wald), patch.object(verdict, "prompts_floor", lambda *_: 0.0):
        by_wald = _switch_of_ties(132)
    yield Row("132 ties, margin 2 %, one look: SWITCH", _switch_of_ties(132), 0, 0, "Tango's variance, floor", by_wald)
    yield Row("133 ties, margin 2 %, one look: SWITCH", _switch_of_ties(133), 1, 1)


def _switch_of_ties(n: int) -> float:
    return float(verdict_of(0, 0, Look(n, Rule(MARGIN), 1, 1)).decision == "SWITCH")


def _wald(wins: float, losses: float, n: float, margin: float) -> float:
    mean = (wins - losses) / n
    error = sqrt(((wins + losses) / n - mean**2) / n)
    return (mean + margin) / error if error else inf


def coverage_rows(sizes: tuple[int, ...] = SIZES) -> Iterator[Row]:
    for n in sizes:
        for discordance in DISCORDANCES:
            covered = coverage(n, discordance, -MARGIN)
            yield Row(f"95 % interval covers, n {n}, discordance {discordance:.2f} (exact)", covered, 0.93, 0.97)


GRADED = {
    "halves of both kinds": ((-1, -0.5, 0, 0.5, 1), (0.05, 0.06, 0.81, 0.04, 0.04)),
    "whole losses, half wins": ((-1, 0, 0.5), (0.05, 0.89, 0.06)),
    "whole losses, small wins": ((-1, 0, 0.1), (0.04, 0.76, 0.20)),
    "half losses only": ((-0.5, 0, 0.5), (0.06, 0.92, 0.02)),
    "fields of a record": ((-1, -0.4, -0.2, 0, 0.2, 0.6), (0.015, 0.05, 0.1, 0.69, 0.13, 0.015)),
}
SIGNS_MISLEAD = ("whole losses, half wins", "whole losses, small wins")


def graded(rng: np.random.Generator, worlds: int, n: int, kind: str) -> Iterator[Floats]:
    """Differences by halves (a judge in two orders) or by fields, the candidate exactly 2 points worse."""
    outcomes, shares = GRADED[kind]
    assert abs(np.dot(outcomes, shares) + MARGIN) < 1e-12
    for _ in range(worlds):
        yield rng.choice(np.array(outcomes, dtype=np.float64), size=n, p=shares)


def graded_rows(worlds: int, sizes: tuple[int, ...] = (150, 600)) -> Iterator[Row]:
    """The guard is the test of the mean beside that of the signs, which calls half a win a win."""
    for kind in GRADED:
        for n in sizes:
            by_signs = None
            if kind in SIGNS_MISLEAD:
                with patch.object(verdict, "mean_bounds", lambda *_: (inf, -inf)):
                    by_signs = _graded_switches(worlds, n, kind)
            yield within_alpha(
                f"graded differences at the margin, {kind}, n {n}",
                _graded_switches(worlds, n, kind), "the test of the mean", by_signs,
            )  # fmt: skip


def _graded_switches(worlds: int, n: int, kind: str) -> float:
    drawn = graded(np.random.default_rng(4), worlds, n, kind)
    return float(np.mean([switches(Rule(MARGIN), differences) for differences in drawn]))
