"""Thresholds of a cascade: a promise kept at its level, which a choice by the estimate breaks."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from llmcost.evidence import cascade
from llmcost.evidence.cascade import (
    CascadeChoice,
    CascadeRefusal,
    Judged,
    Prompts,
    Tier,
    auc,
    choose,
    frontier,
    thresholds,
    two_thresholds,
    walk,
)

MARGIN, ALPHA = 0.02, 0.05
WRONG, BETTER = 0.15, 0.03


def walked(tier, prompts, delta, alpha, last=None):
    """The walk alone, without the test of the grader."""
    return walk([Judged([tier], delta, last)], prompts, cascade._one_by_one(tier), alpha)


def separation(area):
    return float(np.sqrt(2) * stats.norm.ppf(area))


def tier(rng, n, area, wrong=WRONG, saving=1.0):
    """Answers of which 15 % are worse than the incumbent's and 3 % better; normal scores, mapped to [0, 1]."""
    luck = rng.random(n)
    differences = (luck > 1 - BETTER).astype(float) - (luck < wrong)
    scores = stats.norm.cdf(rng.normal(0, 1, n) + separation(area) * (differences >= 0))
    return Tier(scores, differences, saving)


def true_difference(threshold, area):
    point = stats.norm.ppf(threshold)
    return BETTER * stats.norm.sf(point - separation(area)) - WRONG * stats.norm.sf(point)


def cheapest_by_the_estimate(sample):
    """What one would choose without a test: the lowest threshold whose kept answers lost at most the margin here."""
    order = np.argsort(-sample.scores)
    within = np.flatnonzero(np.cumsum(sample.differences[order]) >= -MARGIN * order.size)
    return sample.scores[order][within[-1]]


@pytest.mark.parametrize("n", [200, 500])
@pytest.mark.parametrize("area", [0.6, 0.75, 0.9])
def test_the_choice_loses_more_than_the_margin_at_most_as_often_as_promised(n, area):
    rng = np.random.default_rng(1)
    broken = by_estimate = 0
    for _ in range(400):
        sample = tier(rng, n, area)
        choice = walked(sample, Prompts(np.ones(n)), MARGIN, ALPHA)
        broken += isinstance(choice, CascadeChoice) and true_difference(choice.thresholds[0], area) < -MARGIN
        by_estimate += true_difference(cheapest_by_the_estimate(sample), area) < -MARGIN
    assert broken / 400 <= 0.07  # 5 % and the error of 400 worlds
    assert by_estimate / 400 > 0.3


def test_the_level_is_used_where_the_first_step_loses_just_the_margin():
    """All scores equal: all answers are kept or none, and the test is as often wrong as it may be."""
    rng = np.random.default_rng(2)
    passed = 0
    for _ in range(1_000):
        luck = rng.random(300)
        sample = Tier(np.full(300, 0.5), (luck > 0.96).astype(float) - (luck < 0.06))
        passed += isinstance(walked(sample, Prompts(np.ones(300)), MARGIN, ALPHA), CascadeChoice)
    assert 0.03 <= passed / 1_000 <= 0.065


def test_a_good_grader_keeps_most_and_the_shares_are_those_of_the_prompts():
    sample = tier(np.random.default_rng(3), 2_000, 0.9)
    choice = thresholds(sample, Prompts(np.ones(2_000)), MARGIN, ALPHA)
    kept = sample.scores >= choice.thresholds[0]
    assert choice.kept == (pytest.approx(kept.mean()),)
    assert choice.escalated == pytest.approx(1 - kept.mean())
    assert choice.kept[0] > 0.6
    assert choice.n == 2_000


