"""The cascade's bill: as many calls go on as were measured, and every question asked on the way is a row."""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.call_tables import table
from support.examples import costly

from llmcost.calls import APP_CACHE, HIT, Calls
from llmcost.strategies import Cascade, CascadePlan, Compressed, Compression, Compressor, Grader, Swap, Tier
from llmcost.strategies.attempts import request_latencies
from llmcost.strategies.cascade import wasted

JUDGE = Grader("judge", 110.25, 4.5, np.array([50.0]))
CHEAP = Tier(Swap("cheap", 1.1, 1.25, np.array([10.0, 20.0, 30.0])), 0.5, JUDGE, 0.1)
MIDDLE = Tier(Swap("middle", 0.9), 0.25, JUDGE)
TODAY = {"task": "t", "request_model": "big", "operation": "chat", "source": 0, "part": 0}


def log_of(sizes: list[int], **columns: Any) -> Calls:
    """One call of each size in tokens, ten of output, a second after another."""
    rows = [TODAY | {"position": 9 * n, "at": float(n), "input_tokens": size} for n, size in enumerate(sizes)]
    return table([row | {"output_tokens": 10, "latency_ms": 1000.0 + n} | columns for n, row in enumerate(rows)])


def asked(calls: Calls) -> dict[int, list[tuple[str, int, int]]]:
    """Of every request, by its position, the (model, input, output) of its attempts in order."""
    rows = [(row["position"], (row["request_model"], row["input_tokens"], row["output_tokens"]))
            for row in calls.table.to_pylist()]  # fmt: skip
    return {place: [attempt for _, attempt in each] for place, each in groupby(rows, key=lambda row: row[0])}


def by_hand(calls: Calls, plan: CascadePlan) -> dict[int, list[tuple[str, int, int]]]:
    """The cascade as one would write it at a keyboard: one request after the other, tier by tier."""
    rows = sorted(calls.table.to_pylist(), key=lambda row: (row["input_tokens"], row["position"]))
    steps = sorted((n * (math.sqrt(5) - 1) / 2 % 1, n) for n in range(len(rows)))
    left = [rows[n] for _, n in steps]
    found: dict[int, list[tuple[str, int, int]]] = {row["position"]: [] for row in calls.table.to_pylist()}

    def ask(row: dict[str, Any], swap: Swap | None, longer: float) -> None:
        tokens = row["input_tokens"], row["output_tokens"]
        if swap and swap.model != row["request_model"]:
            tokens = round(tokens[0] * swap.input_token_ratio), round(tokens[1] * swap.output_token_ratio)
        tokens = round(tokens[0] * longer), round(tokens[1] * longer)
        found[row["position"]].append((swap.model if swap else row["request_model"], *tokens))

    for tier in plan.tiers:
        on = math.floor(tier.escalated * len(left) + 0.5)
        graded = 0
        for n, row in enumerate(left):
            ask(row, tier.swap, 1.0 if tier is plan.tiers[0] else plan.longer)
            if n >= math.floor(tier.failed_checks * len(left) + 0.5):
                means = (tier.grader.input_tokens, tier.grader.output_tokens)
                share = [round((graded + 1) * mean) - round(graded * mean) for mean in means]
                found[row["position"]].append((tier.grader.model, *share))
                graded += 1
        left = left[:on]
    for row in left:
        ask(row, plan.last, plan.longer)
    return found


SHARES = st.integers(0, 64).map(lambda part: part / 64)
SWAPS = st.builds(
    Swap, st.sampled_from(["cheap", "middle", "big"]), st.sampled_from([0.5, 1.0, 1.3]), st.sampled_from([1.0, 2.5])
)
TIERS = st.builds(
    lambda swap, shares, tokens: Tier(swap, max(shares), Grader("judge", *tokens), min(shares)),
    SWAPS,
    st.tuples(SHARES, SHARES),
    st.tuples(st.floats(0, 500), st.floats(0, 20)),
)
PLANS = st.builds(
    CascadePlan,
    st.lists(TIERS, min_size=1, max_size=3).map(tuple),
    st.none() | SWAPS,
    st.sampled_from([1.0, 0.4, 1.7]),
)


