"""What a trial found: for every task and candidate the verdict, and what the candidate's answers cost and took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llmcost.evidence import Verdict
from llmcost.evidence.survey import Ratio


@dataclass(frozen=True, slots=True)
class CandidateTrial:
    """One candidate on one task.

    reliability     κ_L that deflated the margin: 1 where answers were checked
    cost_ratio      candidate's replayed cost / logged cost of the same prompts; None: a price or usage is unknown
    input_ratio, output_ratio   replayed tokens / logged tokens, weighted to the whole task; None: unknown
    latencies_ms    of the answered requests, ascending
    usd_per_prompt  what asking and grading one more prompt costs on average
    unreachable     prompts left out because the service failed: nobody's answer
    """

    model: str
    label: str
    verdict: Verdict
    reliability: float
    basis: tuple[str, ...]
    unreachable: int
    usd_per_prompt: float
    cost_ratio: Ratio | None
    input_ratio: float | None
    output_ratio: float | None
    latencies_ms: npt.NDArray[np.float64]
    adjustments: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TaskTrial:
    """One task: how many prompts were asked of how many distinct ones, and every candidate's result.

    gross_bad   share of planted bad answers that the worst grader caught; None: no grader was needed
    """

    task: str
    population: int
    replayable_calls: int
    sampled: int
    margin: float
    gross_bad: float | None
    candidates: tuple[CandidateTrial, ...]
