"""What a trial will ask: the sampled prompts, and one arm a candidate. Nothing has been sent yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llmcost import logs
from llmcost.calls import Call, Calls
from llmcost.config import CheckSettings, ModelSettings, ReplaySettings
from llmcost.endpoint import ChatRequest
from llmcost.errors import InputError
from llmcost.pricing import PriceBook
from llmcost.replay.arms import CandidateModel, replayable, requests
from llmcost.replay.sample import Sample, draw

CHECKED_MARGIN = 0.02
JUDGED_MARGIN = 0.05


@dataclass(frozen=True, slots=True)
class Arm:
    """One candidate: which sampled prompts it is asked (positions in the sample), how, and what had to be changed."""

    candidate: CandidateModel
    positions: npt.NDArray[np.int64]
    requests: tuple[ChatRequest, ...]
    adjustments: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Design:
    """A trial before it starts. `bodies` and `logged_usd` are parallel to the sample."""

    sample: Sample
    bodies: tuple[Call, ...]
    logged_usd: npt.NDArray[np.float64]
    arms: tuple[Arm, ...]
    checks: Mapping[str, CheckSettings]
    replay: ReplaySettings

    def tasks(self) -> list[str]:
        """Every task of the log, in alphabetical order; some may have no prompt that can be asked again."""
        return sorted(self.sample.population)

    def positions(self, arm: Arm, task: str) -> npt.NDArray[np.int64]:
        """Indices into `arm.positions` (and its requests) that belong to a task."""
        tasks = np.asarray(self.sample.tasks, dtype=object)[arm.positions]
        return np.flatnonzero(tasks == task)

    def comparisons(self) -> int:
        """How many candidate × task comparisons share alpha."""
        return sum(len(self.positions(arm, task)) > 0 for arm in self.arms for task in self.tasks())

    def open_ended(self, task: str) -> bool:
        """Whether most sampled prompts of a task have no expected answer to be checked against."""
        known = [b.expected is not None for b, t in zip(self.bodies, self.sample.tasks, strict=True) if t == task]
        return sum(known) * 2 < len(known)

    def margin(self, task: str) -> float:
        """δ of a task: its own setting, else the run's, else 2 % where answers are checked and 5 % where open-ended.

        It is fixed by the log before anybody answers: a margin that a candidate's answers could widen would be none.
        """
        check = self.checks.get(task)
        if check is not None and check.margin is not None:
            return check.margin
        if self.replay.margin is not None:
            return self.replay.margin
        return JUDGED_MARGIN if self.open_ended(task) else CHECKED_MARGIN


def design(
    calls: Calls,
    costs: npt.NDArray[np.float64],
    candidates: Sequence[CandidateModel],
    *,
    book: PriceBook,
    replay: ReplaySettings,
    models: Mapping[str, ModelSettings],
    checks: Mapping[str, CheckSettings],
) -> Design:
    """The trial of these candidates on this log: a seeded sample of each task, and each candidate's requests.

    Raises InputError if no call of the log can be asked again.
    """
    sample = draw(calls, costs, per_task=replay.sample, seed=replay.seed, replayable=replayable(calls))
    if len(sample.rows) == 0:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(sample.not_replayable.items()))
        raise InputError(
            f"no call of this log can be asked again ({reasons or 'the log is empty'})",
            "replay needs logs with the full request; `llmcost audit` works without",
        )
    bodies = logs.bodies(calls.take(sample.rows))
    arms = tuple(_arm(candidate, bodies, book, models) for candidate in candidates)
    return Design(sample, tuple(bodies), costs[sample.rows], arms, checks, replay)


def _arm(
    candidate: CandidateModel, bodies: Sequence[Call], book: PriceBook, models: Mapping[str, ModelSettings]
) -> Arm:
    asked = np.array([i for i, body in enumerate(bodies) if not _same_model(candidate, body, book)], dtype=np.int64)
    settings = models.get(candidate.model, ModelSettings())
    built, adjustments = requests([bodies[i] for i in asked], candidate, settings)
    return Arm(candidate, asked, tuple(built), adjustments)


def _same_model(candidate: CandidateModel, body: Call, book: PriceBook) -> bool:
    """Whether the candidate is what already answers this call; another effort makes it another candidate."""
    if candidate.effort is not None:
        return False
    if candidate.model in (body.request_model, body.response_model):
        return True
    mine, logged = book.find(candidate.model), book.find(body.request_model)
    return mine is not None and logged is not None and mine.id == logged.id
