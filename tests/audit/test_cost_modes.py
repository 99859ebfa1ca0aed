"""What a call cost by the log's own word, by the price list, or by whichever is credible; how far they are apart."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.call_tables import rows, table
from support.examples import costly

from llmcost import pricing
from llmcost.audit import AuditResult, audit
from llmcost.audit.result import ModelDrift, SourceSummary
from llmcost.config import AuditSettings, CostMode, ModelPriceOverride, ModelSettings
from llmcost.strategies import Route, Swap

BOOK = pricing.load(
    {
        "gpt-4o": ModelSettings(price=ModelPriceOverride(input=2.0, output=10.0)),
        "gpt-4o-mini": ModelSettings(price=ModelPriceOverride(input=0.1, output=0.5)),
        "given-away": ModelSettings(price=ModelPriceOverride(input=0.0, output=0.0)),
    }
)
SOURCE = SourceSummary(["october.jsonl"], ["openai_pairs"], 0, 0, [])
ROW = {"task": "chat", "provider": "openai", "request_model": "gpt-4o", "input_tokens": 500_000, "output_tokens": 0}


def run(log: list[dict[str, Any]], mode: CostMode = "computed") -> AuditResult:
    calls = table(log)
    settings = AuditSettings(compare=("gpt-4o-mini",), cost_mode=mode)
    costs = pricing.costs(calls, BOOK, mode)
    return audit(calls, book=BOOK, costs=costs, source=SOURCE, settings=settings, version="0", bodies=list)


@pytest.mark.parametrize(
    ("changes", "computed", "logged", "auto"),
    [
        ({"logged_cost_usd": 0.8}, 1.0, 0.8, 0.8),
        ({}, 1.0, None, 1.0),
        ({"logged_cost_usd": 0.0}, 1.0, None, 1.0),  # nothing for tokens: the sender knew no price
        ({"logged_cost_usd": -1.0}, 1.0, None, 1.0),
        ({"logged_cost_usd": 0.0, "input_tokens": None, "output_tokens": None}, None, 0.0, 0.0),
        ({"logged_cost_usd": 0.3, "request_model": "nobody-sells-it"}, None, 0.3, 0.3),
        ({"logged_cost_usd": 0.0, "tags": {"app_cache": "hit"}}, 0.0, 0.0, 0.0),
        ({"logged_cost_usd": 0.7, "tags": {"app_cache": "hit"}}, 0.0, 0.0, 0.0),
    ],
)
def test_a_mode_takes_what_it_says(changes: dict[str, Any], computed, logged, auto):
    calls = table([ROW | changes])
    wanted = {"computed": computed, "logged": logged, "auto": auto}
    for mode, cost in wanted.items():
        (found,) = pricing.costs(calls, BOOK, mode)
        assert found == pytest.approx(np.nan if cost is None else cost, nan_ok=True), mode


@costly
@given(rows())
def test_a_mode_changes_nothing_where_the_log_claims_nothing(log):
    silent = [{**row, "logged_cost_usd": None} for row in log]
    computed, auto = (msgspec.to_builtins(run(silent, mode)) for mode in ("computed", "auto"))
    assert (computed.pop("cost_mode"), auto.pop("cost_mode")) == ("computed", "auto")
    assert computed == auto
    assert run(silent, "logged").totals.priced_calls == 0


def goes(row: Mapping[str, Any]) -> bool:
    """Whether another model is asked: embeddings stay where they are."""
    return row["request_model"] != "gpt-4o-mini" and row["operation"] != "embeddings"


@costly
@given(rows())
def test_what_stays_as_it_is_costs_what_it_did(log):
    """In every mode; and what is asked of another model costs that model's list price."""
    calls = table(log)
    for mode in ("computed", "logged", "auto"):
        billed, listed = pricing.costs(calls, BOOK, mode), pricing.price(calls, BOOK)
        same = pricing.repriced(calls, billed, listed, calls, BOOK)
        known = ~np.isnan(billed) & ~np.isnan(listed) & (listed > 0)
        assert same[known].tolist() == billed[known].tolist()
        moved = Route().apply(calls, {"chat": Swap("gpt-4o-mini"), "code": Swap("gpt-4o-mini")})
        there = pricing.repriced(calls, billed, listed, moved, BOOK)
        elsewhere = np.array([goes(row) for row in log], dtype=bool)
        np.testing.assert_array_equal(there[elsewhere], pricing.price(moved, BOOK)[elsewhere])


