"""The examples of docs/runtime.md run, against an endpoint on this machine."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from support.loopback import Loopback

import llmcost
from llmcost.serving import Plan

PAGE = (Path(__file__).parents[2] / "docs" / "runtime.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_plan_is_one() -> None:
    plan = msgspec.json.decode(block("json"), type=Plan)
    assert [task.task for task in plan.tasks] == ["classify"]


def test_the_example_runs_and_its_log_can_be_audited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "llmcost-plan.json").write_text(block("json"))
    with Loopback() as server:
        monkeypatch.setenv("LLMCOST_BASE_URL", server.base_url)
        exec(compile(block("python"), "docs/runtime.md", "exec"), {})
        assert [request.model for request in server.requests] == ["qwen3-8b", "gpt-4o"]
    result = llmcost.audit("llmcost-router.jsonl").result
    assert result.totals.calls == 5
    assert {row.task for row in result.by_task} == {"classify", "translate"}
