"""People correct the judges: right whatever the judges are worth, tighter where they are worth something."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcost.evidence.prediction_powered import human_bounds

Z = 1.6448536
TRUTH = -0.05


def world(rng, n=2_000, labels=200, discordance=0.3, noise=0.3, bias=0.1, unequal=True):
    """Judged differences of a candidate 5 points worse, by a judge who guesses at times and favours it at others."""
    luck = rng.random(n)
    human = (luck > 1 - (discordance + TRUTH) / 2).astype(float) - (luck < (discordance - TRUTH) / 2)
    judged = np.where(rng.random(n) < noise, rng.choice([-1.0, 0.0, 1.0], n, p=[0.2, 0.6, 0.2]), human)
    judged = np.where((rng.random(n) < bias) & (judged < 1), judged + 1, judged)
    judged = np.where(rng.random(n) < 0.1, judged / 2, judged)
    weights = rng.lognormal(0, 0.6, n) if unequal else np.ones(n)
    differs = judged != 0
    chance = labels * (0.5 / n + 0.5 * differs / differs.sum()) if unequal else np.full(n, labels / n)
    labelled = np.flatnonzero(rng.random(n) < chance)
    return judged, weights, labelled, human[labelled], np.minimum(chance, 1)[labelled]


@pytest.mark.parametrize("unequal", [False, True])
@pytest.mark.parametrize(("discordance", "noise", "bias"), [(0.3, 0.3, 0.1), (0.1, 0.05, 0.03)])
def test_each_bound_is_on_the_wrong_side_at_most_as_often_as_promised(discordance, noise, bias, unequal):
    rng = np.random.default_rng(1)
    drawn = (world(rng, discordance=discordance, noise=noise, bias=bias, unequal=unequal) for _ in range(1_000))
    found = [human_bounds(*sample, Z) for sample in drawn]
    assert np.mean([bounds.lower > TRUTH for bounds in found]) <= 0.065  # 5 % and the error of 1,000 worlds
    assert np.mean([bounds.upper < TRUTH for bounds in found]) <= 0.065
    assert np.mean([bounds.upper < 0.1 for bounds in found]) > 0.95  # and not by saying nothing


def test_few_labels_that_count_for_much_do_not_break_the_promise():
    """250 labels of unequal chance on calls of unequal weight are worth about 120."""
    rng = np.random.default_rng(10)
    found = [human_bounds(*world(rng, labels=250), Z).lower for _ in range(6_000)]
    assert np.mean(np.array(found) > TRUTH) <= 0.0535  # 5 % and one standard error


def test_a_biased_judge_alone_would_be_on_the_wrong_side():
    judged, weights, *labels = world(np.random.default_rng(2), n=20_000, labels=4_000)
    assert weights @ judged / weights.sum() > -0.01
    assert human_bounds(judged, weights, *labels, Z).estimate == pytest.approx(TRUTH, abs=0.03)


def test_a_good_judge_makes_it_tighter_and_a_coin_does_no_harm():
    rng = np.random.default_rng(3)
    judged, weights, *labels = world(rng, noise=0.02, bias=0.02, unequal=False)
    good = human_bounds(judged, weights, *labels, Z)
    coin = human_bounds(rng.choice([-1.0, 0.0, 1.0], judged.size), weights, *labels, Z)
    alone = human_bounds(np.zeros(judged.size), weights, *labels, Z)
    assert good.tuning > 0.6
    assert coin.tuning < 0.2
    assert good.upper - good.lower < 0.75 * (alone.upper - alone.lower)
    assert coin.upper - coin.lower < 1.02 * (alone.upper - alone.lower)


def test_labels_without_judges_are_their_own_weighted_mean():
    labelled, labels = np.array([0, 2, 3]), np.array([1.0, -1.0, 0.0])
    found = human_bounds(np.zeros(5), np.array([1.0, 9, 2, 4, 9]), labelled, labels, np.array([0.5, 0.5, 1]), Z)
    assert found.estimate == pytest.approx((2 - 4) / (2 + 4 + 4))
    assert (found.tuning, found.labels) == (0.0, 3)


def test_with_every_pair_labelled_the_judges_do_not_matter():
    judged, weights, *_ = world(np.random.default_rng(4), n=300)
    human = np.random.default_rng(5).choice([-1.0, 0.0, 1.0], 300)
    found = human_bounds(judged, weights, np.arange(300), human, np.ones(300), Z)
    assert found.estimate == pytest.approx(weights @ human / weights.sum())


def test_agreement_on_every_label_is_no_certainty():
    judged = np.zeros(2_000)
    found = human_bounds(judged, np.ones(2_000), np.arange(200), judged[:200], np.full(200, 0.1), Z)
    assert found.lower < -0.005


@given(st.integers(0, 10_000), st.floats(0.01, 100))
@settings(max_examples=30, deadline=None)
def test_bounds_mirror_each_other_and_weights_have_no_unit(seed, unit):
    judged, weights, labelled, labels, chance = world(np.random.default_rng(seed), n=400, labels=80)
    found = human_bounds(judged, weights, labelled, labels, chance, Z)
    mirrored = human_bounds(-judged, unit * weights, labelled, -labels, chance, Z)
    assert -1 <= found.lower <= found.estimate <= found.upper <= 1
    assert 0 <= found.tuning <= 1
    assert (mirrored.lower, mirrored.upper) == pytest.approx((-found.upper, -found.lower), abs=1e-9)


def test_copies_of_a_pair_are_one_piece_of_evidence():
    judged, weights, labelled, labels, _ = world(np.random.default_rng(6), n=200, labels=60, unequal=False)
    once = human_bounds(judged, weights, labelled, labels, np.full(labels.size, 0.3), Z)
    copies = (labelled[:, None] * 10 + np.arange(10)).ravel()
    tenfold = np.repeat(judged, 10), np.ones(2_000), copies, np.repeat(labels, 10), np.full(copies.size, 0.3)
    together = human_bounds(*tenfold, Z, np.repeat(np.arange(200), 10))
    assert (together.lower, together.upper) == pytest.approx((once.lower, once.upper))
    assert human_bounds(*tenfold, Z).lower > once.lower


GOOD = {
    "judged": np.zeros(4), "weights": np.ones(4), "labelled": np.array([0, 2]), "labels": np.array([1.0, 0.0]),
    "probabilities": np.array([0.5, 0.5]), "z": Z,
}  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"weights": np.ones(3)}, "parallel"),
        ({"clusters": np.zeros(3, np.int64)}, "parallel"),
        ({"labels": np.ones(3)}, "parallel"),
        ({"labelled": np.array([0, 4])}, "indices"),
        ({"labelled": np.array([-1, 0])}, "indices"),
        ({"labelled": np.array([1, 1])}, "at most once"),
        ({"z": np.inf}, "finite"),
        ({"z": 0.0}, "above 0"),
        ({"weights": np.zeros(4)}, "positive"),
        ({"probabilities": np.array([0.0, 0.5])}, r"\(0, 1\]"),
        ({"probabilities": np.array([1.1, 0.5])}, r"\(0, 1\]"),
        ({"labels": np.array([2.0, 0.0])}, r"\[-1, 1\]"),
        ({"judged": np.full(4, np.nan)}, r"\[-1, 1\]"),
        ({"clusters": np.zeros(4, np.int64)}, "too few"),
        ({"labelled": np.array([0]), "labels": np.ones(1), "probabilities": np.ones(1)}, "too few"),
    ],
)
def test_impossible_input_is_refused(wrong, reason):
    human_bounds(**GOOD)
    with pytest.raises(ValueError, match=reason):
        human_bounds(**GOOD | wrong)