def test_a_discount_of_the_log_is_kept_by_a_call_that_stays_with_its_model():
    calls = table([ROW | {"logged_cost_usd": 0.8}])
    half = calls.with_column("input_tokens", pa.array([250_000]))
    billed, listed = pricing.costs(calls, BOOK, "logged"), pricing.price(calls, BOOK)
    assert pricing.repriced(calls, billed, listed, half, BOOK).tolist() == [pytest.approx(0.4)]


def test_savings_are_of_the_dollars_that_the_bill_shows():
    log = [ROW | {"logged_cost_usd": 0.8, "prompt": "p", "at": 60.0 * n, "finish_reason": "stop"} for n in range(3)]
    found = run(log, "logged")
    assert found.cost_mode == "logged"
    assert found.totals.cost_usd == pytest.approx(2.4)
    assert found.potential.no_answer_change.usd_logged == pytest.approx(1.6)
    (cheaper,) = [finding for finding in found.findings if finding.kind == "cheaper-model"]
    assert cheaper.usd_logged == pytest.approx(2.4 - 3 * 0.05)


def test_drift_is_told_by_model_and_direction():
    log = [
        ROW | {"logged_cost_usd": 1.5},
        ROW | {"logged_cost_usd": 1.0, "weight": 3.0},
        ROW | {"logged_cost_usd": 0.0},  # no credible cost
        ROW,
        ROW | {"request_model": "gpt-4o-mini", "logged_cost_usd": 0.0501, "provider": None},
        ROW | {"request_model": "given-away", "logged_cost_usd": 0.02},
    ]
    found = run(log)
    drift = found.cost_drift
    assert drift is not None
    assert (drift.calls, drift.logged_usd, drift.computed_usd) == (6, pytest.approx(4.5701), pytest.approx(4.05))
    assert drift.by_model == [
        ModelDrift("openai/gpt-4o", 4, 4.5, 4.0, 1.125),
        ModelDrift("openai/given-away", 1, 0.02, 0.0, None),
        ModelDrift("gpt-4o-mini", 1, 0.0501, pytest.approx(0.05), pytest.approx(1.002)),
    ]
    (finding,) = [finding for finding in found.findings if finding.kind == "logged-cost-drift"]
    assert (finding.calls, finding.usd_logged, finding.usd_per_month, finding.task) == (5, None, None, None)
    assert "openai/gpt-4o: $4.50 logged, $4.00 computed (12.5 % more)" in finding.evidence
    assert "openai/given-away: $0.02 logged" in finding.evidence
    assert "gpt-4o-mini" not in finding.evidence


@pytest.mark.parametrize("logged", [1.019, 0.981, None])
def test_small_differences_are_no_finding(logged: float | None):
    found = run([ROW | {"logged_cost_usd": logged}])
    assert not [finding for finding in found.findings if finding.kind == "logged-cost-drift"]
    assert (found.cost_drift is None) == (logged is None)


@costly
@given(rows(), st.randoms(use_true_random=False))
def test_drift_adds_up_and_ignores_the_order(log, random):
    shuffled = log.copy()
    random.shuffle(shuffled)
    drift = run(log).cost_drift
    assert drift == run(shuffled).cost_drift
    assert drift == run(log, "auto").cost_drift
    if drift is not None:
        assert sum(model.calls for model in drift.by_model) == drift.calls
        assert sum(model.logged_usd for model in drift.by_model) == pytest.approx(drift.logged_usd)
        assert sum(model.computed_usd for model in drift.by_model) == pytest.approx(drift.computed_usd)
