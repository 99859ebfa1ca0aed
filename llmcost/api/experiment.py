"""A replay as one job: plan it, say what it would cost, run it within the cap, keep the report."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from llmcost import trial
from llmcost.api.destinations import destinations
from llmcost.api.endpoints import Endpoints, ForControls, endpoints, spend_of, wait_for
from llmcost.api.examples import located
from llmcost.api.rerun import command
from llmcost.api.simulating import cache_settings, stack_of
from llmcost.api.traffic import Traffic
from llmcost.api.trying import Tries, asked_besides, with_strategies
from llmcost.api.views import EstimateView, ReplayView
from llmcost.audit.savings import Stack
from llmcost.config import CacheSettings, ReplaySettings
from llmcost.endpoint import ChatRequest
from llmcost.endpoint.egress import ANYWHERE, Egress
from llmcost.errors import ConfigError
from llmcost.grading import grader, labels, refuse_related_judges
from llmcost.recommend.assemble import RunFacts, assemble
from llmcost.recommend.bill import billed_log
from llmcost.recommend.result import (
    LookEstimate,
    ModelEstimate,
    NotReplayable,
    Redaction,
    ReplayEstimate,
    Spend,
    TaskReach,
    TaskSample,
)
from llmcost.replay import Budget, Progress, open_store
from llmcost.serving import parse_candidate
from llmcost.trial import Design, Means, Tariff
from llmcost.trial.besides import besides
from llmcost.trial.cell import Cell
from llmcost.trial.estimate import merged, total
from llmcost.trial.means import Watch
from llmcost.trial.record import RecordedArm, RecordedPair, RunRecord, pack
from llmcost.version import VERSION
from llmcost.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Experiment:
    """A replay that is planned but not paid for: `estimate()` says what it would cost, `run()` spends."""

    traffic: Traffic
    tries: Tries
    stack: Stack
    tariff: Tariff
    replay: ReplaySettings
    endpoints: Endpoints
    workspace: Workspace
    config: Path | None = None  # the configuration that was named, for the command that runs this again

    @property
    def design(self) -> Design:
        """What is asked of whom."""
        return self.tries.design

    def estimate(self) -> EstimateView:
        """What would be sent, where, and what it would cost at most. Sends nothing."""
        sample, book = self.design.sample, self.traffic.book
        stored = self._stored()
        lines = self._lines(stored)
        asked = self._requests()
        fresh = [request for request in asked if self.key(request) not in stored] if stored else asked
        by_model = [ModelEstimate(m.model, m.role, m.calls, m.max_usd, m.expected_usd) for m in lines]
        expected = total(line.expected_usd for line in lines)
        drawn = {task: sample.tasks.count(task) for task in sample.population}
        return EstimateView(
            ReplayEstimate(
                llmcost_version=VERSION,
                prices=book.stamp,
                host=self.host,
                calls=sum(line.calls for line in lines),
                stored_calls=len(stored),
                max_usd=total(line.max_usd for line in lines),
                expected_usd=expected,
                cap_usd=self.replay.budget,
                by_model=by_model,
                sample=[TaskSample(task, sample.population[task], n) for task, n in drawn.items() if n],
                not_replayable=[NotReplayable(reason, n) for reason, n in sample.not_replayable.items()],
                adjusted_parameters=_adjustments(self.design),
                looks=self._looks(lines),
                reach=self._reach(expected),
                redaction=self._redaction(),
                destinations=destinations(self.endpoints, fresh, lines),
            )
        )

    def _redaction(self) -> Redaction | None:
        return self.endpoints.redaction([body.request or {} for body in self.design.bodies])

    def _looks(self, lines: Sequence[trial.ModelCost]) -> list[LookEstimate]:
        """What has been spent by each look if nothing is dropped before: controls first, then share by share."""
        first = total(line.expected_usd for line in lines if line.role == "control")
        rest = total(line.expected_usd for line in lines if line.role != "control")
        known = first is not None and rest is not None
        return [
            LookEstimate(share, (first or 0.0) + share * (rest or 0.0) if known else None)
            for share in self.design.looks()
        ]

    def _reach(self, expected: float | None) -> list[TaskReach]:
        cap = self.replay.budget
        affordable = 1.0 if cap is None or not expected else cap / expected
        found = trial.reach(self.design, affordable)
        return [TaskReach(item.task, item.margin, item.prompts, item.smallest, item.least) for item in found]

    def run(self, progress: Progress | None = None, watch: Watch | None = None) -> ReplayView:
        """Asks, grades and decides, within the cap; the report is kept in the workspace.

        Without a `budget` the cap is the worst case of the whole run, what is stored already included; models without a
        price are outside it. Raises ConfigError for such a model if a budget is given or it is not on this machine,
        BudgetError or EndpointError when the asking has to stop; what was answered is stored, and running the same
        again resumes.
        """
        cap = self.replay.budget
        self.endpoints.refuse_uncapped()
        if cap is None:
            cap = math.fsum(line.max_usd for line in self._lines(stored=()) if line.max_usd is not None)
        return wait_for(self._run(cap, progress, watch))

    def _lines(self, stored: Collection[bytes]) -> list[trial.ModelCost]:
        own = trial.estimate(self.design, self.tariff, self.replay.graders, lambda r: self.key(r) in stored)
        more = besides(self.design, self.tariff, self.replay.graders, self.tries.near.rungs)
        return merged([*own, *more])

    async def _run(self, cap: float, progress: Progress | None, watch: Watch | None) -> ReplayView:
        endpoints, budget, run = self.endpoints, Budget(cap), self.run_id()
        with open_store(self.workspace) as store:
            questions = sum(len(arm.requests) for arm in (*self.design.arms, *self.design.again))
            async with endpoints.runner(store, run, budget, progress, questions) as runner:
                means = Means(
                    ask=runner,
                    graders=[grader(name, runner, endpoints.as_taken) for name in self.replay.graders],
                    control_graders=[
                        grader(name, ForControls(runner), endpoints.as_taken) for name in self.replay.graders
                    ],
                    tariff=self.tariff,
                    key=self.key,
                    labels=labels.decode(self.workspace.labels()),
                    watch=watch,
                    money_left=lambda: max(cap - budget.spent_usd - budget.reserved_usd, 0.0),
                )
                found = await trial.run(self.design, means, self.tries.near.rungs)
                spend = spend_of(runner.spend(), cap)
        log = billed_log(self.traffic.calls, self.traffic.costs, self.traffic.book, found.tasks)
        record = self._record(run, found)
        facts = replace(self._facts(run, spend), examples=located(record, self.design.calls, self.workspace))
        report = assemble(log, found.tasks, facts, self.stack)
        self.workspace.save_record(report.run, pack(record, self.design.calls))
        self.workspace.save_run(report.run, msgspec.json.encode(report))
        return ReplayView(report)

    def _record(self, run: str, found: trial.Trial) -> RunRecord:
        sample = self.design.sample
        return RunRecord(
            run=run,
            seed=self.replay.seed,
            alpha=self.replay.alpha,
            base_url=self.endpoints.base_url,
            tasks=list(sample.tasks),
            weights=sample.weights.tolist(),
            clusters=self.design.clusters.tolist(),
            arms=[self._recorded(cell) for cell in found.cells],
        )

    def _recorded(self, cell: Cell) -> RecordedArm:
        graders = list(cell.graded.by_judge)
        by_pair = zip(*cell.graded.by_judge.values(), strict=True)
        pairs = [
            RecordedPair(
                prompt=int(position),
                answer=self.key(cell.arm.requests[cell.places[place]]),
                differences=[grade.difference for grade in grades],
                basis=[grade.basis for grade in grades],
            )
            for position, place, grades in zip(cell.positions, cell.known, by_pair, strict=True)
        ]
        margin, verdict = self.design.margin(cell.task), cell.verdict.decision if cell.verdict else "CANNOT_JUDGE"
        return RecordedArm(cell.task, cell.label, cell.arm.candidate.model, margin, verdict, graders, pairs)

    @property
    def host(self) -> str:
        """The host that the prompts go to."""
        return self.endpoints.host

    def key(self, request: ChatRequest) -> bytes:
        """The content address of a request at its endpoint."""
        return self.endpoints.key(request)

    def run_id(self) -> str:
        """The run's name: a hash of everything that shapes its result, so the same command resumes the same run."""
        digest = hashlib.sha256()
        for arm in self.design.arms:
            for request in arm.requests:
                digest.update(self.key(request))
        chosen = self.replay
        rules = (chosen.graders, chosen.seed, chosen.margin, chosen.limit, chosen.alpha, chosen.alpha_scope)
        sizes = (chosen.sample, chosen.looks, chosen.aa, self.design.sample.weights.tolist())
        tried = self.design.tried
        by_task = {task: sorted(names) for task, names in tried.tasks.items()}
        beyond = (by_task, replace(tried, tasks={})) if by_task else None
        shaping = [rules, sizes, dict(self.design.checks), self.traffic.book.stamp, beyond]
        digest.update(msgspec.json.encode(shaping, order="deterministic"))
        return digest.hexdigest()[:8]

    def _stored(self) -> Collection[bytes]:
        return self.endpoints.stored(self._requests(), self.workspace)

    def _requests(self) -> list[ChatRequest]:
        return [request for arm in (*self.design.arms, *self.design.again) for request in arm.requests]

    def _facts(self, run: str, spend: Spend) -> RunFacts:
        return RunFacts(
            version=VERSION,
            run=run,
            seed=self.replay.seed,
            margin=self.replay.margin,
            alpha=self.replay.alpha,
            files=self.traffic.log.files,
            host=self.host,
            graders=self.replay.graders,
            not_replayable=self.design.sample.not_replayable,
            spend=spend,
            alpha_scope=self.replay.alpha_scope,
            left_out=self.tries.left_out,
            near_hits=self.tries.near.hits,
            command=self._command(),
            source=self.traffic.source(),
            redaction=self._redaction(),
            cache_ttl=f"{self._cache.ttl}{', some tasks otherwise' if self._cache.tasks else ''}",
        )

    def _command(self) -> str:
        traffic = self.traffic
        redact, url = traffic.settings.redact.enabled, self.endpoints.base_url
        return command(traffic.log.files, self.replay, traffic.options, url, redact=redact, config=self.config)

    @property
    def _cache(self) -> CacheSettings:
        return cache_settings(self.traffic.settings)


