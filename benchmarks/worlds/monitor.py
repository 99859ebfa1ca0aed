"""Watching a switch after it was made, looked at after every prompt."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import special

from llmcost.evidence.eprocess import broken, least_mean, start, update
from worlds.draws import trinary
from worlds.rows import ALPHA, Row, within_alpha

PROMISE = 0.05
Z = float(special.ndtri(1 - ALPHA))


def rows(worlds: int) -> Iterator[Row]:
    """The guard is the e-process; without, an ordinary 5 % test is made after every prompt."""
    for discordance in (0.06, 0.20, 0.90):
        yield within_alpha(
            f"promise of 5 % just kept, discordance {discordance:.2f}, looked at after each of 2,000 prompts: alarm",
            alarms(worlds, 2_000, discordance, -PROMISE),
            "the e-process", naive_alarms(max(worlds // 2, 1), 2_000, discordance, -PROMISE),
        )  # fmt: skip
    for difference, prompts in ((-0.10, 1_200), (-0.15, 300), (-0.30, 100)):
        share = alarms(worlds, prompts, max(0.20, -difference), difference)
        yield Row(f"promise of 5 %, truth {-100 * difference:.0f} %: alarm within {prompts:,} prompts", share, 0.8, 1)
    yield least_mean_row(max(worlds // 10, 1))


def alarms(worlds: int, prompts: int, discordance: float, difference: float) -> float:
    rng = np.random.default_rng(18)
    drawn = (trinary(rng, prompts, discordance, difference) for _ in range(worlds))
    return float(np.mean([broken(update(start(PROMISE), sample), ALPHA) for sample in drawn]))


def naive_alarms(worlds: int, prompts: int, discordance: float, difference: float) -> float:
    """From the hundredth prompt on."""
    rng = np.random.default_rng(18)
    n = np.arange(1, prompts + 1)
    found = 0
    for _ in range(worlds):
        sample = trinary(rng, prompts, discordance, difference)
        mean, square = np.cumsum(sample) / n, np.cumsum(sample**2) / n
        found += bool(np.any((mean + Z * np.sqrt((square - mean**2) / n) < -PROMISE)[100:]))
    return found / worlds


def least_mean_row(worlds: int, looks: int = 10, between: int = 100) -> Row:
    rng = np.random.default_rng(19)
    missed = 0
    for _ in range(worlds):
        watch, above = start(PROMISE), False
        for _ in range(looks):
            watch = update(watch, trinary(rng, between, 0.10, -0.02))
            above |= least_mean(watch, ALPHA) > -0.02
        missed += above
    return within_alpha(f"lower bound of the mean above the truth at any of {looks} looks", missed / worlds)
