"""Watching a run's promises as one job: plan it, say what it would cost, ask within the cap, keep what was seen."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from llmcost.api.destinations import destinations
from llmcost.api.endpoints import Endpoints, ForControls, endpoints, spend_of, wait_for
from llmcost.api.labelling import record_of
from llmcost.api.traffic import Traffic
from llmcost.api.views import MonitorEstimateView, MonitorView
from llmcost.config import ReplaySettings
from llmcost.endpoint import ChatRequest
from llmcost.endpoint.egress import ANYWHERE, Egress
from llmcost.errors import InputError
from llmcost.grading import CHECKS_ALONE, grader, refuse_related_judges
from llmcost.monitor import state as states
from llmcost.monitor.assemble import Level, standing
from llmcost.monitor.plan import Asking, TaskPlan, lines, plan
from llmcost.monitor.promises import Promise, not_switched, promises
from llmcost.monitor.result import MonitorReport
from llmcost.monitor.run import Found, Means, observe
from llmcost.monitor.state import State
from llmcost.recommend.result import ModelEstimate, NotReplayable, ReplayEstimate, ReplayReport, Spend, TaskSample
from llmcost.replay import Budget, Progress, open_store
from llmcost.trial import ModelCost, Tariff
from llmcost.trial.estimate import total
from llmcost.version import VERSION
from llmcost.workspace import Workspace

NOTHING = Spend(replay_usd=0.0, grading_usd=0.0, calls=0, cap_usd=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """A look at the promises of a run that is planned but not paid for.

    before  what was watched before this log
    replay  the settings of a replay; its graders, alpha, seed and budget are those of the look
    """

    report: ReplayReport
    tasks: Sequence[TaskPlan]
    before: State
    traffic: Traffic
    replay: ReplaySettings
    endpoints: Endpoints
    workspace: Workspace
    restart: bool

    @property
    def asks(self) -> bool:
        """Whether this log has a prompt that was not watched before."""
        return any(task.fresh for task in self.tasks)

    def estimate(self) -> MonitorEstimateView:
        """What would be sent, where, and what it would cost at most. Sends nothing."""
        asked = self._requests()
        stored = self.endpoints.stored(asked, self.workspace)
        fresh = [request for request in asked if self.endpoints.key(request) not in stored] if stored else asked
        found = self._lines(lambda request: self.endpoints.key(request) in stored)
        return MonitorEstimateView(
            ReplayEstimate(
                llmcost_version=VERSION,
                prices=self.traffic.book.stamp,
                host=self.endpoints.host,
                calls=sum(line.calls for line in found),
                stored_calls=len(stored),
                max_usd=total(line.max_usd for line in found),
                expected_usd=total(line.expected_usd for line in found),
                cap_usd=self.replay.budget,
                by_model=[ModelEstimate(m.model, m.role, m.calls, m.max_usd, m.expected_usd) for m in found],
                sample=[TaskSample(task.promise.task, task.population, len(task.fresh)) for task in self.tasks],
                not_replayable=self._left_out(),
                adjusted_parameters=self._adjusted(),
                redaction=self.endpoints.redaction([request.body for request in asked]),
                destinations=destinations(self.endpoints, fresh, found),
            )
        )

    def run(self, progress: Progress | None = None) -> MonitorView:
        """Asks, grades and adds what new prompts show to what was seen before; within the cap.

        Nothing is sent where every prompt was watched already. Raises as `Experiment.run` does; what was answered is
        stored, nothing counts before all of it is there, and running the same again resumes.
        """
        if not self.asks:
            if self.restart:
                self.workspace.save_monitor(self.report.run, states.encode(self.before))
            return self._view([Found()] * len(self.tasks), self.before, NOTHING)
        self.endpoints.refuse_uncapped()
        cap = self.replay.budget
        if cap is None:
            worst = self._lines(lambda request: False)
            cap = math.fsum(line.max_usd for line in worst if line.max_usd is not None)
        return wait_for(self._run(cap, progress))

    async def _run(self, cap: float, progress: Progress | None) -> MonitorView:
        endpoints, questions = self.endpoints, sum(len(task.fresh) for task in self.tasks)
        with open_store(self.workspace) as store:
            store.claim(f"monitor of {self.report.run}")  # two at once would each forget what the other has seen
            async with endpoints.runner(store, self._run_id(), Budget(cap), progress, questions) as runner:
                names = self.replay.graders
                means = Means(
                    ask=runner,
                    graders=[grader(name, runner, endpoints.as_taken) for name in names],
                    control_graders=[grader(name, ForControls(runner), endpoints.as_taken) for name in names],
                    checks=self.traffic.settings.checks,
                )
                found = await observe(self.tasks, means)
                spend = spend_of(runner.spend(), cap)
            after = self._after(found)
            self.workspace.save_monitor(self.report.run, states.encode(after))
        return self._view(found, after, spend)

    def _after(self, found: Sequence[Found]) -> State:
        """What was watched until now, by other processes included."""
        after = State(self.report.run) if self.restart else kept(self.report.run, self.workspace)
        for task, new in zip(self.tasks, found, strict=True):
            for name, differences in new.differences.items():
                after = after.with_new(task.promise.task, name, differences)
        return after

    def _view(self, found: Sequence[Found], after: State, spend: Spend) -> MonitorView:
        level = Level(self.replay.alpha / len(self.tasks), _watching(self.replay))
        return MonitorView(
            MonitorReport(
                llmcost_version=VERSION,
                prices=self.traffic.book.stamp,
                run=self.report.run,
                alpha=self.replay.alpha,
                seed=self.replay.seed,
                files=list(self.traffic.log.files),
                host=self.endpoints.host,
                graders=list(self.replay.graders),
                tasks=[standing(task, new, after, level) for task, new in zip(self.tasks, found, strict=True)],
                not_switched=not_switched(self.report),
                left_out=self._left_out(),
                adjusted_parameters=self._adjusted(),
                spend=spend,
            )
        )

    def _run_id(self) -> str:
        """A hash of all that is asked: the same command takes up its own ledger, and the cap holds for both."""
        digest = hashlib.sha256(msgspec.json.encode([self.report.run, self.replay.graders, self.replay.seed]))
        for request in self._requests():
            digest.update(self.endpoints.key(request))
        return f"monitor-{digest.hexdigest()[:8]}"

    def _requests(self) -> list[ChatRequest]:
        return [shadow.request for task in self.tasks for shadow in task.fresh]

    def _lines(self, stored: Callable[[ChatRequest], bool]) -> list[ModelCost]:
        checks, tariff = self.traffic.settings.checks, self.endpoints.tariff
        return lines(self.tasks, checks, self.replay.graders, tariff, stored)

    def _left_out(self) -> list[NotReplayable]:
        return [NotReplayable(why, n) for why, n in _added(task.left_out for task in self.tasks).items()]

    def _adjusted(self) -> list[str]:
        return [f"{what} ({n:,}×)" for what, n in _added(task.adjustments for task in self.tasks).items()]


def monitoring(
    report: ReplayReport,
    traffic: Traffic,
    replay: ReplaySettings,
    *,
    sample: int,
    base_url: str,
    workspace: Workspace,
    restart: bool = False,
    egress: Egress = ANYWHERE,
) -> Monitor:
    """The planned look at a run's promises. Raises InputError if it made none, or if the log has none of its tasks.

    Raises ConfigError if a grader would judge its own kind, or a model is where nothing may be sent.
    """
    record, calls = record_of(report.run, workspace)
    made = promises(report, record, calls)
    formers = {model for promise in made for model in promise.formers}
    news = {promise.new.model for promise in made}
    refuse_related_judges(replay.graders, sorted(news), sorted(formers), allow=replay.allow_related_judge)
    before = State(report.run) if restart else kept(report.run, workspace)
    asking = Asking(traffic.book, traffic.settings.models, replay.graders, sample, replay.seed)
    tasks = [plan(traffic.calls, promise, _seen(before, promise, replay), asking) for promise in made]
    if not any(task.calls for task in tasks):
        names = ", ".join(promise.task for promise in made)
        raise InputError(
            f"no call of this log is of a task that run {report.run} switched ({names})",
            "name a log of the same tasks, read as for the replay (--task-field, --map)",
        )
    asked = [*(shadow.asked.model for task in tasks for shadow in task.fresh), *replay.graders]
    tariff = Tariff(traffic.book, traffic.settings.models)
    return Monitor(
        report=report,
        tasks=tasks,
        before=before,
        traffic=traffic,
        replay=replay,
        endpoints=endpoints(asked, tariff, replay, base_url, traffic.settings, egress),
        workspace=workspace,
        restart=restart,
    )


def kept(run: str, workspace: Workspace) -> State:
    """What was watched of a run so far."""
    return states.decode(workspace.monitor(run), run)


def _seen(before: State, promise: Promise, replay: ReplaySettings) -> frozenset[bytes]:
    return before.by_all(promise.task, _watching(replay))


def _watching(replay: ReplaySettings) -> Sequence[str]:
    """Under whose names differences are kept: every grader's or, without one, that of the checks."""
    return replay.graders or (CHECKS_ALONE,)


def _added(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The counts of all parts, most first."""
    found: Counter[str] = Counter()
    for part in parts:
        found.update(part)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
