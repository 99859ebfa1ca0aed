"""How often the decision rule is wrong, and how often it is right: `python benchmarks/operating_characteristics.py`.

Every row puts the product's own `decide` (or `cost_ratio`, `draw`'s inclusion probabilities) into worlds whose truth is
known and compares what it does with what is demanded. Rows marked *exact* are summed over all tables of the binomial
distributions; the others are simulated, 2,000 worlds each, where 5.8 % is 5 % and the Monte-Carlo error. Ends with
exit code 1 if a demand is not met.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import stats

from llmcost.evidence import Decision, Outcomes, Rule, cost_ratio, critical_value, decide, lower_bound, upper_bound
from llmcost.replay.sample import inclusion_probabilities

Floats = npt.NDArray[np.float64]

WORLDS = 2_000
SIZES = (150, 400, 1_000, 2_000)
DISCORDANCES = (0.05, 0.10, 0.30, 0.60)
MARGIN = 0.02
ALPHA_AND_ERROR = 0.058
PLAN = 5 * 4
LOG_CALLS = 20_000


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    measured: float
    at_least: float
    at_most: float

    @property
    def met(self) -> bool:
        return self.at_least <= self.measured <= self.at_most


# --- exact: counts of a simple random sample -------------------------------------------------------------------------


@cache
def counts_decision(wins: int, losses: int, n: int, rule: Rule) -> Decision:
    values = np.zeros(n)
    values[:wins], values[n - losses :] = 1.0, -1.0
    return decide(Outcomes(values, np.ones(n)), rule).decision


def most_losses(n: int, wins: int, rule: Rule) -> int:
    """The most losses with which `wins` wins still pass; −1 if none do."""
    low, high = -1, n - wins
    while low < high:
        middle = (low + high + 1) // 2
        if counts_decision(wins, middle, n, rule) == "SWITCH":
            low = middle
        else:
            high = middle - 1
    return low


@cache
def passing_tables(n: int, rule: Rule) -> Floats:
    """The most losses with which each number of wins passes; as far as wins can matter."""
    return np.array([most_losses(n, wins, rule) for wins in range(n // 2 + 1)], dtype=np.float64)


def chance_of_switch(n: int, discordance: float, difference: float, rule: Rule) -> float:
    """P(SWITCH) for n pairs of which a share `discordance` differs; summed over all tables."""
    win, loss = (discordance + difference) / 2, (discordance - difference) / 2
    wins = np.arange(int(stats.binom.ppf(1e-7, n, win)), int(stats.binom.isf(1e-7, n, win)) + 1)
    most = passing_tables(n, rule)[wins]
    below = np.where(most >= 0, stats.binom.cdf(most, n - wins, loss / (1 - win)), 0.0)
    return float(stats.binom.pmf(wins, n, win) @ below)


def size_rows(sizes: tuple[int, ...] = SIZES) -> Iterator[Row]:
    for margin in (0.02, 0.05):
        for n in sizes:
            for discordance in DISCORDANCES:
                chance = chance_of_switch(n, discordance, -margin, Rule(margin))
                yield Row(f"{100 * margin:.0f} % worse, margin the same, n {n}, discordance {discordance:.2f} (exact)",
                          chance, 0, ALPHA_AND_ERROR)  # fmt: skip


def far_worse_rows(sizes: tuple[int, ...] = SIZES) -> Iterator[Row]:
    for n in sizes:
        worst = max(chance_of_switch(n, disc, -0.05, Rule(MARGIN, comparisons=PLAN)) for disc in DISCORDANCES)
        yield Row(
            f"5 points worse, margin 2 %, one of 20 comparisons, n {n}, worst discordance (exact)", worst, 0, 0.001
        )


def power_rows() -> Iterator[Row]:
    for margin, discordance, n in ((0.02, 0.10, 2_000), (0.02, 0.05, 780), (0.05, 0.10, 250), (0.05, 0.30, 750)):
        chance = chance_of_switch(n, discordance, 0.0, Rule(margin))
        # the small ones are sizes planned for 80 % by the normal approximation
        yield Row(f"equal candidate, margin {100 * margin:.0f} %, n {n}, discordance {discordance:.2f} (exact)",
                  chance, 0.80 if n == 2_000 else 0.77, 1)  # fmt: skip


def ties_rows() -> Iterator[Row]:
    for n, passes in ((132, 0), (133, 1)):
        yield Row(
            f"{n} ties, margin 2 %, one look: SWITCH",
            counts_decision(0, 0, n, Rule(MARGIN)) == "SWITCH",
            passes,
            passes,
        )


# --- simulated ------------------------------------------------------------------------------------------------------


def tables(
    rng: np.random.Generator, worlds: int, n: int, discordance: float, difference: float
) -> list[tuple[int, int]]:
    """(wins, losses) of each world."""
    win, loss = (discordance + difference) / 2, (discordance - difference) / 2
    drawn = rng.multinomial(n, [win, loss, 1 - win - loss], size=worlds)
    return [(int(wins), int(losses)) for wins, losses, _ in drawn]


def plan_row(worlds: int, n: int = 600) -> Row:
    """Five tasks of different discordance, four candidates each, every one exactly at the margin."""
    rng = np.random.default_rng(1)
    rule = Rule(MARGIN, comparisons=PLAN)
    wrong = np.zeros(worlds, np.bool_)
    for discordance in (0.05, 0.10, 0.20, 0.30, 0.60):
        for _ in range(4):
            drawn = tables(rng, worlds, n, discordance, -MARGIN)
            wrong |= [counts_decision(wins, losses, n, rule) == "SWITCH" for wins, losses in drawn]
    return Row(
        f"whole plan: 5 tasks × 4 candidates, all at the margin, n {n}: any wrong switch",
        wrong.mean(),
        0,
        ALPHA_AND_ERROR,
    )


def coverage_rows(worlds: int, sizes: tuple[int, ...] = SIZES) -> Iterator[Row]:
    rng = np.random.default_rng(2)
    for n in sizes:
        for discordance in DISCORDANCES:
            covered = [
                lower_bound(wins, losses, n, 1.96) <= -MARGIN <= upper_bound(wins, losses, n, 1.96)
                for wins, losses in tables(rng, worlds, n, discordance, -MARGIN)
            ]
            yield Row(f"95 % interval covers, n {n}, discordance {discordance:.2f}", np.mean(covered), 0.93, 0.97)


def judge_rows(worlds: int, n: int = 2_000) -> Iterator[Row]:
    """A judge who sees the truth κ of the time and else says anything; with its deflation and without."""
    rng = np.random.default_rng(3)
    for kappa in (0.8, 0.6, 0.4):
        noise = (1 - kappa) * 0.2
        drawn = tables(rng, worlds, n, kappa * 0.10 + noise, -kappa * MARGIN)
        for deflate in (True, False):
            rule = Rule(MARGIN, reliability=kappa if deflate else 1.0)
            share = np.mean([counts_decision(wins, losses, n, rule) == "SWITCH" for wins, losses in drawn])
            bounds = (0.0, ALPHA_AND_ERROR) if deflate else (ALPHA_AND_ERROR, 1.0)
            yield Row(f"judge κ {kappa}, n {n}, {'deflated' if deflate else 'not deflated: must fail'}", share, *bounds)


def switch_share(worlds: Iterator[tuple[Floats, Floats]], rule: Rule) -> float:
    return float(np.mean([decide(Outcomes(*world), rule).decision == "SWITCH" for world in worlds]))


GRADED = {
    "halves of both kinds": ((-1, -0.5, 0, 0.5, 1), (0.05, 0.06, 0.81, 0.04, 0.04)),
    "whole losses, half wins": ((-1, 0, 0.5), (0.05, 0.89, 0.06)),
    "whole losses, small wins": ((-1, 0, 0.1), (0.04, 0.76, 0.20)),
    "half losses only": ((-0.5, 0, 0.5), (0.06, 0.92, 0.02)),
    "fields of a record": ((-1, -0.4, -0.2, 0, 0.2, 0.6), (0.015, 0.05, 0.1, 0.69, 0.13, 0.015)),
}


def graded(rng: np.random.Generator, worlds: int, n: int, kind: str) -> Iterator[tuple[Floats, Floats]]:
    """Differences by halves (a judge in two orders) or by fields, the candidate exactly 2 points worse."""
    outcomes, shares = GRADED[kind]
    assert abs(np.dot(outcomes, shares) + MARGIN) < 1e-12
    for _ in range(worlds):
        yield rng.choice(np.array(outcomes, dtype=np.float64), size=n, p=shares), np.ones(n)


def graded_rows(worlds: int, sizes: tuple[int, ...] = (150, 600)) -> Iterator[Row]:
    for kind in GRADED:
        for n in sizes:
            share = switch_share(graded(np.random.default_rng(4), worlds, n, kind), Rule(MARGIN))
            yield Row(f"graded differences at the margin, {kind}, n {n}", share, 0, ALPHA_AND_ERROR)


@dataclass(frozen=True, slots=True)
class Log:
    """A log with a heavy-tailed bill, the design's π for a sample of n, and where on it a candidate loses."""

    cost: Floats
    inclusion: Floats
    loses: Floats

    def draw(self, rng: np.random.Generator, n: int) -> npt.NDArray[np.int64]:
        luck = rng.random(self.cost.size)
        certain = self.inclusion >= 1
        rank = np.where(certain, -1.0, luck / (1 - luck) * (1 - self.inclusion) / self.inclusion)
        return np.argpartition(rank, n)[:n].astype(np.int64)


