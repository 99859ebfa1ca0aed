"""What a trial of this size and budget can show, and what it cannot: said before anything is spent."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from llmcost.evidence.calibration import UNCALIBRATED
from llmcost.evidence.verdict import POWER_Z
from llmcost.trial.controls import judged
from llmcost.trial.design import Design

# Share of answers that differ in worth: as is usual where checks decide and where judges do, and where few differ.
USUAL = {False: 0.10, True: 0.30}
FEW = 0.03


@dataclass(frozen=True, slots=True)
class Reach:
    """One task: the margin that is asked for, and the smallest that an equal candidate would probably pass.

    prompts          that can be asked of each candidate within the budget
    smallest, least  margin that a candidate as good as today's passes four times out of five, where answers differ in
                     worth as often as is usual, and where few do; 1: none
    """

    task: str
    margin: float
    prompts: int
    smallest: float
    least: float


def reach(design: Design, affordable: float) -> list[Reach]:
    """What can be shown of every task that has prompts, if a share `affordable` of the plan can be paid."""
    found = []
    for task in design.tasks():
        sizes = [len(places) for arm in design.arms if len(places := design.positions(arm, task))]
        if sizes:
            prompts = int(max(sizes) * min(affordable, 1.0))
            by_judge = judged(design, task)
            smallest, least = (_smallest(design, task, prompts, by_judge, d) for d in (USUAL[by_judge], FEW))
            found.append(Reach(task, design.margin(task), prompts, smallest, least))
    return found


def _smallest(design: Design, task: str, prompts: int, by_judge: bool, discordance: float) -> float:
    if prompts == 0:
        return 1.0
    critical = design.critical_values(design.comparisons(task))[-1]
    by_power = (critical + POWER_Z) * sqrt(discordance / prompts)
    by_ties = critical**2 / (prompts + critical**2)
    return min(max(by_power, by_ties) / (UNCALIBRATED if by_judge else 1.0), 1.0)
