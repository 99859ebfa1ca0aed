"""A suite before and after a change: which cases are the same, what a case costs; how the chance of error is shared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcost import gate
from llmcost.calls import from_rows
from llmcost.config import GateSettings
from llmcost.gate.baseline import summary
from llmcost.gate.compared import by_mix
from llmcost.gate.measure import measure, stable_name
from llmcost.gate.rules import Facts
from llmcost.pricing.result import PriceStamp

STAMP = PriceStamp("2026-11-20", "abc")
Row = tuple[str, str, float]  # task, case, cost


def log(rows: list[Row], **more: Any) -> gate.Log:
    calls = from_rows([{"task": task, "request_model": "m", "error_type": None} for task, *_ in rows], [])
    return gate.Log(calls, np.array([cost for *_, cost in rows]), cases=[case for _, case, _ in rows], **more)


def check(before: gate.Log, after: gate.Log, **limits: Any) -> gate.CheckResult:
    base = gate.baseline(before, stamp=STAMP, version="0.1.0")
    return gate.check(after, base, GateSettings(**limits), STAMP, "0.1.0")


def asked(rows: list[Row], prompts: list[str]) -> gate.Log:
    """The same with the prompts that were asked."""
    calls = from_rows(
        [
            {"task": task, "request_model": "m", "error_type": None, "prompt_key": prompt.encode().ljust(16)}
            for (task, *_), prompt in zip(rows, prompts, strict=True)
        ],
        [],
    )
    return gate.Log(calls, np.array([cost for *_, cost in rows]), cases=[case for _, case, _ in rows])


STEPS = [(task, f"c{case}", cost * (1 + case)) for case in range(20) for task, cost in (("plan", 0.01), ("write", 0.5))]


def test_one_question_asked_by_two_tasks_is_a_case_of_each() -> None:
    assert check(log(STEPS), log(STEPS)).diff.change == 0
    dearer = [(task, case, 2 * cost if task == "plan" else cost) for task, case, cost in STEPS]
    found = check(log(STEPS), log(dearer))
    assert {task.task: task.change for task in found.tasks} == {"plan": pytest.approx(1.0), "write": 0.0}


def test_cases_are_found_again_under_another_call_site_but_never_guessed() -> None:
    renamed = [("write·abcdef" if task == "write" else task, case, cost) for task, case, cost in STEPS]
    found = check(log(STEPS), log(renamed))
    assert found.passed and found.diff.change == 0
    assert found.rules[-1].outcome == "passed" and {rule.said for rule in found.rules} >= {"40 cases before and after"}
    both = [(f"{task} new", case, cost) for task, case, cost in STEPS]
    assert "too few to compare" in check(log(STEPS), log(both)).reasons[0]


def test_what_is_asked_again_is_averaged_and_further_steps_are_added() -> None:
    """Else an agent that takes three steps for one, each as cheap as before, would go unseen."""
    once = [("agent", f"c{case}", 0.01) for case in range(20)]
    thrice = [row for row in once for _ in range(3)]
    again = asked(thrice, [case for _, case, _ in thrice])
    steps = asked(thrice, [f"{case} {step}" for _, case, _ in once for step in range(3)])
    before = asked(once, [case for _, case, _ in once])
    assert check(before, again).diff.change == pytest.approx(0, abs=1e-12)
    found = check(before, steps)
    assert not found.passed and found.diff.change == pytest.approx(2.0)
    assert any(note.startswith("calls per case: 1 before, 3 now") for note in found.notes)
    begun = log(thrice, begins=[True, False, False] * 20)
    assert check(log(once, begins=[True] * 20), begun).diff.change == pytest.approx(2.0)
    assert check(log(once, begins=[True] * 20), log(thrice, begins=[True] * 60)).passed


def test_tokens_are_held_of_a_suite_too() -> None:
    def side(tokens: int) -> gate.Log:
        rows = [
            {"task": "t", "request_model": "m", "input_tokens": tokens, "output_tokens": 0, "error_type": None}
            for _ in range(30)
        ]
        return gate.Log(from_rows(rows, []), np.full(30, 0.01), cases=[f"c{case}" for case in range(30)])

    found = check(side(100), side(200), max_tokens_increase=0.5)
    assert [rule.rule for rule in found.rules if rule.outcome == "failed"] == ["tokens_per_call"]


def test_a_baseline_with_cases_is_worth_comparing_case_by_case() -> None:
    apart = gate.Log(log(STEPS).calls, log(STEPS).costs)
    assert any("--paired" in note for note in check(log(STEPS), apart).notes)
    assert not check(apart, apart).notes


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 60), st.booleans(), st.booleans(), st.floats(0.6, 0.999))
def test_all_that_is_held_shares_one_chance_of_a_false_alarm(
    tasks: int, tokens: bool, latency: bool, confidence: float
) -> None:
    limits = {"max_tokens_increase": 0.1 if tokens else None, "max_latency_increase": 0.1 if latency else None}
    rows = [(f"t{task}", "c", 1.0) for task in range(tasks)]
    side = summary(measure(log(rows)), STAMP, "0.1.0")
    facts = Facts(side, side, by_mix(side, side, {}), GateSettings(confidence=confidence, **limits))
    held = 0 if tasks == 1 else tasks  # of one task, the cost is the total
    spent = facts.alpha + facts.task_alpha * held + facts.other_alpha * tasks * (tokens + latency)
    assert spent == pytest.approx(1 - confidence)


def test_a_name_of_a_prompt_or_of_any_length_is_not_kept() -> None:
    assert stable_name("summarize angry letters·3f9a21") == "call site 3f9a21"
    assert stable_name("my task") == "my task"
    assert stable_name("x" * 10_000) == "x" * 80
    long = log([("y" * 10_000, "c", 1.0)])
    assert len(gate.to_text(gate.baseline(long, stamp=STAMP, version="0.1.0"))) < 2_000
