"""The trial itself: test the graders and the replay, then ask, grade and decide, look by look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from llmcost.endpoint import Ask, ChatRequest
from llmcost.evidence import Rule
from llmcost.evidence.calibration import EXACT, Reliability, reliability
from llmcost.grading import Grader
from llmcost.grading.agreement import agreement, chance_corrected, position_bias
from llmcost.grading.labels import HumanLabel
from llmcost.grading.panel import CHECKS_ALONE
from llmcost.serving import Served, plainly
from llmcost.trial import cell as cells
from llmcost.trial.cell import Cell, Judging
from llmcost.trial.controls import Controls, run_controls
from llmcost.trial.cost import Tariff
from llmcost.trial.design import Design
from llmcost.trial.pilot import PILOT, plan_sizes
from llmcost.trial.remembered import Remembered
from llmcost.trial.result import CandidateTrial, Panel, TaskTrial, Trial
from llmcost.trial.stopping import stop


class Watch(Protocol):
    """Hears how a trial stands."""

    def looked(self, look: int, looks: int, standing: Mapping[str, Mapping[str, str]]) -> None:
        """A look was taken: by candidate and task, whether it is still asked ("") or why not."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a trial works with.

    ask               puts requests to their endpoints
    graders           compare the candidates' answers; control_graders are the same on another line of the bill
    labels, key       people's verdicts by the key of the candidate's answer, and a request's key
    money_left        US dollars that may still be spent, for `--sample auto` to plan with; None: as much as it takes
    """

    ask: Ask
    graders: Sequence[Grader]
    control_graders: Sequence[Grader]
    tariff: Tariff
    key: Callable[[ChatRequest], bytes]
    labels: Mapping[bytes, HumanLabel] = field(default_factory=dict)
    watch: Watch | None = None
    money_left: Callable[[], float | None] = lambda: None


async def run(design: Design, means: Means) -> Trial:
    """Every task's trial. Raises BudgetError or EndpointError when the asking has to stop; answers stay stored."""
    graders = [Remembered(grader) for grader in means.graders]
    tasks = [
        _Task(design, means, name, _cells(design, name), graders, controls)
        for name, controls in zip(design.tasks(), await _all_controls(design, means), strict=True)
    ]
    if design.replay.sample == "auto":
        await _pilot(design, means, tasks)
    for look, fraction in enumerate(design.looks(), start=1):
        await _ask(means.ask, [cell for task in tasks for cell in task.active()], design, fraction)
        await asyncio.gather(*(task.look(look) for task in tasks))
        _tell(means.watch, look, design, tasks)
        if not any(task.active() for task in tasks):
            break
    return Trial([task.result() for task in tasks], [pair for task in tasks for pair in task.cells])


async def _all_controls(design: Design, means: Means) -> list[Controls]:
    return await asyncio.gather(
        *(run_controls(design, task, means.ask, means.control_graders) for task in design.tasks())
    )


def _cells(design: Design, task: str) -> list[Cell]:
    found = [(arm, design.positions(arm, task)) for arm in design.arms]
    return [Cell(arm, task, places, len(places)) for arm, places in found if len(places)]


async def _ask(ask: Ask, asked: Sequence[Cell], design: Design, fraction: float) -> None:
    """Asks these cells what they need for a look, prompt by prompt across them: a run cut short has seen all alike."""
    order = sorted(
        (int(cell.arm.positions[place]), number, place)
        for number, cell in enumerate(asked)
        for place in cell.waiting(fraction)
    )
    requests = [asked[number].arm.requests[place] for _, number, place in order]
    answers: dict[int, list[Served]] = {}
    for (_, number, _), request, completion in zip(order, requests, await ask(requests, "replay"), strict=True):
        answers.setdefault(number, []).append(plainly(request, completion))
    for number, served in answers.items():
        asked[number].take(design, served)


async def _pilot(design: Design, means: Means, tasks: Sequence[_Task]) -> None:
    """Asks a few prompts without looking at who wins, and plans from how often answers differ how many are needed."""
    every = [cell for task in tasks for cell in task.active()]
    whole = {id(cell): cell.most for cell in every}
    for cell in every:
        cell.most = min(cell.most, PILOT)
    await _ask(means.ask, every, design, 1.0)
    await asyncio.gather(*(task.regrade() for task in tasks))
    for cell in every:
        cell.most = whole[id(cell)]
    usd = {id(c): cells.usd_per_prompt(c, task.graders, means.tariff) for task in tasks for c in task.active()}
    plan_sizes(design, every, {task.name: task.reliability_of() for task in tasks}, usd, means.money_left())


def _tell(watch: Watch | None, look: int, design: Design, tasks: Sequence[_Task]) -> None:
    if watch is not None:
        standing: dict[str, dict[str, str]] = {}
        for cell in (cell for task in tasks for cell in task.cells):
            standing.setdefault(cell.label, {})[cell.task] = cell.ended or ""
        watch.looked(look, len(design.looks()), standing)


