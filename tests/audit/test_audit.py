"""The audit against the same figures computed row by row in plain Python, and its laws."""

import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.call_tables import rows, table
from support.examples import costly

from llmcost import calls as calls_module
from llmcost import pricing
from llmcost.audit import AuditResult, audit, latency_quantiles, monthly, span_days, ttl_seconds
from llmcost.audit.result import SourceSummary, SpendRow
from llmcost.calls import Calls
from llmcost.config import AuditSettings, ModelPriceOverride, ModelSettings
from llmcost.errors import ConfigError

BOOK = pricing.load(
    {
        "gpt-4o": ModelSettings(price=ModelPriceOverride(input=2.5, output=10.0, cache_read=1.25, batch_discount=0.5)),
        "gpt-4o-mini": ModelSettings(price=ModelPriceOverride(input=0.15, output=0.6, cache_read=0.075)),
    }
)
SOURCE = SourceSummary(["october.jsonl"], ["openai_pairs"], 0, 0, [])
SETTINGS = AuditSettings(compare=("unheard-of-1", "gpt-4o-mini"), cache_ttl="1h", top_tag_values=2)


def run(calls: Calls, tags: tuple[str, ...] = (), settings: AuditSettings = SETTINGS) -> AuditResult:
    costs = pricing.price(calls, BOOK)
    return audit(calls, book=BOOK, costs=costs, source=SOURCE, settings=settings, version="0.1.0", by=tags, bodies=list)


def total(values: list[Any]) -> Any:
    known = [value for value in values if value is not None]
    return math.fsum(known) if known else None


def by_hand(log: list[dict[str, Any]], costs: list[float | None]) -> dict[str, Any]:
    """The columns that totals and spend rows share, a row at a time."""
    latencies = [row["latency_ms"] for row in log if row["latency_ms"] is not None and row["error_type"] is None]
    priced = [cost for cost in costs if cost is not None]
    names = ("input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens")
    return {name: total([row[name] for row in log]) for name in names} | {
        "calls": len(log),
        "failed_calls": sum(row["error_type"] is not None for row in log),
        "priced_calls": len(priced),
        "cost_usd": total(costs),
        "cost_per_call_usd": math.fsum(priced) / len(priced) if priced else None,
        "latency_p50_ms": float(np.quantile(latencies, 0.50)) if latencies else None,
        "latency_p95_ms": float(np.quantile(latencies, 0.95)) if latencies else None,
    }


def agrees(found: object, wanted: dict[str, Any]) -> None:
    for name, value in wanted.items():
        assert getattr(found, name) == (value if value is None else pytest.approx(value, rel=1e-12)), name


GROUPINGS: dict[str, Callable[[dict[str, Any]], str]] = {
    "by_task": lambda row: row["task"],
    "by_model": lambda row: row["request_model"] or "unknown",
    "by_day": lambda row: "unknown" if row["at"] is None else "2026-10-01",
}


@costly
@given(rows())
def test_every_figure_agrees_with_one_computed_row_by_row(log):
    calls = table(log)
    costs = [None if math.isnan(cost) else cost for cost in pricing.price(calls, BOOK)]
    result = run(calls)
    agrees(result.totals, by_hand(log, costs))
    assert result.totals.logged_cost_usd == total([row["logged_cost_usd"] for row in log])
    assert result.totals.estimated_token_calls == sum(row["tokens_estimated"] for row in log)
    failed = [cost for row, cost in zip(log, costs, strict=True) if row["error_type"]]
    assert result.totals.failed_cost_usd == total(failed)
    for table_name, key in GROUPINGS.items():
        found = getattr(result, table_name)
        assert sorted(name_of(row) for row in found) == sorted({key(row) for row in log})
        for row in found:
            member = [key(each) == name_of(row) for each in log]
            chosen = [each for each, is_in in zip(log, member, strict=True) if is_in]
            agrees(row, by_hand(chosen, [cost for cost, is_in in zip(costs, member, strict=True) if is_in]))


def name_of(row: SpendRow) -> str:
    return next(name for name in (row.task, row.model, row.day, row.tag) if name is not msgspec.UNSET)


@costly
@given(rows())
def test_tables_add_up_to_the_totals(log):
    result = run(table(log), ("metadata.team",) if any("metadata.team" in (row["tags"] or {}) for row in log) else ())
    sums = result.totals
    assert sums.calls == sums.answered_calls + sums.failed_calls
    assert sums.calls == sums.priced_calls + sums.unpriced_calls + sums.unmetered_calls
    assert sum(model.calls for model in result.unpriced_models) == sums.unpriced_calls
    for found in (result.by_task, result.by_model, result.by_day, *result.by_tag.values()):
        for name in ("calls", "priced_calls", "failed_calls", "input_tokens", "output_tokens"):
            assert sum(getattr(row, name) or 0 for row in found) == (getattr(sums, name) or 0)
        assert math.fsum(row.cost_usd or 0.0 for row in found) == pytest.approx(sums.cost_usd or 0.0, abs=1e-9)
        assert math.fsum(row.share or 0.0 for row in found) == pytest.approx(1.0 if sums.cost_usd else 0.0)


