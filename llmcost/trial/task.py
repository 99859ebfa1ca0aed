"""One task of a running trial."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from llmcost.answers import Usage
from llmcost.evidence import Rule
from llmcost.evidence.calibration import EXACT, Reliability, reliability
from llmcost.grading import Grader
from llmcost.grading.agreement import agreement, chance_corrected, position_bias
from llmcost.grading.decide import ADDRESSED
from llmcost.grading.panel import CHECKS_ALONE
from llmcost.trial import cell as cells
from llmcost.trial.cell import Cell, Judging
from llmcost.trial.controls import Controls
from llmcost.trial.design import Design
from llmcost.trial.means import Means
from llmcost.trial.result import CandidateTrial, Panel, TaskTrial
from llmcost.trial.stopping import stop


class TaskRun:
    """One task of a running trial: its cells, and who may be believed about them."""

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
        if self.hopeless:
            for cell in own:
                cell.most = 0

    @property
    def hopeless(self) -> bool:
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
            cell.verdict = cells.verdict(self.design, cell, self.judging(cell, look))
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

    def judging(self, cell: Cell, look: int, replays: bool = True) -> Judging:
        """What is known of the graders at a look. What `replays` nothing is none the worse for an unfaithful replay."""
        return Judging(
            rules={name: self._rule(cell, name, look) for name in cell.graded.by_judge},
            unfaithful=self.controls.unfaithful if replays else None,
            untrusted=self.controls.untrusted,
            labels=self.means.labels,
            key=self.means.key,
        )

    def _rule(self, cell: Cell, grader: str, look: int) -> Rule:
        comparisons = cell.comparisons or self.design.comparisons(self.name)
        critical = self.design.critical_values(comparisons)
        by_judge = cell.graded.judged and grader != CHECKS_ALONE
        return Rule(
            margin=self.design.margin(self.name),
            alpha=self.design.replay.alpha,
            comparisons=comparisons,
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
            candidates=tuple(self.candidate(cell, self.design) for cell in self.cells),
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

    def candidate(
        self, cell: Cell, design: Design, beside: Sequence[Usage] | None = None, replays: bool = True
    ) -> CandidateTrial:
        """What a cell has come to.

        design  whose sample it was asked about      beside  the tokens that its own are compared with; None: the logged
        """
        assert cell.verdict is not None
        tariff, positions = self.means.tariff, cell.positions
        weights = design.sample.weights[positions]
        logged = [design.bodies[position].usage for position in positions] if beside is None else beside
        latencies = [cell.served[i].latency_ms for i in cell.known]
        asked, written = (cells.tokens(cell, "answer", name) for name in ("input_tokens", "output_tokens"))
        return CandidateTrial(
            model=cell.arm.candidate.model,
            label=cell.label,
            verdict=cell.verdict,
            reliability=min(
                (rule.reliability for rule in self.judging(cell, cell.look, replays).rules.values()), default=1.0
            ),
            basis=tuple(basis for basis, _ in cell.graded.basis().most_common()),
            unreachable=cell.unreachable,
            look=cell.look,
            looks=len(design.looks()),
            planned=cell.most,
            ended=cell.ended or "",
            usd_per_prompt=cells.usd_per_prompt(cell, self.graders, tariff),
            cost_ratio=cells.ratio(design, cell, tariff),
            input_ratio=cells.token_ratio(asked, [usage.input_tokens for usage in logged], weights),
            output_ratio=cells.token_ratio(written, [usage.output_tokens for usage in logged], weights),
            latencies_ms=np.sort(np.array([ms for ms in latencies if ms is not None], dtype=np.float64)),
            adjustments=cell.arm.adjustments,
            addressed=max((said.count(ADDRESSED) for said in cell.graded.by_judge.values()), default=0),
            substitutes=cell.substitutes,
        )
