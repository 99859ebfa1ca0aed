"""How well a clustering agrees with labels."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np


def scores(labels: Sequence[Hashable], found: Sequence[Hashable]) -> tuple[float, float, float]:
    """Purity, adjusted Rand index (Hubert & Arabie 1985) and V-measure (Rosenberg & Hirschberg 2007)."""
    table = _contingency(labels, found)
    n = table.sum()
    rows, columns = table.sum(1), table.sum(0)
    together, by_label, by_found = _pairs(table), _pairs(rows), _pairs(columns)
    chance = by_label * by_found / _pairs(np.array([n]))
    ari = (together - chance) / ((by_label + by_found) / 2 - chance) if by_label + by_found != 2 * chance else 1.0
    h_label, h_found, joint = _entropy(rows / n), _entropy(columns / n), _entropy(table.ravel() / n)
    homogeneity = 1 - (joint - h_found) / h_label if h_label else 1.0
    completeness = 1 - (joint - h_label) / h_found if h_found else 1.0
    both = homogeneity + completeness
    return float(table.max(0).sum() / n), float(ari), 2 * homogeneity * completeness / both if both else 0.0


def _contingency(labels: Sequence[Hashable], found: Sequence[Hashable]) -> np.ndarray:
    one = {name: i for i, name in enumerate(dict.fromkeys(labels))}
    two = {name: i for i, name in enumerate(dict.fromkeys(found))}
    table = np.zeros((len(one), len(two)))
    np.add.at(table, ([one[name] for name in labels], [two[name] for name in found]), 1)
    return table


def _pairs(counts: np.ndarray) -> float:
    return float((counts * (counts - 1) / 2).sum())


def _entropy(shares: np.ndarray) -> float:
    positive = shares[shares > 0]
    return float(-(positive * np.log(positive)).sum())