@costly
@given(rows(), st.randoms(use_true_random=False), st.integers(0, 40))
def test_shuffling_and_splitting_change_no_byte(log, random, cut):
    shuffled = log.copy()
    random.shuffle(shuffled)
    parts = calls_module.concat([table(shuffled[:cut]), table(shuffled[cut:])])
    assert msgspec.json.encode(run(table(log))) == msgspec.json.encode(run(parts))


@costly
@given(rows())
def test_a_round_trip_through_parquet_changes_no_byte(tmp_path_factory, log):
    path = tmp_path_factory.mktemp("parquet") / "calls.parquet"
    pq.write_table(table(log).table, path)
    again = Calls(pq.read_table(path).cast(calls_module.SCHEMA))
    assert msgspec.json.encode(run(again)) == msgspec.json.encode(run(table(log)))


@costly
@given(rows())
def test_findings_and_potentials_are_consistent(log):
    result = run(table(log))
    known = [finding.usd_logged for finding in result.findings if finding.usd_logged is not None]
    assert known == sorted(known, reverse=True)
    assert len({finding.id for finding in result.findings}) == len(result.findings)
    repeats = [finding for finding in result.findings if finding.kind == "exact-duplicates"]
    safe, untested = result.potential.no_answer_change, result.potential.if_untested_passed
    assert {finding.id for finding in repeats} == set(safe.findings) <= set(untested.findings)
    assert total([finding.usd_logged for finding in repeats]) == (
        pytest.approx(safe.usd_logged)
        if repeats and any(finding.usd_logged is not None for finding in repeats)
        else None
    )
    assert (untested.usd_logged or 0.0) <= (result.totals.cost_usd or 0.0) + 1e-9


def test_an_empty_log_is_no_crash_and_no_money():
    result = run(calls_module.empty())
    assert (result.totals.calls, result.totals.cost_usd, result.totals.input_tokens) == (0, None, None)
    assert (result.by_task, result.by_model, result.by_day, result.findings) == ([], [], [], [])
    assert result.span.days is None
    assert result.potential.if_untested_passed.usd_logged is None


def chat(**changes: Any) -> dict[str, Any]:
    usage = {"input_tokens": 1000, "output_tokens": 100, "latency_ms": 500.0}
    return {"at": 0.0, "task": "chat", "request_model": "gpt-4o", "operation": "chat", **usage, **changes}


GPT_4O_CALL = (1000 * 2.5 + 100 * 10.0) / 1e6
MINI_CALL = (1000 * 0.15 + 100 * 0.6) / 1e6


def finding(result: AuditResult, name: str) -> Any:
    return next(found for found in result.findings if found.id == name)


def test_repeats_are_paid_once_under_the_ttl():
    log = [chat(at=at, prompt="p") for at in (0.0, 60.0, 3599.0, 3600.0, 3660.0)] + [chat(at=5.0, prompt="q")]
    found = finding(run(table(log)), "exact-duplicates:chat")
    assert (found.calls, found.basis, found.task) == (3, "no_answer_change", "chat")
    assert found.usd_logged == pytest.approx(3 * GPT_4O_CALL)
    assert found.usd_per_month is None
    assert "3 of 6 calls" in found.evidence


def test_the_untested_total_is_a_stack_and_not_a_sum():
    result = run(table([chat(at=float(at), prompt="p") for at in range(10)]))
    alone = finding(result, "cheaper-model:chat").usd_logged
    assert alone == pytest.approx(10 * (GPT_4O_CALL - MINI_CALL))
    safe, untested = result.potential.no_answer_change, result.potential.if_untested_passed
    assert safe.usd_logged == pytest.approx(9 * GPT_4O_CALL)
    assert untested.usd_logged == pytest.approx(10 * GPT_4O_CALL - MINI_CALL)
    assert untested.usd_logged < alone + safe.usd_logged
    assert untested.findings == ["cheaper-model:chat", "exact-duplicates:chat"]


def test_a_cheaper_model_is_only_ever_potential():
    found = finding(run(table([chat()])), "cheaper-model:chat")
    assert (found.basis, found.calls) == ("potential", 1)
    assert "if quality held" in found.title
    assert "gpt-4o-mini" in found.title


def test_no_cheaper_model_where_all_is_on_it_already_or_is_an_embedding():
    log = [chat(request_model="gpt-4o-mini"), chat(task="search", operation="embeddings")]
    assert run(table(log)).findings == []


