"""Whose answer a call holds, and how the other model is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support import shop

from llmcost import pricing
from llmcost.api.traffic import Options, load
from llmcost.calls import Calls, empty
from llmcost.config import load as load_settings
from llmcost.monitor.plan import Asking, TaskPlan, plan
from llmcost.monitor.promises import Promise
from llmcost.serving import CandidateModel
from llmcost.workspace import Workspace

BOOK = pricing.load()


def promise(new: CandidateModel, former: CandidateModel, *more: str) -> Promise:
    return Promise("chat", new, former, (former.model, *more), 0.05, frozenset(), {}, empty(), 7)


def calls(folder: Path, *requests: dict[str, Any], answered_by: str | None = None) -> Calls:
    records = []
    for number, request in enumerate(requests):
        record = shop.record(2 * number + 1)
        record["request"] |= request
        record["response"]["model"] = answered_by or record["request"]["model"]
        records.append(record)
    (folder / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    place = Workspace(folder / ".llmcost")
    return load([str(folder / "log.jsonl")], Options(), load_settings(None), place, lambda line: None).calls


def planned(found: Calls, made: Promise, sample: int = 200) -> TaskPlan:
    return plan(found, made, frozenset(), Asking(BOOK, {}, (), sample, 7))


def test_an_effort_makes_another_model_and_goes_back_with_it(tmp_path: Path) -> None:
    """gpt-5.1 at low effort took over from gpt-5.1 at high effort: the same name, two sides."""
    found = calls(
        tmp_path,
        {"model": "gpt-5.1", "reasoning_effort": "low"},
        {"model": "gpt-5.1", "reasoning_effort": "high"},
        {"model": "gpt-5.1"},
    )
    made = planned(found, promise(CandidateModel("gpt-5.1", "low"), CandidateModel("gpt-5.1", "high")))
    assert made.by_side == {"new": 1, "former": 2}
    efforts = {shadow.answered: shadow.request.body.get("reasoning_effort") for shadow in made.fresh}
    assert efforts == {"new": "high", "former": "low"}
    without = planned(found, promise(CandidateModel("gpt-5.1", "low"), CandidateModel("gpt-5.1")))
    assert [s.request.body.get("reasoning_effort") for s in without.fresh if s.answered == "new"] == [None]


@pytest.mark.parametrize(
    ("asked", "answered", "side"),
    [
        ("prod-alias", "gpt-4o-mini", "new"),  # a gateway chose
        ("gpt-4o", "gpt-4o-mini", "new"),  # what answered counts
        ("gpt-4o", "gpt-4o-2024-08-06", "former"),
        ("openai/gpt-4o-mini", "openai/gpt-4o-mini", "new"),
        ("gpt-4.1", "gpt-4.1", "former"),  # one of several that the task used
        ("claude-haiku-4-5", "claude-haiku-4-5", None),
    ],
)
def test_who_answered(tmp_path: Path, asked: str, answered: str, side: str | None) -> None:
    found = calls(tmp_path, {"model": asked}, answered_by=answered)
    made = planned(found, promise(CandidateModel("gpt-4o-mini"), CandidateModel("gpt-4o"), "gpt-4.1"))
    assert made.by_side == {"new": int(side == "new"), "former": int(side == "former")}


def test_the_draw_depends_on_the_log_alone_and_goes_in_order_of_time(tmp_path: Path) -> None:
    requests = [{"model": "tiny"}] * 40
    made = promise(CandidateModel("tiny"), CandidateModel("gpt-4o"))
    found = calls(tmp_path, *requests)
    drawn = planned(found, made, sample=10)
    turned = planned(found.take(range(39, -1, -1)), made, sample=10)
    assert [shadow.key for shadow in drawn.fresh] == [shadow.key for shadow in turned.fresh]
    times = [shadow.body.start_time_us or 0 for shadow in drawn.fresh]
    assert len(times) == 10 and times == sorted(times) and drawn.population == 40
    seen = frozenset(shadow.key for shadow in drawn.fresh[:4])
    rest = plan(found, made, seen, Asking(BOOK, {}, (), 10, 7))
    assert [shadow.key for shadow in rest.fresh] == [shadow.key for shadow in drawn.fresh[4:]]
