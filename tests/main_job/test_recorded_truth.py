"""The whole job where the true quality of every answer is known: real answers of nine models, and the sample month.

What is accepted, a model, a cascade or another way to ask it, loses no more than was ruled out.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from support import demo_run, zeroeval
from support.loopback import Loopback

import llmcost
from llmcost import demo
from llmcost.answers import Answer
from llmcost.api import ReplayView
from llmcost.demo import traffic
from llmcost.demo.answers import Answers
from llmcost.demo.book import RecordedAnswers
from llmcost.demo.known import KnownAnswers
from llmcost.demo.scenario import Scenario, prompt_key
from llmcost.demo.scenarios import all_scenarios
from llmcost.endpoint import ChatRequest, Completion
from llmcost.endpoint.parse import answer_of, first_token_of
from llmcost.recommend.result import Cascade, ReplayReport, TaskReport, Walk
from llmcost.serving import Batching, Compression, Server, TaskPlan, Tier
from llmcost.serving.compression import shortened_templates
from llmcost.serving.rendering import answer_text, question_text
from llmcost.serving.scoring import BEST, RatedAnswer, rating_text
from llmcost.serving.steps import Steps, T, ask_now


@pytest.fixture(scope="module")
def recorded() -> zeroeval.Recorded:
    return zeroeval.load()


@pytest.fixture(scope="module")
def endpoint(recorded: zeroeval.Recorded) -> Iterator[str]:
    with Loopback(recorded.answer) as server:
        yield server.base_url


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, recorded: zeroeval.Recorded) -> Path:
    folder = tmp_path_factory.mktemp("zeroeval")
    recorded.write_log(folder / "log.jsonl")
    zeroeval.config(folder / "llmcost.toml")
    return folder


@cache  # the same replay is asked for by several tests, and gives the same
def replay(folder: Path, endpoint: str, margin: float, looks: int) -> ReplayView:
    return llmcost.plan_replay(
        [str(folder / "log.jsonl")],
        models=zeroeval.CANDIDATES,
        base_url=endpoint,
        strategies=["map"],
        margin=margin,
        sample=1_000,
        looks=looks,
        config=folder / "llmcost.toml",
        workspace=folder / "workspace",
    ).run()


@pytest.mark.parametrize("margin", [0.02, 0.05, 0.10])
@pytest.mark.parametrize("looks", [1, 5])
def test_no_switch_to_a_model_that_is_truly_worse_than_the_margin(
    recorded: zeroeval.Recorded, endpoint: str, folder: Path, margin: float, looks: int
) -> None:
    report = replay(folder, endpoint, margin, looks).result
    assert {task.task for task in report.tasks} == set(zeroeval.TASKS)
    for task in report.tasks:
        today = recorded.accuracy(task.task, zeroeval.INCUMBENT)
        there = sum(key[0] == task.task for key in recorded.prompts)
        for candidate in task.candidates:
            loss = today - recorded.accuracy(task.task, candidate.model)
            assert candidate.n == there if looks == 1 else 0 < candidate.n <= there
            if candidate.verdict == "SWITCH":
                assert loss <= margin, (task.task, candidate.model, loss)
            if candidate.verdict == "KEEP":
                assert loss > margin, (task.task, candidate.model, loss)
            if candidate.n == there:
                # The recordings' own marks take a right answer in other quotes for wrong; ours compare values.
                assert -(candidate.difference or 0.0) == pytest.approx(loss, abs=0.045)


def test_looking_early_saves_most_of_the_prompts(endpoint: str, folder: Path) -> None:
    once, often = (replay(folder, endpoint, 0.05, looks).result for looks in (1, 5))
    asked_once, asked_often = (sum(c.n for t in report.tasks for c in t.candidates) for report in (once, often))
    assert asked_often < 0.6 * asked_once
    chosen = [{task.task: task.choice.model for task in report.tasks} for report in (once, often)]
    assert chosen[0] == chosen[1]


def test_the_map_differs_by_task_where_the_truth_does(endpoint: str, folder: Path) -> None:
    view = replay(folder, endpoint, 0.05, looks=5)
    assert view.model_map["crux"] == zeroeval.INCUMBENT
    assert view.model_map["gsm"] == "gpt-4o-mini-2024-07-18"
    by_task = {task.task: task for task in view.result.tasks}
    assert by_task["crux"].choice.verdict == "KEEP"
    assert by_task["gsm"].choice.verdict == "SWITCH"
    after, before = view.result.bill.after.logged_usd, view.result.bill.before.logged_usd
    assert after is not None and before is not None and after < before


def test_a_judge_in_place_of_the_key_switches_to_nothing_that_is_truly_worse(
    recorded: zeroeval.Recorded, endpoint: str, tmp_path: Path
) -> None:
    """Expected answers hidden, a simulated judge of κ .9 in their place: fewer verdicts, none that is wrong."""
    rows = list(zeroeval.judged(recorded, tmp_path, endpoint, ["judge-0.9"], ["Meta-Llama-3.1-70B-Instruct"]))
    assert len(rows) == 4
    assert not [row for row in rows if row.wrong]
    found = {(row.task, row.margin): row.outcome for row in rows}
    assert found["gsm", 0.10] == "SWITCH"
    assert found["crux", 0.05] == "KEEP"


# Cascades of the recorded models, scored by simulated graders

FIRST = ("Meta-Llama-3.1-8B-Instruct", "claude-3-haiku-20240307")


def cascaded(folder: Path, endpoint: str, rater: str, margin: float) -> ReplayReport:
    config = folder / f"{rater}.toml"
    config.write_text((folder / "llmcost.toml").read_text() + f'\n[cascade]\ngrader = "{rater}"\n', encoding="utf-8")
    return llmcost.plan_replay(
        [str(folder / "log.jsonl")],
        models=FIRST,
        base_url=endpoint,
        strategies=["map", "cascade"],
        margin=margin,
        sample=1_000,
        config=config,
        workspace=folder / "workspace",
    ).run().result  # fmt: skip


def true_loss(recorded: zeroeval.Recorded, task: str, cascade: Cascade) -> float:
    """What a cascade loses on all prompts of a task when it is climbed as it would be served."""
    lost = [
        recorded.answers[*key, zeroeval.INCUMBENT]["correct"] - right(recorded, key, cascade)
        for key in recorded.prompts
        if key[0] == task
    ]
    return sum(lost) / len(lost)


def right(recorded: zeroeval.Recorded, key: tuple[str, str], cascade: Cascade) -> bool:
    question = question_text({"messages": [{"role": "user", "content": recorded.prompts[key]["prompt"]}]})
    for tier in cascade.tiers:
        found = recorded.answers[*key, tier.model]
        shown = RatedAnswer(question, answer_text(Answer(found["output"])))
        if tier.keep_from is not None and score(recorded, cascade.grader, shown) >= tier.keep_from:
            return bool(found["correct"])
    return bool(recorded.answers[*key, cascade.last or zeroeval.INCUMBENT]["correct"])


def score(recorded: zeroeval.Recorded, rater: str, shown: RatedAnswer) -> float:
    digit = int(rating_text(recorded.rating(rater, shown)))
    return digit / BEST


@pytest.mark.parametrize("margin", [0.05, 0.10])
def test_no_cascade_that_truly_loses_more_than_the_margin(
    recorded: zeroeval.Recorded, endpoint: str, folder: Path, margin: float
) -> None:
    report = cascaded(folder, endpoint, "rater-able", margin)
    accepted = [(task.task, c) for task in report.tasks for c in task.cascades if c.verdict == "SWITCH"]
    assert accepted, "a grader that tells right from wrong makes a cascade"
    for task, cascade in accepted:
        assert true_loss(recorded, task, cascade) <= margin, (task, cascade.models)


def test_no_cascade_at_all_where_the_grader_is_blind(endpoint: str, folder: Path) -> None:
    report = cascaded(folder, endpoint, "rater-blind", 0.05)
    assert any(task.cascades for task in report.tasks)
    assert not [c for task in report.tasks for c in task.cascades if c.verdict == "SWITCH"]


# The sample month, all strategies

SHOWN = ("code", "summarize", "support chat")


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> ReplayReport:
    """What the demo says of some of its tasks."""
    folder = demo_run.demo_folder(tmp_path_factory) / "llmcost-demo"
    report = llmcost.api.report(workspace=folder / ".llmcost").result
    return msgspec.structs.replace(report, tasks=[task for task in report.tasks if task.task in SHOWN])


class Truth:
    """The sample month's scenarios, and how good the answers to them truly are."""

    def __init__(self) -> None:
        scenarios = all_scenarios(traffic.SEED)
        self.endpoint, self.answers = RecordedAnswers(), Answers(scenarios)
        self._known = KnownAnswers(self.answers)
        asked = Counter(prompt_key(r.request["messages"]) for r in traffic.traffic() if r.status == 200)
        self._scenarios = [(s, asked[prompt_key(s.messages)]) for s in scenarios if s.task in SHOWN]

    def loss(self, plan: TaskPlan) -> float:
        """What a plan loses against the logged answers, as it is served to every prompt of the log."""
        ours = [(scenario, calls) for scenario, calls in self._scenarios if scenario.task == plan.task]
        requests = [ChatRequest({"model": s.model, "messages": list(s.messages), **s.params}) for s, _ in ours]
        served = self.driven(Server(plan).serve(requests))
        lost = [
            self.answers.logged(s).good - self._good(s, each.completion)
            for (s, _), each in zip(ours, served, strict=True)
        ]
        return float(np.average(lost, weights=[calls for _, calls in ours]))

    def _good(self, scenario: Scenario, completion: Completion) -> bool:
        return self._known.qualities(scenario).get(answer_text(completion.answer), False)

    def driven(self, steps: Steps[T]) -> T:
        return ask_now(steps, lambda requests: [self._ask(request) for request in requests])

    def _ask(self, request: ChatRequest) -> Completion:
        response = self.endpoint.respond(request.content())
        assert response.status == 200
        body: dict[str, Any] = json.loads(response.content)
        return Completion(request.model, "answered", answer_of(body), first_token=first_token_of(body))


