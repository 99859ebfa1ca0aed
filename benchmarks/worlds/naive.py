"""The rules in use, beside ours: how often each is wrong, on how many prompts.

*The estimate is within the margin*, at 100 and at 400 prompts, the cheapest that passes; and a public tool's rule: *a
pass rate of at least 0.95 times the original's*, on 10 prompts and more. Ours looks five times at 2,000 at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import stats

from worlds.counts import NEVER, Plan, course, trinomial
from worlds.rows import Row, within_alpha

DISCORDANCE = 0.10
MOST = 2_000
PASSED = 0.90  # of the original's answers
OF_THE_ORIGINAL = 0.95
TEN_OF_THEM = 10
IN_A_PLAN = 20


@dataclass(frozen=True, slots=True)
class Case:
    """A candidate, and whether a switch to it is wrong. `reliability` is the judge's κ; `plan`: twenty of its kind."""

    what: str
    margin: float
    difference: float
    wrong: bool = True
    reliability: float = 1.0
    plan: bool = False

    @property
    def judged(self) -> tuple[float, float]:
        """Discordance and difference as a judge of this κ sees them; else it says anything on a fifth."""
        kappa = self.reliability
        return kappa * DISCORDANCE + (1 - kappa) * 0.20, kappa * self.difference

    def any_of(self, chance: float) -> float:
        return 1 - (1 - chance) ** IN_A_PLAN if self.plan else chance


CASES = (
    Case("exactly at a margin of 2 %", 0.02, -0.02),
    Case("exactly at a margin of 5 %", 0.05, -0.05),
    Case("2 points beyond a margin of 2 %", 0.02, -0.04),
    Case("5 points worse, margin 2 %", 0.02, -0.05),
    Case("a plan of 5 tasks × 4 candidates, all at a margin of 2 %: any", 0.02, -0.02, plan=True),
    Case("at a margin of 2 %, judge of κ 0.6", 0.02, -0.02, reliability=0.6),
    Case("as good as the original, margin 2 %", 0.02, 0.0, wrong=False),
    Case("2 points better, margin 2 %", 0.02, 0.02, wrong=False),
)


def rows(worlds: int) -> Iterator[Row]:
    """The guard is all of ours; without, the estimate on 100 prompts decides."""
    for case in CASES:
        chance, naive = ours(case)[0], within_the_margin(case, 100)
        what, guard = f"{case.what}: switch (exact)", "all of it: estimate, n 100"
        if not case.wrong:
            yield Row(what, chance, 0.80, 1)
        elif case.difference < -case.margin:
            yield Row(what, chance, 0, 0.001, guard, naive)
        else:
            yield within_alpha(what, chance, guard, naive)


def markdown() -> Iterator[str]:
    yield (
        "| the candidate is | estimate, n 100 | estimate, n 400 | 0.95 × pass rate, n 10 | 0.95 ×, n 100 | "
        "`llmcost` | prompts it asks |"
    )
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for wrong, heading in ((True, "**a switch is wrong**"), (False, "**a switch is right**")):
        yield f"| {heading} | | | | | | |"
        for case in (case for case in CASES if case.wrong is wrong):
            chance, prompts = ours(case)
            figures = [within_the_margin(case, n) for n in (100, 400)]
            figures += [by_pass_rate(case, n) for n in (TEN_OF_THEM, 100)]
            cells = [f"{percent(each)}" for each in figures]
            yield f"| {case.what} | {' | '.join(cells)} | **{percent(chance)}** | {prompts:,.0f} |"


def percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.0005 else "< 0.1 %"


def ours(case: Case) -> tuple[float, float]:
    """The chance of a switch, and the prompts that are asked of a candidate on average."""
    plan = Plan(MOST, case.margin, IN_A_PLAN if case.plan else 1, case.reliability)
    found = course(plan, *case.judged)
    return case.any_of(found.switch), found.prompts


def within_the_margin(case: Case, n: int) -> float:
    """The chance that the estimate is not worse than the margin."""
    tables, wins, losses = _tables(n, *case.judged)
    return case.any_of(float(tables[wins - losses >= -case.margin * n - 1e-9].sum()))


def by_pass_rate(case: Case, n: int) -> float:
    """The chance that a + w ≥ 0.95 (a + l), with w won, l lost and a of the ties passed by both."""
    discordance, difference = case.judged
    tables, wins, losses = _tables(n, discordance, difference)
    both = (PASSED - (discordance - difference) / 2) / (1 - discordance)
    ties = np.maximum(n - wins - losses, 0)
    needed = np.ceil((OF_THE_ORIGINAL * losses - wins) / (1 - OF_THE_ORIGINAL) - 1e-9)
    return case.any_of(float((tables * stats.binom.sf(needed - 1, ties, both)).sum()))


@cache
def _tables(n: int, discordance: float, difference: float):  # type: ignore[no-untyped-def]
    """The chance of each table, its wins and its losses."""
    win, loss = (discordance + difference) / 2, (discordance - difference) / 2
    shape = (int(stats.binom.isf(NEVER, n, win)) + 1, int(stats.binom.isf(NEVER, n, loss)) + 1)
    return trinomial(n, win, loss, shape), np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
