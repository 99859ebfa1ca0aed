"""Worlds in which only counts of wins and losses matter: exact chances, by the product's own look and stopping rule.

What the product does with a table is asked of the product: `decide` on pairs of these counts, then `trial.stopping`. A
win more never makes a candidate worse and a loss more never makes it better (tests/evidence say so of every table), so
that for each number of wins only the most losses have to be found. The chances of the tables themselves are followed
from look to look, all of them: no world is drawn, and no figure has a Monte-Carlo error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from math import ceil

import numpy as np
import numpy.typing as npt
from scipy import signal, special, stats

from llmcost.evidence import Outcomes, Rule, Verdict, boundaries, decide
from llmcost.evidence.looks import FIVE_LOOKS
from llmcost.evidence.survey import Ratio
from llmcost.serving import CandidateModel
from llmcost.trial.cell import Cell
from llmcost.trial.design import Arm
from llmcost.trial.stopping import stop
from worlds.rows import ALPHA

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NONE = np.zeros(0, dtype=np.int64)
ARM = Arm(CandidateModel("candidate"), NONE, (), {})
CHEAPER = {"candidate": Ratio(0.3, 0.2, 0.4, 100, 0)}
NEVER = 1e-9  # the chance below which a table is left out


@dataclass(frozen=True, slots=True)
class Look:
    """A look at n graded pairs, the number-th of `looks`."""

    n: int
    rule: Rule
    number: int
    looks: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One candidate on one task, as `llmcost.trial` sets it up: `most` prompts, looked at at these shares of them.

    critical  other critical values than the product's: the guard that they are is switched off
    """

    most: int
    margin: float = 0.02
    comparisons: int = 1
    reliability: float = 1.0
    at: tuple[float, ...] = FIVE_LOOKS
    critical: tuple[float, ...] | None = None

    def looks(self) -> Iterator[Look]:
        critical = self.critical or boundaries(ALPHA / self.comparisons, self.at)
        for number, (fraction, value) in enumerate(zip(self.at, critical, strict=True), start=1):
            rule = Rule(self.margin, ALPHA, self.comparisons, self.reliability, critical=value, last=critical[-1])
            yield Look(ceil(fraction * self.most), rule, number, len(self.at))


ONE_LOOK = (1.0,)


@dataclass(frozen=True, slots=True)
class Course:
    """What becomes of a candidate. Entries of `passed` and `ended` are one a look: the chance to end there.

    above  the chance that the lower bound at the look that ended it is above the truth; 0 if `_course` was not to
           follow the bounds, of which every one takes as long to find as the switches
    """

    sizes: tuple[int, ...]
    passed: tuple[float, ...]
    ended: tuple[float, ...]
    above: float

    @property
    def switch(self) -> float:
        """The chance of SWITCH at any look."""
        return float(sum(self.passed))

    @property
    def prompts(self) -> float:
        """How many are asked on average."""
        return float(sum(n * (p + e) for n, p, e in zip(self.sizes, self.passed, self.ended, strict=True)))


def course(plan: Plan, discordance: float, difference: float) -> Course:
    """The chances of a candidate that differs on a share `discordance` of prompts, by `difference` in the mean."""
    return _course(tuple(plan.looks()), discordance, difference, False)


def too_high(plan: Plan, discordance: float, difference: float) -> float:
    """The chance that its lower bound is above the truth when it ends."""
    return _course(tuple(plan.looks()), discordance, difference, True).above


def chance(plan: Plan, discordance: float, difference: float) -> float:
    """The chance that it is switched to."""
    return course(plan, discordance, difference).switch


def fixed(most: int, margin: float = 0.02, comparisons: int = 1, reliability: float = 1.0) -> Plan:
    """One look at all of the prompts."""
    return Plan(most, margin, comparisons, reliability, at=ONE_LOOK)


@cache
def _course(looks: tuple[Look, ...], discordance: float, difference: float, bounds: bool) -> Course:
    win, loss = (discordance + difference) / 2, (discordance - difference) / 2
    most = looks[-1].n
    shape = (int(stats.binom.isf(NEVER, most, win)) + 1, int(stats.binom.isf(NEVER, most, loss)) + 1)
    alive, before, above = np.zeros(shape), 0, 0.0
    alive[0, 0] = 1.0
    passed, ended = list[float](), list[float]()
    for look in looks:
        step = trinomial(look.n - before, win, loss, shape)
        alive = np.maximum(signal.fftconvolve(alive, step)[: shape[0], : shape[1]], 0.0) if before else step
        before = look.n
        tables = limits(look)
        at = np.flatnonzero(alive.sum(axis=1) > NEVER)
        losses = np.arange(shape[1])
        passes, open_ = (losses <= most[:, None] for most in (tables.passing(at), tables.asked(at)))
        stays = open_ & ~passes
        here = alive[at]
        passed.append(float(here[passes].sum()))
        ended.append(float(here[~passes & ~stays].sum()))
        if bounds:
            higher = losses <= limits(look, difference).above(at)[:, None]
            above += float(here[higher & ~stays].sum())
        alive[:] = 0.0
        alive[at] = here * stays
    return Course(tuple(look.n for look in looks), tuple(passed), tuple(ended), above)