def heavy_log(rng: np.random.Generator, n: int, sigma: float, where: str, discordance: float) -> Log:
    cost = rng.lognormal(0, sigma, LOG_CALLS)
    rank = np.argsort(np.argsort(cost)) / LOG_CALLS
    place = {"anywhere": rank >= 0, "on the cheap half": rank < 0.5, "on the cheapest tenth": rank < 0.1}[where]
    loses = (discordance + MARGIN) / 2 * place / place.mean()
    return Log(cost, inclusion_probabilities(np.ones(LOG_CALLS), cost, n), loses)


def weighted_worlds(
    worlds: int, n: int, sigma: float, where: str, discordance: float
) -> Iterator[tuple[Floats, Floats]]:
    """Samples by calls and cost from logs on which the candidate is 2 points worse, its losses in one place."""
    rng = np.random.default_rng(5)
    win = (discordance - MARGIN) / 2
    for world in range(worlds):
        if world % 50 == 0:
            log = heavy_log(rng, n, sigma, where, discordance)
        drawn = log.draw(rng, n)
        luck = rng.random(n)
        values = (luck > 1 - win).astype(np.float64) - (luck < log.loses[drawn])
        yield values, 1 / log.inclusion[drawn]


def weights_rows(worlds: int, sizes: tuple[int, ...] = (200, 600)) -> Iterator[Row]:
    for where in ("anywhere", "on the cheap half", "on the cheapest tenth"):
        for discordance in (0.05, 0.10):
            for n in sizes:
                share = switch_share(weighted_worlds(worlds, n, 1.25, where, discordance), Rule(MARGIN))
                # losses on a tenth of the calls are a worst case beyond the demand: shown, and held to clusters' 6.5 %
                limit = 0.065 if where == "on the cheapest tenth" else ALPHA_AND_ERROR
                yield Row(f"sampled by cost, losses {where}, discordance {discordance:.2f}, n {n}", share, 0, limit)