def test_what_failed_and_what_it_cost():
    log = [chat(error_type="timeout", input_tokens=None, output_tokens=None), chat(error_type="content_filter"), chat()]
    result = run(table(log))
    found = finding(result, "failed-calls")
    assert (found.calls, found.usd_logged) == (2, pytest.approx(GPT_4O_CALL))
    assert result.totals.failed_cost_usd == found.usd_logged
    assert "content_filter (1), timeout (1)" in found.evidence


def test_failed_calls_without_usage_cost_an_unknown_amount_and_not_nothing():
    found = finding(run(table([chat(error_type="timeout", input_tokens=None, output_tokens=None)])), "failed-calls")
    assert found.usd_logged is None


def test_unpriced_and_unmetered_calls_are_named_with_their_share():
    log = [chat(), chat(request_model="mystery"), chat(output_tokens=None), chat(request_model=None, input_tokens=None)]
    result = run(table(log))
    assert [(row.model, row.calls, row.share) for row in result.unpriced_models] == [("mystery", 1, 0.25)]
    assert finding(result, "unpriced-models").title.startswith("25.0 %")
    assert '[models."mystery"]' in finding(result, "unpriced-models").remedy
    assert finding(result, "unmetered").calls == 2
    assert result.totals.cost_usd == pytest.approx(GPT_4O_CALL)
    assert result.totals.cost_per_call_usd == pytest.approx(GPT_4O_CALL)


def test_impossible_counts_are_unmetered_and_leave_the_model_priced():
    result = run(table([chat(cache_read_tokens=2000)]))
    assert (result.totals.unmetered_calls, result.unpriced_models) == (1, [])


@pytest.mark.parametrize(("days", "known"), [(0.0, False), (6.999, False), (7.0, True), (30.5, True)])
def test_a_month_is_told_from_seven_days_on(days, known):
    result = run(table([chat(), chat(at=days * 86400)]))
    assert result.span.days == days
    wanted = pytest.approx(2 * GPT_4O_CALL / days * 30.4375) if known else None
    assert result.totals.monthly_usd == wanted
    assert finding(result, "cheaper-model:chat").usd_per_month == (None if not known else pytest.approx(
        2 * (GPT_4O_CALL - MINI_CALL) / days * 30.4375))  # fmt: skip
    assert span_days(table([chat(), chat(at=days * 86400)])) == (days if known else None)
    assert monthly(None, days) is None


def test_the_span_is_iso_in_utc():
    span = run(table([chat(), chat(at=1.5), chat(at=None)])).span
    assert (span.start, span.end) == ("2026-10-01T00:00:00.000Z", "2026-10-01T00:00:01.500Z")


def test_models_of_a_task_dearest_first_and_days_in_order():
    log = [chat(request_model="gpt-4o-mini", at=90000.0), chat(request_model="gpt-4o-mini"), chat(), chat(at=None)]
    log += [chat(request_model=None, response_model="served"), chat(request_model=None, at=None)]
    result = run(table(log))
    assert result.by_task[0].models == ["gpt-4o", "gpt-4o-mini", "served", "unknown"]
    assert [row.day for row in result.by_day] == ["2026-10-01", "2026-10-02", "unknown"]


def test_a_tag_beyond_the_top_is_folded():
    log = [chat(tags={"metadata.team": team}) for team in "aaabbcd"] + [chat()]
    found = run(table(log), ("team",)).by_tag["team"]
    assert [(row.tag, row.calls) for row in found] == [("a", 3), ("(other)", 2), ("b", 2), ("(none)", 1)]


def test_a_tag_nobody_carries_is_an_error_that_names_the_tags():
    with pytest.raises(ConfigError) as failure:
        run(table([chat(tags={"metadata.team": "a"})]), ("taem",))
    assert failure.value.hint is not None
    assert failure.value.hint.startswith("tags in this log: metadata.team; or task, model, kind, call_site")


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("5m", 300), ("1h", 3600), ("7d", 604800), ("1.5h", 5400)])
def test_durations(text, seconds):
    assert ttl_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "1", "1w", "-1h", "1h30m"])
def test_no_duration(text):
    with pytest.raises(ConfigError, match="no duration"):
        ttl_seconds(text)


def test_the_latency_of_failed_calls_does_not_count():
    assert latency_quantiles(table([chat(), chat(latency_ms=1.0, error_type="rate_limit")])) == (500.0, 500.0)
    assert latency_quantiles(table([chat(latency_ms=None)])) == (None, None)


def test_the_result_reads_back_from_its_json():
    result = run(table([chat(tags={"team": "a"})]), ("team",))
    assert msgspec.json.decode(msgspec.json.encode(result), type=AuditResult) == result
