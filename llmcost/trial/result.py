"""What a trial found: for every task and candidate the verdict, and what the candidate's answers cost and took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llmcost.evidence import Verdict
from llmcost.evidence.calibration import Reliability
from llmcost.evidence.survey import Ratio
from llmcost.trial.cell import Cell
from llmcost.trial.controls import Controls


@dataclass(frozen=True, slots=True)
class CandidateTrial:
    """One candidate on one task.

    reliability     κ_L that deflated the margin: 1 where answers were checked
    cost_ratio      candidate's replayed cost / logged cost of the same prompts; None: a price or usage is unknown
    input_ratio, output_ratio   replayed tokens / logged tokens, weighted to the whole task; None: unknown
    latencies_ms    of the answered requests, ascending
    usd_per_prompt  what asking and grading one more prompt costs on average
    unreachable     prompts left out because the service failed: nobody's answer
    look, looks     at which look of how many the asking ended, and why it did
    planned         prompts that would have been asked at most
    """

    model: str
    label: str
    verdict: Verdict
    reliability: float
    basis: tuple[str, ...]
    unreachable: int
    look: int
    looks: int
    planned: int
    ended: str
    usd_per_prompt: float
    cost_ratio: Ratio | None
    input_ratio: float | None
    output_ratio: float | None
    latencies_ms: npt.NDArray[np.float64]
    adjustments: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Panel:
    """The graders of a task, by their names.

    reliability    κ_L and what it rests on
    position_bias  how far each favours the answer that it reads first, in [−1, 1]; None: it judged nothing
    agreement      share of the judged pairs on which all say the same; None: there is one grader, or none
    agreement_corrected   the same, less what chance alone would give (Gwet's AC1)
    """

    reliability: Mapping[str, Reliability]
    position_bias: Mapping[str, float | None]
    agreement: float | None
    agreement_corrected: float | None


@dataclass(frozen=True, slots=True)
class TaskTrial:
    """One task: how many prompts there are to ask, what the controls said, and every candidate's result."""

    task: str
    population: int
    replayable_calls: int
    sampled: int
    margin: float
    controls: Controls
    panel: Panel
    candidates: tuple[CandidateTrial, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """All that a trial found, and the cells that it rests on, with their answers and grades."""

    tasks: Sequence[TaskTrial]
    cells: Sequence[Cell]
