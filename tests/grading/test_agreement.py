"""Position bias and agreement: the laws that make the figures readable."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.grading import Grade
from llmcost.grading.agreement import agreement, chance_corrected, position_bias

said = st.sampled_from([-1.0, 0.0, 1.0])
graded = st.lists(st.tuples(said, said), min_size=1, max_size=30)


def judged(straight: float, swapped: float) -> Grade:
    return Grade((straight + swapped) / 2, "judge", orders=(straight, swapped))


def signs(*values: int) -> list[Grade]:
    return [judged(value, value) for value in values]


def grades(orders: Sequence[tuple[float, float]]) -> list[Grade]:
    return [judged(*each) for each in orders]


CHECKED = Grade(0.0, "exact")
UNREAD = Grade(-1.0, "judge", unparsed=True, orders=(-1.0, -1.0))


@pytest.mark.parametrize(
    ("orders", "bias"),
    [
        ([(-1.0, 1.0)] * 3, 1.0),
        ([(1.0, -1.0)] * 3, -1.0),
        ([(1.0, 1.0), (-1.0, -1.0), (0.0, 0.0)], 0.0),
        ([(-1.0, 1.0), (0.0, 0.0)], 0.5),
        ([(0.0, 1.0)], 0.5),
    ],
)
def test_position_bias_is_what_is_said_for_the_first_answer(orders: list[tuple[float, float]], bias: float) -> None:
    assert position_bias(grades(orders)) == bias


@given(graded)
def test_position_bias_is_bounded_and_turns_around_with_the_positions(orders: list[tuple[float, float]]) -> None:
    bias = position_bias(grades(orders))
    assert bias is not None and -1 <= bias <= 1
    assert position_bias(grades([(swapped, straight) for straight, swapped in orders])) == -bias


@given(graded)
def test_position_bias_does_not_depend_on_which_answer_is_better(orders: list[tuple[float, float]]) -> None:
    """Exchanging the two answers of every pair turns the signs around and exchanges the orders."""
    exchanged = [(-swapped, -straight) for straight, swapped in orders]
    assert position_bias(grades(exchanged)) == position_bias(grades(orders))


@given(graded)
def test_what_no_judge_read_says_nothing(orders: list[tuple[float, float]]) -> None:
    unread = [CHECKED, UNREAD, Grade(None, "unreachable")]
    assert position_bias(unread) is None
    assert position_bias([*grades(orders), *unread]) == position_bias(grades(orders))


def test_agreement_counts_the_pairs_on_which_all_say_the_same() -> None:
    by_judge = {"a": signs(1, 0, -1, 0), "b": signs(1, 0, 0, 0), "c": signs(1, 0, -1, 1)}
    assert agreement(by_judge) == 0.5


def test_half_a_win_is_a_win() -> None:
    assert agreement({"a": [judged(1, 0)], "b": [judged(1, 1)]}) == 1.0


def test_pairs_that_a_judge_did_not_grade_do_not_count() -> None:
    by_judge = {"a": [*signs(1, 0), CHECKED, Grade(None, "unreachable")], "b": [*signs(1, 1), CHECKED, *signs(1)]}
    assert agreement(by_judge) == 0.5


@pytest.mark.parametrize("by_judge", [{}, {"a": signs(1)}, {"a": [], "b": []}, {"a": [CHECKED], "b": [CHECKED]}])
def test_where_there_is_nothing_to_compare_there_is_no_figure(by_judge: dict[str, list[Grade]]) -> None:
    assert agreement(by_judge) is None
    assert chance_corrected(by_judge) is None


def test_the_worked_example_of_two_judges() -> None:
    """Shares: worse .25, no different .5, better .25; so chance = (.1875 + .25 + .1875) / 2 and seen = .5."""
    by_judge = {"a": signs(1, 0, -1, 0), "b": signs(1, 0, 0, -1)}
    assert chance_corrected(by_judge) == pytest.approx((0.5 - 0.3125) / (1 - 0.3125))


three = st.lists(st.tuples(*[st.sampled_from([-1, 0, 1])] * 3), min_size=1, max_size=30)


@given(three)
def test_agreement_is_a_share_and_correction_only_lowers_it(rows: list[tuple[int, int, int]]) -> None:
    by_judge = {name: signs(*column) for name, column in zip("abc", zip(*rows, strict=True), strict=True)}
    share, corrected = agreement(by_judge), chance_corrected(by_judge)
    assert share is not None and corrected is not None
    assert 0 <= share <= 1
    assert -1 <= corrected <= 1
    assert (share == 1) == math.isclose(corrected, 1)


@given(three)
def test_neither_the_order_of_judges_nor_of_pairs_matters(rows: list[tuple[int, int, int]]) -> None:
    def figures(rows: Sequence[Sequence[int]]) -> tuple[float | None, float | None]:
        by_judge = {str(index): signs(*column) for index, column in enumerate(zip(*rows, strict=True))}
        corrected = chance_corrected(by_judge)
        return agreement(by_judge), None if corrected is None else round(corrected, 9)

    assert figures(rows) == figures(rows[::-1]) == figures([row[::-1] for row in rows])
    assert figures(rows) == figures([[-sign for sign in row] for row in rows])


def test_judges_that_nearly_always_tie_are_not_called_chance() -> None:
    by_judge = {"a": signs(*[0] * 98, 1, 0), "b": signs(*[0] * 98, 0, 1)}
    corrected = chance_corrected(by_judge)
    assert corrected is not None and corrected > 0.95


def test_a_grade_without_orders_is_not_a_judges() -> None:
    assert position_bias([replace(judged(-1, 1), orders=None)]) is None