class _Task:
    """One task of a running trial."""

    def __init__(
        self,
        design: Design,
        means: Means,
        name: str,
        own: list[Cell],
        graders: Sequence[Grader],
        controls: Controls,
    ) -> None:
        self.design, self.means, self.name, self.cells, self.controls = design, means, name, own, controls
        self.named = [grader.name for grader in graders]
        self.graders = () if controls.untrusted else graders  # nothing more is spent on one that must not be believed
        if self._hopeless():
            for cell in own:
                cell.most = 0

    def _hopeless(self) -> bool:
        """Whether no candidate could pass, whatever it answers."""
        untrusted = self.controls.untrusted is not None and self.design.open_ended(self.name)
        return untrusted or self.controls.unfaithful is not None

    def active(self) -> list[Cell]:
        """The cells that are still asked."""
        return [cell for cell in self.cells if cell.ended is None]

    async def regrade(self) -> None:
        """Grades what came back."""
        await asyncio.gather(*(cell.regrade(self.design, self.graders) for cell in self.active()))

    async def look(self, look: int) -> None:
        """Grades what came back, decides, and ends what needs no more prompts."""
        active = self.active()
        await self.regrade()
        for cell in active:
            cell.look = look
            cell.verdict = cells.verdict(self.design, cell, self._judging(cell, look))
        if active:
            ratios = {cell.label: cells.ratio(self.design, cell, self.means.tariff) for cell in self.cells}
            stop(self.cells, ratios, len(self.design.looks()))

    def reliability_of(self) -> dict[str, Reliability]:
        """How far each grader may be believed on this task, by its name."""
        return {name: self._reliability(name) for name in self.named}

    def _reliability(self, grader: str) -> Reliability:
        planted = [-c.differences for c in self.controls.subtle if c.grader == grader]
        people, said, weights = self._people_against(grader)
        signs, decided = np.sign(people), people != 0
        return reliability(
            planted=planted[0] if planted else None,
            people=(said * signs)[decided],
            people_weights=weights[decided],
        )

    def _people_against(self, grader: str) -> tuple[cells.Floats, cells.Floats, cells.Floats]:
        """People's verdicts, the grader's on the same pairs, and 1 / the chance with which these were labelled."""
        rows = [
            (label.difference, grade.difference, 1 / label.probability)
            for cell in self.cells
            for place, label in cells.labelled(cell, self._bare()).items()
            for grade in cell.graded.by_judge.get(grader, [])[place : place + 1]
            if grade.orders is not None and grade.difference is not None
        ]
        columns = np.array(rows, dtype=np.float64).reshape(-1, 3).T
        return columns[0], columns[1], columns[2]

    def _bare(self) -> Judging:
        return Judging({}, None, None, self.means.labels, self.means.key)

    def _judging(self, cell: Cell, look: int) -> Judging:
        return Judging(
            rules={name: self._rule(cell, name, look) for name in cell.graded.by_judge},
            unfaithful=self.controls.unfaithful,
            untrusted=self.controls.untrusted,
            labels=self.means.labels,
            key=self.means.key,
        )

    def _rule(self, cell: Cell, grader: str, look: int) -> Rule:
        critical = self.design.critical_values(self.name)
        by_judge = cell.graded.judged and grader != CHECKS_ALONE
        return Rule(
            margin=self.design.margin(self.name),
            alpha=self.design.replay.alpha,
            comparisons=self.design.comparisons(self.name),
            reliability=(self._reliability(grader) if by_judge else EXACT).value,
            limit=self.design.replay.limit,
            critical=critical[look - 1],
            last=critical[-1],
        )

    def result(self) -> TaskTrial:
        """What was found out about the task."""
        sample = self.design.sample
        return TaskTrial(
            task=self.name,
            population=sample.population[self.name],
            replayable_calls=sample.calls_per_task[self.name],
            sampled=sample.tasks.count(self.name),
            margin=self.design.margin(self.name),
            controls=self.controls,
            panel=self._panel(),
            candidates=tuple(self._candidate(cell) for cell in self.cells),
        )

    def _panel(self) -> Panel:
        grades = {
            grader.name: [g for cell in self.cells for g in cell.graded.by_judge.get(grader.name, ())]
            for grader in self.graders
        }
        return Panel(
            reliability=self.reliability_of(),
            position_bias={name: position_bias(said) for name, said in grades.items()},
            agreement=agreement(grades) if len(grades) > 1 else None,
            agreement_corrected=chance_corrected(grades) if len(grades) > 1 else None,
        )

    def _candidate(self, cell: Cell) -> CandidateTrial:
        design, tariff = self.design, self.means.tariff
        assert cell.verdict is not None
        weights, positions = design.sample.weights[cell.positions], cell.positions
        usage = [cell.served[i].completion.usage for i in cell.known]
        logged = [design.bodies[position].usage for position in positions]
        latencies = [cell.served[i].latency_ms for i in cell.known]
        return CandidateTrial(
            model=cell.arm.candidate.model,
            label=cell.label,
            verdict=cell.verdict,
            reliability=min((rule.reliability for rule in self._judging(cell, cell.look).rules.values()), default=1.0),
            basis=tuple(basis for basis, _ in cell.graded.basis().most_common()),
            unreachable=cell.unreachable,
            look=cell.look,
            looks=len(design.looks()),
            planned=cell.most,
            ended=cell.ended or "",
            usd_per_prompt=cells.usd_per_prompt(cell, self.graders, tariff),
            cost_ratio=cells.ratio(design, cell, tariff),
            input_ratio=_token_ratio([u.input_tokens for u in usage], [u.input_tokens for u in logged], weights),
            output_ratio=_token_ratio([u.output_tokens for u in usage], [u.output_tokens for u in logged], weights),
            latencies_ms=np.sort(np.array([ms for ms in latencies if ms is not None], dtype=np.float64)),
            adjustments=cell.arm.adjustments,
        )


def _token_ratio(asked: Sequence[int | None], logged: Sequence[int | None], weights: cells.Floats) -> float | None:
    """Replayed over logged tokens, weighted to the calls of the task, where both are known; None: nowhere."""
    both = np.array(
        [(a, b, w) for a, b, w in zip(asked, logged, weights, strict=True) if a is not None and b is not None],
        dtype=np.float64,
    ).reshape(-1, 3)
    below = float(both[:, 2] @ both[:, 1])
    return float(both[:, 2] @ both[:, 0]) / below if below > 0 else None
