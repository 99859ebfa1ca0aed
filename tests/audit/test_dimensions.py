"""What a bill can be broken down by: every dimension adds up to the whole log, in a fixed order."""

from __future__ import annotations

import math

import pytest
from support.call_tables import table

from llmcost import pricing
from llmcost.audit import dimensions, spend
from llmcost.audit.ledger import NO_TAG, ledger
from llmcost.calls import Calls
from llmcost.config import ModelPriceOverride, ModelSettings
from llmcost.errors import ConfigError

BOOK = pricing.load({"gpt-4o": ModelSettings(price=ModelPriceOverride(input=2.5, output=10.0))})


def log() -> Calls:
    common = {"request_model": "gpt-4o", "input_tokens": 100, "output_tokens": 10, "tags": {"metadata.team": "a"}}
    day = 86_400_000_000
    rows = [
        {**common, "start_time": 0, "provider": "openai", "call_site": "s1", "task": "t"},
        {**common, "start_time": day * 4 + 3_600_000_000, "finish_reason": "stop", "call_site": "s2", "task": "t"},
        {**common, "start_time": day * 31, "provider": "azure", "error_type": "timeout", "task": "u", "tags": {}},
        {**common, "start_time": None, "service_tier": "batch", "reasoning_effort": "high", "task": "u"},
    ]
    return table(rows)


def rows(field: str, kinds: dict[str, str] | None = None, top: int = 20) -> list[tuple[str, int]]:
    calls = log()
    found = spend.by_field(ledger(calls, pricing.price(calls, BOOK)), field, top, kinds or {})
    return [(str(row.tag), row.calls) for row in found]


@pytest.mark.parametrize("field", [*dimensions.BUILTIN, "team"])
def test_every_dimension_adds_up_to_the_log(field: str) -> None:
    calls = log()
    entries = ledger(calls, pricing.price(calls, BOOK))
    found = spend.by_field(entries, field, 20, {})
    assert sum(row.calls for row in found) == 4
    cost = math.fsum(row.cost_usd or 0.0 for row in found)
    assert cost == pytest.approx(spend.totals(entries).cost_usd or 0.0)


def test_parts_of_time_stand_in_order_and_calls_without_a_time_last() -> None:
    assert rows("day") == [("1970-01-01", 1), ("1970-01-05", 1), ("1970-02-01", 1), ("unknown", 1)]
    assert rows("week") == [("1970-W01", 1), ("1970-W02", 1), ("1970-W05", 1), ("unknown", 1)]
    assert rows("month") == [("1970-01", 2), ("1970-02", 1), ("unknown", 1)]
    assert rows("hour") == [("00:00", 2), ("01:00", 1), ("unknown", 1)]
    assert len(rows("day", top=1)) == 4


def test_what_is_not_known_of_a_call_is_a_row_of_its_own() -> None:
    assert sorted(rows("provider")) == [(NO_TAG, 2), ("azure", 1), ("openai", 1)]
    assert sorted(rows("team")) == [(NO_TAG, 1), ("a", 3)]


def test_call_sites_of_one_kind_are_one_row() -> None:
    assert sorted(rows("kind", {"s1": "chat", "s2": "chat"})) == [(NO_TAG, 2), ("chat", 2)]


def test_a_field_that_is_neither_is_an_error_that_names_both() -> None:
    with pytest.raises(ConfigError, match="nothing to group by 'taem'") as failure:
        rows("taem")
    assert "metadata.team" in (failure.value.hint or "") and "provider" in (failure.value.hint or "")