@costly
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=60), PLANS)
def test_it_is_the_loop_that_one_would_write_by_hand(sizes, plan):
    calls = log_of(sizes)
    assert asked(Cascade().apply(calls, {"t": plan})) == by_hand(calls, plan)


@costly
@given(st.integers(1, 400), SHARES, SHARES)
def test_as_many_calls_reach_each_tier_as_were_measured(size, one, other):
    plan = CascadePlan((Tier(Swap("cheap"), one, JUDGE), Tier(Swap("middle"), other, JUDGE)))
    models = Cascade().apply(log_of([100] * size), {"t": plan}).labels("request_model")
    reached = [models.count(model) for model in ("cheap", "middle", "big")]
    assert reached[0] == size
    assert abs(reached[1] - one * size) <= 0.5 and abs(reached[2] - other * reached[1]) <= 0.5
    assert models.count("judge") == reached[0] + reached[1]


@given(st.lists(st.sampled_from([1.0, 3.0, 40.0]), min_size=1, max_size=80), SHARES)
def test_in_a_sampled_log_shares_are_of_the_traffic(weights, share):
    calls = table([TODAY | {"position": n, "input_tokens": 9, "output_tokens": 9, "weight": weight}
                   for n, weight in enumerate(weights)])  # fmt: skip
    after = Cascade().apply(calls, {"t": CascadePlan((Tier(Swap("cheap"), share, JUDGE),))})
    on = after.weights()[after.says("request_model", {"big"})].sum()
    assert abs(on - share * sum(weights)) <= max(weights) / 2


def test_what_goes_on_is_spread_over_sizes_and_not_the_largest_or_the_smallest():
    sizes = [int(size) for size in np.geomspace(10, 100_000, 500)]
    for share in (0.1, 0.3, 0.7):
        after = Cascade().apply(log_of(sizes), {"t": CascadePlan((Tier(Swap("cheap"), share, JUDGE),))})
        on = after.floats("input_tokens")[after.says("request_model", {"big"})].sum()
        assert on == pytest.approx(share * sum(sizes), rel=0.05)


@given(st.integers(0, 900), st.integers(0, 900), st.integers(0, 90), st.floats(0, 3))
def test_where_longer_calls_go_on_parts_stay_within_their_wholes(read, written, reasoned, longer):
    cached = {"cache_read_tokens": read, "cache_write_tokens": written, "reasoning_tokens": reasoned}
    calls = log_of([read + written + 5], **cached, output_tokens=reasoned + 3)
    plan = CascadePlan((Tier(Swap("cheap"), 1.0, JUDGE),), longer=longer)
    [*_, last] = Cascade().apply(calls, {"t": plan}).table.to_pylist()
    assert last["input_tokens"] == round((read + written + 5) * longer)
    assert last["cache_read_tokens"] + last["cache_write_tokens"] <= last["input_tokens"]
    assert last["reasoning_tokens"] <= last["output_tokens"]


def test_the_graders_tokens_add_up_to_what_was_measured():
    after = Cascade().apply(log_of([100] * 1000), {"t": CascadePlan((CHEAP,))})
    grader = after.says("operation", {"grader"})
    assert grader.sum() == 900, "an answer that fails a check is not graded"
    assert after.floats("input_tokens")[grader].sum() == round(900 * 110.25)
    assert after.floats("output_tokens")[grader].sum() == round(900 * 4.5)
    assert set(after.floats("output_tokens")[grader]) == {4.0, 5.0}


def test_attempts_follow_each_other_and_their_latencies_add_up():
    calls = log_of([100] * 4)
    after = Cascade().apply(calls, {"t": CascadePlan((CHEAP,))})
    assert [[model for model, *_ in attempts] for attempts in asked(after).values()] == [
        ["cheap", "judge", "big"],
        ["cheap", "judge"],
        ["cheap", "judge", "big"],
        ["cheap", "judge"],
    ]
    cheap = np.quantile([10.0, 20.0, 30.0], [0.125, 0.375, 0.625, 0.875])
    waited = cheap + 50.0 + np.array([1000.0, 0.0, 1002.0, 0.0])
    np.testing.assert_allclose(request_latencies(after), waited)


