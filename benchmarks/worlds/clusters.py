"""Prompts that fail together: conversations, near-duplicates. They are fewer witnesses than prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from llmcost.evidence import Rule
from worlds.draws import Floats, switches, trinary
from worlds.rows import Row

MARGIN = 0.02
SIZE = 20
CORRELATION = 0.3
ALLOWED = 0.065

Draw = Callable[[np.random.Generator, int, float], Floats]


def each_copies(rng: np.random.Generator, clusters: int, discordance: float) -> Floats:
    """Each prompt of a cluster has the outcome of the cluster with chance √ICC, else one of its own."""
    own = trinary(rng, clusters * SIZE, discordance, -MARGIN)
    common = np.repeat(trinary(rng, clusters, discordance, -MARGIN), SIZE)
    return np.where(rng.random(own.size) < np.sqrt(CORRELATION), common, own)


def whole_clusters(rng: np.random.Generator, clusters: int, discordance: float) -> Floats:
    """A share ICC of the clusters has one outcome, in the others prompts stand alone."""
    own = trinary(rng, clusters * SIZE, discordance, -MARGIN)
    common = np.repeat(trinary(rng, clusters, discordance, -MARGIN), SIZE)
    return np.where(np.repeat(rng.random(clusters) < CORRELATION, SIZE), common, own)


def rates_of_their_own(rng: np.random.Generator, clusters: int, discordance: float) -> Floats:
    """Each cluster has its own shares of wins, ties and losses: a Dirichlet distribution of this ICC."""
    shares = np.array([(discordance + MARGIN) / 2, 1 - discordance, (discordance - MARGIN) / 2])
    own = np.cumsum(rng.dirichlet(shares * (1 / CORRELATION - 1), clusters), axis=1)
    luck = rng.random((clusters, SIZE))
    return ((luck > own[:, 1:2]).astype(np.float64) - (luck < own[:, :1])).ravel()


KINDS: Mapping[str, Draw] = {
    "each copies": each_copies,
    "all or none": whole_clusters,
    "own rates": rates_of_their_own,
}


def rows(worlds: int, sizes: tuple[int, ...] = (400, 2_000)) -> Iterator[Row]:
    """The guard is that clusters are counted, not prompts."""
    for n in sizes:
        for name, draw in KINDS.items():
            for discordance in (0.05, 0.20):
                counted, ignored = _switch_shares(worlds, n, draw, discordance)
                yield Row(
                    f"clusters of {SIZE}, ICC {CORRELATION} ({name}), 2 % worse, n {n}, discordance {discordance:.2f}",
                    counted, 0, ALLOWED, "clusters counted", ignored,
                )  # fmt: skip
    yield hard_row(worlds)


def hard_row(worlds: int, n: int = 4_000) -> Row:
    """Twice the usual sample, in which two of 200 clusters are wholly lost, or none: the spread is not always seen."""
    counted, _ = _switch_shares(worlds, n, whole_clusters, 0.05)
    return Row(f"the same, all or none, n {n}, discordance 0.05 (a known limit)", counted)


def _switch_shares(worlds: int, n: int, draw: Draw, discordance: float) -> tuple[float, float]:
    rng = np.random.default_rng(24)
    groups = np.repeat(np.arange(n // SIZE), SIZE)
    rule = Rule(MARGIN)
    drawn = [draw(rng, n // SIZE, discordance) for _ in range(worlds)]
    counted = np.mean([switches(rule, values, clusters=groups) for values in drawn])
    return float(counted), float(np.mean([switches(rule, values) for values in drawn]))
