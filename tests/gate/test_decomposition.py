"""What moved the bill: exact Shapley parts that sum to the change, each factor's own change to that factor alone."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcost import gate
from llmcost.calls import from_rows
from llmcost.gate.decomposition import FACTORS, decompose
from llmcost.gate.moved import why
from llmcost.pricing import KINDS
from llmcost.pricing.result import PriceStamp

STAMP = PriceStamp("2026-11-20", "abc")
PRICES = {"big": (10.0, 5.0, 12.5, 30.0), "small": (1.0, 0.5, 1.25, 3.0)}  # US dollars per million tokens, by kind
Call = tuple[str, str, int, int, int]  # task, model, uncached input, cached input, output

CALLS = st.lists(
    st.tuples(
        st.sampled_from(["chat", "code", "faq"]),
        st.sampled_from(["big", "small"]),
        st.integers(0, 50_000),
        st.integers(0, 50_000),
        st.integers(0, 9_000),
    ),
    min_size=1,
    max_size=30,
)
MONTH: list[Call] = [
    *[("chat", "big", 900, 100, 200)] * 40,
    *[("chat", "small", 700, 0, 300)] * 20,
    *[("code", "big", 4_000, 0, 900)] * 15,
    *[("faq", "small", 300, 2_000, 40)] * 90,
]


def file(rows: list[Call], rise: float = 1.0) -> gate.BaselineFile:
    calls = from_rows(
        [
            {"task": t, "request_model": m, "input_tokens": i + c, "cache_read_tokens": c, "output_tokens": o}
            for t, m, i, c, o in rows
        ],
        [],
    )
    kinds = [
        [tokens * price * rise / 1e6 for tokens, price in zip((i, c, 0, o), PRICES[m], strict=True)]
        for _, m, i, c, o in rows
    ]
    dollars = np.array(kinds)
    by_kind = {kind: dollars[:, at] for at, kind in enumerate(KINDS)}
    return gate.baseline(gate.Log(calls, dollars.sum(axis=1), by_kind), stamp=STAMP, version="0.1.0")


def parts(before: gate.BaselineFile, after: gate.BaselineFile) -> dict[str, float]:
    return {str(factor.factor): factor.usd for factor in decompose(before, after)}


def moved(before: gate.BaselineFile, after: gate.BaselineFile) -> float:
    return float(after.cost_usd) - float(before.cost_usd)


@given(CALLS, CALLS, st.floats(0.1, 9))
@settings(max_examples=40, deadline=None)
def test_the_parts_sum_to_the_change_of_the_bill(before: list[Call], after: list[Call], rise: float) -> None:
    one, other = file(before), file(after, rise)
    size = max(float(one.cost_usd), float(other.cost_usd))
    assert sum(parts(one, other).values()) == pytest.approx(moved(one, other), abs=1e-9 * size)


@given(CALLS)
@settings(max_examples=40, deadline=None)
def test_nothing_has_moved_in_the_same_log(rows: list[Call]) -> None:
    assert set(parts(file(rows), file(random.Random(1).sample(rows, len(rows)))).values()) == {0.0}


@given(CALLS, st.floats(0.1, 9))
@settings(max_examples=40, deadline=None)
def test_a_change_of_prices_is_of_prices_alone(rows: list[Call], rise: float) -> None:
    before, after = file(rows), file(rows, rise)
    found = parts(before, after)
    assert found["price"] == pytest.approx(moved(before, after), abs=1e-9 * max(float(after.cost_usd), 1e-9))
    assert {name: usd for name, usd in found.items() if name != "price"} == dict.fromkeys(set(FACTORS) - {"price"}, 0.0)


@given(CALLS, st.integers(2, 5))
@settings(max_examples=40, deadline=None)
def test_the_same_calls_again_are_volume_alone(rows: list[Call], times: int) -> None:
    before, after = file(rows), file(rows * times)
    found = parts(before, after)
    size = float(after.cost_usd) + 1e-12
    assert found.pop("volume") == pytest.approx(moved(before, after), rel=1e-9)
    assert max(map(abs, found.values())) <= 1e-9 * size


def changed(change: str) -> list[Call]:
    """The month with one thing different."""
    rows = {
        "output_tokens": [(t, m, i, c, 2 * o) for t, m, i, c, o in MONTH],
        "input_tokens": [(t, m, 2 * i, c, o) for t, m, i, c, o in MONTH],
        "model_mix": [(t, "small", 700, 0, 300) if t == "chat" else (t, m, i, c, o) for t, m, i, c, o in MONTH],
        "task_mix": [row for row in MONTH if row[0] == "chat"] + [row for row in MONTH if row[0] == "faq"][:15]
        + [row for row in MONTH if row[0] == "code"] * 6,
    }  # fmt: skip
    return rows[change]


@pytest.mark.parametrize("factor", ["output_tokens", "input_tokens", "model_mix", "task_mix"])
def test_one_factor_that_moved_is_the_one_that_is_named(factor: str) -> None:
    before, after = file(MONTH), file(changed(factor))
    assert factor != "task_mix" or before.calls == after.calls
    found = parts(before, after)
    assert found.pop(factor) == pytest.approx(moved(before, after), rel=1e-9)
    assert max(map(abs, found.values())) < 1e-9


WORDS = {
    "output_tokens": "output tokens ×2",
    "input_tokens": "input tokens ×",
    "model_mix": "another mix of models",
    "price": "price of a token",
}


@pytest.mark.parametrize("factor", WORDS)
def test_what_moved_is_said_of_a_task_and_nothing_else(factor: str) -> None:
    before = [row for row in MONTH if row[0] == "chat"]
    bigger = [(t, "big", 900, 100, 200) for t, *_ in before[:50]] + before[50:]
    after = {"model_mix": bigger, "price": before}.get(factor) or [row for row in changed(factor) if row[0] == "chat"]
    [past], [now] = file(before).tasks, file(after, 1.5 if factor == "price" else 1.0).tasks
    [said] = why(past, now)
    assert said.startswith(WORDS[factor])
    assert why(past, past) == why(now, past) == []


def test_a_cache_that_is_read_no_more_is_named() -> None:
    before, after = ([("chat", "big", 1_000 - cached, cached, 10)] * 9 for cached in (800, 0))
    assert why(file(before).tasks[0], file(after).tasks[0]) == ["cached input 80 % → 0 %"]


def test_a_new_task_and_a_new_model_bring_their_own_tokens_and_prices() -> None:
    """Where the past knows nothing of them, no change of tokens or prices is made up."""
    before = [row for row in MONTH if row[1] == "big"]
    replaced = [(t, "small", i // 2, c, 3 * o) for t, _, i, c, o in before]
    for after, mix in (([*MONTH, *[("search", "big", 9_000, 0, 100)] * 30], "task_mix"), (replaced, "model_mix")):
        found = parts(file(MONTH if mix == "task_mix" else before), file(after))
        assert {found[name] for name in ("input_tokens", "output_tokens", "price")} == {0.0}
        assert found[mix] != 0


def test_a_side_without_a_priced_call_has_no_parts() -> None:
    nothing = gate.baseline(gate.Log(from_rows([], []), np.zeros(0)), stamp=STAMP, version="0.1.0")
    assert decompose(nothing, file(MONTH)) == decompose(file(MONTH), nothing) == []
