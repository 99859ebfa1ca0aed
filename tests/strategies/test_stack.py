"""Laws of strategies stacked on one timeline of calls."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.billed import Priced
from support.call_tables import MODELS, rows, table
from support.examples import costly

from llmcost import pricing
from llmcost.calls import Calls
from llmcost.config import ModelPriceOverride, ModelSettings
from llmcost.strategies import (
    BUILTINS,
    STACK,
    Bills,
    CachePolicy,
    CanWait,
    NearPolicy,
    PrefixEvidence,
    Swap,
    alone,
    bills,
    changes,
    shapley,
    stacked,
    waterfall,
)
from llmcost.strategies.attempts import latency_p95, request_latencies

BOOK = pricing.load(
    {
        "gpt-4o": ModelSettings(price=ModelPriceOverride(input=2.5, output=10.0, cache_read=1.25, batch_discount=0.5)),
        "gpt-4o-mini": ModelSettings(price=ModelPriceOverride(input=0.15, output=0.6, cache_read=0.075)),
    }
)
SITES = ("chat·1", "code·2")
STEP_OF = {"route": "model_map"}  # strategies that the stack calls by another name


@st.composite
def logs(draw: Any) -> list[dict[str, Any]]:
    """Small logs of two call sites, some of whose prompts are long, some calls of which have sketches."""
    log = draw(rows(max_size=24))
    for row in log:
        row["call_site"] = draw(st.none() | st.sampled_from(SITES))
        row["input_tokens"] = draw(st.none() | st.integers(3000, 9000))
        row["messages"] = draw(st.sampled_from([1, 2, 6]))
        row["sketch"] = draw(st.none() | st.sampled_from([bytes(64), bytes(range(64))]))
    return log


TTL = st.sampled_from([0.0, 1300.0, 86400.0])
SWAP = st.builds(
    Swap,
    model=st.sampled_from(MODELS[:2]),
    input_token_ratio=st.sampled_from([0.5, 1.0]),
    output_token_ratio=st.sampled_from([0.5, 1.0, 3.0]),
    latencies_ms=st.none() | st.just(np.array([100.0, 200.0])),
    cache_read=st.booleans(),
)


@st.composite
def grounds(draw: Any, size: int) -> dict[str, Any]:
    """Evidence for strategies, by their names."""
    prefix = st.builds(PrefixEvidence, st.floats(0, 5000), st.booleans(), st.booleans())
    return {
        "response_cache": CachePolicy(draw(TTL)),
        "near_duplicates": NearPolicy(draw(TTL), draw(st.sampled_from([0.5, 0.9]))),
        "prompt_cache": draw(st.dictionaries(st.sampled_from(SITES), prefix)),
        "route": draw(st.dictionaries(st.sampled_from(["chat", "code", "absent"]), SWAP)),
        "batch_api": CanWait(np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=bool)),
    }


def steps_of(evidence: dict[str, Any]) -> tuple[Any, ...]:
    return changes({STEP_OF.get(name, name): found for name, found in evidence.items()})


def total(calls: Calls) -> float:
    return math.fsum(np.nan_to_num(pricing.price(calls, BOOK)))


@costly
@given(st.data(), logs())
def test_waterfall_and_shares_sum_to_what_the_stack_saves(data, log):
    calls, steps = table(log), steps_of(data.draw(grounds(len(log))))
    saved = total(calls) - total(stacked(calls, steps))
    found = bills(Priced(calls, BOOK), steps)
    falls = waterfall(found)
    close = {"rel": 1e-9, "abs": 1e-12}
    assert math.fsum(fall.before - fall.after for fall in falls) == pytest.approx(saved, **close)
    assert math.fsum(shapley(found)) == pytest.approx(saved, **close)
    assert [fall.before for fall in falls[1:]] == [fall.after for fall in falls[:-1]]
    assert [fall.after for fall in falls] == [found.usd[(2 << index) - 1] for index in range(len(steps))]
    timelines = [stacked(calls, steps[:made]) for made in range(len(steps) + 1)]
    assert [latency_p95(each) for each in timelines] == list(found.latency_p95_ms)
    assert alone(found)[0] == falls[0].before - falls[0].after


@given(st.lists(st.floats(0, 1000), min_size=16, max_size=16))
def test_a_share_is_the_mean_saving_over_all_orders(usd):
    saved = np.zeros((math.factorial(4), 4))
    for number, order in enumerate(permutations(range(4))):
        made = 0
        for change in order:
            saved[number, change] = usd[made] - usd[made | 1 << change]
            made |= 1 << change
    made_up = Bills(steps_of({"response_cache": CachePolicy({})}) * 4, usd, [None] * 5)
    np.testing.assert_allclose(shapley(made_up), saved.mean(axis=0), rtol=1e-9, atol=1e-9)


@costly
@given(logs())
def test_steps_that_find_nothing_leave_the_very_calls_are_not_priced_and_worth_nothing(log):
    calls = table(log)
    nothing = {"response_cache": CachePolicy({}), "model_map": {}, "prompt_cache": {}}
    steps = changes({**nothing, "batch_api": CanWait(np.zeros(len(log), dtype=bool))})
    assert stacked(calls, steps) is calls
    billed = Priced(calls, BOOK)
    found = bills(billed, steps)
    assert billed.seen == [calls] and found.usd == [total(calls)] * 16
    assert shapley(found) == [0.0] * 4
    assert all(fall.before == fall.after for fall in waterfall(found))


def test_each_subset_is_priced_once():
    twice = [{"at": float(n), "prompt": "p", "task": "chat", "request_model": "gpt-4o", "messages": 1} for n in (0, 1)]
    calls = table([row | {"input_tokens": 4000, "output_tokens": 10} for row in twice])
    billed = Priced(calls, BOOK)
    steps = changes({"response_cache": CachePolicy(9.0), "model_map": {"chat": Swap("gpt-4o-mini")},
                     "batch_api": CanWait(np.array([True, True]))})  # fmt: skip
    found = bills(billed, steps)
    assert len(billed.seen) == 8
    whole = (4000 * 2.5 + 10 * 10) / 1e6
    assert found.usd[0] == pytest.approx(2 * whole) and found.usd[1] == pytest.approx(whole)
    assert found.usd[4] == pytest.approx(whole) and found.usd[5] == pytest.approx(whole / 2)
    assert sum(alone(found)) > found.usd[0] - found.usd[7]


def test_the_stack_is_made_of_registered_strategies_in_an_order_that_holds():
    assert [step.name for step in STACK] == [
        "response_cache", "near_duplicates", "compression", "model_map", "cascade", "batching", "batch_api",
        "prompt_cache",
    ]  # fmt: skip
    for step in STACK:
        assert BUILTINS[step.strategy.name] == step.strategy
    assert {step.strategy.name for step in STACK} == BUILTINS.keys()
    unchanged = [step.name for step in STACK if step.basis == "no_answer_change"]
    assert unchanged == ["response_cache", "batch_api", "prompt_cache"]
    assert changes({"model_map": {}}, {"model_map": "potential"})[0].basis == "potential"


def test_no_call_of_a_batch_is_counted_on_to_find_a_prefix():
    row = {"call_site": "chat·1", "request_model": "gpt-4o", "input_tokens": 4000, "cache_read_tokens": 0,
           "output_tokens": 1, "messages": 1}  # fmt: skip
    calls = table([row | {"at": 60.0 * n} for n in range(6)])
    waits = np.array([True, False] * 3)
    after = stacked(calls, changes({"prompt_cache": {"chat·1": PrefixEvidence(2048)}, "batch_api": CanWait(waits)}))
    assert after.floats("cache_read_tokens").tolist() == [0, 0, 0, 2048, 0, 2048]


def attempts(*found: tuple[int | None, float | None, str | None]) -> Calls:
    """Calls of these (place in the log, latency, error)."""
    names = ("position", "latency_ms", "error_type")
    return table([dict(zip(names, each, strict=True)) | {"source": 0, "part": 0} for each in found])


def test_a_request_takes_as_long_as_all_its_attempts():
    calls = attempts((0, 100.0, "timeout"), (0, 20.0, None), (7, 5.0, None), (None, 3.0, None), (None, 4.0, "500"))
    assert sorted(request_latencies(calls)) == [3.0, 5.0, 120.0]
    apart = attempts((0, 100.0, None), (7, 5.0, None), (0, 20.0, None))
    assert sorted(request_latencies(apart)) == [5.0, 120.0]
    assert latency_p95(attempts((0, 1.0, None), (1, 3.0, None))) == pytest.approx(2.9)
    unknown = request_latencies(attempts((0, 1.0, None), (0, None, None), (1, 2.0, None)))
    assert np.isnan(unknown).tolist() == [True, False]
    assert latency_p95(attempts((0, None, None))) is None and latency_p95(attempts()) is None