def test_it_stops_at_the_first_failure_even_if_later_steps_would_pass():
    """Losses in the middle of the scores, made good below: the walk does not jump over them."""
    scores = np.linspace(1, 0, 1_000)
    differences = np.r_[np.zeros(400), -np.ones(100), np.ones(150), np.zeros(350)]
    choice = walked(Tier(scores, differences), Prompts(np.ones(1_000)), MARGIN, ALPHA)
    assert choice.escalated == pytest.approx(0.6)
    harmless = walked(Tier(scores, np.abs(differences)), Prompts(np.ones(1_000)), MARGIN, ALPHA)
    assert harmless.escalated == 0


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_wider_margin_keeps_no_less_and_order_and_unit_of_weight_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    sample, order = tier(rng, 300, 0.8), rng.permutation(300)
    shuffled = Tier(sample.scores[order], sample.differences[order])
    kept = []
    for margin in (0.02, 0.05, 0.1):
        choice = walked(sample, Prompts(np.ones(300)), margin, ALPHA)
        assert walked(shuffled, Prompts(np.full(300, 7.0)), margin, ALPHA) == choice
        kept.append(choice.kept[0] if isinstance(choice, CascadeChoice) else 0.0)
    assert kept == sorted(kept)


def test_weights_count_losses_for_their_calls():
    sample = tier(np.random.default_rng(4), 1_000, 0.85)
    plain = walked(sample, Prompts(np.ones(1_000)), 0.05, ALPHA)
    heavy_losses = walked(sample, Prompts(np.where(sample.differences < 0, 3.0, 1.0)), 0.05, ALPHA)
    assert heavy_losses.kept[0] < plain.kept[0] - 0.1
    rare = Tier(np.linspace(1, 0, 2_000), np.where(np.arange(2_000) % 33 == 32, -1.0, 0.0))
    light_losses = np.where(rare.differences < 0, 0.2, 1.0)
    assert walked(rare, Prompts(np.ones(2_000)), MARGIN, ALPHA).escalated > 0.5
    assert walked(rare, Prompts(light_losses), MARGIN, ALPHA).escalated == 0


def test_half_losses_count_in_signs_and_in_the_mean():
    scores = np.linspace(1, 0, 1_000)
    differences = np.zeros(1_000)
    differences[600:660], differences[660:720] = -0.5, 0.5
    choice = walked(Tier(scores, differences), Prompts(np.ones(1_000)), MARGIN, ALPHA)
    assert choice.escalated == pytest.approx(0.4)  # the signs fail where the halves begin
    differences[600:720] = np.tile([1.0, -1.0], 60)
    balanced, unbalanced = (Tier(scores, np.where(differences > 0, win, differences)) for win in (1.0, 0.1))
    assert walked(balanced, Prompts(np.ones(1_000)), 0.05, ALPHA).escalated == 0
    assert walked(unbalanced, Prompts(np.ones(1_000)), 0.05, ALPHA).escalated > 0.28


@pytest.mark.parametrize("better", [True, False])
def test_a_grader_that_tells_nothing_is_refused_however_good_the_model(better):
    rng = np.random.default_rng(5)
    differences = np.where(rng.random(2_000) < 0.01, -1.0, float(better) * (rng.random(2_000) < 0.3))
    refusal = thresholds(Tier(rng.random(2_000), differences), Prompts(np.ones(2_000)), MARGIN, ALPHA)
    assert isinstance(refusal, CascadeRefusal)
    assert refusal.reason.startswith("a cascade is not worth it here: the run-time grader tells wrong answers")


def test_too_few_prompts_are_said_to_be_too_few():
    for n, kind in ((132, CascadeRefusal), (133, CascadeChoice)):
        assert isinstance(walked(Tier(np.linspace(0, 1, n), np.zeros(n)), Prompts(np.ones(n)), MARGIN, ALPHA), kind)
    assert (
        "132 prompts are too few to rule out"
        in walked(Tier(np.ones(132), np.zeros(132)), Prompts(np.ones(132)), MARGIN, ALPHA).reason
    )


def test_where_even_the_surest_answers_lose_nothing_is_kept():
    scores = np.linspace(0, 1, 1_000)
    refusal = walked(Tier(scores, np.where(scores > 0.9, -1.0, 0.0)), Prompts(np.ones(1_000)), MARGIN, ALPHA)
    assert "not even the answers with the highest scores" in refusal.reason


# --- two tiers before the incumbent ---------------------------------------------------------------------------------


def two_tiers(rng, n):
    return tier(rng, n, 0.8, saving=1.0), tier(rng, n, 0.9, saving=0.6)


