"""price(): agrees with a second computation, adds up, never charges an unknown as nothing."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import price_oracle
from support.call_tables import table

from llmcost import pricing
from llmcost.answers import Usage
from llmcost.calls import concat, from_rows
from llmcost.pricing import price, price_usage, worst_case

BOOK = pricing.load()
ORACLE = price_oracle.models(Path(str(resources.files("llmcost.pricing") / "snapshot.json.gz")))
AS_OF = datetime(2026, 11, 24, tzinfo=UTC)
IDS = {
    "gpt-4o": "openai/gpt-4o",
    "gpt-4o-mini": "openai/gpt-4o-mini",
    "claude-haiku-4-5": "anthropic/claude-haiku-4-5",
    "claude-sonnet-4-6": "anthropic/claude-sonnet-4-6",
    "gemini-2.5-pro": "gemini/gemini-2.5-pro",
    "gemini-4-argon": "gemini/gemini-4-argon",
    "deepseek-v4-flash": "deepseek/deepseek-v4-flash",
    "Qwen/Qwen3-32B": "openrouter/qwen/qwen3-32b",
    "dashscope/qwen-plus-2025-07-28": "dashscope/qwen-plus-2025-07-28",
    "gpt-6-astra": "openai/gpt-6-astra",
    "unheard-of-1": None,
}
TOKENS = st.none() | st.integers(-1, 5_000) | st.sampled_from([128_000, 200_000, 200_001, 272_001, 10**9 + 1])
SMALL = st.none() | st.integers(-1, 3_000)
ROW = st.fixed_dictionaries(
    {
        "request_model": st.sampled_from(sorted(IDS)),
        "service_tier": st.sampled_from([None, "default", "batch", "flex", "priority", "scale"]),
        "start_time": st.none() | st.datetimes(datetime(2026, 8, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
        "input_tokens": TOKENS,
        "cache_read_tokens": SMALL,
        "cache_write_tokens": SMALL,
        "cache_write_1h_tokens": SMALL,
        "output_tokens": TOKENS,
        "reasoning_tokens": SMALL,
    }
)


def expected(row: dict[str, Any]) -> Decimal | None:
    known = IDS[row["request_model"]]
    return None if known is None else price_oracle.dollars(row, ORACLE[known], AS_OF)


@given(st.lists(ROW, max_size=30))
def test_agrees_with_a_row_by_row_computation_in_decimals(rows: list[dict[str, Any]]) -> None:
    for row, found in zip(rows, price(table(rows), BOOK), strict=True):
        wanted = expected(row)
        if wanted is None:
            assert math.isnan(found)
        else:
            assert found == pytest.approx(float(wanted), rel=1e-12, abs=1e-15)


@given(st.lists(ROW, min_size=1, max_size=20), st.integers(0, 20))
def test_is_additive_over_rows_and_never_negative(rows: list[dict[str, Any]], cut: int) -> None:
    whole = price(table(rows), BOOK)
    parts = np.concatenate([price(table(rows[:cut]), BOOK), price(table(rows[cut:]), BOOK)])
    joined = price(concat([table(rows[:cut]), table(rows[cut:])]), BOOK)
    np.testing.assert_array_equal(whole, parts)
    np.testing.assert_array_equal(whole, joined)
    assert not (whole < 0).any()


@given(ROW)
def test_one_usage_costs_what_its_row_costs(row: dict[str, Any]) -> None:
    counts = {name: row[name] for name in row if name.endswith("_tokens")}
    start = row["start_time"]
    at_us = None if start is None else (start - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    alone = price_usage(BOOK, row["request_model"], Usage(**counts), at_us=at_us, service_tier=row["service_tier"])
    in_table = price(table([row]), BOOK)[0]
    assert (alone is None) == math.isnan(in_table)
    assert alone is None or alone == in_table


@given(ROW)
def test_a_call_never_costs_more_than_its_worst_case(row: dict[str, Any]) -> None:
    row |= {"service_tier": None, "start_time": AS_OF + timedelta(hours=1)}
    cost = price(table([row]), BOOK)[0]
    if not math.isnan(cost):
        worst = worst_case(BOOK, row["request_model"], row["input_tokens"], row["output_tokens"])
        assert worst is not None
        assert cost <= worst * (1 + 1e-12)


def cost(**columns: Any) -> float:
    return float(price(table([{"input_tokens": 1_000_000, "output_tokens": 0, **columns}]), BOOK)[0])


@pytest.mark.parametrize("missing", ["input_tokens", "output_tokens", "request_model"])
def test_what_is_unknown_is_not_free(missing: str) -> None:
    row = {"request_model": "gpt-4o", "input_tokens": 10, "output_tokens": 10} | {missing: None}
    assert math.isnan(price(table([row]), BOOK)[0])


def test_zero_tokens_cost_zero() -> None:
    assert cost(request_model="gpt-4o", input_tokens=0) == 0.0


def test_embeddings_need_no_output_tokens() -> None:
    assert cost(request_model="text-embedding-3-small", output_tokens=None) == pytest.approx(0.02)


def test_a_cached_read_without_a_price_of_its_own_is_charged_as_input() -> None:
    assert cost(request_model="Qwen/Qwen3-8B", cache_read_tokens=1_000_000) == pytest.approx(0.035)


def test_each_token_of_a_cached_prompt_is_charged_once() -> None:
    found = cost(request_model="claude-haiku-4-5", cache_read_tokens=600_000, cache_write_tokens=300_000)
    assert found == pytest.approx(0.1 * 1 + 0.6 * 0.1 + 0.3 * 1.25)


def test_what_is_written_for_an_hour_costs_twice_the_input() -> None:
    written = {"cache_read_tokens": 600_000, "cache_write_tokens": 300_000}
    for hour, rate in ((0, 1.25), (300_000, 2.0), (100_000, (2 * 1.25 + 2.0) / 3)):
        found = cost(request_model="claude-haiku-4-5", **written, cache_write_1h_tokens=hour)
        assert found == pytest.approx(0.1 * 1 + 0.6 * 0.1 + 0.3 * rate)
    usage = Usage(1_000_000, 600_000, 300_000, 0, None, 300_000)
    assert price_usage(BOOK, "claude-haiku-4-5", usage) == pytest.approx(0.1 * 1 + 0.6 * 0.1 + 0.3 * 2)


@pytest.mark.parametrize(
    ("columns"),
    [
        {"cache_read_tokens": 600_000, "cache_write_tokens": 500_000},
        {"reasoning_tokens": 1},
        {"input_tokens": -5},
        {"output_tokens": 2_000_000_000},
    ],
)
def test_counts_that_cannot_be_have_no_price(columns: dict[str, int]) -> None:
    assert math.isnan(cost(request_model="gpt-4o", **columns))


def test_a_long_prompt_is_charged_whole_at_the_dearer_rate() -> None:
    assert cost(request_model="gemini-2.5-pro", input_tokens=200_000) == pytest.approx(0.2 * 1.25)
    assert cost(request_model="gemini-2.5-pro", input_tokens=200_001) == pytest.approx(0.200001 * 2.5)


def test_a_reduced_tier_is_reduced_only_where_the_catalogue_says_so() -> None:
    assert cost(request_model="gpt-4o", service_tier="batch") == pytest.approx(1.25)
    assert cost(request_model="deepseek-coder", service_tier="batch") == pytest.approx(0.14)
    assert cost(request_model="gpt-4o", service_tier="priority") == pytest.approx(4.25)
    assert math.isnan(cost(request_model="deepseek-coder", service_tier="priority"))


@pytest.mark.parametrize(
    ("start", "dollars"),
    [
        (datetime(2026, 8, 1, 2, tzinfo=UTC), 0.14),
        (datetime(2026, 8, 16, 23, 59, tzinfo=UTC), 0.14),
        (datetime(2026, 8, 17, tzinfo=UTC), 0.22),
        (datetime(2026, 11, 23, 2, tzinfo=UTC), 0.30),  # a Monday, peak
        (datetime(2026, 11, 23, 5, tzinfo=UTC), 0.15),  # a Monday, off peak
        (datetime(2026, 11, 22, 2, tzinfo=UTC), 0.15),  # a Sunday
        (None, 0.30),  # at an unknown hour: the price of the day, off-peak hours not assumed
    ],
)
def test_the_price_is_that_of_the_calls_date_and_hour(start: datetime | None, dollars: float) -> None:
    assert cost(request_model="deepseek-v4-flash", start_time=start) == pytest.approx(dollars)


def test_reasoning_has_its_own_rate_where_the_catalogue_has_one() -> None:
    row = {"request_model": "dashscope/qwen-turbo", "input_tokens": 0, "output_tokens": 1_000_000}
    assert cost(**row, reasoning_tokens=400_000) == pytest.approx(0.6 * 0.2 + 0.4 * 0.5)


def test_the_model_that_answered_sets_the_price() -> None:
    assert cost(request_model="gpt-4o", response_model="gpt-4o-2024-05-13") == pytest.approx(5.0)
    assert cost(request_model="gpt-4o", response_model="some-deployment") == pytest.approx(2.5)
    assert cost(request_model="some-deployment", response_model="gpt-4o") == pytest.approx(2.5)


def test_no_calls_have_no_costs() -> None:
    assert price(table([]), BOOK).shape == (0,)


def test_what_the_applications_own_cache_answered_costs_nothing() -> None:
    """Its tokens stay: they say what the answer would have cost."""
    row = {"request_model": "gpt-4o", "input_tokens": 1000, "output_tokens": 100, "source": 0}
    hit = {**row, "tags": {"app_cache": "hit"}}
    calls = from_rows([row, hit, {**row, "tags": {"app_cache": "miss"}}], [])
    assert price(calls, BOOK).tolist() == pytest.approx([0.0035, 0.0, 0.0035])
