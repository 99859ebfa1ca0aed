"""`--sample auto`: a few answers tell how often candidate and incumbent differ, and that tells how many are needed.

Only *how often* they differ is looked at, not who wins: a sample size that knew would favour its winner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, fsum, sqrt

import numpy as np

from llmcost.evidence import prompts_needed
from llmcost.evidence.calibration import Reliability
from llmcost.evidence.survey import effective_share, hajek_mean
from llmcost.trial.cell import Cell
from llmcost.trial.design import Design

PILOT = 100  # prompts a candidate and task
FEWEST = 150  # below, intervals do not cover what they should


def plan_sizes(
    design: Design,
    pilots: Sequence[Cell],
    reliabilities: Mapping[str, Mapping[str, Reliability]],
    usd: Mapping[int, float],
    budget: float | None,
) -> None:
    """Sets how many prompts each of these cells is asked at most, from its first answers and the money there is.

    reliabilities  by task and grader      usd  of asking and grading one more prompt, by the cell's id
    budget         US dollars that are left; None: no limit
    """
    wanted = {id(cell): _needed(design, cell, reliabilities[cell.task]) for cell in pilots}
    cost = fsum(usd[id(cell)] * max(wanted[id(cell)] - cell.asked, 0) for cell in pilots)
    share = 1.0 if budget is None or cost <= budget else budget / cost
    for cell in pilots:
        asked = cell.asked
        more = max(wanted[id(cell)] - asked, 0)
        cell.most = min(asked + int(more * share), cell.most)


def _needed(design: Design, cell: Cell, reliability: Mapping[str, Reliability]) -> int:
    """Prompts with which a candidate as good as the incumbent passes four times out of five."""
    least = min((item.value for item in reliability.values()), default=1.0) if cell.graded.judged else 1.0
    critical = design.critical_values(design.comparisons(cell.task))[-1]
    margin = max(least, 0.0) * design.margin(cell.task)
    if margin <= 0 or not cell.known.size:
        return cell.asked
    found = [_for_one_grader(design, cell, name, margin, critical) for name in cell.graded.by_judge]
    return min(max(*found, FEWEST), cell.most)


def _for_one_grader(design: Design, cell: Cell, name: str, margin: float, critical: float) -> int:
    grades = cell.graded.by_judge[name]
    kept = np.array([grade.difference is not None for grade in grades], dtype=np.bool_)
    if not kept.any():
        return 0
    positions = cell.positions[kept]
    differs = np.array([grade.difference != 0 for grade in grades if grade.difference is not None], dtype=np.float64)
    weights = design.sample.weights[positions]
    share = hajek_mean(differs, weights)
    cautious = min(share + sqrt(share * (1 - share) / differs.size) + 1 / differs.size, 1.0)
    needed = prompts_needed(0.0, cautious, margin, critical)
    assert needed is not None  # no difference at all is within any margin
    return ceil(needed / effective_share(differs, weights, design.clusters[positions]))