def true_difference_of_two(found):
    """The tiers of `two_tiers` are independent of each other, so what reaches the second is as good as any."""
    first, second = found.thresholds
    point = stats.norm.ppf(first)
    kept = WRONG * stats.norm.sf(point) + (1 - WRONG) * stats.norm.sf(point - separation(0.8))
    return true_difference(first, 0.8) + (1 - kept) * true_difference(second, 0.9)


def test_two_thresholds_keep_the_promise_together():
    rng = np.random.default_rng(6)
    broken = chosen = 0
    for seed in range(120):
        found = two_thresholds(*two_tiers(rng, 800), Prompts(np.ones(800)), MARGIN, ALPHA, seed)
        chosen += isinstance(found, CascadeChoice)
        broken += isinstance(found, CascadeChoice) and true_difference_of_two(found) < -MARGIN
    assert chosen > 100
    assert broken / 120 <= 0.09  # 5 % and the error of 120 worlds


def test_two_thresholds_are_tested_on_prompts_that_had_no_say_in_their_order():
    cheap, middle = two_tiers(np.random.default_rng(7), 2_000)
    found = two_thresholds(cheap, middle, Prompts(np.ones(2_000)), MARGIN, ALPHA, seed=1)
    assert found == two_thresholds(cheap, middle, Prompts(np.ones(2_000)), MARGIN, ALPHA, seed=1)
    assert found.n == 1_400
    assert sum(found.kept) + found.escalated == pytest.approx(1)
    assert min(found.kept) > 0.05


def test_a_tier_that_costs_more_than_it_saves_keeps_nothing():
    cheap, middle = two_tiers(np.random.default_rng(8), 2_000)
    found = two_thresholds(
        Tier(cheap.scores, cheap.differences, -0.1), middle, Prompts(np.ones(2_000)), MARGIN, ALPHA, 1
    )
    assert (found.thresholds[0], found.kept[0]) == (inf, 0.0)
    assert found.kept[1] > 0.5


# --- the grader -----------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=4, max_size=40))
def test_the_auc_is_the_share_of_pairs_in_the_right_order(items):
    scores, wrong = (np.array(column) for column in zip(*items, strict=True))
    found = auc(scores / 5, wrong)
    low, high = scores[wrong], scores[~wrong]
    if min(low.size, high.size) < 2:
        assert (found.value, found.lower) == (0.5, 0.0)
        return
    pairs = np.sign(high[:, None] - low[None, :])
    assert found.value == pytest.approx((pairs.mean() + 1) / 2)
    assert 0 <= found.lower <= max(found.value, 1e-9)
    assert (found.wrong, found.right) == (low.size, high.size)


@pytest.mark.parametrize("area", [0.7, 0.9])
@pytest.mark.parametrize("wrong", [8, 60])
def test_its_lower_bound_is_above_the_truth_in_at_most_5_percent(area, wrong):
    rng = np.random.default_rng(9)
    places = np.arange(wrong + 200) < wrong
    scores = rng.normal(0, 1, (1_000, places.size)) + separation(area) * ~places
    bounds = np.array([auc(row, places).lower for row in scores])
    assert np.mean(bounds > area) <= 0.07
    assert np.median(bounds) > area - (0.5 if wrong == 8 else 0.15)


def test_a_perfect_separation_of_a_few_is_no_certainty():
    assert auc(np.r_[np.zeros(5), np.ones(500)], np.arange(505) < 5).lower < 0.7
    assert 0.7 < auc(np.r_[np.zeros(40), np.ones(500)], np.arange(540) < 40).lower < 1
    assert auc(np.r_[np.ones(5), np.zeros(50)], np.arange(55) < 5).lower == 0


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"scores": np.full(4, 1.1)}, "scores must"),
        ({"differences": np.full(4, -2.0)}, "differences in"),
        ({"differences": np.zeros(3)}, "parallel"),
        ({"weights": np.zeros(4)}, "positive"),
        ({"delta": 0.0}, "delta"),
        ({"alpha": 0.5}, "alpha"),
        ({"scores": np.zeros(1), "differences": np.zeros(1), "weights": np.ones(1)}, "two prompts"),
    ],
)
def test_impossible_input_is_refused(changed, reason):
    good = {"scores": np.zeros(4), "differences": np.zeros(4), "weights": np.ones(4), "delta": MARGIN, "alpha": ALPHA}
    assert isinstance(chosen(**good), CascadeRefusal)
    with pytest.raises(ValueError, match=reason):
        chosen(**good | changed)