def savings_row(worlds: int, n: int, sigma: float, noise: float) -> Row:
    """The candidate's calls cost a tenth, times a lognormal of their own (other verbosity, other tokenizer).

    The truth is that of the traffic behind the log. For the log alone, of which a large sample is a large part, the
    interval is wider than it need be.
    """
    rng = np.random.default_rng(6)
    covered, truth = 0, 0.1 * float(np.exp(noise**2 / 2))
    for _ in range(worlds):
        log = heavy_log(rng, n, sigma, "anywhere", 0.05)
        candidate = 0.1 * log.cost * rng.lognormal(0, noise, LOG_CALLS)
        drawn = log.draw(rng, n)
        ratio = cost_ratio(candidate[drawn], log.cost[drawn], 1 / log.inclusion[drawn])
        covered += ratio.low <= truth <= ratio.high
    return Row(
        f"95 % savings interval covers, bill σ {sigma}, candidate σ {noise}, n {n}", covered / worlds, 0.92, 0.97
    )


def savings_rows(worlds: int) -> Iterator[Row]:
    for sigma in (1.0, 1.5):
        for noise in (0.3, 1.0):
            for n in (200, 500, 2_000):
                yield savings_row(worlds, n, sigma, noise)


def rows(worlds: int) -> Iterator[Row]:
    yield from size_rows()
    yield plan_row(worlds)
    yield from far_worse_rows()
    yield from power_rows()
    yield from ties_rows()
    yield from coverage_rows(worlds)
    yield from judge_rows(worlds)
    yield from graded_rows(worlds)
    yield from weights_rows(worlds)
    yield from savings_rows(worlds)


def main() -> int:
    missed = 0
    print(f"{'world':92} {'measured':>9}  demand")
    print(f"(critical value of one comparison {critical_value(Rule(MARGIN)):.3f}, of one in {PLAN} "
          f"{critical_value(Rule(MARGIN, comparisons=PLAN)):.3f})")  # fmt: skip
    for row in rows(WORLDS):
        missed += not row.met
        demand = f"{100 * row.at_least:.1f}–{100 * row.at_most:.1f} %"
        print(f"{row.name:92} {100 * row.measured:8.2f}%  {demand:14} {'' if row.met else 'NOT MET'}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
