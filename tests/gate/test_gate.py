"""The gate: laws of the comparison, what fails and what does not, and the file it is compared with."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcost import gate
from llmcost.calls import concat, from_rows
from llmcost.config import GateSettings
from llmcost.errors import InputError, LLMCostError
from llmcost.pricing.result import PriceStamp

STAMP = PriceStamp("2026-11-20", "abc")
Row = tuple[str, str, float | None]  # task, model, cost

ROWS = st.lists(
    st.tuples(st.sampled_from(["chat", "code", "faq"]), st.sampled_from(["a", "b"]), st.floats(1e-6, 1.0)),
    min_size=1,
    max_size=40,
)


def log(rows: list[Row], failed: bool = False) -> gate.Log:
    calls = from_rows(
        [
            {"task": task, "request_model": model, "error_type": "timeout" if failed else None}
            for task, model, _ in rows
        ],
        [],
    )
    return gate.Log(calls, np.array([np.nan if cost is None else cost for *_, cost in rows], dtype=np.float64))


def baseline(rows: list[Row]) -> gate.BaselineFile:
    return gate.baseline(log(rows), stamp=STAMP, version="0.1.0")


def check(rows: list[Row], base: gate.BaselineFile, allowed: float = 0.05, **more: Any) -> gate.CheckResult:
    return gate.check(log(rows), base, GateSettings(max_increase=allowed, **more), STAMP, "0.1.0")


def outcomes(result: gate.CheckResult, outcome: str) -> list[tuple[str, str | None]]:
    return [(rule.rule, rule.task) for rule in result.rules if rule.outcome == outcome]


MONTH: list[Row] = [("chat", "gpt-4o", 0.01)] * 60 + [("code", "gpt-4o", 0.05)] * 30 + [("faq", "mini", 0.001)] * 90


@given(ROWS)
@settings(max_examples=40, deadline=None)
def test_the_same_log_passes_without_a_change(rows: list[Row]) -> None:
    result = check(rows, baseline(rows), allowed=0.0)
    assert result.passed
    assert result.diff.change == 0.0
    assert {task.change for task in result.tasks} == {0.0}


@given(ROWS, st.floats(1.06, 9.0))
@settings(max_examples=40, deadline=None)
def test_a_rise_is_told_in_full_and_fails_where_it_is_certain(rows: list[Row], factor: float) -> None:
    result = check([(task, model, cost * factor) for task, model, cost in rows], baseline(rows))
    assert result.diff.change == pytest.approx(factor - 1, rel=1e-6)
    [total] = [rule for rule in result.rules if rule.rule == "cost_per_call"]
    assert total.outcome == ("failed" if (total.lower_bound or 0) > 0.05 else "unsure")
    assert (total.lower_bound is None) == (len(rows) < 10)
    assert total.lower_bound is None or total.lower_bound <= total.change
    assert {rule.outcome for rule in result.rules if rule.rule == "task_cost_per_call"} <= {
        "failed",
        "unsure",
        "warned",
    }


@pytest.mark.parametrize("factor", [1.06, 2.0])
def test_a_rise_of_calls_that_all_cost_the_same_is_certain(factor: float) -> None:
    result = check([(task, model, cost * factor) for task, model, cost in MONTH], baseline(MONTH))
    assert result.diff.change == pytest.approx(factor - 1)
    assert outcomes(result, "failed") == [
        ("cost_per_call", None),
        *(("task_cost_per_call", task.task) for task in result.tasks),
    ]
    assert all(task.regressed for task in result.tasks)


def test_a_rise_that_may_be_chance_is_said_and_passes() -> None:
    chance = np.random.default_rng(3)
    before = [("chat", "a", float(cost)) for cost in chance.lognormal(-5, 1, 200)]
    after = [("chat", "a", 1.2 * cost) for _, _, cost in before[:100]]
    result = check(after, baseline(before))
    assert result.passed and result.changed
    assert outcomes(result, "unsure") == [("cost_per_call", None), ("task_cost_per_call", "chat")]
    assert "times as many calls would tell" in result.rules[1].said


def test_few_calls_are_no_evidence() -> None:
    few = [("chat", "a", 0.01)] * 9
    dear = [("chat", "a", 0.05)] * 9
    result = check(dear, baseline(few), max_increase_usd=0.001)
    assert result.passed
    assert {rule for rule, _ in outcomes(result, "unsure")} == {"cost_per_call", "cost_usd", "task_cost_per_call"}
    assert "too few independent calls to be sure" in result.rules[0].said
    assert not check(dear, baseline(few), min_calls=9).passed


@given(ROWS, st.floats(0.1, 1.0))
@settings(max_examples=40, deadline=None)
def test_cheaper_calls_pass(rows: list[Row], factor: float) -> None:
    assert check([(task, model, cost * factor) for task, model, cost in rows], baseline(rows), allowed=0.0).passed


@given(ROWS, st.lists(st.integers(1, 7), min_size=3, max_size=3))
@settings(max_examples=40, deadline=None)
def test_a_changed_mix_or_volume_alone_passes(rows: list[Row], repeats: list[int]) -> None:
    times = dict(zip(["chat", "code", "faq"], repeats, strict=True))
    moved = [row for row in rows for _ in range(times[row[0]])]
    result = check(moved, baseline(rows), allowed=0.0)
    assert result.passed, result.reasons
    assert result.diff.change == 0.0


@given(ROWS, st.integers())
@settings(max_examples=30, deadline=None)
def test_the_order_of_the_log_does_not_matter(rows: list[Row], seed: int) -> None:
    shuffled = random.Random(seed).sample(rows, len(rows))
    assert gate.to_text(baseline(shuffled)) == gate.to_text(baseline(rows))
    base = baseline(MONTH)
    assert check(shuffled, base) == check(rows, base)


@pytest.mark.parametrize("task", ["chat", "code", "faq"])
def test_one_dearer_task_is_the_one_that_is_named(task: str) -> None:
    moved = [
        (name, "gpt-6" if name == task else model, cost * (1.5 if name == task else 1)) for name, model, cost in MONTH
    ]
    result = check(moved, baseline(MONTH), allowed=0.1)
    assert not result.passed
    assert [item.task for item in result.tasks if item.regressed] == [task]
    assert any(reason.startswith(f"{task}: ") and "new model gpt-6" in reason for reason in result.reasons)
    others = {"chat", "code", "faq"} - {task}
    assert not any(reason.startswith(tuple(f"{other}: " for other in others)) for reason in result.reasons)


def test_a_dear_change_cannot_hide_behind_a_cheap_crowd() -> None:
    moved = [(task, model, cost * (2 if task == "faq" else 0.9)) for task, model, cost in MONTH]
    result = check(moved, baseline(MONTH))
    assert result.diff.change is not None
    assert result.diff.change < 0
    assert not result.passed
    assert result.reasons[0].startswith("faq: $0.0010 → $0.0020 per call, +100.0 %")


def test_a_crumb_is_named_but_does_not_fail() -> None:
    rows = [*MONTH, ("crumb", "mini", 0.0001)]
    result = check([*MONTH, ("crumb", "mini", 0.0002)], baseline(rows))
    assert result.passed
    assert ("task_cost_per_call", "crumb") in outcomes(result, "unsure")
    many = [*MONTH, *[("crumb", "mini", 1e-6)] * 20]
    result = check([*MONTH, *[("crumb", "mini", 2e-6)] * 20], baseline(many))
    assert result.passed
    [said] = [rule.said for rule in result.rules if rule.outcome == "warned"]
    assert said.startswith("crumb: ") and said.endswith("under 1.0 % of the cost, so it does not fail the check")


def test_worst_first() -> None:
    rise = {"chat": 1.2, "code": 1.5, "faq": 3.0}
    result = check([(task, model, cost * rise[task]) for task, model, cost in MONTH], baseline(MONTH))
    assert [task.task for task in result.tasks] == ["code", "faq", "chat"]


def test_new_and_missing_tasks_are_named_and_fail_nothing() -> None:
    result = check([row for row in MONTH if row[0] != "code"] + [("search", "gpt-4o", 5.0)], baseline(MONTH))
    assert result.passed
    assert result.diff.change == 0.0
    assert any('"code"' in note for note in result.notes)
    assert outcomes(result, "warned") == [("unknown_task", "search")]
    assert not check([*MONTH, ("search", "gpt-4o", 5.0)], baseline(MONTH), unknown_tasks="fail").passed
    assert {task.task for task in result.tasks} == {"chat", "code", "faq", "search"}


def test_a_new_model_at_the_same_cost_is_only_named() -> None:
    moved = [(task, "other" if task == "faq" else model, cost) for task, model, cost in MONTH]
    assert check(moved, baseline(MONTH)).passed
    [warning] = [rule.said for rule in check(moved, baseline(MONTH)).rules if rule.outcome == "warned"]
    assert warning == "faq: new model other in 90 calls, not in the baseline"
    assert not check(moved, baseline(MONTH), new_models="fail").passed
    assert not outcomes(check(moved, baseline(MONTH), new_models="ignore"), "warned")


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_cost_that_became_unknown_does_not_pass(share: float) -> None:
    known = int(60 * (1 - share))
    moved: list[Row] = [("chat", "gpt-4o", 0.01)] * known + [("chat", "mystery", None)] * (60 - known)
    result = check(moved + [row for row in MONTH if row[0] != "chat"], baseline(MONTH))
    assert not result.passed
    [reason] = result.reasons
    assert reason.startswith(
        f"chat: what {60 - known} of 60 calls cost is no longer known; no price is known for mystery"
    )


def test_failed_calls_without_a_cost_are_no_unknown() -> None:
    failures = [("chat", "gpt-4o", None)] * 50
    month, broken = log(MONTH), log(failures, failed=True)
    both = gate.Log(concat([month.calls, broken.calls]), np.concatenate([month.costs, broken.costs]))
    result = gate.check(both, baseline(MONTH), GateSettings(), STAMP, "0.1.0")
    assert result.passed
    assert result.diff.change == 0.0


def test_what_was_never_known_stays_out_and_is_named() -> None:
    rows = [*MONTH, *[("lab", "mystery", None)] * 20]
    result = check(rows, baseline(rows))
    assert result.passed
    assert any("20 calls (10 %) of unknown cost" in note for note in result.notes)


def test_something_that_was_free_and_is_not_fails() -> None:
    free = [("chat", "local", 0.0)] * 10
    assert check(free, baseline(free)).passed
    assert not check([("chat", "gpt-4o", 0.01)] * 10, baseline(free)).passed


@pytest.mark.parametrize("rows", [[], [("renamed", "gpt-4o", 0.01)]])
def test_nothing_to_compare_is_not_a_pass(rows: list[Row]) -> None:
    result = check(rows, baseline(MONTH))
    assert not result.passed
    assert "nothing can be compared" in result.reasons[0]
    assert result.diff.change is None
    assert result.current.cost_per_call_usd is None


def test_a_baseline_without_prices_is_not_a_pass() -> None:
    assert not check(MONTH, baseline([("chat", "mystery", None)])).passed


def test_calls_without_a_task_are_compared_too() -> None:
    calls = from_rows([{"request_model": "gpt-4o"}] * 3, [])
    file = gate.baseline(gate.Log(calls, np.full(3, 0.5)), stamp=STAMP, version="0.1.0")
    assert [(task.task, task.calls, task.cost_usd) for task in file.tasks] == [("untagged", 3, "1.5")]


@pytest.mark.parametrize("allowed", [-0.1, float("nan")])
def test_an_allowance_that_makes_no_sense_is_refused(allowed: float) -> None:
    with pytest.raises(LLMCostError, match="cannot be allowed"):
        check(MONTH, baseline(MONTH), allowed=allowed)


def test_costs_of_other_calls_are_refused() -> None:
    with pytest.raises(LLMCostError, match="1 costs for 180 calls"):
        gate.Log(log(MONTH).calls, np.zeros(1))


@given(ROWS)
@settings(max_examples=30, deadline=None)
def test_a_file_gives_its_baseline_back(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    file = tmp_path_factory.mktemp("gate") / "baseline.json"
    written = baseline(rows)
    gate.write(written, file)
    assert gate.read(file) == written
    assert file.read_bytes().endswith(b"}\n")


def test_the_file_reads_well_and_holds_decimal_strings(tmp_path: Path) -> None:
    gate.write(baseline(MONTH), tmp_path / "b.json")
    found = json.loads((tmp_path / "b.json").read_text())
    assert found["schema"] == "llmcost.baseline/2"
    assert [task["task"] for task in found["tasks"]] == ["chat", "code", "faq"]
    assert found["tasks"][2] | {"usage": None} == {
        "task": "faq", "calls": 90, "failed_calls": 0, "unknown_calls": 0, "priced_calls": 90, "cost_usd": "0.09",
        "cost_per_call_usd": "0.001", "cost_error_usd": "0", "units": 90, "tokens_per_call": None,
        "tokens_error": None, "latency_p95_ms": None, "latency_error": None, "models": ["mini"], "usage": None,
        "cases": {},
    }  # fmt: skip
    tiny = gate.baseline(log([("faq", "mini", 1.5e-7)]), stamp=STAMP, version="0.1.0")
    assert tiny.tasks[0].cost_per_call_usd == "0.00000015"


GOOD = json.loads(gate.to_text(baseline(MONTH)))


def broken_task(**values) -> dict:
    return GOOD | {"tasks": [GOOD["tasks"][0] | values]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ("[]", "not a baseline"),
        ("{}", "not a baseline"),
        ("[" * 100_000, "not JSON"),
        ('{"schema": "llmcost.report/1"}', "not a baseline"),
        (json.dumps(GOOD | {"schema": "llmcost.baseline/3"}), "schema 3, newer than"),
        (json.dumps(GOOD | {"schema": "llmcost.baseline/1"}), "does not say how sure its costs are"),
        (json.dumps(GOOD | {"calls": "many"}), "calls"),
        (json.dumps(broken_task(cost_usd="much")), "tasks[0] (chat).cost_usd: 'much'"),
        (json.dumps(broken_task(cost_usd="NaN")), "not an amount"),
        (json.dumps(broken_task(cost_usd="1e999999")), "not an amount"),
        (json.dumps(broken_task(cases={"k": "x"})), "cases.k: 'x' is not an amount"),
        (json.dumps(broken_task(units=-1)), "below 0"),
        (json.dumps(broken_task(cost_per_call_usd="-1")), "not an amount"),
        (json.dumps(broken_task(cost_per_call_usd=None)), "known only where"),
        (json.dumps(broken_task(priced_calls=1000)), "1000 of 60 calls"),
        (json.dumps(GOOD | {"tasks": GOOD["tasks"] * 2}), "listed twice"),
    ],
)
def test_a_broken_file_says_what_and_where(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "baseline.json"
    file.write_text(content)
    with pytest.raises(InputError) as caught:
        gate.read(file)
    assert said in caught.value.message
    assert str(file) in caught.value.message
    assert caught.value.hint


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read") as caught:
        gate.read(tmp_path / "none.json")
    assert "llmcost baseline" in str(caught.value.hint)
    with pytest.raises(InputError, match="cannot write"):
        gate.write(baseline(MONTH), tmp_path / "no" / "folder.json")
