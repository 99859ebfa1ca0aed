"""What a trial will ask: the sampled prompts, one arm a candidate, and the incumbent again. Nothing was sent yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from llmcost import logs
from llmcost.calls import Call, Calls
from llmcost.config import CheckSettings, ModelSettings, ReplaySettings
from llmcost.endpoint import ChatRequest
from llmcost.errors import InputError
from llmcost.evidence import boundaries, fractions
from llmcost.pricing import PriceBook
from llmcost.replay.arms import replayable, requests
from llmcost.replay.sample import Sample, draw
from llmcost.serving import Batching, Caching, CandidateModel, Compression, Served, Steps
from llmcost.trial.clusters import clusters

CHECKED_MARGIN = 0.02
JUDGED_MARGIN = 0.05
AUTO_MOST = 5_000  # prompts a task, of which `--sample auto` takes what the pilot shows to be needed
AGAIN = 1  # replicate of the incumbent's requests: what was stored for the same question must not answer them


Way: TypeAlias = Callable[[Sequence[int]], Steps[list[Served]]]


@dataclass(frozen=True, slots=True)
class Arm:
    """One candidate: which sampled prompts it is asked (positions in the sample), how, and what had to be changed.

    way   how some of its requests, by their places, come to be answered; None: each is asked as it stands
    name  what people call it, if it is more than a model
    """

    candidate: CandidateModel
    positions: npt.NDArray[np.int64]
    requests: tuple[ChatRequest, ...]
    adjustments: Mapping[str, int]
    way: Way | None = None
    name: str | None = None

    @property
    def label(self) -> str:
        """The candidate as a user writes it, or the name of what else it is."""
        return self.candidate.label() if self.name is None else self.name


CASCADE_TIERS = 2  # cheaper models that a cascade is tried with: each alone, and both


@dataclass(frozen=True, slots=True)
class Tried:
    """What is tried besides other models, "cascade", "cache", "compress" and "batch" by task, and how.

    compressions, batchings, likenesses   from careful to bold: the next is tried where the one before has passed
    grader                                scores the answers of a cascade's tiers; None: the cheapest candidate that may
    """

    tasks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    compressions: tuple[Compression, ...] = ()
    batchings: tuple[Batching, ...] = ()
    likenesses: tuple[Caching, ...] = ()
    grader: str | None = None

    def of(self, task: str) -> frozenset[str]:
        """What is tried on a task."""
        return self.tasks.get(task, frozenset())

    def comparisons(self, task: str, models: int) -> int:
        """How many comparisons that adds to those with so many models: one a walk, one a cascade."""
        walks = len(self.of(task) - {"cascade"})
        return walks + (cascades(models) if "cascade" in self.of(task) else 0)


def cascades(models: int) -> int:
    """How many cascades are tried where there are so many candidates: with each of the two cheapest, and with both."""
    tiers = min(models, CASCADE_TIERS)
    return tiers + (tiers == CASCADE_TIERS)


NOTHING_ELSE = Tried()


@dataclass(frozen=True, slots=True)
class Design:
    """A trial before it starts. `calls`, `bodies`, `logged_usd` and `clusters` are parallel to the sample.

    again  the incumbents' own requests, to be asked once more: the control of the replay itself
    """

    sample: Sample
    calls: Calls
    bodies: tuple[Call, ...]
    logged_usd: npt.NDArray[np.float64]
    clusters: npt.NDArray[np.int64]
    arms: tuple[Arm, ...]
    again: tuple[Arm, ...]
    checks: Mapping[str, CheckSettings]
    replay: ReplaySettings
    tried: Tried = NOTHING_ELSE

    def tasks(self) -> list[str]:
        """Every task of the log, in alphabetical order; some may have no prompt that can be asked again."""
        return sorted(self.sample.population)

    def positions(self, arm: Arm, task: str) -> npt.NDArray[np.int64]:
        """Indices into `arm.positions` (and its requests) that belong to a task."""
        tasks = np.asarray(self.sample.tasks, dtype=object)[arm.positions]
        return np.flatnonzero(tasks == task)

    def comparisons(self, task: str) -> int:
        """How many comparisons share alpha with those of this task: of the whole plan, or of the task alone."""
        shared = self.tasks() if self.replay.alpha_scope == "plan" else [task]
        return sum(self._comparisons(name) for name in shared)

    def _comparisons(self, task: str) -> int:
        models = sum(len(self.positions(arm, task)) > 0 for arm in self.arms)
        return models + self.tried.comparisons(task, models)

    def looks(self) -> tuple[float, ...]:
        """The shares of a task's sample after which its candidates are looked at."""
        return fractions(self.replay.looks)

    def critical_values(self, comparisons: int) -> tuple[float, ...]:
        """What a candidate's statistic must exceed at each look, if so many comparisons share alpha."""
        return boundaries(self.replay.alpha / max(comparisons, 1), self.looks())

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
    tried: Tried = NOTHING_ELSE,
) -> Design:
    """The trial of these candidates on this log: a seeded sample of each task, and each candidate's requests.

    Raises InputError if no call of the log can be asked again.
    """
    most = AUTO_MOST if replay.sample == "auto" else replay.sample
    sample = draw(calls, costs, per_task=most, seed=replay.seed, replayable=replayable(calls))
    if len(sample.rows) == 0:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(sample.not_replayable.items()))
        raise InputError(
            f"no call of this log can be asked again ({reasons or 'the log is empty'})",
            "replay needs logs with the full request; `llmcost audit` works without",
        )
    chosen = calls.take(sample.rows)
    bodies = logs.bodies(chosen)
    return Design(
        sample=sample,
        calls=chosen,
        bodies=tuple(bodies),
        logged_usd=costs[sample.rows],
        clusters=clusters(chosen, sample.tasks),
        arms=tuple(_arm(candidate, bodies, book, models) for candidate in candidates),
        again=tuple(_again(bodies, _first_of_each_task(sample.tasks, replay.aa), models)),
        checks=checks,
        replay=replay,
        tried=tried,
    )


def _first_of_each_task(tasks: Sequence[str], count: int) -> list[int]:
    """Positions of the first `count` prompts of every task, in order of asking."""
    seen: dict[str, int] = {}
    chosen = []
    for position, task in enumerate(tasks):
        seen[task] = seen.get(task, 0) + 1
        if seen[task] <= count:
            chosen.append(position)
    return chosen


def _again(bodies: Sequence[Call], positions: Sequence[int], models: Mapping[str, ModelSettings]) -> Iterator[Arm]:
    """One arm for every model of the log, with those of these prompts that it answered."""
    by_model: dict[str, list[int]] = {}
    for position in positions:
        if (name := bodies[position].request_model or bodies[position].response_model) is not None:
            by_model.setdefault(name, []).append(position)
    for name, own in sorted(by_model.items()):
        candidate = CandidateModel(name)
        asked, adjustments = requests([bodies[i] for i in own], candidate, models.get(name, ModelSettings()))
        repeated = tuple(replace(request, replicate=AGAIN) for request in asked)
        yield Arm(candidate, np.array(own, dtype=np.int64), repeated, adjustments)


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