@pytest.fixture(scope="module")
def truth() -> Truth:
    return Truth()


def climbed(task: TaskReport, cascade: Cascade) -> TaskPlan:
    tiers = [Tier(t.model, keep_from=math.inf if t.keep_from is None else t.keep_from) for t in cascade.tiers]
    return TaskPlan(task.task, [*tiers, Tier(cascade.last or task.incumbent.model)], cascade.grader)


def walked(task: TaskReport, walk: Walk, setting: float, truth: Truth) -> TaskPlan:
    tiers = [Tier(walk.on or task.incumbent.model)]
    if walk.strategy == "batching":
        return TaskPlan(task.task, tiers, batching=Batching(int(setting)))
    by = next(rung.compressor for rung in walk.rungs if rung.compressor)
    systems = {str(s.messages[0]["content"]) for s in truth.answers.scenarios.values() if s.task == task.task}
    templates = dict(truth.driven(shortened_templates(sorted(systems), Compression(by, setting))).texts)
    return TaskPlan(task.task, tiers, compression=Compression(by, setting, templates=templates))


def accepted(task: TaskReport, truth: Truth) -> Iterator[tuple[float, TaskPlan]]:
    """Every way to answer a task that passed, with the loss that is ruled out."""
    for candidate in task.candidates:
        if candidate.verdict in ("SWITCH", "SWITCH_AT"):
            yield ruled_out(task, candidate), TaskPlan(task.task, [Tier(candidate.model)])
    for walk in task.walks:
        for rung in walk.rungs:
            if rung.trial.verdict in ("SWITCH", "SWITCH_AT"):
                yield ruled_out(task, rung.trial), walked(task, walk, rung.setting, truth)
    for cascade in task.cascades:
        if cascade.verdict == "SWITCH":
            yield cascade.margin, climbed(task, cascade)