def trinomial(n: int, win: float, loss: float, shape: tuple[int, int]) -> Floats:
    """The chance of each table: wins down, losses across, as far as `shape` goes."""
    wins, losses = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
    ties = n - wins - losses
    logs = special.xlogy(wins, win) + special.xlogy(losses, loss) + special.xlogy(ties, 1 - win - loss)
    ways = special.gammaln(n + 1) - special.gammaln(wins + 1) - special.gammaln(losses + 1)
    with np.errstate(invalid="ignore"):
        chances = np.exp(logs + ways - special.gammaln(np.maximum(ties, 0) + 1))
    return np.where(ties >= 0, chances, 0.0)


class Limits:
    """For each number of wins the most losses with which something still holds at a look; −1 if never."""

    def __init__(self, look: Look, truth: float) -> None:
        self.look, self.truth = look, truth
        self._passing, self._asked, self._above, self._not_below = (dict[int, int]() for _ in range(4))
        self._verdict = cache(lambda wins, losses: verdict_of(wins, losses, look))

    def passing(self, wins: Ints) -> Ints:
        """It is a switch."""
        return self._all(wins, self._passing, lambda verdict: verdict.decision == "SWITCH")

    def asked(self, wins: Ints) -> Ints:
        """It is asked on, or passed."""
        return self._all(wins, self._asked, lambda verdict: verdict.decision == "SWITCH" or goes_on(verdict, self.look))

    def above(self, wins: Ints) -> Ints:
        """The lower bound is above the truth."""
        return self._all(wins, self._above, lambda verdict: float(verdict.lower_bound or 0.0) > self.truth)

    def not_below(self, wins: Ints) -> Ints:
        """The upper bound is at or above the truth."""
        return self._all(wins, self._not_below, lambda verdict: float(verdict.upper_bound or 0.0) >= self.truth)

    def _all(self, wins: Ints, known: dict[int, int], holds: Callable[[Verdict], bool]) -> Ints:
        for each in wins.tolist():
            if each not in known:
                known[each] = self._most(each, known.get(each - 1, -1), holds)
        return np.array([known[each] for each in wins.tolist()], dtype=np.int64)

    def _most(self, wins: int, low: int, holds: Callable[[Verdict], bool]) -> int:
        """From `low`, with which it holds, in doubling steps, then halving."""
        n = self.look.n
        low, step = min(low, n - wins), 1
        while low + step <= n - wins and holds(self._verdict(wins, low + step)):
            low, step = low + step, 2 * step
        high = min(low + step, n - wins + 1)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if holds(self._verdict(wins, middle)) else (low, middle)
        return low


def goes_on(verdict: Verdict, look: Look) -> bool:
    """Whether the product asks on after this verdict."""
    cell = Cell(ARM, "task", NONE, look.n, verdict=verdict, look=look.number)
    stop([cell], CHEAPER, look.looks)
    return cell.ended is None


@cache
def limits(look: Look, truth: float = 0.0) -> Limits:
    """The limits of a look; `truth` matters for those of the bounds alone."""
    return Limits(look, truth)


def verdict_of(wins: int, losses: int, look: Look) -> Verdict:
    """What the product decides on a table."""
    values = np.zeros(look.n)
    values[:wins], values[look.n - losses :] = 1.0, -1.0
    return decide(Outcomes(values, np.ones(look.n)), look.rule)


def coverage(n: int, discordance: float, difference: float) -> float:
    """The chance that the 95 % interval of n pairs holds the truth."""
    win, loss = (discordance + difference) / 2, (discordance - difference) / 2
    shape = (int(stats.binom.isf(NEVER, n, win)) + 1, int(stats.binom.isf(NEVER, n, loss)) + 1)
    tables = trinomial(n, win, loss, shape)
    at = np.flatnonzero(tables.sum(axis=1) > NEVER)
    both = limits(Look(n, Rule(0.02, ALPHA / 2), 1, 1), difference)
    losses = np.arange(shape[1])
    holds = (losses > both.above(at)[:, None]) & (losses <= both.not_below(at)[:, None])
    return float(tables[at][holds].sum())
