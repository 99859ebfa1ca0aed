"""People's verdicts on some pairs: what they correct, and how much of a judge they vouch for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
from scipy import special, stats

from llmcost.evidence import HumanVerdicts, Outcomes, Rule, decide
from llmcost.evidence.calibration import reliability_bound
from llmcost.evidence.prediction_powered import human_bounds
from worlds.draws import Floats, Ints, trinary
from worlds.rows import ALPHA, Row, within_alpha

Z = float(special.ndtri(1 - ALPHA))
JUDGES = ((0.02, 0.05, 0.05, 0.01), (0.02, 0.10, 0.20, 0.05), (0.05, 0.10, 0.05, 0.03), (0.05, 0.30, 0.30, 0.10))
LABELS = 250  # enough, of those drawn, for people to decide


def rows(worlds: int) -> Iterator[Row]:
    yield from label_rows(worlds)
    yield from reliability_rows(worlds)


def labelled_world(
    rng: np.random.Generator, difference: float, discordance: float, noise: float, bias: float, unequal: bool
) -> tuple[Floats, Floats, Ints, Floats, Floats]:
    """2,000 pairs and about LABELS labels; the judge guesses at times (noise), favours the candidate at others."""
    n = 2_000
    human = trinary(rng, n, discordance, difference)
    judged = np.where(rng.random(n) < noise, rng.choice([-1.0, 0.0, 1.0], n, p=[0.2, 0.6, 0.2]), human)
    judged = np.where((rng.random(n) < bias) & (judged < 1), judged + 1, judged)
    judged = np.where(rng.random(n) < 0.1, judged / 2, judged)
    differs = judged != 0
    chance = LABELS * (0.5 / n + 0.5 * differs / differs.sum()) if unequal else np.full(n, LABELS / n)
    labelled = np.flatnonzero(rng.random(n) < chance)
    weights = rng.lognormal(0, 0.6, n) if unequal else np.ones(n)
    return judged, weights, labelled, human[labelled], np.minimum(chance, 1)[labelled]


def label_rows(worlds: int) -> Iterator[Row]:
    """The guard is that people's verdicts decide with the judges', who are believed fully and favour the candidate."""
    for margin, discordance, noise, bias in JUDGES:
        for unequal in (False, True):
            rng = np.random.default_rng(15)
            switch = below = alone = 0
            few = min(worlds, 200)
            for world in range(worlds):
                judged, weights, *human = labelled_world(rng, -margin, discordance, noise, bias, unequal)
                outcomes = Outcomes(judged, weights, human=HumanVerdicts(*human, labels=human[0].size))
                switch += decide(outcomes, Rule(margin)).decision == "SWITCH"
                if world < few:
                    alone += decide(replace(outcomes, human=None), Rule(margin)).decision == "SWITCH"
                below += human_bounds(judged, weights, *human, Z).upper < -margin
            labels = f"{LABELS} labels{' of unequal chance' * unequal}"
            what = f"{labels}, {100 * margin:.0f} % worse, discordance {discordance}"
            yield within_alpha(f"{what}: switch", switch / worlds, "people's verdicts", alone / few)
            yield within_alpha(f"{what}: upper bound below the truth", below / worlds)


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
    """Samples are small and alike: bounds are worked out once for each table of counts. The guard is the bound."""
    for n in (30, 60, 200):
        right = np.arange(n // 2, n + 1)
        bounds = np.array([bound_of_counts((n - k, 0, 0, 0, k)) for k in right.tolist()])
        worst, by_mean = (_above(right, believed, n) for believed in (bounds, 2 * right / n - 1))
        what = f"reliability of {n} right or wrong verdicts above κ, worst κ (exact)"
        yield within_alpha(what, worst, "a bound, not the mean", by_mean)
    for n in (30, 200):
        for name, shares in GRADERS.items():
            drawn = np.random.default_rng(16).multinomial(n, shares, worlds)
            kappa = VERDICTS @ shares
            above = np.mean([bound_of_counts(tuple(counts)) > kappa for counts in drawn.tolist()])
            yield within_alpha(f"reliability of {n} verdicts above κ, {name}", above)


def _above(right: Ints, believed: Floats, n: int) -> float:
    """The chance that what is believed of a judge is too much, for the κ with which it is likeliest."""
    kappas = np.linspace(0.3, 0.99, 400)
    return max(float(stats.binom.pmf(right, n, (1 + kappa) / 2)[believed > kappa].sum()) for kappa in kappas)
