"""Survey estimates: what weights must do, and what an unknown cost must not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from llmcost.evidence import Ratio, cost_ratio
from llmcost.evidence.survey import effective_share, hajek_mean, reach_of_total

weights = st.floats(0.1, 1_000)
paired = st.integers(1, 60).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, n, elements=st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0])),
        arrays(np.float64, n, elements=weights),
    )
)
NAN = float("nan")


def test_the_mean_counts_a_prompt_for_its_calls():
    assert hajek_mean(np.array([-1.0, 0.0]), np.array([1.0, 99.0])) == pytest.approx(-0.01)


@given(paired, st.floats(0.01, 100))
def test_the_effective_share_is_a_share_and_has_no_unit(sample, unit):
    values, weights = sample
    share = effective_share(values, weights)
    assert 0 < share <= 1
    assert effective_share(values, weights * unit) == pytest.approx(share, rel=1e-6)


@given(arrays(np.float64, 40, elements=st.sampled_from([-1.0, 0.0, 1.0])), weights)
def test_equal_weights_cost_nothing(values, weight):
    assert effective_share(values, np.full(40, weight)) == 1.0


def test_ties_of_unequal_weight_are_worth_less_than_as_many_of_equal_weight():
    weights = np.where(np.arange(200) < 20, 2.0, 0.9)
    assert effective_share(np.zeros(200), weights) < 0.6


def test_losses_on_heavy_prompts_count_for_less_evidence_than_losses_on_light_ones():
    weights = np.where(np.arange(200) < 100, 1.5, 0.5)
    heavy, light = np.zeros(200), np.zeros(200)
    heavy[:10], light[-10:] = -1.0, -1.0
    assert effective_share(heavy, weights) < effective_share(light, weights)


def test_the_ratio_weighs_dollars_by_calls():
    ratio = cost_ratio(np.array([1.0, 1.0]), np.array([10.0, 2.0]), np.array([1.0, 10.0]))
    assert ratio.value == pytest.approx(11 / 30)
    assert ratio.low < 11 / 30 < ratio.high


@given(st.floats(0.001, 10), st.integers(2, 50))
def test_a_constant_ratio_is_certain(value, n):
    incumbent = np.random.default_rng(n).lognormal(0, 1.5, n)
    ratio = cost_ratio(value * incumbent, incumbent, np.ones(n))
    assert (ratio.low, ratio.value, ratio.high) == pytest.approx((value, value, value), rel=1e-6)


def test_an_unknown_cost_is_left_out_and_counted_never_zero():
    known = cost_ratio(np.array([1.0, 2.0]), np.array([4.0, 4.0]), np.ones(2))
    some = cost_ratio(np.array([1.0, NAN, 2.0, 9.0]), np.array([4.0, 5.0, 4.0, NAN]), np.ones(4))
    assert (some.value, some.low, some.high) == (known.value, known.low, known.high)
    assert (some.n, some.unknown) == (2, 2)


def test_what_cannot_be_known_is_none():
    assert cost_ratio(np.array([NAN]), np.array([1.0]), np.ones(1)) == Ratio(None, None, None, 0, 1)
    assert cost_ratio(np.array([1.0]), np.array([0.0]), np.ones(1)) == Ratio(None, None, None, 1, 0)
    assert cost_ratio(np.array([1.0]), np.array([2.0]), np.ones(1)) == Ratio(0.5, None, None, 1, 0)
    assert cost_ratio(np.zeros(3), np.ones(3), np.ones(3)) == Ratio(0.0, 0.0, 0.0, 3, 0)


@given(st.integers(1, 400), st.data())
def test_of_equal_sizes_the_reach_is_clopper_and_pearsons(n, data):
    hits = data.draw(st.integers(0, n))
    below, above = reach_of_total(np.arange(n) < hits, np.full(n, 2.5))
    exact = stats.binomtest(hits, n).proportion_ci(method="exact")
    assert (below, above) == pytest.approx((2.5 * (hits - n * exact.low), 2.5 * (n * exact.high - hits)), abs=1e-6 * n)


def test_the_reach_of_a_heavy_tail_or_of_clusters_is_that_of_fewer_prompts():
    few, sizes = np.arange(300) % 20 == 0, np.random.default_rng(5).lognormal(0, 1.2, 300)
    equal = sum(reach_of_total(few, np.ones(300)))
    assert sum(reach_of_total(few, 300 * sizes / sizes.sum())) > equal
    assert sum(reach_of_total(few, np.ones(300), np.arange(300) // 10)) > 2 * equal
    assert reach_of_total(few, np.zeros(300)) == (0.0, 0.0)


@pytest.mark.parametrize(("share", "tail"), [(0.01, 0.3), (0.03, 1.0), (0.1, 1.0)])
def test_what_few_escalations_cost_is_covered_by_the_reach_and_not_by_the_ratio_alone(share, tail):
    """150 prompts, a first model at 15 % of the cost, and all of it on top for the few that escalate."""
    rng, covered = np.random.default_rng(11), np.zeros(2)
    for _ in range(400):
        cost, escalates = rng.lognormal(0, tail, 150), rng.random(150) < share
        ratio = cost_ratio(cost * (0.15 + escalates), cost, np.ones(150))
        below, above = np.array(reach_of_total(escalates, cost)) / cost.sum()
        low, high = min(ratio.low, ratio.value - below), max(ratio.high, ratio.value + above)
        covered += [ratio.low <= 0.15 + share <= ratio.high, low <= 0.15 + share <= high]
    assert covered[0] / 400 < 0.92
    assert covered[1] / 400 >= 0.94


def test_more_confidence_means_a_wider_interval():
    rng = np.random.default_rng(1)
    incumbent = rng.lognormal(0, 1, 100)
    candidate = incumbent * rng.lognormal(-2, 0.5, 100)
    narrow, wide = (cost_ratio(candidate, incumbent, np.ones(100), level) for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high
