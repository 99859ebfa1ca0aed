"""The least that a grader shows of a true difference, and who says so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from llmcost.evidence.calibration import (
    EXACT,
    FEWEST_LABELS,
    UNCALIBRATED,
    Reliability,
    reliability,
    reliability_bound,
)

VALUES = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
agreements = st.lists(st.sampled_from(VALUES.tolist()), min_size=1, max_size=120).map(np.array)


def right_and_wrong(right, wrong):
    return np.repeat([1.0, -1.0], [right, wrong])


@pytest.mark.parametrize("n", [30, 60, 200])
def test_of_right_and_wrong_verdicts_it_is_above_the_truth_in_at_most_5_percent(n):
    """Exact: summed over the binomial distribution, for every κ from .3 to .99."""
    wrong = np.arange(min(n // 2, 80) + 1)
    bounds = np.array([reliability_bound(right_and_wrong(n - k, k)) for k in wrong])
    for kappa in np.linspace(0.3, 0.99, 139):
        assert stats.binom.pmf(wrong, n, (1 - kappa) / 2)[bounds > kappa].sum() <= 0.05


@pytest.mark.parametrize("shares", [(0.05, 0.05, 0.1, 0.1, 0.7), (0, 0.05, 0, 0.15, 0.8), (0.01, 0, 0, 0.19, 0.8)])
@pytest.mark.parametrize("n", [40, 150])
def test_of_half_verdicts_too(shares, n):
    drawn = np.random.default_rng(1).multinomial(n, shares, 400)
    kappa = float(np.dot(VALUES, shares))
    assert np.mean([reliability_bound(np.repeat(VALUES, counts)) > kappa for counts in drawn]) <= 0.065


def test_labels_chosen_with_unequal_probability_are_weighed_back():
    """Verdicts are right where labels are plenty and wrong where they are few: κ is 0, the plain mean .8."""
    rng = np.random.default_rng(2)
    above = 0
    for _ in range(300):
        often = rng.random(150) < 0.9
        sample = np.where(often, 1.0, -1.0)
        above += reliability_bound(sample, np.where(often, 1 / 0.9, 1 / 0.1)) > 0
    assert above / 300 <= 0.075


def test_it_is_not_needlessly_low():
    assert reliability_bound(right_and_wrong(60, 0)) > 0.89
    assert reliability_bound(right_and_wrong(190, 10)) > 0.8


@given(agreements, st.floats(0.1, 100))
@settings(max_examples=50, deadline=None)
def test_it_is_below_the_mean_has_no_unit_of_weight_and_falls_with_confidence(sample, unit):
    bound = reliability_bound(sample)
    assert -1 <= bound <= sample.mean() + 1e-9
    assert reliability_bound(sample, np.full(sample.size, unit)) == pytest.approx(bound, abs=1e-9)
    assert reliability_bound(sample, confidence=0.99) <= bound + 1e-9


@given(agreements)
@settings(max_examples=30, deadline=None)
def test_a_verdict_that_turns_from_right_to_wrong_never_helps(sample):
    worse = np.where(np.arange(sample.size) == 0, -1.0, sample)
    assert reliability_bound(worse) <= reliability_bound(sample) + 1e-9


def test_people_outrank_planted_errors_whichever_is_kinder():
    planted, good, poor = right_and_wrong(58, 2), right_and_wrong(95, 5), right_and_wrong(70, 30)
    assert reliability(planted, good) == Reliability(reliability_bound(good), "human labels", 100)
    assert reliability(planted, poor) == Reliability(reliability_bound(poor), "human labels", 100)
    assert reliability(planted, poor).value < 0.5 < reliability(planted, good).value


def test_people_are_weighed():
    people, weights = right_and_wrong(30, 10), np.repeat([1.0, 5.0], [30, 10])
    assert reliability(people=people, people_weights=weights).value < reliability(people=people).value - 0.2


def test_too_few_labels_leave_it_to_planted_errors():
    few = right_and_wrong(FEWEST_LABELS - 1, 0)
    assert reliability(right_and_wrong(60, 0), few).source == "planted errors"
    assert reliability(right_and_wrong(60, 0), np.append(few, 1.0)).source == "human labels"


def test_planted_errors_can_lower_a_judge_but_not_lift_it():
    assert reliability(right_and_wrong(60, 0)).value == UNCALIBRATED
    assert reliability(right_and_wrong(40, 20)).value < 0.3
    assert reliability(right_and_wrong(10, 50)).value < 0


def test_what_nobody_measured_is_called_so():
    assert reliability() == reliability(np.array([])) == Reliability(UNCALIBRATED, "nothing", 0)
    assert (EXACT.value, EXACT.source) == (1.0, "checks")


@pytest.mark.parametrize(
    ("sample", "weights", "confidence", "reason"),
    [
        (np.array([]), None, 0.95, "not empty"),
        (np.ones(3), np.ones(2), 0.95, "parallel"),
        (np.array([1.5]), None, 0.95, r"\[-1, 1\]"),
        (np.array([np.nan]), None, 0.95, r"\[-1, 1\]"),
        (np.ones(2), np.zeros(2), 0.95, "positive"),
        (np.ones(2), None, 1.0, "confidence"),
    ],
)
def test_impossible_input_is_refused(sample, weights, confidence, reason):
    with pytest.raises(ValueError, match=reason):
        reliability_bound(sample, weights, confidence)