def test_what_is_told_of_the_answer_stays_with_the_attempt_that_answers():
    logged = {"logged_cost_usd": 0.5, "finish_reason": "stop", "answer_key": b"a" * 16, "answer_bytes": 9,
              "prompt": "p", "call_site": "here", "messages": 2, "cache_read_tokens": 40, "id": "x"}  # fmt: skip
    rows = Cascade().apply(log_of([100, 100], **logged), {"t": CascadePlan((CHEAP, MIDDLE))}).table.to_pylist()
    assert [(row["request_model"], row["logged_cost_usd"]) for row in rows] == [
        ("cheap", None), ("judge", None), ("middle", 0.5), ("judge", None), ("cheap", 0.5), ("judge", None),
    ]  # fmt: skip
    for row in rows:
        told = [row[name] is not None for name in ("finish_reason", "answer_key", "answer_bytes")]
        assert told == [row["logged_cost_usd"] is not None] * 3
        asks_the_prompt = [row[name] is not None for name in ("prompt_key", "call_site", "messages")]
        assert asks_the_prompt == [row["operation"] == "chat"] * 3
        assert row["id"] == "x" and row["cache_read_tokens"] == 0


def test_attempts_whose_answers_nobody_got_are_wasted():
    after = Cascade().apply(log_of([100] * 8), {"t": CascadePlan((CHEAP, MIDDLE))})
    models = after.labels("request_model")
    assert sorted(models[row] or "" for row in np.flatnonzero(wasted(after))) == ["cheap"] * 4 + ["middle"]
    assert not wasted(log_of([100] * 8)).any()


def test_a_tier_whose_model_a_call_asks_today_is_that_call_as_logged():
    tier = Tier(Swap("big", 2.0, 2.0, np.array([7.0])), 0.5, JUDGE)
    after = Cascade().apply(log_of([100] * 2, response_model="big-2"), {"t": CascadePlan((tier,), Swap("bigger"))})
    assert [attempts[0] for attempts in asked(after).values()] == [("big", 100, 10)] * 2
    assert after.labels("request_model") == ["big", "judge", "bigger", "big", "judge"]
    assert after.labels("response_model")[0] == "big-2"


@pytest.mark.parametrize(
    "aside",
    [
        {"error_type": "timeout"},
        {"operation": "embeddings"},
        {"input_tokens": 0, "output_tokens": 0},
        {"tags": {APP_CACHE: HIT}},
        {"position": None},
        {"task": "other"},
    ],
)
def test_what_cannot_be_asked_otherwise_stays_as_it_is(aside):
    calls = log_of([100] * 3, **aside)
    assert Cascade().apply(calls, {"t": CascadePlan((CHEAP,))}) is calls


def test_the_compressor_of_a_call_is_asked_once_before_the_tiers():
    model = Compressor("small", 1.0, 0.5)
    shorter = Compression().apply(log_of([100] * 2), {"t": Compressed(0.5, compressor=model)})
    after = Cascade().apply(shorter, {"t": CascadePlan((CHEAP,))})
    assert [[attempt[:2] for attempt in attempts] for attempts in asked(after).values()] == [
        [("small", 100), ("cheap", 55), ("judge", 110), ("big", 50)],
        [("small", 100), ("cheap", 55), ("judge", 110)],
    ]


def test_shares_that_cannot_be_are_refused():
    for escalated, failed in ((0.1, 0.2), (1.1, 0.0), (0.5, -0.1)):
        with pytest.raises(ValueError, match="shares"):
            Tier(Swap("cheap"), escalated, JUDGE, failed)
    with pytest.raises(ValueError, match="at least one tier"):
        CascadePlan(())
