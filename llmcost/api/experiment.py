"""A replay as one job: plan it, say what it would cost, run it within the cap, keep the report."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Collection, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from llmcost import trial
from llmcost.api.traffic import Traffic
from llmcost.api.views import EstimateView, ReplayView
from llmcost.config import ModelSettings, ReplaySettings, api_key
from llmcost.endpoint import ChatRequest
from llmcost.endpoint.address import is_loopback
from llmcost.endpoint.client import Endpoint
from llmcost.errors import ConfigError
from llmcost.grading import grader, refuse_self_grading
from llmcost.recommend.assemble import RunFacts, assemble
from llmcost.recommend.bill import billed_log
from llmcost.recommend.result import ModelEstimate, NotReplayable, ReplayEstimate, Spend, TaskSample
from llmcost.replay import Budget, CandidateModel, Progress, PurposeSpend, Runner, open_store, parse_candidate
from llmcost.replay.arms import translate
from llmcost.trial import Design, Tariff
from llmcost.version import VERSION
from llmcost.workspace import Workspace

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Experiment:
    """A replay that is planned but not paid for: `estimate()` says what it would cost, `run()` spends."""

    traffic: Traffic
    design: Design
    tariff: Tariff
    replay: ReplaySettings
    base_url: str
    workspace: Workspace

    def estimate(self) -> EstimateView:
        """What would be sent, where, and what it would cost at most. Sends nothing."""
        sample, book = self.design.sample, self.traffic.book
        stored = self._stored()
        lines = self._lines(stored)
        by_model = [ModelEstimate(m.model, m.role, m.calls, m.max_usd, m.expected_usd) for m in lines]
        drawn = {task: sample.tasks.count(task) for task in sample.population}
        return EstimateView(
            ReplayEstimate(
                llmcost_version=VERSION,
                prices=book.stamp,
                host=self.host,
                calls=sum(line.calls for line in lines),
                stored_calls=len(stored),
                max_usd=_known(line.max_usd for line in lines),
                expected_usd=_known(line.expected_usd for line in lines),
                cap_usd=self.replay.budget,
                by_model=by_model,
                sample=[TaskSample(task, sample.population[task], n) for task, n in drawn.items() if n],
                not_replayable=[NotReplayable(reason, n) for reason, n in sample.not_replayable.items()],
                adjusted_parameters=_adjustments(self.design),
            )
        )

    def run(self, progress: Progress | None = None) -> ReplayView:
        """Asks, grades and decides, within the cap; the report is kept in the workspace.

        Without a `budget` the cap is the worst case of the whole run, what is stored already included; models without a
        price are outside it. Raises ConfigError for such a model if a budget is given or it is not on this machine,
        BudgetError or EndpointError when the asking has to stop; what was answered is stored, and running the same
        again resumes.
        """
        cap = self.replay.budget
        self._refuse_uncapped()
        if cap is None:
            cap = math.fsum(line.max_usd for line in self._lines(stored=()) if line.max_usd is not None)
        return wait_for(self._run(cap, progress))

    def _refuse_uncapped(self) -> None:
        """A model without a price can be asked without a cap on this machine alone, where perhaps nobody bills it."""
        unpriced = self._unpriced()
        elsewhere = [model for model in unpriced if not is_loopback(self.url_of(model))]
        if unpriced if self.replay.budget is not None else elsewhere:
            raise ConfigError(
                f"no price is known for {', '.join(unpriced)}: no cap can be kept",
                'add [models."NAME"] price = {input = …, output = …} ($ a million tokens; 0 for your own machine)',
            )

    def _lines(self, stored: Collection[bytes]) -> list[trial.ModelCost]:
        return trial.estimate(self.design, self.tariff, self.replay.graders, lambda r: self.key(r) in stored)

    async def _run(self, cap: float, progress: Progress | None) -> ReplayView:
        async with AsyncExitStack() as stack:
            store = stack.enter_context(open_store(self.workspace))
            endpoints = {url: await stack.enter_async_context(self._endpoint(url)) for url in sorted(self._urls())}
            runner = Runner(
                lambda model: endpoints[self.url_of(model)],
                store,
                self.run_id(),
                Budget(cap),
                self.tariff.paid,
                lambda request: self.tariff.most(request) or 0.0,  # unpriced ones have been allowed by now
                progress=progress,
                concurrency=self.replay.concurrency,
            )
            graders = [grader(name, runner, self._as_taken) for name in self.replay.graders]
            trials = await trial.run(self.design, runner, graders, self.tariff)
            spend = _spend(runner.spend(), cap)
        log = billed_log(self.traffic.calls, self.traffic.costs, self.traffic.book, trials)
        report = assemble(log, trials, self._facts(spend))
        self.workspace.save_run(report.run, msgspec.json.encode(report))
        return ReplayView(report)

    @property
    def host(self) -> str:
        """The host that the prompts go to."""
        return ", ".join(sorted({urlsplit(url).netloc for url in self._urls()}))

    def url_of(self, model: str) -> str:
        """The base URL of a model: its own if the configuration names one, else the general one."""
        return (self._settings(model).base_url or self.base_url).rstrip("/")

    def key(self, request: ChatRequest) -> bytes:
        """The content address of a request at its endpoint."""
        return request.key(self.url_of(request.model))

    def run_id(self) -> str:
        """The run's name: a hash of everything that shapes its result, so the same command resumes the same run."""
        digest = hashlib.sha256()
        for arm in self.design.arms:
            for request in arm.requests:
                digest.update(self.key(request))
        rules = (self.replay.graders, self.replay.seed, self.replay.margin, self.replay.limit, self.replay.alpha)
        shaping = [rules, dict(self.design.checks), self.traffic.book.stamp, self.design.sample.weights.tolist()]
        digest.update(msgspec.json.encode(shaping, order="deterministic"))
        return digest.hexdigest()[:8]

    def _as_taken(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A judge's request with the parameters that its model takes."""
        model = str(body["model"])
        return translate(dict(body), CandidateModel(model), self._settings(model))[0]

    def _stored(self) -> Collection[bytes]:
        """Keys of the candidates' requests that are answered already. Makes no workspace where there is none."""
        if not self.workspace.answers.exists():
            return frozenset()
        keys = {self.key(request) for arm in self.design.arms for request in arm.requests}
        with open_store(self.workspace) as store:
            return store.get(list(keys)).keys()

    def _settings(self, model: str) -> ModelSettings:
        return self.tariff.models.get(model, ModelSettings())

    def _models(self) -> list[str]:
        return [*(arm.candidate.model for arm in self.design.arms), *self.replay.graders]

    def _urls(self) -> set[str]:
        return {self.url_of(model) for model in self._models()}

    def _unpriced(self) -> list[str]:
        return [model for model in self._models() if self.traffic.book.find(model) is None]

    def _endpoint(self, url: str) -> Endpoint:
        variables = {self._settings(model).api_key_env for model in self._models() if self.url_of(model) == url}
        named = sorted(variable for variable in variables if variable)
        general = self.replay.api_key_env if url == self.base_url else None
        return Endpoint(
            url,
            api_key(named[0] if named else general),
            timeout_s=self.replay.timeout_s,
            retries=self.replay.retries,
            concurrency=self.replay.concurrency,
            seed=self.replay.seed,
        )

    def _facts(self, spend: Spend) -> RunFacts:
        return RunFacts(
            version=VERSION,
            run=self.run_id(),
            seed=self.replay.seed,
            margin=self.replay.margin,
            alpha=self.replay.alpha,
            files=self.traffic.log.files,
            host=self.host,
            graders=self.replay.graders,
            not_replayable=self.design.sample.not_replayable,
            spend=spend,
        )


def experiment(traffic: Traffic, replay: ReplaySettings, base_url: str, workspace: Workspace) -> Experiment:
    """The planned replay of this traffic. Raises ConfigError if there is no candidate or a grader judges itself."""
    if not replay.models:
        raise ConfigError("no candidate named", "pass --models qwen3-8b,deepseek-v4-flash")
    candidates = [parse_candidate(name) for name in dict.fromkeys(replay.models)]
    incumbents = {name for name in set(traffic.calls.labels("request_model")) if name}
    refuse_self_grading(replay.graders, [c.model for c in candidates], incumbents)
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
    return Experiment(traffic, design, Tariff(traffic.book, settings.models), replay, base_url, workspace)


def _adjustments(design: Design) -> list[str]:
    return [
        f"{arm.candidate.label()}: {what} ({count:,}×)"
        for arm in design.arms
        for what, count in sorted(arm.adjustments.items())
    ]


def _spend(lines: Sequence[PurposeSpend], cap: float) -> Spend:
    usd: Mapping[str, float] = {
        purpose: sum(line.cost_usd for line in lines if line.purpose == purpose) for purpose in ("replay", "grading")
    }
    return Spend(usd["replay"], usd["grading"], sum(line.answers for line in lines), cap)


def _known(parts: Any) -> float | None:
    values = list(parts)
    return None if None in values else math.fsum(values)


def wait_for(job: Coroutine[Any, Any, T]) -> T:
    """The job's result, also from inside a notebook, whose own event loop is running already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(job)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, job).result()
