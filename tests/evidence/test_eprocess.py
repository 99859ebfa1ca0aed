"""Watching a promise: never a false alarm more often than said, however often one looks, and soon a true one."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcost.evidence.eprocess import STAKES, Watch, broken, least_mean, start, update, value

DELTA = 0.05
differences = st.lists(st.sampled_from([-1.0, -0.5, -0.123, 0.0, 0.29, 0.5, 1.0]), max_size=60).map(np.array)


def drawn(rng, n, discordance, mean):
    luck = rng.random(n)
    return (luck > 1 - (discordance + mean) / 2).astype(float) - (luck < (discordance - mean) / 2)


def ever_broken(worlds, prompts, discordance, mean):
    """How often the alarm is raised within so many prompts if one looks after every single one."""
    rng = np.random.default_rng(1)
    watches = (update(start(DELTA), drawn(rng, prompts, discordance, mean)) for _ in range(worlds))
    return np.mean([broken(watch, 0.05) for watch in watches])


@pytest.mark.parametrize("discordance", [0.06, 0.2, 0.9])
def test_a_promise_just_kept_is_called_broken_at_most_as_often_as_said_however_often_one_looks(discordance):
    assert ever_broken(500, 2_000, discordance, -DELTA) <= 0.05


@pytest.mark.parametrize(("mean", "prompts"), [(-0.10, 1_200), (-0.15, 300), (-0.5, 60)])
def test_a_broken_promise_is_found_soon(mean, prompts):
    assert ever_broken(300, prompts, max(0.2, -mean), mean) >= 0.8


def test_losses_that_follow_the_past_raise_no_false_alarm_either():
    """Bad days: losses in runs, while the chance of one given the past is never beyond the promise."""
    rng = np.random.default_rng(2)
    false = 0
    for _ in range(400):
        quiet = np.repeat(rng.random(100) < 0.5, 20)
        false += broken(update(start(DELTA), -((rng.random(2_000) < DELTA) & ~quiet).astype(float)), 0.05)
    assert false / 400 <= 0.05


@given(differences, st.lists(st.integers(0, 60), max_size=4))
@settings(deadline=None)
def test_however_the_prompts_are_cut_into_batches_the_watch_is_the_same(sample, cuts):
    whole, parts = update(start(DELTA), sample), start(DELTA)
    for batch in np.split(sample, sorted(cuts)):
        parts = update(parts, batch)
    one_by_one = start(DELTA)
    for difference in sample:
        one_by_one = update(one_by_one, np.array([difference]))
    assert whole == parts == one_by_one


@given(differences)
@settings(deadline=None, max_examples=50)
def test_wealth_is_the_mean_over_the_stakes_of_what_each_made(sample):
    watch = update(start(DELTA), sample)
    made = np.prod(1 - STAKES * (sample[:, None] + DELTA) / (1 + DELTA), axis=0)
    assert value(watch) == pytest.approx(made.mean())
    assert watch.highest >= np.log(made.mean()) - 1e-9
    assert (watch.n, watch.total) == (sample.size, pytest.approx(sample.sum()))
    assert sum(count for _, count in watch.counts) == sample.size


def test_the_expected_wealth_at_the_edge_of_the_promise_is_what_it_was():
    watch, chances = update(start(DELTA), np.array([-1.0, 0.5])), {-1.0: 0.1, 0.0: 0.85, 1.0: 0.05}
    after = sum(chance * value(update(watch, np.array([outcome]))) for outcome, chance in chances.items())
    assert after == pytest.approx(value(watch))


def test_once_broken_it_stays_so():
    watch = update(start(DELTA), -np.ones(20))
    assert broken(watch, 0.05)
    later = update(watch, np.ones(500))
    assert value(later) < 1
    assert broken(later, 0.05)
    assert not broken(update(start(DELTA), np.ones(500)), 0.05)


def test_the_lower_bound_is_above_the_truth_at_no_time_in_at_least_95_of_100():
    rng = np.random.default_rng(3)
    misses = 0
    for _ in range(100):
        watch, missed = start(DELTA), False
        for _ in range(8):
            watch = update(watch, drawn(rng, 100, 0.1, -0.02))
            missed |= least_mean(watch, 0.05) > -0.02
        misses += missed
    assert misses / 100 <= 0.05


def test_the_lower_bound_comes_near_and_is_never_above_the_mean():
    rng = np.random.default_rng(4)
    watch, bounds = start(DELTA), []
    for _ in range(4):
        watch = update(watch, drawn(rng, 1_000, 0.1, 0.0))
        bounds.append(least_mean(watch, 0.05))
        assert bounds[-1] <= watch.total / watch.n
        assert least_mean(watch, 0.01) < bounds[-1]
    assert bounds[-1] > -0.012 > bounds[0]


def test_what_lies_between_hundredths_is_taken_for_the_lower_one():
    fine, coarse = np.tile([0.019, -0.301], 100), np.tile([0.01, -0.31], 100)
    bounds = [least_mean(update(start(DELTA), sample), 0.05) for sample in (fine, coarse)]
    assert bounds[0] == pytest.approx(bounds[1], abs=2e-5)
    assert update(start(DELTA), np.array([0.29, -0.57])).counts == ((-57, 1), (29, 1))


def test_of_nothing_nothing_is_known():
    assert value(start(DELTA)) == pytest.approx(1)
    assert least_mean(start(DELTA), 0.05) == -1
    assert least_mean(update(start(DELTA), -np.ones(9)), 0.05) == -1


def test_it_can_be_kept_as_json():
    watch = update(start(DELTA), np.array([-1.0, 0.25, 1 / 3]))
    kept = json.loads(json.dumps(asdict(watch)))
    again = Watch(**kept | {"log_wealths": tuple(kept["log_wealths"]), "counts": tuple(map(tuple, kept["counts"]))})
    assert again == watch
    assert update(again, np.array([0.1])) == update(watch, np.array([0.1]))


def test_a_great_wealth_is_a_number_too():
    assert value(replace(start(DELTA), log_wealths=(5_000.0,) * STAKES.size)) == np.inf


def test_impossible_input_is_refused():
    for delta in (0.0, 1.0, float("nan")):
        with pytest.raises(ValueError, match="delta"):
            start(delta)
    for bad in (np.array([1.1]), np.array([np.nan]), np.zeros((2, 2))):
        with pytest.raises(ValueError, match="differences"):
            update(start(DELTA), bad)
    for alpha in (0.0, 1.0):
        with pytest.raises(ValueError, match="alpha"):
            broken(start(DELTA), alpha)
