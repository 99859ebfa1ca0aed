"""What the per-task table says of each verdict, on the scale of the person who reads it."""

from __future__ import annotations

import csv
import io
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import results

from llmcost.recommend.result import Choice, TaskReport
from llmcost.report import renderers, replay_document
from llmcost.report.screens.verdicts import candidates_table, highest, lowest


def drawn(*tasks: TaskReport) -> str:
    """The terminal's screen of these tasks, on one line where it does not matter where lines break."""
    report = msgspec.structs.replace(results.replay(), tasks=list(tasks))
    return renderers()["table"](replay_document(report), width=200)


def named(name: str) -> TaskReport:
    return next(task for task in results.replay().tasks if task.task == name)


def test_what_passed_shows_what_was_certified_not_what_the_judge_saw() -> None:
    screen = drawn(named("support chat"), named("summarize"))
    assert "≥ −2.8 % (n 1,412)" in screen  # −1.39 as judged, by a grader taken to show half
    assert "≥ −7.6 % (n 1,000)  SWITCH at 7.6 %" in screen


def test_what_did_not_pass_shows_the_same_figures_as_its_reason() -> None:
    assert "≥ 3.0 % worse (n 412)" in drawn(named("code"))
    assert "−7.8 to +8.0 % (n 500)" in drawn(named("translate"))


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0.3, 1))
def test_the_scale_of_the_user_only_widens(lower: float, reach: float, reliability: float) -> None:
    plain = results.candidate("m", "INCONCLUSIVE", "", lower_bound=lower, upper_bound=min(lower + reach, 1.0))
    item = msgspec.structs.replace(plain, reliability=reliability)
    low, high = lowest(item), highest(item)
    assert low is not None
    assert high is not None
    assert -1 <= low <= lower
    assert 1 >= high >= min(lower + reach, 1.0)


def test_good_enough_but_dearer_is_said() -> None:
    screen = drawn(named("extract"))
    assert re.search(r"^extract +gpt-4o-mini +gpt-4o-mini +– +≥ −1\.9 % \(n 600\) +KEEP$", screen, re.M)
    assert "  deepseek-v4-flash is good enough but costs 2.1×" in screen


def test_one_that_was_dropped_early_leaves_its_task_with_what_it_uses() -> None:
    task = named("extract")
    only = [item for item in task.candidates if item.verdict == "INCONCLUSIVE"]
    screen = drawn(msgspec.structs.replace(task, candidates=only))
    assert re.search(r"^extract +gpt-4o-mini +gpt-4o-mini +– +≈ −3\.8 % \(n 150\) +KEEP$", screen, re.M)
    assert "tried Qwen/Qwen3-8B: dropped at look 2 of 5: not on the way to within its limit" in screen


@pytest.mark.parametrize(
    ("ratio", "said"), [(None, "its cost is not known"), (0.99, "is not certainly cheaper"), (1.06, "costs 1.1×")]
)
def test_why_a_candidate_that_passed_is_not_used(ratio: float | None, said: str) -> None:
    task = named("extract")
    dear = [msgspec.structs.replace(item, cost_ratio=ratio) for item in task.candidates if item.verdict == "SWITCH"]
    assert f"deepseek-v4-flash is good enough but {said}\n" in drawn(msgspec.structs.replace(task, candidates=dear))


def test_a_task_that_stays_says_what_was_tried_and_what_would_settle_it() -> None:
    assert "tried deepseek-v4-flash +1: worse by more than the margin of 2 %\n" in drawn(named("code"))
    assert "tried deepseek-v4-flash +1: needs 2,100 more prompts (≈ $8.40)\n" in drawn(named("translate"))
    short = msgspec.structs.replace(named("translate"), replayable_calls=2000)
    assert "needs 2,100 more prompts (≈ $8.40), a longer log\n" in drawn(short)
    hopeless = msgspec.structs.replace(named("translate"), candidates=named("translate").candidates[1:])
    assert "tried Qwen/Qwen3-8B: not reachable at this estimate" in drawn(hopeless)


def test_a_task_without_candidates_stays_and_has_nothing_to_explain() -> None:
    choice = Choice("gpt-4o", "CANNOT_JUDGE", None, None)
    screen = drawn(msgspec.structs.replace(named("code"), candidates=[], choice=choice))
    assert re.search(r"^code +gpt-4o +gpt-4o +– +– +CANNOT JUDGE$", screen, re.M)
    assert "tried" not in screen


@pytest.mark.parametrize("name", ["markdown", "html", "csv"])
def test_the_reasons_are_whole_wherever_they_stand(name: str) -> None:
    rendered = renderers()[name](replay_document(results.replay()))
    for task in results.replay().tasks:
        for item in task.candidates:
            assert item.reason in rendered


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_terminal_leaves_the_reasons_out_and_cuts_no_sentence(width: int) -> None:
    screen = renderers()["table"](replay_document(results.replay()), width=width)
    assert "more prompts will not bring it" not in screen
    for note in (
        "+1: worse by more than the margin of 2 %",
        "grader gemini-2.5-flash missed 9 of 60 planted bad answers",
    ):
        assert note in re.sub(r"\s+", " ", screen)


def test_what_could_not_be_judged_is_empty_in_a_spreadsheet() -> None:
    report = msgspec.structs.replace(results.replay(), tasks=results.replay().tasks[-1:])
    rows = list(csv.DictReader(io.StringIO(renderers()["csv"](replay_document(report)), newline="")))
    assert [row["quality"] for row in rows if row["table"] == "task"] == [""]


def test_a_certified_margin_is_never_made_smaller() -> None:
    report = results.replay()
    candidate = msgspec.structs.replace(report.tasks[0].candidates[0], certified_margin=0.06601)
    task = msgspec.structs.replace(report.tasks[0], candidates=[candidate])
    table = candidates_table(msgspec.structs.replace(report, tasks=[task]))
    at = [column.key for column in table.columns].index("certified_margin")
    assert (table.rows[0].cells[at].text, table.rows[0].cells[at].value) == ("6.7 %", 0.06601)
