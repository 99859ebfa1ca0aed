"""What was spent plus what may still be spent never passes the cap, in any order of events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmcost.replay.budget import Budget

money = st.floats(0, 2, allow_nan=False)


@given(st.floats(0, 10), st.lists(st.tuples(money, st.floats(0, 1), st.booleans()), max_size=60), st.data())
def test_never_passes_the_cap(cap: float, requests: list[tuple[float, float, bool]], data: st.DataObject) -> None:
    budget, in_flight, paid = Budget(cap), [], 0.0
    for worst, share, settle_one in requests:
        if budget.try_reserve(worst):
            in_flight.append((worst, worst * share))
        if settle_one and in_flight:
            reserved, actual = in_flight.pop(data.draw(st.integers(0, len(in_flight) - 1)))
            budget.settle(reserved, actual)
            paid += actual
        assert budget.spent_usd + budget.reserved_usd <= cap
        assert paid + sum(worst for worst, _ in in_flight) <= cap + 1e-9
    for reserved, actual in in_flight:
        budget.settle(reserved, actual)
    assert budget.reserved_usd == 0


@given(st.lists(money, max_size=50))
def test_without_a_cap_everything_fits_and_is_counted(costs: list[float]) -> None:
    budget = Budget(None)
    for cost in costs:
        assert budget.try_reserve(cost)
        budget.settle(cost, cost)
    assert abs(budget.spent_usd - sum(costs)) < 1e-9


def test_earlier_spending_counts() -> None:
    budget = Budget(1.0)
    budget.charge(0.5)
    budget.hold(0.25)
    assert not budget.try_reserve(0.26)
    assert budget.try_reserve(0.25)
    budget.settle(0.25, 0.0)
    assert (budget.spent_usd, budget.reserved_usd) == (0.5, 0.25)


def test_a_request_dearer_than_its_worst_case_is_booked_and_closes_the_budget() -> None:
    budget = Budget(1.0)
    assert budget.try_reserve(0.9)
    budget.settle(0.9, 1.5)
    assert budget.spent_usd == 1.5
    assert not budget.try_reserve(0.0)


def test_what_was_exceeded_once_is_expected_to_be_exceeded_as_far() -> None:
    budget = Budget(1.0)
    assert budget.try_reserve(0.125)
    budget.settle(0.125, 0.25)
    assert (budget.spent_usd, budget.excess_usd) == (0.25, 0.125)
    assert [budget.try_reserve(0.125) for _ in range(4)] == [True, True, True, False]
    for _ in range(3):
        budget.settle(0.125, 0.25)
    assert budget.spent_usd == 1.0