def ruled_out(task: TaskReport, candidate: Any) -> float:
    return float(task.margin if candidate.verdict == "SWITCH" else candidate.certified_margin)


def kinds(plans: Sequence[TaskPlan]) -> set[str]:
    return {
        name
        for plan in plans
        for name, has in (("cascade", plan.grader), ("compression", plan.compression), ("batching", plan.batching))
        if has
    }


def test_nothing_is_accepted_in_the_sample_month_that_truly_loses_more_than_was_ruled_out(
    month: ReplayReport, truth: Truth
) -> None:
    found = [pair for task in month.tasks for pair in accepted(task, truth)]
    assert kinds([plan for _, plan in found]) == {"cascade", "compression", "batching"}
    for margin, plan in found:
        assert truth.loss(plan) <= margin, plan


def test_what_the_sample_month_refuses_is_refused_for_a_reason_that_is_true(month: ReplayReport, truth: Truth) -> None:
    by_task = {task.task: task for task in month.tasks}
    [batching] = [walk for walk in by_task["summarize"].walks if walk.strategy == "batching"]
    assert [rung.trial.verdict in ("SWITCH", "SWITCH_AT") for rung in batching.rungs] == [True, False]
    few, many = (truth.loss(walked(by_task["summarize"], batching, rung.setting, truth)) for rung in batching.rungs)
    assert few < 0.01
    assert many > 0.03
    assert not [c for c in by_task["summarize"].cascades if c.verdict == "SWITCH"], (
        "its grader hardly sees a wrong digest"
    )
    for model in demo.CANDIDATES:
        assert truth.loss(TaskPlan("code", [Tier(model)])) > by_task["code"].margin
