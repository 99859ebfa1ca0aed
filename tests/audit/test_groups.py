"""Sums of money are exact: the same, to the last bit, as the correctly rounded sum of plain Python."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.call_tables import table

from llmcost.audit.groups import money_sum, money_sums

assert table([]) is not None  # registers the hypothesis profile

DOLLARS = st.floats(-1e12, 1e12) | st.floats(1e-9, 1e-3) | st.floats(-1e-300, 1e-300) | st.just(0.1)
ROWS = st.lists(st.tuples(st.integers(0, 4), DOLLARS | st.just(math.nan)), max_size=80)


@given(ROWS)
def test_sums_by_group_are_those_of_fsum(rows):
    codes = np.array([code for code, _ in rows], dtype=np.int64)
    values = np.array([value for _, value in rows], dtype=np.float64)
    for code, found in enumerate(money_sums(codes, 5, values)):
        known = [value for group, value in rows if group == code and not math.isnan(value)]
        assert found == (math.fsum(known) if known else None)


@given(st.lists(DOLLARS, min_size=1, max_size=200), st.randoms(use_true_random=False))
def test_the_order_changes_no_bit(values, random):
    shuffled = random.sample(values, len(values))
    assert money_sum(np.array(values)) == money_sum(np.array(shuffled)) == math.fsum(values)


def test_many_small_amounts_beside_a_large_one():
    values = np.r_[np.full(100_000, 1e-7), 1e9, np.random.default_rng(1).lognormal(-8, 4, 100_000), -1e9]
    assert money_sum(values) == math.fsum(values.tolist())


@pytest.mark.parametrize("values", [[5e-324, 5e-324], [2.2e-308, -5e-324], [1e307, 1e-320], [0.0, -0.0], [math.inf, 1]])
def test_the_ends_of_what_a_float_can_hold(values):
    assert money_sum(np.array(values)) == math.fsum(values)


def test_nothing_known_is_unknown_and_not_nothing():
    assert money_sum(np.array([math.nan])) is None
    assert money_sum(np.array([])) is None
    assert money_sums(np.array([1, 1]), 3, np.array([0.0, math.nan])) == [None, 0.0, None]
