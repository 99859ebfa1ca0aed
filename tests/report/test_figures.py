"""Figures: examples as a reader expects them, and the laws of honest rounding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.report import figures

AMOUNTS = st.floats(0, 1e9, allow_nan=False)
SHARES = st.floats(0, 1, allow_nan=False)


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        (None, "–"), (0, "$0.00"), (11_400, "$11,400"), (3412.88, "$3,412.88"), (0.0038, "$0.0038"),
        (0.00001, "<$0.0001"), (-212, "−$212.00"), (9999.999, "$10,000"), (0.5, "$0.50"), (0.09999, "$0.1000"),
    ],
)  # fmt: skip
def test_money(usd: float | None, shown: str) -> None:
    assert figures.money(usd) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(None, "–"), (0, "0.0 %"), (1, "100.0 %"), (0.9714, "97.1 %"), (0.0001, "<0.1 %"), (0.99999, ">99.9 %")],
)
def test_percent(share: float | None, shown: str) -> None:
    assert figures.percent(share) == shown


@pytest.mark.parametrize(
    ("function", "value", "shown"),
    [
        (figures.change, -0.794, "−79.4 %"), (figures.change, 0.142, "+14.2 %"), (figures.change, -0.0001, "0.0 %"),
        (figures.at_least, -0.0139, "≥ −1.4 %"), (figures.at_least, -0.0131, "≥ −1.4 %"),
        (figures.at_least, 0.0, "≥ 0.0 %"),
        (figures.at_least, -0.014, "≥ −1.4 %"), (figures.at_most, 0.05, "5 %"), (figures.at_most, 0.0371, "3.8 %"),
        (figures.at_least_worse, -0.0439, "≥ 4.3 % worse"), (figures.at_least_worse, 0.001, "≤ +0.1 %"),
        (figures.compact, 24_100_000, "24.1M"), (figures.compact, 912, "912"), (figures.compact, 999_999, "1.0M"),
        (figures.compact, 142_310_000, "142M"), (figures.count, 31022, "31,022"), (figures.count, None, "–"),
        (figures.duration, 2110.0, "2.1 s"), (figures.duration, 840.0, "840 ms"), (figures.duration, 999.7, "1.0 s"),
        (figures.duration, 190_000, "3 m 10 s"), (figures.duration, 59_990, "1 m 00 s"), (figures.duration, None, "–"),
        (figures.whole_money, 1690.4, "$1,690"), (figures.signed_money, 390.0, "+$390.00"),
        (figures.per_call, 0.2028, "$0.2028"), (figures.per_call, 1.5, "$1.50"),
        (figures.per_call, 0.0000557, "$0.000056"), (figures.per_call, 0.00012, "$0.0001"),
        (figures.per_call, 1e-9, "<$0.0001"), (figures.about, 0.00001, "under $0.0001"), (figures.about, 12.3, "$12"),
        (figures.price, 2.5, "$2.50"), (figures.price, 0.375, "$0.375"), (figures.price, 0.0028, "$0.0028"),
        (figures.price, 0.0, "$0.00"), (figures.price, None, "–"), (figures.price, 1200.0, "$1,200.00"),
        (figures.rough, 2077, "2,100"), (figures.rough, 7, "7"), (figures.rough, 46_012, "47,000"),
        (figures.times, 1.31, "1.3×"),
    ],
)  # fmt: skip
def test_other_figures(function, value, shown: str) -> None:
    assert function(value) == shown


@given(AMOUNTS)
def test_something_never_prints_as_nothing(usd: float) -> None:
    for shown in (figures.money(usd), figures.per_call(usd), figures.whole_money(usd)):
        assert (shown.strip("$0.,") == "") == (usd == 0)


@given(AMOUNTS)
def test_money_is_close_to_the_amount(usd: float) -> None:
    shown = figures.money(usd)
    if not shown.startswith("<"):
        assert float(shown.strip("$").replace(",", "")) == pytest.approx(usd, rel=0.06, abs=1e-9)


@given(st.integers(0, 10**9).map(lambda nano: nano / 1e6))
def test_a_list_price_loses_no_digit(usd: float) -> None:
    assert float(figures.price(usd).strip("$").replace(",", "")) == pytest.approx(usd, abs=1e-9)


@given(SHARES)
def test_a_part_never_prints_as_none_or_all(share: float) -> None:
    shown = figures.percent(share)
    assert (shown == "0.0 %") == (share == 0)
    assert (shown == "100.0 %") == (share == 1)


@given(st.floats(-1, 1, allow_nan=False))
def test_a_bound_never_claims_more(bound: float) -> None:
    shown = float(figures.at_least(bound).removeprefix("≥ ").removesuffix(" %").replace("−", "-"))
    assert shown / 100 <= bound + 1e-9


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_interval_is_covered(estimate: float, below: float, above: float) -> None:
    reach = float(figures.half_width(estimate, [estimate - below, estimate + above]).removeprefix("±")) / 100
    assert reach >= max(below, above) - 1e-9


def test_no_interval_is_no_text() -> None:
    assert figures.half_width(0.5, None) == ""


@given(st.floats(-1, 1, allow_nan=False), st.floats(-1, 1, allow_nan=False))
def test_bounds_are_rounded_away_from_what_they_exclude(one: float, other: float) -> None:
    low, high = sorted((one, other))
    ends = figures.between(low, high).removesuffix(" %").replace("−", "-").split(" to ")
    above = float(figures.no_more(high).removeprefix("≤ ").removesuffix(" %").replace("−", "-"))
    assert float(ends[0]) / 100 <= low + 1e-9
    assert float(ends[1]) / 100 >= high - 1e-9
    assert above / 100 >= high - 1e-9


def test_an_interval_without_ends_is_unknown() -> None:
    assert figures.between(None, 0.1) == figures.no_more(None) == "–"
