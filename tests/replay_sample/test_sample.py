"""The replay sample: drawn with the chances it claims, by nothing but the seed and the prompts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from llmcost.calls import Calls, Source, concat, empty, from_rows
from llmcost.errors import ConfigError
from llmcost.evidence.survey import hajek_mean
from llmcost.replay.sample import Sample, draw, inclusion_probabilities

START = datetime(2026, 10, 1, tzinfo=UTC)


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def row(prompt: int | None, task: str | None = "chat", second: int = 0, **columns):
    return {
        "id": f"call-{second}",
        "start_time": START + timedelta(seconds=second),
        "operation": "chat",
        "task": task,
        "prompt_key": None if prompt is None else key(prompt),
        "body_state": "full",
        "source": 0,
        "position": second,
        "part": 0,
    } | columns


def log(rows) -> Calls:
    return from_rows(rows, [Source("log.jsonl", "rows", "jsonl")])


def heavy_log(prompts: int, seed: int = 1, tasks=("chat", "code")) -> tuple[Calls, np.ndarray]:
    """Some prompts asked once, some often; a heavy-tailed bill, part of it unknown."""
    rng = np.random.default_rng(seed)
    repeats = 1 + rng.poisson(rng.lognormal(-1.5, 1.2, prompts))
    numbers = rng.permutation(np.repeat(np.arange(prompts), repeats))
    calls = log([row(int(number), tasks[number % len(tasks)], second) for second, number in enumerate(numbers)])
    costs = rng.lognormal(0, 1.5, len(calls))
    costs[rng.random(len(calls)) < 0.05] = np.nan
    return calls, costs


def described(sample: Sample, calls: Calls) -> list[tuple]:
    ids = calls.labels("id")
    return [
        (ids[r], task, pi, weight)
        for r, task, pi, weight in zip(sample.rows, sample.tasks, sample.inclusion, sample.weights, strict=True)
    ]


@given(
    st.integers(1, 80).flatmap(
        lambda n: st.tuples(
            arrays(np.float64, n, elements=st.integers(1, 1_000).map(float)),
            arrays(np.float64, n, elements=st.floats(0, 1e6, allow_subnormal=False)),
        )
    ),
    st.integers(1, 60),
)
def test_chances_are_chances_that_sum_to_the_size_of_the_sample(prompts, n):
    calls, costs = prompts
    chances = inclusion_probabilities(calls, costs, n)
    assert np.all((chances > 0) & (chances <= 1))
    assert chances.sum() == pytest.approx(min(n, calls.size))


def test_half_of_a_chance_follows_calls_and_half_follows_cost():
    chances = inclusion_probabilities(np.array([1.0, 1, 1, 97]), np.array([0.0, 0, 50, 50]), 1)
    assert chances == pytest.approx([0.005, 0.005, 0.255, 0.735])
    assert inclusion_probabilities(np.array([1.0, 1, 1, 97]), np.zeros(4), 1) == pytest.approx([0.01, 0.01, 0.01, 0.97])


def test_prompts_are_drawn_as_often_as_their_chance_says():
    calls, costs = heavy_log(120, tasks=("chat",))
    drawn, chance, seeds = np.zeros(len(calls)), np.zeros(len(calls)), 1_500
    for seed in range(seeds):
        sample = draw(calls, costs, per_task=30, seed=seed)
        assert sample.rows.size == 30
        drawn[sample.rows] += 1
        chance[sample.rows] = sample.inclusion
    seen = chance > 0
    error = np.sqrt(chance[seen] * (1 - chance[seen]) / seeds)
    assert seen.sum() == 120
    assert np.all(np.abs(drawn[seen] / seeds - chance[seen]) <= 4.5 * error + 0.01 * chance[seen])


def test_weighted_means_are_those_of_the_log():
    calls, costs = heavy_log(400, tasks=("chat",))
    numbers = np.array([int.from_bytes(value, "big") for value in calls.column("prompt_key").to_pylist()])
    bill = np.bincount(numbers, weights=np.nan_to_num(costs))
    score = np.where(bill > np.median(bill), -1.0, 0.0)  # worse on the expensive half
    truth = score[numbers].mean()
    samples = [draw(calls, costs, per_task=60, seed=seed) for seed in range(300)]
    estimates = [hajek_mean(score[numbers[sample.rows]], sample.weights) for sample in samples]
    assert np.mean(estimates) == pytest.approx(truth, abs=4 * np.std(estimates) / np.sqrt(300) + 0.002)
    unweighted = np.mean([score[numbers[sample.rows]].mean() for sample in samples])
    assert abs(unweighted - truth) > 0.03
    assert np.mean([sample.weights.sum() for sample in samples]) == pytest.approx(len(calls), rel=0.02)


@given(st.randoms(use_true_random=False), st.integers(0, 5))
@settings(max_examples=15, deadline=None)
def test_neither_order_nor_files_of_the_log_matter(random, seed):
    calls, costs = heavy_log(90)
    order = list(range(len(calls)))
    random.shuffle(order)
    cut = random.randint(0, len(order))
    shuffled = concat([calls.take(order[:cut]), calls.take(order[cut:])])
    one = draw(calls, costs, per_task=20, seed=seed)
    two = draw(shuffled, costs[order], per_task=20, seed=seed)
    assert described(one, calls) == described(two, shuffled)
    assert (one.population, one.calls_per_task) == (two.population, two.calls_per_task)


def test_another_seed_is_another_sample():
    calls, costs = heavy_log(300)
    one, two = (set(draw(calls, costs, per_task=30, seed=seed).rows) for seed in (1, 2))
    assert one != two


def test_a_larger_sample_keeps_what_a_smaller_one_paid_for():
    calls, costs = heavy_log(400)
    small, large = (set(draw(calls, costs, per_task=n, seed=7).rows) for n in (40, 80))
    assert len(small & large) >= 0.95 * len(small)


def test_other_tasks_do_not_change_what_is_drawn():
    calls, costs = heavy_log(200)
    chat = np.array([task == "chat" for task in calls.labels("task")])
    alone = calls.filter(chat)
    both = [entry for entry in described(draw(calls, costs, per_task=20, seed=7), calls) if entry[1] == "chat"]
    assert both == described(draw(alone, costs[chat], per_task=20, seed=7), alone)


def test_asking_goes_in_random_order_through_all_tasks():
    calls, costs = heavy_log(400)
    sample = draw(calls, costs, per_task=100, seed=7)
    assert 30 <= sample.tasks[:100].count("chat") <= 70
    assert abs(np.corrcoef(np.arange(200), sample.inclusion)[0, 1]) < 0.25


def test_a_small_population_is_taken_whole_and_weighs_its_calls():
    calls = log([row(number % 3, second=number) for number in range(8)])
    sample = draw(calls, np.full(8, np.nan), per_task=600, seed=7)
    assert sorted(sample.rows) == [0, 1, 2]
    assert list(sample.inclusion) == [1, 1, 1]
    assert dict(zip(sample.rows, sample.weights, strict=True)) == {0: 3, 1: 3, 2: 2}
    assert (sample.population, sample.calls_per_task) == ({"chat": 3}, {"chat": 8})


def test_the_earliest_call_stands_for_its_prompt():
    calls = log([row(1, second=9), row(1, second=3), row(1, second=5), row(1, start_time=None)])
    assert list(draw(calls, np.ones(4), per_task=5, seed=1).rows) == [1]


def test_the_same_prompt_in_two_tasks_is_two_prompts():
    sample = draw(log([row(1, "a"), row(1, "b")]), np.ones(2), per_task=5, seed=1)
    assert sorted(sample.tasks) == ["a", "b"]


def test_an_unknown_cost_is_taken_as_the_tasks_mean_not_as_zero():
    calls = log([row(number, second=number) for number in range(20)])
    costs = np.where(np.arange(20) < 10, np.nan, 1.0)
    assert draw(calls, costs, per_task=5, seed=1).inclusion == pytest.approx(0.25)


def test_what_cannot_be_asked_again_is_counted_by_its_reason():
    calls = log(
        [
            row(1),
            row(2, error_type="429", body_state="absent"),
            row(3, body_state="truncated"),
            row(4, body_state="redacted"),
            row(5, body_state="absent"),
            row(6, body_state=None),
            row(7, body_state="server_side_history"),
            row(8, body_state="unsupported"),
            row(9, operation="embeddings"),
            row(None),
            row(None, "other"),
        ]
    )
    sample = draw(calls, np.ones(11), per_task=5, seed=1)
    assert list(sample.rows) == [0]
    assert (sample.population, sample.calls_per_task) == ({"chat": 1, "other": 0}, {"chat": 1, "other": 0})
    assert sample.not_replayable == {
        "no prompt was found in the body": 2,
        "the log holds no body": 2,
        "earlier turns are kept by the provider, not in the log": 1,
        "embeddings have no answer to grade": 1,
        "failed in the log": 1,
        "the body was cut off in the log": 1,
        "the body was redacted in the log": 1,
        "the request is of a kind that cannot be asked again": 1,
    }


def test_failed_calls_do_not_weigh():
    sample = draw(log([row(1), row(1, second=1, error_type="500")]), np.ones(2), per_task=5, seed=1)
    assert list(sample.weights) == [1]


def test_the_caller_may_rule_out_calls_too():
    calls = log([row(1), row(2, second=1), row(3, second=2)])
    masked = draw(calls, np.ones(3), per_task=5, seed=1, replayable=np.array([True, False, True]))
    assert (sorted(masked.rows), masked.not_replayable) == ([0, 2], {"left out": 1})
    told = draw(calls, np.ones(3), per_task=5, seed=1, replayable=[None, "holds an audio file", None])
    assert (sorted(told.rows), told.not_replayable) == ([0, 2], {"holds an audio file": 1})


def test_an_empty_log_is_an_empty_sample():
    sample = draw(empty(), np.empty(0), per_task=5, seed=1)
    assert (sample.rows.size, sample.tasks, sample.population, sample.not_replayable) == (0, [], {}, {})


def test_a_log_that_cannot_be_asked_again_is_an_empty_sample():
    sample = draw(log([row(1, error_type="500")]), np.ones(1), per_task=5, seed=1)
    assert (sample.rows.size, sample.population) == (0, {"chat": 0})


def test_a_call_without_a_task_is_not_lost():
    assert draw(log([row(1, None)]), np.ones(1), per_task=5, seed=1).tasks == ["untagged"]


def test_a_sample_of_none_is_refused():
    with pytest.raises(ConfigError, match="a sample of 0"):
        draw(empty(), np.empty(0), per_task=0, seed=1)
