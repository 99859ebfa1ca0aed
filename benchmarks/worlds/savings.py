"""The interval of what a switch saves, from a bill of which few calls are most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from llmcost.evidence import cost_ratio
from worlds.draws import Floats, Ints
from worlds.rows import Row
from worlds.survey import LOG_CALLS, Log, heavy_log

HEAVY = 2.0  # spread of a bill from which a plain sample is seen to be misled
# Spread of the bill, spread of the candidate's own costs, prompts.
WORLDS = (
    (1.0, 0.3, 500),
    (1.0, 1.0, 500),
    (1.5, 1.0, 500),
    (1.5, 1.0, 2_000),
    (2.0, 1.0, 500),
)


def rows(worlds: int) -> Iterator[Row]:
    yield from (row(worlds, n, sigma, noise) for sigma, noise, n in WORLDS)


def row(worlds: int, n: int, sigma: float, noise: float) -> Row:
    """The candidate's calls cost a tenth, times a lognormal of their own (other verbosity, other tokenizer).

    The truth is that of the traffic behind the log. For the log alone, of which a large sample is a large part, the
    interval is wider than it need be. The guard is the sample by cost: in a plain one the dear calls are few.
    """
    rng = np.random.default_rng(6)
    covered, plain, truth = 0, 0, 0.1 * float(np.exp(noise**2 / 2))
    for _ in range(worlds):
        log = heavy_log(rng, n, sigma, "anywhere", 0.05)
        candidate = 0.1 * log.cost * rng.lognormal(0, noise, LOG_CALLS)
        covered += _covers(truth, candidate, log, log.draw(rng, n))
        if sigma >= HEAVY:
            unweighted = replace(log, inclusion=np.full(LOG_CALLS, n / LOG_CALLS))
            plain += _covers(truth, candidate, unweighted, unweighted.draw(rng, n))
    what = f"95 % savings interval covers, bill σ {sigma}, candidate σ {noise}, n {n}"
    return Row(what, covered / worlds, 0.92, 0.97, "sampled by cost", plain / worlds if sigma >= HEAVY else None)


def _covers(truth: float, candidate: Floats, log: Log, drawn: Ints) -> bool:
    ratio = cost_ratio(candidate[drawn], log.cost[drawn], 1 / log.inclusion[drawn])
    return ratio.low <= truth <= ratio.high