def experiment(
    traffic: Traffic,
    replay: ReplaySettings,
    base_url: str,
    workspace: Workspace,
    config: Path | None = None,
    egress: Egress = ANYWHERE,
) -> Experiment:
    """The planned replay of this traffic.

    Raises ConfigError if there is no candidate, a grader judges itself, or a model is where nothing may be sent.
    """
    if not replay.models:
        raise ConfigError("no candidate named", "pass --models qwen3-8b,deepseek-v4-flash")
    candidates = [parse_candidate(name) for name in dict.fromkeys(replay.models)]
    settings = traffic.settings
    design = trial.design(
        traffic.calls,
        traffic.costs,
        candidates,
        book=traffic.book,
        replay=replay,
        models=settings.models,
        checks=settings.checks,
    )
    allow = replay.allow_related_judge
    refuse_related_judges(replay.graders, [c.model for c in candidates], _judged_incumbents(design), allow=allow)
    tariff = Tariff(traffic.book, settings.models)
    stack = stack_of(traffic, cache_settings(settings))
    tries = with_strategies(traffic, design, tariff, stack)
    asked = endpoints(_asked_models(tries.design, replay), tariff, replay, base_url, settings, egress)
    return Experiment(traffic, tries, stack, tariff, replay, asked, workspace, config)


def _asked_models(design: Design, replay: ReplaySettings) -> tuple[str, ...]:
    """Every model that is asked anything: today's too, where requests are tried in another way."""
    models = [arm.candidate.model for arm in (*design.arms, *design.again)]
    if any(design.tried.of(task) & {"compress", "batch"} for task in design.tasks()):
        models += sorted({body.request_model or body.response_model or "" for body in design.bodies} - {""})
    return tuple(dict.fromkeys([*models, *replay.graders, *asked_besides(design)]))


def _judged_incumbents(design: Design) -> list[str]:
    """The models whose logged answers a judge may be shown: where checks decide, no maker is favoured."""
    asked = zip(design.bodies, design.sample.tasks, strict=True)
    by_judge = {task for task in design.tasks() if trial.judged(design, task)}
    return sorted({body.request_model for body, task in asked if task in by_judge and body.request_model})


def _adjustments(design: Design) -> list[str]:
    return [
        f"{arm.candidate.label()}: {what} ({count:,}×)"
        for arm in design.arms
        for what, count in sorted(arm.adjustments.items())
    ]
