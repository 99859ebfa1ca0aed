"""The prompts of a cascade: what each of its models would have cost, lost and taken, whatever the thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf

import numpy as np
import numpy.typing as npt

from llmcost.evidence.cascade import Judged, Prompts, Tier, ends
from llmcost.evidence.survey import Ratio, cost_ratio, reach_of_total
from llmcost.serving import Scored
from llmcost.serving.cascade import in_turn
from llmcost.trial import cell as cells
from llmcost.trial.cell import Cell
from llmcost.trial.task import TaskRun

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Thresholds = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Rated:
    """A tier, and what the run-time grader made of its answers; `marks` are parallel to `cell.known`."""

    cell: Cell
    marks: Sequence[Scored]


class Climb:
    """The prompts that all models of a cascade have answered, and what each of them would have cost and lost.

    Arrays have one entry a prompt; lists one entry a tier.
    """

    def __init__(self, task: TaskRun, tiers: Sequence[Rated], last: Cell | None) -> None:
        self.task, self.tiers, self.last = task, tiers, last
        everybody = [tier.cell for tier in tiers] + ([last] if last else [])
        graded = [_graded_positions(cell) for cell in everybody]
        self.positions: Ints = np.array(sorted(set.intersection(*graded)), dtype=np.int64)
        self._places = [_places_of(cell, self.positions) for cell in everybody]
        design = task.design
        self.prompts = Prompts(design.sample.weights[self.positions], design.clusters[self.positions])
        self.scores = [self._of(number, _scores(tier.marks)) for number, tier in enumerate(tiers)]

    def _of(self, number: int, values: Floats) -> Floats:
        """What is told of every known answer of a model, for these prompts."""
        return np.asarray(values[self._places[number]], dtype=np.float64)

    @cached_property
    def asking_usd(self) -> list[Floats]:
        """What each tier's answer cost."""
        tariff = self.task.means.tariff
        return [self._of(number, cells.paid(tier.cell, tariff)) for number, tier in enumerate(self.tiers)]

    @cached_property
    def scoring_usd(self) -> list[Floats]:
        """What scoring it cost."""
        tariff = self.task.means.tariff
        paid = [tariff.of_attempts([mark.attempts for mark in tier.marks]) for tier in self.tiers]
        return [self._of(number, usd) for number, usd in enumerate(paid)]

    @cached_property
    def logged_usd(self) -> Floats:
        """What today's model cost."""
        return self.task.design.logged_usd[self.positions]

    @cached_property
    def last_usd(self) -> Floats:
        """What the last tier cost."""
        if self.last is None:
            return self.logged_usd
        return self._of(len(self.tiers), cells.paid(self.last, self.task.means.tariff))

    def judged(self, margin: float) -> list[Judged]:
        """What each judge says of the tiers' answers, with its own delta."""
        first = self.tiers[0].cell
        rules = self.task.judging(first, first.look).rules
        savings = self._savings()
        return [
            Judged(
                [
                    Tier(scores, self._of(number, _differences(tier.cell, name)), saving)
                    for number, (tier, scores, saving) in enumerate(zip(self.tiers, self.scores, savings, strict=True))
                ],
                rule.reliability * margin,
                None if self.last is None else self._of(len(self.tiers), _differences(self.last, name)),
            )
            for name, rule in rules.items()
        ]

    def _savings(self) -> list[float]:
        """What a prompt costs less that ends at each tier, all tried ones paid."""
        paid = np.cumsum([_mean(a) + _mean(s) for a, s in zip(self.asking_usd, self.scoring_usd, strict=True)])
        return [_mean(self.last_usd) - float(usd) for usd in paid]

    def unscored(self) -> Iterator[str]:
        """The tiers of which no answer has a score: they escalate everything at every threshold."""
        for tier, scores in zip(self.tiers, self.scores, strict=True):
            if np.isnan(scores).all():
                yield tier.cell.label

    def ended(self, step: Thresholds) -> Ints:
        """The tier at which each prompt ends."""
        return ends([Tier(scores, np.zeros(len(scores))) for scores in self.scores], step)

    def spent(self, step: Thresholds) -> tuple[Floats, Floats, Floats]:
        """What each prompt costs at these thresholds; of that, what is paid for scores, and for answers nobody gets."""
        ended = self.ended(step)
        scoring, wasted = np.zeros(len(ended)), np.zeros(len(ended))
        answers = np.where(ended == len(self.tiers), self.last_usd, 0.0)
        for number, threshold in enumerate(step):
            if threshold == inf:  # a tier that keeps nothing is not asked
                continue
            scoring += np.where(ended >= number, self.scoring_usd[number], 0.0)
            wasted += np.where(ended > number, self.asking_usd[number], 0.0)
            answers += np.where(ended == number, self.asking_usd[number], 0.0)
        return answers + scoring + wasted, scoring, wasted

    def ratio(self, step: Thresholds) -> Ratio:
        """What it costs over the log, and how much that could be where others of its prompts escalate.

        The ratio's own interval knows only the escalations that it has seen; where they are few it covers the truth in
        40 to 90 % of samples. So it reaches at least as far as the binomial error of the dollars of whoever is asked
        after the first, and then covers it in 94 % and more.
        """
        weights, logged = self.prompts.weights, self.logged_usd
        paid = self.spent(step)[0]
        found = cost_ratio(paid, logged, weights, clusters=self.prompts.clusters)
        if found.value is None or found.low is None or found.high is None:
            return found
        known = np.isfinite(paid) & np.isfinite(logged)
        total = float(weights[known] @ logged[known])
        fewer, more = (usd / total for usd in self._escalating(step, known))
        return replace(
            found, low=max(0.0, min(found.low, found.value - fewer)), high=max(found.high, found.value + more)
        )

    def _escalating(self, step: Thresholds, known: Bools) -> tuple[float, float]:
        """Dollars of these prompts, weighted, that could be paid less, and more, after the first model asked."""
        ended, clusters = self.ended(step), self.prompts.clusters
        _, *later = [*(number for number, threshold in enumerate(step) if threshold < inf), len(self.tiers)]
        fewer = more = 0.0
        for number in later:
            paid = self.last_usd if number == len(self.tiers) else self.asking_usd[number] + self.scoring_usd[number]
            usd = np.where(known, np.nan_to_num(paid), 0.0) * self.prompts.weights
            below, above = reach_of_total(ended >= number, usd, clusters)
            fewer, more = fewer + below, more + above
        return fewer, more

    def latencies(self, step: Thresholds) -> Floats:
        """How long each prompt takes, ascending; those of which a part is not known are left out."""
        ended = self.ended(step)
        found = np.where(ended == len(self.tiers), self._last_latency(), 0.0)
        for number, tier in enumerate(self.tiers):
            taken = [
                in_turn([tier.cell.served[place].latency_ms, mark.latency_ms])
                for place, mark in zip(tier.cell.known, tier.marks, strict=True)
            ]
            serial = self._of(number, np.array([np.nan if ms is None else ms for ms in taken], dtype=np.float64))
            found += np.where((ended >= number) & (step[number] < inf), serial, 0.0)
        return np.sort(found[~np.isnan(found)])

    def _last_latency(self) -> Floats:
        if self.last is None:
            found = [self.task.design.bodies[position].latency_ms for position in self.positions]
            return np.array([np.nan if ms is None else ms for ms in found], dtype=np.float64)
        known = [self.last.served[place].latency_ms for place in self.last.known]
        return self._of(len(self.tiers), np.array([np.nan if ms is None else ms for ms in known], dtype=np.float64))


def _graded_positions(cell: Cell) -> set[int]:
    """The prompts whose answer every grader has graded."""
    graded = np.array([~np.isnan(_differences(cell, name)) for name in cell.graded.by_judge])
    return {int(position) for position in cell.positions[graded.all(axis=0)]}


def _places_of(cell: Cell, positions: Ints) -> Ints:
    """Where among the known answers of a cell those to these prompts are."""
    place = {int(position): index for index, position in enumerate(cell.positions)}
    return np.array([place[int(position)] for position in positions], dtype=np.int64)


def _differences(cell: Cell, judge: str) -> Floats:
    grades = cell.graded.by_judge[judge]
    return np.array([np.nan if g.difference is None else g.difference for g in grades], dtype=np.float64)


def _scores(marks: Sequence[Scored]) -> Floats:
    return np.array([np.nan if mark.score is None else mark.score for mark in marks], dtype=np.float64)


def _mean(usd: Floats) -> float:
    return float(np.nanmean(usd)) if np.isfinite(usd).any() else 0.0
