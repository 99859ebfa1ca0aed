"""Requests asked together: who finds company is what a loop over time would find, and no token gets lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.call_tables import table

from llmcost.calls import Calls
from llmcost.strategies import Batched, Batches, Batching, PrefixEvidence, PromptCache
from llmcost.strategies.response_cache import TOKENS

CALL = {"task": "t", "call_site": "here", "request_model": "big", "operation": "chat", "source": 0, "part": 0,
        "input_tokens": 1000, "output_tokens": 10, "latency_ms": 900.0}  # fmt: skip
BY_THREE = Batched(3, 0.5, 1.1, wait_s=60.0)


def log_of(*calls: dict[str, Any]) -> Calls:
    return table([CALL | {"position": 7 * n, "at": 0.0} | each for n, each in enumerate(calls)])


def together(calls: Calls, batched: Batched = BY_THREE) -> Calls:
    return Batching().apply(calls, Batches(np.ones(len(calls), dtype=bool), {"t": batched}))


def by_hand(log: list[dict[str, Any]], items: int, wait_s: float) -> list[list[int]]:
    """Who is asked together: a loop over the requests in order of time, with one open call for each kind."""
    calls: list[list[int]] = []
    opened: dict[Any, list[int]] = {}
    for number in sorted(range(len(log)), key=lambda n: (log[n]["at"], n)):
        row = log[number]
        kind = (row["call_site"], row["request_model"])
        last = opened.get(kind)
        if last is None or len(last) == items or row["at"] - log[last[0]]["at"] > wait_s:
            opened[kind] = last = []
            calls.append(last)
        last.append(number)
    return calls


REQUESTS = st.fixed_dictionaries(
    {
        "at": st.integers(0, 12).map(lambda step: step * 30.0),
        "call_site": st.sampled_from(["here", "here", "there"]),
        "request_model": st.sampled_from(["big", "big", "other"]),
        "input_tokens": st.integers(1, 3000),
        "output_tokens": st.integers(1, 90),
    }
)


@given(st.lists(REQUESTS, max_size=40), st.integers(2, 5), st.sampled_from([0.0, 30.0, 60.0, 1e9]))
def test_who_finds_company_is_what_a_loop_over_time_finds(log, items, wait_s):
    log = [row | {"at": row["at"] + n / 100} for n, row in enumerate(log)]  # at the same moment any may be first
    calls = log_of(*log)
    after = together(calls, Batched(items, 1.2 / items, 1.5, wait_s))
    shared = (1 - 1.2 / items) / (1 - 1 / items)
    for members in by_hand(log, items, wait_s):
        size = len(members)
        tokens = [int(after.floats("input_tokens")[row]) for row in members]
        answers = [int(after.floats("output_tokens")[row]) for row in members]
        if size == 1:
            assert after.table.slice(members[0], 1).equals(calls.table.slice(members[0], 1))
            continue
        whole = sum(log[row]["input_tokens"] for row in members) * (1 - shared * (1 - 1 / size))
        assert abs(sum(tokens) - whole) <= 0.5 + 1e-9 * whole and max(tokens) - min(tokens) <= 1
        assert sum(answers) == round(sum(log[row]["output_tokens"] for row in members) * 1.5)
        assert all(after.labels("latency_ms")[row] is None for row in members)


def test_the_measured_ratio_holds_for_a_full_call_and_less_is_shared_in_smaller_ones():
    full = together(log_of({}, {}, {}))
    assert full.floats("input_tokens").sum() == 1500 and full.floats("output_tokens").sum() == 33
    pair = together(log_of({}, {}))
    assert pair.floats("input_tokens").tolist() == [625, 625], "1 − ¾·(1 − ½)"
    alone = log_of({})
    assert together(alone) is alone


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "input_tokens": st.integers(400, 999),
                "cache_read_tokens": st.integers(0, 300),
                "cache_write_tokens": st.integers(0, 100),
                "output_tokens": st.integers(50, 90),
                "reasoning_tokens": st.integers(0, 50),
            }
        ),
        min_size=2,
        max_size=4,
    ),
    st.floats(0.25, 1.3),
)
def test_no_request_has_more_of_a_part_than_of_the_whole(log, ratio):
    after = together(log_of(*log), Batched(4, ratio, 0.7, 60.0))
    asked, read, written, answered, reasoned = (after.floats(name) for name in TOKENS)
    assert (read + written <= asked).all() and (reasoned <= answered).all()
    assert read.sum() == min(*(row["cache_read_tokens"] for row in log), asked.sum())
    assert answered.sum() == round(sum(row["output_tokens"] for row in log) * 0.7)
    assert len(after) == len(log)


@pytest.mark.parametrize(
    "other",
    [
        {"at": 60.1},
        {"at": None},
        {"task": "u"},
        {"call_site": "there"},
        {"call_site": None},
        {"request_model": "other"},
        {"weight": 2.0},
        {"error_type": "timeout"},
        {"operation": "embeddings"},
        {"input_tokens": None},
        {"output_tokens": None},
        {"input_tokens": 0, "output_tokens": 0},
    ],
)
def test_only_requests_of_a_kind_are_asked_together(other):
    apart = log_of({}, other)
    assert together(apart) is apart
    assert together(log_of({}, {"at": 60.0})) is not apart


def test_attempts_of_one_request_are_no_company():
    apart = log_of({}, {"position": 0})
    assert together(apart) is apart


def test_who_cannot_wait_is_not_asked_together():
    calls = log_of({}, {}, {})
    after = Batching().apply(calls, Batches(np.array([True, False, True]), {"t": BY_THREE}))
    assert after.labels("latency_ms") == [None, 900.0, None]


def test_the_shared_beginning_of_a_call_is_not_counted_once_more_for_each_request():
    calls = log_of(*({"input_tokens": 9000, "cache_read_tokens": 0, "at": 20.0 * n} for n in range(3)))
    shared = {"here": PrefixEvidence(4096.0)}
    assert PromptCache().apply(calls, shared) is not calls
    after = together(calls)
    assert PromptCache().apply(after, shared) is after


def test_a_batch_of_one_is_refused():
    with pytest.raises(ValueError, match="two items"):
        Batched(1, 0.5, 1.0, 60.0)
