"""What a trial found: for every task and candidate the verdict, and what the candidate's answers cost and took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from llmcost.evidence import Decision, Verdict
from llmcost.evidence.calibration import Reliability
from llmcost.evidence.cascade import Auc
from llmcost.evidence.survey import Ratio
from llmcost.trial.cell import Cell
from llmcost.trial.controls import Controls
from llmcost.trial.walks import Rule

PASSED: frozenset[Decision] = frozenset({"SWITCH", "SWITCH_AT"})


@dataclass(frozen=True, slots=True)
class CandidateTrial:
    """One candidate on one task.

    reliability     κ_L that deflated the margin: 1 where answers were checked
    cost_ratio      candidate's replayed cost / logged cost of the same prompts; None: a price or usage is unknown
    input_ratio, output_ratio   replayed tokens / logged tokens, weighted to the whole task; None: unknown
    latencies_ms    of the answered requests, ascending
    usd_per_prompt  what asking and grading one more prompt costs on average
    unreachable     prompts left out because the service failed: nobody's answer
    substitutes       other models that answered in its place, and how many prompts are left out for it
    look, looks     at which look of how many the asking ended, and why it did
    planned         prompts that would have been asked at most
    addressed       answers that speak to graders where the logged ones do not: losses
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
    substitutes: Mapping[str, int]
    addressed: int = 0


@dataclass(frozen=True, slots=True)
class Shortening:
    """What a compressor is asked for each prompt: its tokens over the input tokens of the logged call.

    latencies_ms  of all prompts, ascending; 0 where nothing was long enough
    """

    model: str
    input_ratio: float
    output_ratio: float
    latencies_ms: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RungTrial:
    """One setting of a strategy on one task.

    found        as of any candidate. Its cost is compared with the log's. Its tokens are those of the answering model
                 alone, compared with those of the model that it is on
    shortening   what else is asked, where a model shortens prompts; None: nothing
    calls        of the log that it concerns: hits of a cache, or all of the task that can be asked again
    prefix       tokens at the beginning of a request that stay the same from call to call, as it is sent
    templates    system prompts that were shortened once and for all: before → after
    """

    rule: Rule
    found: CandidateTrial
    shortening: Shortening | None = None
    calls: int = 0
    prefix: int = 0
    templates: Mapping[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether it may be used."""
        return self.found.verdict.decision in PASSED


@dataclass(frozen=True, slots=True)
class WalkTrial:
    """A strategy on one task, as far as it was walked; `on` is the candidate it is on, None: today's models."""

    strategy: str
    on: str | None
    rungs: tuple[RungTrial, ...]

    @property
    def chosen(self) -> RungTrial | None:
        """The boldest setting that passed, with all before it; None: not even the first did."""
        return next((rung for rung in reversed(self.rungs) if rung.passed), None)


@dataclass(frozen=True, slots=True)
class ScoredTier:
    """A model that answers before the last, and how its answers were scored. Shares are of the log's calls.

    swap ratios   its tokens over the logged ones      keep_from    the threshold
    kept          share of all calls that end here      reached      share that gets here
    failed_checks share of its answers that a free check fails
    unread        share that got no score although it was asked for
    grader_*      mean tokens of scoring one answer, and its latencies, ascending
    """

    model: str
    label: str
    keep_from: float
    kept: float
    reached: float
    auc: Auc
    input_ratio: float | None
    output_ratio: float | None
    latencies_ms: npt.NDArray[np.float64]
    failed_checks: float
    unread: float
    grader_input_tokens: float
    grader_output_tokens: float
    grader_latencies_ms: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FrontierTrial:
    """A cascade at other thresholds than the chosen: what it costs over the log, and what it loses. Not a choice.

    difference, lower_bound  on the user's scale; the bound holds for this point alone
    """

    thresholds: tuple[float, ...]
    escalated: float
    cost_ratio: float | None
    difference: float
    lower_bound: float


@dataclass(frozen=True, slots=True)
class CascadeTrial:
    """One cascade on one task.

    last        the candidate that answers what escalates; None: today's model
    reason      why it may be used, or why not
    margin      the loss that was to be ruled out, on the user's scale
    grading     share of its cost that goes to the run-time grader      wasted  … to answers that were not kept
    """

    labels: tuple[str, ...]
    last: str | None
    grader: str
    decision: Decision
    reason: str
    margin: float
    n: int
    basis: tuple[str, ...] = ()
    tiers: tuple[ScoredTier, ...] = ()
    escalated: float | None = None
    cost_ratio: Ratio | None = None
    grading: float | None = None
    wasted: float | None = None
    latencies_ms: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    frontier: tuple[FrontierTrial, ...] = ()


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
    walks: tuple[WalkTrial, ...] = ()
    cascades: tuple[CascadeTrial, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """All that a trial found, and the cells that it rests on, with their answers and grades."""

    tasks: Sequence[TaskTrial]
    cells: Sequence[Cell]
