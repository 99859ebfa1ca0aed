"""What the per-task table says of each verdict, on the scale of the person who reads it."""

from __future__ import annotations

import re

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from support import results

from llmcost.recommend.result import Choice, TaskReport
from llmcost.report import renderers, replay_document
from llmcost.report.screens.verdicts import highest, lowest


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
