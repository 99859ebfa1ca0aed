"""Who is asked on: rules that end a candidate, and a law: nothing is ended that the task might still need."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.evidence import Decision, Outcomes, Rule, Verdict, decide
from llmcost.evidence.survey import Ratio
from llmcost.serving import CandidateModel
from llmcost.trial.cell import Cell
from llmcost.trial.design import Arm
from llmcost.trial.stopping import stop

LOOKS = 5
VERDICT = decide(Outcomes(np.zeros(50), np.ones(50)), Rule(0.02))


def verdict(decision: Decision, statistic: float | None = 1.0) -> Verdict:
    return replace(VERDICT, decision=decision, statistic=statistic)


def cell(name: str, look: int, found: Verdict) -> Cell:
    arm = Arm(CandidateModel(name), np.arange(100), (), {})
    return Cell(arm, "task", np.arange(100), 100, verdict=found, look=look)


def ratio(value: float, reach: float = 0.01) -> Ratio:
    return Ratio(value, value - reach, value + reach, 50, 0)


def ended(found: Verdict, look: int, cost: Ratio | None = None) -> str | None:
    one = cell("one", look, found)
    stop([one], {"one": cost or ratio(0.2)}, LOOKS)
    return one.ended


@pytest.mark.parametrize(
    ("decision", "statistic", "look", "said"),
    [
        ("SWITCH", 4.0, 2, "passed at look 2 of 5"),
        ("KEEP", -4.0, 3, "decided at look 3 of 5"),
        ("CANNOT_JUDGE", None, 1, "decided at look 1 of 5"),
        ("INCONCLUSIVE", -1.96, 1, "dropped at look 1 of 5: not on the way to within its limit"),
        ("INCONCLUSIVE", -1.95, 1, None),
        ("INCONCLUSIVE", -0.01, 2, "dropped at look 2 of 5: not on the way to within its limit"),
        ("INCONCLUSIVE", 0.0, 4, None),
        ("SWITCH_AT", 1.0, 4, None),
        ("SWITCH_AT", 1.0, 5, "passed at the looser limit: asked all 0 prompts"),
        ("INCONCLUSIVE", -3.0, 5, "asked all 0 prompts"),
    ],
)
def test_what_ends_a_candidate(decision: Decision, statistic: float | None, look: int, said: str | None) -> None:
    assert ended(verdict(decision, statistic), look) == said


def test_one_that_certainly_costs_more_is_not_asked_on() -> None:
    assert ended(verdict("INCONCLUSIVE"), 1, ratio(1.2)) == "dropped at look 1 of 5: costs more than what is used now"
    assert ended(verdict("INCONCLUSIVE"), 1, ratio(1.0, 0.1)) is None


def test_a_dropped_one_says_so_and_plans_no_more_prompts() -> None:
    one = cell("one", 2, replace(verdict("INCONCLUSIVE", -0.5), more_prompts=500, difference=-0.031))
    stop([one], {"one": ratio(0.2)}, LOOKS)
    assert one.verdict is not None and one.verdict.more_prompts is None
    assert one.verdict.reason.endswith("not on the way to within its limit (estimate −3.1 points, n 50)")


def test_once_a_cheaper_one_has_passed_the_dearer_are_not_needed() -> None:
    passed, dearer, cheaper = (
        cell("passed", 3, verdict("SWITCH", 4.0)),
        cell("dearer", 3, verdict("INCONCLUSIVE")),
        cell("cheaper", 3, verdict("INCONCLUSIVE")),
    )
    stop([passed, dearer, cheaper], {"passed": ratio(0.2), "dearer": ratio(0.4), "cheaper": ratio(0.1)}, LOOKS)
    assert dearer.ended == "not asked further: passed passed and costs less"
    assert cheaper.ended is None


def test_one_that_passed_but_does_not_save_stops_nobody() -> None:
    passed, other = cell("passed", 2, verdict("SWITCH", 4.0)), cell("other", 2, verdict("INCONCLUSIVE"))
    stop([passed, other], {"passed": ratio(0.99, 0.1), "other": None}, LOOKS)
    assert other.ended is None


decisions: st.SearchStrategy[Decision] = st.sampled_from(["SWITCH", "SWITCH_AT", "KEEP", "INCONCLUSIVE"])


@given(
    st.lists(st.tuples(decisions, st.floats(-4, 4), st.floats(0.05, 1.5)), min_size=1, max_size=5), st.integers(1, 5)
)
def test_at_the_end_nobody_is_left_and_before_it_the_cheapest_in_the_running_is(
    drawn: list[tuple[Decision, float, float]], look: int
) -> None:
    cells = [cell(f"m{i}", look, verdict(d, t)) for i, (d, t, _) in enumerate(drawn)]
    ratios = {f"m{i}": ratio(cost) for i, (_, _, cost) in enumerate(drawn)}
    stop(cells, ratios, LOOKS)
    if look == LOOKS:
        assert all(one.ended for one in cells)
    for one, (decision, statistic, cost) in zip(cells, drawn, strict=True):
        cheapest = cost == min(c for _, _, c in drawn)
        if decision in ("INCONCLUSIVE", "SWITCH_AT") and statistic >= 0 and cost < 0.9 and cheapest and look < LOOKS:
            assert one.ended is None
