"""Tango's test against an independent solution of the same problem, and the laws a bound must keep."""

from __future__ import annotations

from math import inf, log, sqrt

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from llmcost.evidence import lower_bound, tango_statistic, upper_bound

Z = 1.6448536269514722


@st.composite
def tables(draw):
    n = draw(st.integers(1, 3_000))
    wins = draw(st.integers(0, n))
    losses = draw(st.integers(0, n - wins))
    return wins, losses, n


margins = st.floats(0.001, 0.999)


def by_maximum_likelihood(wins, losses, n, margin):
    """T from the likelihood itself: the share of losses that makes the table likeliest if the difference is −margin."""
    d0 = -margin

    def minus_log_likelihood(q):
        shares = ((q + d0, wins), (q, losses), (1 - 2 * q - d0, n - wins - losses))
        if any(share < 0 or (share == 0 and count) for share, count in shares):
            return inf
        return -sum(count * log(share) for share, count in shares if count)

    low, high = max(0.0, -d0), (1 - d0) / 2
    best = minimize_scalar(minus_log_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-13})
    q = min((low, best.x, high), key=minus_log_likelihood)
    return (wins - losses - n * d0) / sqrt(n * (2 * q + d0 * (1 - d0)))


def test_it_is_the_constrained_maximum_likelihood_score_test_on_thousands_of_tables():
    rng = np.random.default_rng(1)
    for _ in range(3_000):
        n = int(rng.integers(1, 2_500))
        wins, losses, _ = (int(count) for count in rng.multinomial(n, rng.dirichlet([0.4, 0.4, 2.0])))
        margin = float(rng.uniform(0.005, 0.5))
        expected = by_maximum_likelihood(wins, losses, n, margin)
        assert tango_statistic(wins, losses, n, margin) == pytest.approx(expected, rel=2e-5, abs=2e-5)


@pytest.mark.parametrize("n", [1, 10, 132, 133, 5_000])
@pytest.mark.parametrize("margin", [0.02, 0.05, 0.3])
def test_of_ties_alone_it_is_the_closed_form(n, margin):
    assert tango_statistic(0, 0, n, margin) == pytest.approx(sqrt(n * margin / (1 - margin)))
    assert -lower_bound(0, 0, n, Z) == pytest.approx(Z**2 / (n + Z**2), abs=1e-11)


def test_with_margin_0_it_is_mcnemars_statistic():
    assert tango_statistic(30, 12, 500, 0.0) == pytest.approx((30 - 12) / sqrt(30 + 12))


def test_132_ties_are_too_few_and_133_are_enough_for_2_percent():
    assert tango_statistic(0, 0, 132, 0.02) <= Z < tango_statistic(0, 0, 133, 0.02)
    assert lower_bound(0, 0, 132, Z) < -0.02 < lower_bound(0, 0, 133, Z)


@given(tables(), st.floats(0, 5))
@example((0, 0, 1), 1.96)
@example((7, 0, 7), 1.96)
@example((0, 7, 7), 1.96)
def test_bounds_enclose_the_estimate_and_mirror_each_other(table, z):
    wins, losses, n = table
    low, high = lower_bound(wins, losses, n, z), upper_bound(wins, losses, n, z)
    assert -1 <= low <= (wins - losses) / n <= high <= 1
    assert high == -lower_bound(losses, wins, n, z)


@given(tables(), margins)
def test_the_bound_and_the_test_say_the_same(table, margin):
    low, statistic = lower_bound(*table, Z), tango_statistic(*table, margin)
    if abs(low + margin) > 1e-9:
        assert (low > -margin) == (statistic > Z)


@given(tables(), margins, margins)
def test_a_looser_margin_is_never_harder(table, one, other):
    tight, loose = sorted((one, other))
    assert tango_statistic(*table, tight) <= tango_statistic(*table, loose) + 1e-9


@given(tables(), margins)
def test_a_loss_instead_of_a_tie_never_helps(table, margin):
    wins, losses, n = table
    if wins + losses < n:
        assert tango_statistic(wins, losses + 1, n, margin) <= tango_statistic(wins, losses, n, margin) + 1e-9
        assert lower_bound(wins, losses + 1, n, Z) <= lower_bound(wins, losses, n, Z) + 1e-9


@given(tables(), st.floats(0, 4), st.floats(0, 4))
def test_more_confidence_means_a_wider_interval(table, one, other):
    less, more = sorted((one, other))
    assert lower_bound(*table, more) <= lower_bound(*table, less)


def test_the_edges_are_said_not_divided_by():
    assert lower_bound(0, 5, 5, Z) == -1
    assert upper_bound(5, 0, 5, Z) == 1
    assert tango_statistic(0, 0, 5, 1) == inf
    assert tango_statistic(0, 5, 5, 1) == 0
    assert tango_statistic(0, 0, 5, 0) == 0


@pytest.mark.parametrize("counts", [(0, 0, 0), (0, 0, -1), (-1, 0, 5), (3, 3, 5), (0, 0, inf), (float("nan"), 0, 5)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(ValueError, match=r"n must be positive|at most n"):
        tango_statistic(*counts, 0.02)
    with pytest.raises(ValueError, match=r"n must be positive|at most n"):
        lower_bound(*counts, Z)


def test_impossible_levels_are_refused():
    for margin in (1.5, float("nan")):
        with pytest.raises(ValueError, match="margin"):
            tango_statistic(1, 1, 5, margin)
    for z in (-1, float("nan")):
        with pytest.raises(ValueError, match="z must"):
            lower_bound(1, 1, 5, z)


def test_a_published_interval_is_met(benchmark_command):
    assert benchmark_command.score.published_apart() == 0


def test_it_is_what_the_score_equation_says_on_hundreds_of_tables(benchmark_command):
    wins, losses, n, margin, z = benchmark_command.score.draw(400)
    assert benchmark_command.score.statistics_apart(wins, losses, n, margin) < 1e-9
    assert benchmark_command.score.bounds_apart(wins, losses, n, z) < 1e-9


@given(tables(), st.floats(0.2, 4))
@settings(max_examples=30, deadline=None)
def test_bounds_solve_the_score_equation(benchmark_command, table, z):
    columns = [np.array([value], dtype=np.float64) for value in (*table, z)]
    assert benchmark_command.score.bounds_apart(*columns) < 1e-8
