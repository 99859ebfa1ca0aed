"""Pairs drawn at random."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from llmcost.evidence import Outcomes, Rule, decide

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def trinary(rng: np.random.Generator, n: int, discordance: float, difference: float | Floats) -> Floats:
    """Wins, ties and losses; `difference` may differ from pair to pair."""
    luck = rng.random(n)
    wins = luck > 1 - (discordance + difference) / 2
    losses = luck < (discordance - difference) / 2
    return wins.astype(np.float64) - losses


def switches(rule: Rule, differences: Floats, weights: Floats | None = None, clusters: Ints | None = None) -> bool:
    """Whether the product's decision on these pairs is a switch."""
    weights = np.ones(differences.size) if weights is None else weights
    return decide(Outcomes(differences, weights, clusters=clusters), rule).decision == "SWITCH"