def chosen(scores, differences, weights, delta, alpha):
    return thresholds(Tier(scores, differences), Prompts(weights), delta, alpha)


# --- clusters, another last tier, the frontier ------------------------------------------------------------------------


def test_prompts_that_fail_together_are_fewer_witnesses():
    sample = tier(np.random.default_rng(10), 1_000, 0.85)
    alone = walked(sample, Prompts(np.ones(1_000)), 0.05, ALPHA)
    together = walked(sample, Prompts(np.ones(1_000), clusters=np.arange(1_000) // 20), 0.05, ALPHA)
    kept = together.kept[0] if isinstance(together, CascadeChoice) else 0.0
    assert kept < alone.kept[0]


def test_a_last_tier_that_is_not_the_incumbent_has_to_pass_first():
    sample = tier(np.random.default_rng(11), 2_000, 0.9)
    losing, harmless = -(np.arange(2_000) % 20 == 0).astype(float), np.zeros(2_000)
    refusal = walked(sample, Prompts(np.ones(2_000)), MARGIN, ALPHA, losing)
    assert isinstance(refusal, CascadeRefusal)
    plain = walked(sample, Prompts(np.ones(2_000)), MARGIN, ALPHA)
    assert walked(sample, Prompts(np.ones(2_000)), MARGIN, ALPHA, harmless) == plain


def test_an_answer_without_a_score_escalates_at_every_threshold():
    sample = tier(np.random.default_rng(15), 1_000, 0.9)
    unread = np.arange(1_000) % 4 == 0
    choice = walked(
        Tier(np.where(unread, np.nan, sample.scores), sample.differences), Prompts(np.ones(1_000)), 0.1, 0.05
    )
    kept = ~unread & (sample.scores >= choice.thresholds[0])
    assert choice.kept == (pytest.approx(kept.mean()),)
    nothing = Tier(np.full(1_000, np.nan), sample.differences)
    assert isinstance(walked(nothing, Prompts(np.ones(1_000)), 0.1, ALPHA), CascadeRefusal)


def test_the_frontier_runs_from_escalate_all_to_keep_all_and_its_bounds_lie_below():
    sample = tier(np.random.default_rng(12), 1_000, 0.85)
    points = frontier(Judged([sample], MARGIN), Prompts(np.ones(1_000)), ALPHA)
    assert (points[0].escalated, points[0].difference) == (1.0, 0.0)
    assert points[-1].kept == (pytest.approx(1.0),)
    assert points[-1].difference == pytest.approx(sample.differences.mean())
    assert [point.kept[0] for point in points] == sorted(point.kept[0] for point in points)
    assert all(point.lower_bound < point.difference for point in points)
    tiers = two_tiers(np.random.default_rng(13), 1_000)
    two = frontier(Judged(tiers, MARGIN), Prompts(np.ones(1_000)), ALPHA)
    assert all(sum(point.kept) + point.escalated == pytest.approx(1) for point in two)


def test_of_several_judges_the_first_to_stop_stops_all():
    rng = np.random.default_rng(14)
    lenient = tier(rng, 2_000, 0.9)
    strict = Tier(lenient.scores, np.where(lenient.scores < 0.95, -1.0, lenient.differences))
    prompts = Prompts(np.ones(2_000))
    one, other = (choose([Judged([each], MARGIN)], prompts, ALPHA, seed=0) for each in (lenient, strict))
    both = choose([Judged([lenient], MARGIN), Judged([strict], MARGIN)], prompts, ALPHA, seed=0)
    assert both.thresholds == max(one.thresholds, other.thresholds) > one.thresholds
