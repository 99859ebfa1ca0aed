"""Looking more than once: the published boundaries, what may be spent, and that no look spends more."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from llmcost.evidence.looks import FARTHEST, FIVE_LOOKS, boundaries, fractions, spent

# Lan–DeMets O'Brien–Fleming boundaries, one-sided .025, as printed in textbooks and by the programs in use.
PUBLISHED = [
    (2, (2.963, 1.969)),
    (3, (3.710, 2.511, 1.993)),
    (4, (4.333, 2.963, 2.359, 2.014)),
    (5, (4.877, 3.357, 2.680, 2.290, 2.031)),
]
levels = st.floats(1e-4, 0.2)
places = st.lists(st.integers(1, 19), min_size=0, max_size=6, unique=True).map(
    lambda steps: (*(step / 20 for step in sorted(steps)), 1.0)
)


@pytest.mark.parametrize(("looks", "published"), PUBLISHED)
def test_the_published_boundaries_are_met(looks, published):
    at = tuple((k + 1) / looks for k in range(looks))
    assert boundaries(0.025, at) == pytest.approx(published, abs=0.0006)


@pytest.mark.parametrize(
    ("share", "later"),  # of α: the third look on, where the plan's table and the integral agree
    [(1, (2.010, 1.714)), (4, (2.673, 2.279)), (20, (3.329, 2.831))],
)
def test_the_usual_plan_is_within_the_error_of_its_simulated_table(share, later):
    assert boundaries(0.05 / share)[3:] == pytest.approx(later, abs=0.026)


def test_one_look_is_the_fixed_test():
    assert boundaries(0.05, (1.0,)) == pytest.approx([stats.norm.isf(0.05)])


@given(levels, places)
@settings(max_examples=40, deadline=None)
def test_two_looks_and_more_spend_what_is_allowed(alpha, at):
    critical = boundaries(alpha, at)
    assert len(critical) == len(at)
    assert critical[0] == pytest.approx(min(stats.norm.isf(spent(alpha, at[0])), FARTHEST), abs=1e-6)
    if len(at) == 2:  # against scipy's bivariate normal: nothing crosses at either look
        rho = np.sqrt(at[0] / at[1])
        stays = stats.multivariate_normal(cov=[[1, rho], [rho, 1]]).cdf(np.array(critical))
        assert 1 - stays == pytest.approx(alpha, abs=1e-5)


def test_no_more_than_alpha_is_spent_in_simulated_paths():
    rng = np.random.default_rng(11)
    steps = np.sqrt(np.diff((0.0, *FIVE_LOOKS)))
    paths = np.cumsum(rng.standard_normal((200_000, len(steps))) * steps, axis=1) / np.sqrt(FIVE_LOOKS)
    crossed = (paths > np.array(boundaries(0.05))).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=0.002)
    assert (paths > stats.norm.isf(0.05)).any(axis=1).mean() > 0.12  # what naive peeking would do


@given(levels)
@settings(max_examples=20, deadline=None)
def test_early_looks_ask_for_more(alpha):
    assert all(early > late for early, late in pairwise(boundaries(alpha)))


def test_the_last_look_costs_little():
    assert boundaries(0.05)[-1] < stats.norm.isf(0.05) + 0.08


@pytest.mark.parametrize("looks", [1, 2, 3, 5, 8])
def test_looks_rise_to_the_whole_sample(looks):
    at = fractions(looks)
    assert len(at) == looks and at[-1] == 1.0 and all(a < b for a, b in pairwise(at))


@pytest.mark.parametrize(("alpha", "at"), [(0.0, (1.0,)), (0.5, (1.0,)), (0.05, ()), (0.05, (0.5,)), (0.05, (1.0, 1.0)),
                                           (0.05, (0.0, 1.0))])  # fmt: skip
def test_impossible_looks_are_refused(alpha, at):
    with pytest.raises(ValueError, match="must"):
        boundaries(alpha, at)
