"""The whole job on real prompts and real answers of nine models whose true quality is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import zeroeval
from support.loopback import Loopback

import llmcost
from llmcost.api import ReplayView


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


def replay(folder: Path, endpoint: str, margin: float, looks: int) -> ReplayView:
    return llmcost.plan_replay(
        [str(folder / "log.jsonl")],
        models=zeroeval.CANDIDATES,
        base_url=endpoint,
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
    models = ("Meta-Llama-3.1-70B-Instruct", "Meta-Llama-3.1-8B-Instruct")
    rows = list(zeroeval.judged(recorded, tmp_path, endpoint, ["judge-0.9"], models))
    assert len(rows) == 8
    assert not [row for row in rows if row.wrong]
    found = {(row.task, row.model, row.margin): row.outcome for row in rows}
    assert found["gsm", models[0], 0.10] == "SWITCH"
    assert found["crux", models[1], 0.05] == found["crux", models[0], 0.05] == "KEEP"
