"""llmcost baseline and check on the sample month: unchanged, one task on a dearer model, another mix of tasks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from support import shop

from llmcost.demo import files, traffic

DEAR = "gpt-4-turbo"


@pytest.fixture(scope="module")
def month() -> list[traffic.Record]:
    return traffic.traffic()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, month: Sequence[traffic.Record]) -> Path:
    folder = tmp_path_factory.mktemp("gate")
    files.write_nested(month, folder / "october.jsonl")
    made = shop.run_here("baseline", "october.jsonl", "-o", "baseline.json", cwd=folder)
    assert made.returncode == 0, made.stderr
    return folder


def check(folder: Path, records: Sequence[traffic.Record], name: str, *more: str) -> tuple[int, str]:
    files.write_nested(records, folder / f"{name}.jsonl")
    outcome = shop.run_here(
        "check", f"{name}.jsonl", "--baseline", "baseline.json", "--max-increase", "5%", *more, cwd=folder
    )
    return outcome.returncode, outcome.stdout


def test_unchanged_traffic_passes(folder: Path, month: Sequence[traffic.Record]) -> None:
    code, said = check(folder, month, "unchanged", "--format", "json")
    assert code == 0
    result = json.loads(said)
    assert result["schema"] == "llmcost.check/1"
    assert result["passed"] and result["reasons"] == []
    assert result["diff"]["change"] == 0


def test_a_task_on_a_dearer_model_fails_and_is_named(folder: Path, month: Sequence[traffic.Record]) -> None:
    dearer = traffic.variant(month, "classify", DEAR)
    code, said = check(folder, dearer, "dearer", "--format", "json", "--markdown", str(folder / "comment.md"))
    assert code == 1
    result = json.loads(said)
    assert not result["passed"]
    assert [task["task"] for task in result["tasks"] if task["regressed"]] == ["classify"]
    assert any("classify" in reason for reason in result["reasons"])
    comment = (folder / "comment.md").read_text()
    assert "FAIL" in comment and "classify" in comment and DEAR in comment


def test_another_mix_of_tasks_alone_passes(folder: Path, month: Sequence[traffic.Record]) -> None:
    remixed = traffic.remix(month, {"summarize": 3.0, "classify": 0.5})
    before = sum(1 for record in month)
    assert len(remixed) != before
    code, said = check(folder, remixed, "remixed", "--format", "json")
    result = json.loads(said)
    assert code == 0, result["reasons"]
    assert abs(result["diff"]["change"]) < 0.05


def test_the_baseline_holds_no_text_of_the_log(folder: Path, month: Sequence[traffic.Record]) -> None:
    text = (folder / "baseline.json").read_text()
    assert json.loads(text)["schema"] == "llmcost.baseline/1"
    assert len(text) < 10_000
    for record in month[:200]:
        for message in record.request["messages"]:
            assert str(message["content"])[:60] not in text
