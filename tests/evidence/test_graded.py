"""Bounds for graded differences: Tango's where there are no grades, and sound where there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcost.evidence import lower_bound, upper_bound
from llmcost.evidence.graded import mean_bounds

samples = st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.3, 0.5, 1.0]), min_size=1, max_size=200).map(np.array)


@given(st.integers(0, 60), st.integers(0, 300), st.integers(0, 60), st.floats(0.3, 4))
def test_on_wins_ties_and_losses_they_are_tangos(wins, ties, losses, z):
    values = np.repeat([1.0, 0.0, -1.0], [wins, ties, losses])
    if not values.size:
        return
    low, high = mean_bounds(values, np.ones(values.size), values.size, z)
    assert low == pytest.approx(lower_bound(wins, losses, values.size, z), abs=1e-8)
    assert high == pytest.approx(upper_bound(wins, losses, values.size, z), abs=1e-8)


@given(samples, st.floats(0.3, 4))
@settings(max_examples=60)
def test_they_enclose_the_mean_and_mirror_each_other(values, z):
    weights = np.ones(values.size)
    low, high = mean_bounds(values, weights, values.size, z)
    assert -1 <= low <= values.mean() + 1e-12
    assert values.mean() - 1e-12 <= high <= 1
    mirrored = mean_bounds(-values, weights, values.size, z)
    assert mirrored == pytest.approx((-high, -low), abs=1e-11)


def test_a_sample_without_spread_is_no_certainty():
    low, high = mean_bounds(np.full(50, 0.5), np.ones(50), 50, 1.645)
    assert low < 0.45
    assert high > 0.51


def test_weights_count_as_repeats_do_where_the_effective_number_is_told():
    values = np.array([1.0, 0.5, 0.0, -0.5, -1.0])
    counts = np.array([3, 5, 80, 6, 4])
    repeated = np.repeat(values, counts)
    plain = mean_bounds(repeated, np.ones(repeated.size), 98, 1.96)
    assert mean_bounds(values, counts.astype(float), 98, 1.96) == pytest.approx(plain, abs=1e-9)
