"""A judge's liking for long answers: taken out where it is, nothing invented where it is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from llmcost.evidence.graded import mean_bounds
from llmcost.evidence.length import adjusted_bounds

Z = 1.6448536
MARGIN = 0.05


def world(rng, n, discordance, bias, shift=0.3):
    """Differences and shifts of a candidate MARGIN worse whom a judge favours by bias × shift; a fifth are ungraded."""
    lengths = np.tanh(rng.normal(shift, 0.4, n)) * (rng.random(n) < 0.8)
    luck, lean = rng.random(n), bias * lengths
    loses, wins = (discordance + MARGIN - lean) / 2, (discordance - MARGIN + lean) / 2
    return (luck > 1 - wins).astype(float) - (luck < loses), lengths


def accepted(worlds, n, discordance, bias):
    """How often the candidate at the margin passes: with adjustment, and without."""
    rng = np.random.default_rng(1)
    adjusted = plain = 0
    for _ in range(worlds):
        differences, lengths = world(rng, n, discordance, bias)
        adjusted += adjusted_bounds(differences, lengths, np.ones(n), Z).lower > -MARGIN
        plain += mean_bounds(differences, np.ones(n), n, Z)[0] > -MARGIN
    return adjusted / worlds, plain / worlds


@pytest.mark.parametrize(("discordance", "bias"), [(0.3, 0.2), (0.1, 0.06)])
def test_a_judge_who_likes_long_answers_fools_the_plain_bound_but_not_the_adjusted(discordance, bias):
    adjusted, plain = accepted(400, 200, discordance, bias)
    assert plain > 0.1
    assert adjusted <= 0.08  # 5 % and the error of 400 worlds


@pytest.mark.parametrize("discordance", [0.06, 0.3])
def test_a_judge_without_the_bias_is_not_harmed_at_the_margin(discordance):
    adjusted, _ = accepted(400, 150, discordance, 0.0)
    assert 0.02 <= adjusted <= 0.08


def test_the_slope_and_the_loss_behind_it_are_found():
    differences, lengths = world(np.random.default_rng(2), 200_000, 0.3, 0.2)
    found = adjusted_bounds(differences, lengths, np.ones(differences.size), Z)
    assert found.slope == pytest.approx(0.2, abs=0.01)
    assert found.estimate == pytest.approx(-MARGIN, abs=0.005)
    assert differences.mean() > -0.01


def test_pairs_that_no_judge_graded_have_no_say_on_the_slope():
    """Failures at shift 0 would tilt a line through all pairs, and turn a fair judge into one that likes length."""
    rng = np.random.default_rng(3)
    lengths = np.r_[np.zeros(200), rng.normal(0.5, 0.2, 800)]
    differences = np.r_[-np.ones(200), rng.choice([-1.0, 1.0], 800)]
    alone = adjusted_bounds(differences[200:], lengths[200:], np.ones(800), Z)
    found = adjusted_bounds(differences, lengths, np.ones(1_000), Z)
    assert found.slope == pytest.approx(alone.slope)
    assert found.estimate == pytest.approx(0.8 * alone.estimate - 0.2)


@given(st.integers(0, 10_000), st.floats(0.1, 50), st.floats(0.5, 3))
@settings(max_examples=40, deadline=None)
def test_bounds_enclose_the_estimate_mirror_each_other_and_know_no_unit(seed, unit, z):
    rng = np.random.default_rng(seed)
    differences, lengths = world(rng, 120, 0.3, 0.1)
    weights = rng.lognormal(0, 0.5, 120)
    found = adjusted_bounds(differences, lengths, weights, z)
    assert -1 <= found.lower <= found.estimate <= found.upper <= 1
    mirrored = adjusted_bounds(-differences, lengths, unit * weights, z)
    assert (mirrored.lower, mirrored.upper) == pytest.approx((-found.upper, -found.lower), abs=1e-6)
    other_unit = adjusted_bounds(differences, unit * lengths, weights, z)
    assert other_unit.lower == pytest.approx(found.lower, abs=1e-6)
    assert other_unit.slope == pytest.approx(found.slope / unit)


def test_prompts_that_fail_together_count_as_clusters():
    rng = np.random.default_rng(4)
    differences, lengths = world(rng, 50, 0.3, 0.1)
    tenfold = np.repeat(differences, 10), np.repeat(lengths, 10), np.ones(500), Z
    together = adjusted_bounds(*tenfold, np.repeat(np.arange(50), 10))
    assert together.lower <= adjusted_bounds(differences, lengths, np.ones(50), Z).lower + 1e-9
    assert together.lower < adjusted_bounds(*tenfold).lower - 0.05


def test_of_few_clusters_it_is_the_sandwich_of_least_squares_with_students_t():
    rng = np.random.default_rng(7)
    clusters, lengths, weights = np.repeat(np.arange(5), 60), rng.normal(0.3, 0.4, 300), rng.lognormal(0, 0.3, 300)
    differences = rng.choice([-1.0, 0.0, 1.0], 300)
    line = np.c_[np.ones(300), lengths]
    bread = np.linalg.inv(line.T @ (weights[:, None] * line))
    fit = bread @ line.T @ (weights * differences)
    scores = np.array(
        [part.sum(axis=0) for part in np.split((weights * (differences - line @ fit))[:, None] * line, 5)]
    )
    variance = (bread @ scores.T @ scores @ bread)[0, 0] * 5 / 4
    found = adjusted_bounds(differences, lengths, weights, 3.5, clusters)
    assert found.estimate == pytest.approx(fit[0])
    assert found.lower == pytest.approx(fit[0] - stats.t.isf(stats.norm.sf(3.5), 4) * np.sqrt(variance), abs=1e-6)


def test_ties_are_no_certainty():
    lengths = np.random.default_rng(5).normal(0, 0.3, 133)
    for n, passes in ((132, False), (133, True)):
        assert (adjusted_bounds(np.zeros(n), lengths[:n], np.ones(n), 1.6448).lower > -0.02) == passes


def test_answers_of_one_length_need_no_adjustment():
    assert adjusted_bounds(np.ones(50), np.zeros(50), np.ones(50), Z) is None


@pytest.mark.parametrize("lengths", [np.full(50, 0.4), np.r_[0.3, -0.1, np.zeros(48)]])
def test_what_cannot_be_told_apart_is_said(lengths):
    found = adjusted_bounds(np.full(50, 0.5), lengths, np.ones(50), Z)
    assert (found.estimate, found.lower, found.upper) == (0.5, -1.0, 1.0)


def test_impossible_input_is_refused():
    ones = np.ones(5)
    for arrays in ((ones, ones, np.ones(4)), (ones, np.ones(6), ones)):
        with pytest.raises(ValueError, match="parallel"):
            adjusted_bounds(*arrays, Z)
    with pytest.raises(ValueError, match="parallel"):
        adjusted_bounds(ones, ones, ones, Z, np.arange(4))
    for lengths, weights in ((np.full(5, np.nan), ones), (ones, np.zeros(5))):
        with pytest.raises(ValueError, match="finite"):
            adjusted_bounds(ones, lengths, weights, Z)
    for z in (0.0, np.inf):
        with pytest.raises(ValueError, match="above 0 and finite"):
            adjusted_bounds(ones, ones, ones, z)


@pytest.mark.parametrize("z", [4.7, 12.0])
def test_an_early_look_that_may_spend_next_to_nothing_is_far_from_sure(z):
    differences, lengths = world(np.random.default_rng(6), 250, 0.1, 0.0)
    found = adjusted_bounds(differences, lengths, np.ones(250), z)
    assert -1 <= found.lower < adjusted_bounds(differences, lengths, np.ones(250), 2.0).lower - 0.03
