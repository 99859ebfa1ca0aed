"""A sampled log is scaled to the traffic that it was drawn from; a log that is none is not touched."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.call_tables import rows, table
from support.examples import costly

from llmcost import calls as calls_module
from llmcost import gate, pricing
from llmcost.audit import AuditResult, audit
from llmcost.audit.result import SourceSummary
from llmcost.config import AuditSettings, ModelPriceOverride, ModelSettings
from llmcost.recommend.bill import billed_log
from llmcost.replay.sample import draw

BOOK = pricing.load(
    {
        "gpt-4o": ModelSettings(price=ModelPriceOverride(input=2.5, output=10.0, cache_read=1.25, batch_discount=0.5)),
        "gpt-4o-mini": ModelSettings(price=ModelPriceOverride(input=0.15, output=0.6, cache_read=0.075)),
    }
)
SETTINGS = AuditSettings(compare=("gpt-4o-mini",))
SOURCE = SourceSummary(["october.jsonl"], ["openai_pairs"], 0, 0, [])
ROW = {
    "task": "chat", "request_model": "gpt-4o", "input_tokens": 1_000_000, "output_tokens": 100_000,
    "cache_read_tokens": 200_000, "reasoning_tokens": 0, "operation": "chat",
}  # fmt: skip


def run(log: list[dict[str, Any]]) -> AuditResult:
    calls = table(log)
    return audit(
        calls, book=BOOK, costs=pricing.price(calls, BOOK), source=SOURCE, settings=SETTINGS, version="0", bodies=list
    )


def figures(result: AuditResult) -> dict[str, Any]:
    """All but how many rows were read."""
    found = msgspec.to_builtins(result)
    for name in ("logged_calls", "sampled_calls"):
        found["totals"].pop(name)
    return found


def test_a_tenth_of_the_traffic_is_scaled_by_ten():
    found = run([{**ROW, "weight": 10.0}] * 3 + [{**ROW, "error_type": "500", "weight": 10.0}])
    totals, (task,) = found.totals, found.by_task
    per_call = (800_000 * 2.5 + 200_000 * 1.25 + 100_000 * 10) / 1e6
    assert (totals.calls, totals.answered_calls, totals.failed_calls) == (40, 30, 10)
    assert (totals.logged_calls, totals.sampled_calls) == (4, 4)
    assert totals.cost_usd == pytest.approx(40 * per_call)
    assert totals.failed_cost_usd == pytest.approx(10 * per_call)
    assert totals.cost_per_call_usd == pytest.approx(per_call)
    assert (totals.input_tokens, totals.cache_read_tokens) == (40_000_000, 8_000_000)
    assert (task.calls, task.priced_calls, task.failed_calls, task.share) == (40, 40, 10, 1.0)
    (cheaper,) = [finding for finding in found.findings if finding.kind == "cheaper-model"]
    there = (1_000_000 * 0.15 + 100_000 * 0.6) / 1e6  # another model has nothing of it in its cache
    assert (cheaper.calls, cheaper.usd_logged) == (40, pytest.approx(40 * (per_call - there)))
    (failed,) = [finding for finding in found.findings if finding.kind == "failed-calls"]
    assert failed.calls == 10 and failed.usd_logged == totals.failed_cost_usd


def test_rows_of_different_weight_make_a_weighted_mean():
    found = run([{**ROW, "weight": 4.0}, {**ROW, "input_tokens": 3_000_000, "weight": 1.5}])
    first, second = 2.0 + 0.25 + 1.0, 7.0 + 0.25 + 1.0
    assert found.totals.cost_usd == pytest.approx(4 * first + 1.5 * second)
    assert found.totals.cost_per_call_usd == pytest.approx((4 * first + 1.5 * second) / 5.5)
    assert found.totals.calls == 6 and found.totals.logged_calls == 2


@costly
@given(rows(max_size=12), st.sampled_from([2.0, 4.0]))
def test_a_weight_is_that_many_copies_of_a_row(log, weight):
    """In all figures of the spend tables; latencies are of the rows as they are logged."""
    scaled = run([{**row, "weight": weight} for row in log])
    copies = run([row for row in log for _ in range(int(weight))])
    for name in ("by_task", "by_model", "by_day"):
        for one, other in zip(getattr(scaled, name), getattr(copies, name), strict=True):
            agree(_without_latency(one), _without_latency(other))
    agree(_without_latency(scaled.totals), _without_latency(copies.totals))


def _without_latency(row: Any) -> dict[str, Any]:
    found = msgspec.to_builtins(row)
    return {
        k: v for k, v in found.items() if not k.startswith("latency") and k not in ("logged_calls", "sampled_calls")
    }


def agree(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert found[name] == (pytest.approx(value, rel=1e-9) if isinstance(value, float) else value), name


@costly
@given(rows())
def test_weights_of_one_change_no_byte(log):
    weighted = run([{**row, "weight": 1.0} for row in log])
    assert msgspec.json.encode(weighted) == msgspec.json.encode(run(log))


@costly
@given(rows(), st.lists(st.sampled_from([None, 1.0, 3.0, 1 / 0.3, 1 / 0.07]), min_size=40, max_size=40), st.randoms())
def test_the_order_of_a_sampled_log_changes_no_byte_and_parts_add_up(log, weights, random):
    weighted = [{**row, "weight": weight} for row, weight in zip(log, weights, strict=False)]
    shuffled = weighted.copy()
    random.shuffle(shuffled)
    found = run(weighted)
    assert msgspec.json.encode(found) == msgspec.json.encode(run(shuffled))
    totals = found.totals
    assert totals.calls == totals.answered_calls + totals.failed_calls
    assert totals.calls == totals.priced_calls + totals.unpriced_calls + totals.unmetered_calls
    assert totals.logged_calls == len(log)


def test_the_gate_means_over_the_traffic():
    calls = table([{**ROW, "weight": 4.0}, {**ROW, "weight": None}])
    (task,) = gate.baseline(gate.Log(calls, np.array([1.0, 6.0])), stamp=BOOK.stamp, version="0").tasks
    assert (task.calls, task.priced_calls, task.cost_usd, task.cost_per_call_usd) == (5, 5, "10", "2")


def test_a_replay_draws_and_bills_the_traffic():
    common = {**ROW, "body_state": "full"}
    calls = table([{**common, "prompt": "p", "weight": 10.0}, {**common, "prompt": "q"}, {**common, "prompt": "p"}])
    costs = np.array([1.0, 2.0, 3.0])
    sample = draw(calls, costs, per_task=5, seed=1)
    assert sorted(sample.weights.tolist()) == [1.0, 11.0]
    assert sample.calls_per_task == {"chat": 12}
    side = billed_log(calls, costs, BOOK, []).side(calls)
    assert side.logged_usd == 15.0 and side.cost_per_call_usd == pytest.approx(15 / 12)


def test_weights_are_exact_whatever_the_order():
    calls = calls_module.from_rows([{"weight": weight} for weight in (1 / 0.3, None, 1e9, math.pi)], ())
    weights = calls.weights()
    assert weights.tolist() == pytest.approx([1 / 0.3, 1.0, 1e9, math.pi], abs=1e-6)
    assert sum(weights) == sum(weights[::-1])
