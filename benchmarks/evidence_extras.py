"""How often the evidence beside the main test is wrong: `python benchmarks/evidence_extras.py [--worlds N]`.

Cascade thresholds, people's verdicts, the reliability of graders, judges who like long answers, and the watch over a
switch, each in worlds whose truth is known, by the product's own functions. 5.8 % is 5 % and the Monte-Carlo error of
2,000 worlds. Rows that "must fail" leave out what protects: they show that the worlds are hard enough to notice. Ends
with exit code 1 if a demand is not met.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from llmcost.evidence.calibration import reliability_bound
from llmcost.evidence.cascade import CascadeChoice, Tier, thresholds, two_thresholds, walk
from llmcost.evidence.eprocess import broken, least_mean, start, update
from llmcost.evidence.length import adjusted_bounds
from llmcost.evidence.prediction_powered import human_bounds

Floats = npt.NDArray[np.float64]

WORLDS = 2_000
ALPHA = 0.05
ALPHA_AND_ERROR = 0.058
Z = float(special.ndtri(1 - ALPHA))


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    measured: float
    at_least: float
    at_most: float

    @property
    def met(self) -> bool:
        return self.at_least <= self.measured <= self.at_most


def trinary(rng: np.random.Generator, n: int, discordance: float, difference: float | Floats) -> Floats:
    """Wins, ties and losses; `difference` may differ from pair to pair."""
    luck = rng.random(n)
    wins = luck > 1 - (discordance + difference) / 2
    losses = luck < (discordance - difference) / 2
    return wins.astype(np.float64) - losses


def plain_bound(values: Floats, weights: Floats) -> float:
    """The lower bound that one would take without what is tested here: the mean less z standard errors."""
    shares = weights / weights.sum()
    mean = shares @ values
    return float(mean - Z * np.sqrt(shares**2 @ (values - mean) ** 2))


# --- cascade --------------------------------------------------------------------------------------------------------

MARGIN = 0.02
WRONG, BETTER = 0.15, 0.03


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


def cascade_cell(worlds: int, n: int, area: float) -> Iterator[Row]:
    rng = np.random.default_rng(11)
    wrong, wrong_by_estimate, bias = 0, 0, []
    for _ in range(worlds):
        sample = tier(rng, n, area)
        choice = walk(sample, MARGIN, ALPHA, np.ones(n))
        if isinstance(choice, CascadeChoice):
            wrong += true_difference(choice.thresholds[0], area) < -MARGIN
            bias.append(choice.kept[0] - true_kept(choice.thresholds[0], area))
        wrong_by_estimate += true_difference(by_the_estimate(sample), area) < -MARGIN
    cell = f"cascade, n {n}, AUC {area}"
    yield Row(f"{cell}: true loss beyond 2 %", wrong / worlds, 0, ALPHA_AND_ERROR)
    yield Row(f"{cell}: share kept, told less true", abs(float(np.mean(bias))), 0, 0.01)
    yield Row(f"{cell}: chosen by the estimate, must fail", wrong_by_estimate / worlds, 0.3, 1)


def cascade_edge_row(worlds: int, n: int = 500) -> Row:
    """All scores equal and the loss just the margin: one step, which passes as often as it may."""
    rng = np.random.default_rng(12)
    passed = 0
    for _ in range(worlds):
        sample = Tier(np.full(n, 0.5), trinary(rng, n, 0.1, -MARGIN))
        passed += isinstance(walk(sample, MARGIN, ALPHA, np.ones(n)), CascadeChoice)
    return Row(f"cascade, n {n}, every step loses just the margin: any kept", passed / worlds, 0.03, ALPHA_AND_ERROR)


def cascade_blind_row(worlds: int, n: int = 500) -> Row:
    rng = np.random.default_rng(13)
    chosen = 0
    for _ in range(worlds):
        sample = tier(rng, n, 0.6)
        chosen += isinstance(thresholds(sample.scores, sample.differences, MARGIN, ALPHA), CascadeChoice)
    return Row(f"cascade, n {n}, AUC 0.6: not refused", chosen / worlds, 0, 0.01)


def cascade_of_three_row(worlds: int, n: int = 800) -> Row:
    rng = np.random.default_rng(14)
    wrong = 0
    for seed in range(worlds):
        found = two_thresholds(tier(rng, n, 0.8), tier(rng, n, 0.9, saving=0.6), MARGIN, ALPHA, seed)
        if isinstance(found, CascadeChoice):
            first, second = found.thresholds
            loses = true_difference(first, 0.8) + (1 - true_kept(first, 0.8)) * true_difference(second, 0.9)
            wrong += loses < -MARGIN
    return Row(f"cascade of three tiers, n {n}: true loss beyond 2 %", wrong / worlds, 0, ALPHA_AND_ERROR)


def cascade_rows(worlds: int, sizes: tuple[int, ...] = (200, 500, 2_000)) -> Iterator[Row]:
    for n in sizes:
        for area in (0.6, 0.75, 0.9):
            yield from cascade_cell(worlds, n, area)
    yield cascade_edge_row(worlds)
    yield cascade_blind_row(worlds)
    yield cascade_of_three_row(max(worlds // 2, 1))


# --- people's verdicts ----------------------------------------------------------------------------------------------


def labelled_world(
    rng: np.random.Generator, difference: float, discordance: float, noise: float, bias: float, unequal: bool
) -> tuple[Floats, Floats, npt.NDArray[np.int64], Floats, Floats]:
    """2,000 pairs and about 200 labels; the judge guesses at times (noise) and favours the candidate at others."""
    n, labels = 2_000, 200
    human = trinary(rng, n, discordance, difference)
    judged = np.where(rng.random(n) < noise, rng.choice([-1.0, 0.0, 1.0], n, p=[0.2, 0.6, 0.2]), human)
    judged = np.where((rng.random(n) < bias) & (judged < 1), judged + 1, judged)
    judged = np.where(rng.random(n) < 0.1, judged / 2, judged)
    differs = judged != 0
    chance = labels * (0.5 / n + 0.5 * differs / differs.sum()) if unequal else np.full(n, labels / n)
    labelled = np.flatnonzero(rng.random(n) < chance)
    weights = rng.lognormal(0, 0.6, n) if unequal else np.ones(n)
    return judged, weights, labelled, human[labelled], np.minimum(chance, 1)[labelled]


def people_rows(worlds: int) -> Iterator[Row]:
    judges = ((0.02, 0.05, 0.05, 0.01), (0.02, 0.10, 0.20, 0.05), (0.05, 0.10, 0.05, 0.03), (0.05, 0.30, 0.30, 0.10))
    for margin, discordance, noise, bias in judges:
        for unequal in (False, True):
            rng = np.random.default_rng(15)
            above = below = alone = 0
            for _ in range(worlds):
                sample = labelled_world(rng, -margin, discordance, noise, bias, unequal)
                bounds = human_bounds(*sample, Z)
                above += bounds.lower > -margin
                below += bounds.upper < -margin
                alone += plain_bound(sample[0], sample[1]) > -margin
            world = f"200 labels{' of unequal chance' * unequal}, {100 * margin:.0f} % worse, discordance {discordance}"
            yield Row(f"{world}: lower bound above", above / worlds, 0, ALPHA_AND_ERROR)
            yield Row(f"{world}: upper bound below", below / worlds, 0, ALPHA_AND_ERROR)
            yield Row(f"{world}: the judge alone, must fail", alone / worlds, ALPHA_AND_ERROR, 1)


# --- reliability ----------------------------------------------------------------------------------------------------

VERDICTS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
GRADERS = {
    "halves": (0, 0.05, 0, 0.15, 0.80),
    "fair": (0.05, 0.05, 0.10, 0.10, 0.70),
    "poor": (0.20, 0.10, 0.10, 0.10, 0.50),
}


@cache
def bound_of_counts(counts: tuple[int, ...]) -> float:
    return reliability_bound(np.repeat(VERDICTS, counts))


def reliability_rows(worlds: int) -> Iterator[Row]:
    """Samples are small and alike: bounds are worked out once for each table of counts."""
    for n in (30, 60, 200):
        right = np.arange(n // 2, n + 1)
        bounds = np.array([bound_of_counts((n - k, 0, 0, 0, k)) for k in right.tolist()])
        kappas = np.linspace(0.3, 0.99, 400)
        worst = max(float(stats.binom.pmf(right, n, (1 + kappa) / 2)[bounds > kappa].sum()) for kappa in kappas)
        yield Row(f"reliability of {n} right or wrong verdicts above κ, worst κ (exact)", worst, 0, ALPHA)
    for n in (30, 200):
        for name, shares in GRADERS.items():
            drawn = np.random.default_rng(16).multinomial(n, shares, worlds)
            above = np.mean([bound_of_counts(tuple(counts)) > VERDICTS @ shares for counts in drawn.tolist()])
            yield Row(f"reliability of {n} verdicts above κ, {name}", above, 0, ALPHA_AND_ERROR)


# --- judges who like long answers -----------------------------------------------------------------------------------


def length_rows(worlds: int) -> Iterator[Row]:
    """A candidate 5 % worse and mostly longer, whom the judge favours by liking × tanh(log length ratio)."""
    margin = 0.05
    for n, discordance, liking in ((150, 0.06, 0.0), (150, 0.10, 0.06), (150, 0.30, 0.20), (400, 0.10, 0.06)):
        rng = np.random.default_rng(17)
        adjusted = plain = 0
        for _ in range(worlds):
            lengths = np.tanh(rng.normal(0.3, 0.4, n)) * (rng.random(n) < 0.8)
            judged = trinary(rng, n, discordance, liking * lengths - margin)
            adjusted += adjusted_bounds(judged, lengths, np.ones(n), Z).lower > -margin
            plain += plain_bound(judged, np.ones(n)) > -margin
        world = f"judge likes length by {liking}, n {n}, discordance {discordance:.2f}"
        yield Row(f"{world}: adjusted", adjusted / worlds, 0, ALPHA_AND_ERROR)
        if liking:
            yield Row(f"{world}: not adjusted, must fail", plain / worlds, 0.08, 1)


# --- the watch over a switch ----------------------------------------------------------------------------------------


def alarms(worlds: int, prompts: int, discordance: float, difference: float) -> float:
    rng = np.random.default_rng(18)
    drawn = (trinary(rng, prompts, discordance, difference) for _ in range(worlds))
    return float(np.mean([broken(update(start(0.05), sample), ALPHA) for sample in drawn]))


def naive_alarms(worlds: int, prompts: int, discordance: float, difference: float) -> float:
    """An ordinary 5 % test after every prompt from the hundredth on."""
    rng = np.random.default_rng(18)
    n = np.arange(1, prompts + 1)
    found = 0
    for _ in range(worlds):
        sample = trinary(rng, prompts, discordance, difference)
        mean, square = np.cumsum(sample) / n, np.cumsum(sample**2) / n
        found += bool(np.any((mean + Z * np.sqrt((square - mean**2) / n) < -0.05)[100:]))
    return found / worlds


def watch_rows(worlds: int) -> Iterator[Row]:
    for discordance in (0.06, 0.20, 0.90):
        world = f"promise of 5 % just kept, discordance {discordance:.2f}, looked at after each of 2,000 prompts"
        yield Row(f"{world}: alarm", alarms(worlds, 2_000, discordance, -0.05), 0, ALPHA_AND_ERROR)
    yield Row("the same by a test of 5 % at each look, must fail", naive_alarms(worlds, 2_000, 0.20, -0.05), 0.2, 1)
    for difference, prompts in ((-0.10, 1_200), (-0.15, 300), (-0.30, 100)):
        share = alarms(worlds, prompts, max(0.20, -difference), difference)
        yield Row(f"promise of 5 %, truth {-100 * difference:.0f} %: alarm within {prompts:,} prompts", share, 0.8, 1)
    yield least_mean_row(max(worlds // 10, 1))


def least_mean_row(worlds: int, looks: int = 10, between: int = 100) -> Row:
    rng = np.random.default_rng(19)
    missed = 0
    for _ in range(worlds):
        watch, above = start(0.05), False
        for _ in range(looks):
            watch = update(watch, trinary(rng, between, 0.10, -MARGIN))
            above |= least_mean(watch, ALPHA) > -MARGIN
        missed += above
    return Row(f"lower bound of the mean above the truth at any of {looks} looks", missed / worlds, 0, ALPHA_AND_ERROR)


SECTIONS: tuple[Callable[[int], Iterator[Row]], ...] = (
    cascade_rows, people_rows, reliability_rows, length_rows, watch_rows,
)  # fmt: skip


def rows(worlds: int) -> Iterator[Row]:
    for section in SECTIONS:
        yield from section(worlds)


def main() -> int:
    parser = argparse.ArgumentParser(description="How often the evidence beside the main test is wrong.")
    parser.add_argument("--worlds", type=int, default=WORLDS)
    missed = 0
    print(f"{'world':92} {'measured':>9}  demand")
    for row in rows(parser.parse_args().worlds):
        missed += not row.met
        demand = f"{100 * row.at_least:.1f}–{100 * row.at_most:.1f} %"
        print(f"{row.name:92} {100 * row.measured:8.2f}%  {demand:14} {'' if row.met else 'NOT MET'}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
