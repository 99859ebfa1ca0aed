"""Every finding fires where it should with the dollars that a person computes, and stays silent just beside it."""

from __future__ import annotations

import hashlib
import random
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.call_tables import rows, table
from support.examples import costly

from llmcost import calls as calls_module
from llmcost.audit import AuditResult, audit
from llmcost.audit.findings import RULES
from llmcost.audit.result import Finding, SourceSummary
from llmcost.calls import Calls
from llmcost.config import AuditSettings
from llmcost.pricing import ModelPrice, Period, PriceBook, PriceStamp, Rate, price
from llmcost.pricing.rates import Snapshot

Row = dict[str, Any]


def sold(name: str, *rates: Rate, end: date | None = None) -> ModelPrice:
    provider, _, bare = name.partition("/")
    return ModelPrice(name, provider, bare, (Period(None, rates),), "by hand", deprecation_date=end)


AS_OF = date(2026, 10, 31)
MODELS = (
    sold("openai/gpt-4o", Rate(input=2.5, output=10.0, cache_read=1.25), Rate("batch", input=1.25, output=5.0)),
    sold("openai/gpt-4o-mini", Rate(input=0.15, output=0.6, cache_read=0.075)),
    sold("openai/gpt-old", Rate(input=1.0, output=2.0), end=date(2026, 10, 30)),
    sold("openai/gpt-ageing", Rate(input=1.0, output=2.0), end=date(2027, 4, 29)),  # 180 days on
    sold("openai/gpt-lasting", Rate(input=1.0, output=2.0), end=date(2027, 4, 30)),
    sold("groq/qwen/qwen3-32b", Rate(input=0.3, output=0.6)),
    sold("deepinfra/qwen/qwen3-32b", Rate(input=0.1, output=0.3)),
    sold("nebius/qwen3-32b", Rate(input=0.12, output=0.3)),
    sold("deepinfra/qwen/qwen3-32b-fp8", Rate(input=0.01, output=0.01)),
    sold("quicksilverpro/qwen/qwen3-32b", Rate(input=0.01, output=0.01)),
    sold("groq/kimi-k9", Rate(input=0.3, output=0.6)),
    sold("novita/kimi-k9", Rate(input=0.29, output=0.59)),
)
BOOK = PriceBook(Snapshot(AS_OF, (), MODELS), {}, PriceStamp(AS_OF.isoformat(), "0" * 64))
SETTINGS = AuditSettings(compare=("gpt-4o-mini",), cache_ttl="1h")
SOURCE = SourceSummary(["october.jsonl"], ["openai_pairs"], 0, 0, [])
BIG = (1000 * 2.5 + 100 * 10.0) / 1e6  # dollars of one call of each model, of 1,000 tokens in and 100 out
MINI = (1000 * 0.15 + 100 * 0.6) / 1e6
OLD = (1000 * 1.0 + 100 * 2.0) / 1e6
GROQ, DEEPINFRA = (1000 * 0.3 + 100 * 0.6) / 1e6, (1000 * 0.1 + 100 * 0.3) / 1e6


def run(calls: Calls, book: PriceBook = BOOK) -> AuditResult:
    return audit(
        calls, book=book, costs=price(calls, book), source=SOURCE, settings=SETTINGS, version="0.1.0", bodies=list
    )


def found(log: list[Row], kind: str) -> list[Finding]:
    return [finding for finding in run(table(log)).findings if finding.kind == kind]


def print_of(text: str) -> bytes:
    return hashlib.md5(text.encode(), usedforsecurity=False).digest()


def call(name: object, **changes: Any) -> Row:
    """A call about which there is nothing to say: cheap, streamed, in full, in office hours, asked once."""
    number = int.from_bytes(print_of(str(name))[:3])
    usage = {"input_tokens": 1000, "output_tokens": 100, "latency_ms": 500.0}
    usual = {
        "at": number % 10 * 86400.0 + (9 + number % 9) * 3600.0 + number % 3571,
        "prompt": print_of(str(name)).hex()[:16],
        "user": "u",
        "task": "chat",
        "request_model": "gpt-4o-mini",
        "operation": "chat",
        "stream": True,
        "messages": 2,
        "finish_reason": "stop",
        "answer_bytes": 400,
        "answer_key": print_of(f"answer {name}"),
        **usage,
    }
    return usual | changes


def calls(n: int, name: str, **changes: Any) -> list[Row]:
    return [call(f"{name} {index}", **changes) for index in range(n)]


def fine(n: int = 60) -> list[Row]:
    return calls(n, "fine")


def nightly(**changes: Any) -> list[Row]:
    """Ten nights, each with 20 calls within one minute."""
    night = {"task": "job", "request_model": "gpt-4o", "stream": False}
    return [
        call(f"job {day} {index}", at=day * 86400 + 3 * 3600 + index * 2.0, **(night | changes))
        for day in range(10)
        for index in range(20)
    ]


def labelled(n: int, labels: int, **changes: Any) -> list[Row]:
    said = {"task": "sort", "request_model": "gpt-4o", "answer_bytes": 7}
    return [
        call(f"label {index}", answer_key=print_of(f"label {index % labels}"), **(said | changes)) for index in range(n)
    ]


def storms(n: int, errors: list[str | None], gap: float = 5.0, **changes: Any) -> list[Row]:
    """So many requests, each attempted once for every error; the latency of half a second comes before the gap."""
    return [
        call(f"storm {index}", at=index * 3600.0 + step * (gap + 0.5), task="retry", error_type=error)
        | {"request_model": "gpt-4o", "finish_reason": None if error else "stop"}
        | changes
        for index in range(n)
        for step, error in enumerate(errors)
    ]


THINKING = {"task": "reason", "request_model": "gpt-4o", "reasoning_tokens": 80, "answer_bytes": 8}
CUT = {"task": "write", "request_model": "gpt-4o", "finish_reason": "length", "max_output_tokens": 100}
FILTERED = {"task": "write", "request_model": "gpt-4o", "finish_reason": "content_filter"}
GONE = {"task": "talk", "error_type": "Client.Disconnected", "finish_reason": None}
SILENT = {"task": "talk", "finish_reason": None, "output_tokens": None}
QWEN = {"request_model": "qwen/qwen3-32b", "provider": "groq", "task": "translate"}

# kind → a log in which it fires once, and its calls and dollars.
FIRES: dict[str, tuple[list[Row], int, float | None]] = {
    "exact-duplicates": ([call("x", at=at, request_model="gpt-4o") for at in (0.0, 60.0, 3599.0)], 2, 2 * BIG),
    "cheaper-model": (calls(3, "big", request_model="gpt-4o"), 3, 3 * (BIG - MINI)),
    "batch-api": (nightly(), 200, 200 * BIG / 2),
    "premium-model-on-labels": (labelled(100, 12), 100, 100 * (BIG - MINI)),
    "reasoning-on-trivial-tasks": (calls(50, "thought", **THINKING), 50, 50 * 80 * 10.0 / 1e6),
    "provider-price-spread": (calls(20, "qwen", **QWEN), 20, 20 * (GROQ - DEEPINFRA)),
    "failed-calls": (calls(1, "failed", error_type="500"), 1, MINI),
    "retry-storms": (storms(10, ["500", "500", None]), 20, 20 * BIG),
    "max-tokens-hit": (calls(20, "cut", **CUT), 20, 20 * BIG),
    "truncated-calls": (calls(20, "filtered", **FILTERED), 20, 20 * BIG),
    "abandoned-streams": (calls(20, "gone", **GONE), 20, 20 * MINI),
    "retired-models": (calls(20, "old", request_model="gpt-old"), 20, None),
    "unpriced-models": (calls(1, "mystery", request_model="mystery"), 1, None),
    "unmetered": (calls(1, "uncounted", output_tokens=None), 1, None),
}
# These need bodies, sketches or other settings than the logs here have.
ELSEWHERE = {
    "prompt-cache-unused": "test_prompt_cache_findings",
    "prompt-cache-broken": "test_prompt_cache_findings",
    "oversized-static-prompt": "test_prompt_cache_findings",
    "near-duplicates": "test_near_duplicates",
    "logged-cost-drift": "test_cost_modes",
}

# What is just not enough, and one reason each.
NEAR_MISSES: dict[str, tuple[str, list[Row]]] = {
    "an hour later is no repeat": ("exact-duplicates", [call("x", at=at) for at in (0.0, 3600.0)]),
    "another end user": ("exact-duplicates", [call("x", at=0.0), call("x", at=9.0, user="v")]),
    "already there": ("cheaper-model", calls(3, "small")),
    "somebody reads along": ("batch-api", nightly(stream=True)),
    "part of a session": ("batch-api", nightly(session_key=b"s" * 16)),
    "a third message": ("batch-api", nightly(messages=3)),
    "nobody knows how many messages": ("batch-api", nightly(messages=None)),
    "tools are called": ("batch-api", nightly(finish_reason="tool_calls")),
    "in a batch already": ("batch-api", nightly(service_tier="batch")),
    "no batch price": ("batch-api", nightly(request_model="gpt-4o-mini")),
    "too few for a machine": ("batch-api", nightly()[:99]),
    "a day like people's": ("batch-api", calls(2000, "day", request_model="gpt-4o", stream=False, task="job")),
    "a label too many": ("premium-model-on-labels", labelled(130, 13)),
    "a call too few": ("premium-model-on-labels", labelled(99, 3)),
    "long answers": ("premium-model-on-labels", labelled(100, 3, answer_bytes=121)),
    "a cheap model": ("premium-model-on-labels", labelled(100, 3, request_model="gpt-4o-mini")),
    "answers not logged": ("premium-model-on-labels", labelled(100, 3) + labelled(2, 3, answer_bytes=500)),
    "one thought too few": ("reasoning-on-trivial-tasks", calls(49, "thought", **THINKING)),
    "long answers after thought": ("reasoning-on-trivial-tasks", calls(50, "t", **(THINKING | {"answer_bytes": 81}))),
    "little thought": ("reasoning-on-trivial-tasks", calls(50, "t", **(THINKING | {"reasoning_tokens": 49}))),
    "thought before a tool": (
        "reasoning-on-trivial-tasks",
        calls(50, "t", **(THINKING | {"finish_reason": "tool_calls"})),
    ),
    "at the cheapest host": ("provider-price-spread", calls(20, "qwen", **(QWEN | {"provider": "deepinfra"}))),
    "hardly cheaper": ("provider-price-spread", calls(20, "k", **(QWEN | {"request_model": "kimi-k9"}))),
    "19 calls": ("provider-price-spread", calls(19, "qwen", **QWEN)),
    "nothing failed": ("failed-calls", fine()),
    "one retry is good manners": ("retry-storms", storms(30, ["500", None])),
    "a pause between": ("retry-storms", storms(10, ["500", "500", None], gap=30.1)),
    "too few storms": ("retry-storms", storms(9, ["500", "500", None])),
    "answered at once": ("retry-storms", storms(10, [None, None, None])),
    "room left": ("max-tokens-hit", calls(20, "cut", **(CUT | {"max_output_tokens": 101}))),
    "a limit that is meant": ("max-tokens-hit", calls(20, "c", **(CUT | {"max_output_tokens": 15}))),
    "stopped at the limit by itself": ("max-tokens-hit", calls(20, "cut", **(CUT | {"finish_reason": "stop"}))),
    "19 cut": ("max-tokens-hit", calls(19, "cut", **CUT)),
    "cut by the request's own limit": ("truncated-calls", calls(20, "cut", **CUT)),
    "cut as was meant": ("truncated-calls", calls(20, "c", **(CUT | {"max_output_tokens": 15}))),
    "19 filtered": ("truncated-calls", calls(19, "filtered", **FILTERED)),
    "known to be no stream": ("abandoned-streams", calls(20, "gone", **(GONE | {"stream": False}))),
    "streams that never say how they end": ("abandoned-streams", calls(40, "silent", **SILENT)),
    "19 given up": ("abandoned-streams", calls(19, "gone", **GONE)),
    "the end is far": ("retired-models", calls(20, "old", request_model="gpt-lasting")),
    "19 old": ("retired-models", calls(19, "old", request_model="gpt-old")),
    "every model priced": ("unpriced-models", fine()),
    "every call counted": ("unmetered", calls(1, "failed", error_type="500", output_tokens=None)),
}


def test_every_kind_is_proven_here_or_elsewhere():
    assert set(RULES) == set(FIRES) | set(ELSEWHERE)
    assert {kind for kind, _ in NEAR_MISSES.values()} == set(FIRES)


def test_a_log_without_waste_has_no_findings():
    assert run(table(fine())).findings == []


@pytest.mark.parametrize("kind", FIRES)
def test_it_fires_with_the_dollars_computed_by_hand(kind):
    log, n, usd = FIRES[kind]
    (finding,) = found(log + fine(), kind)
    assert finding.calls == n
    assert finding.usd_logged == (None if usd is None else pytest.approx(usd, rel=1e-12))
    assert finding.basis == ("no_answer_change" if kind in ("exact-duplicates", "batch-api") else "potential")


@pytest.mark.parametrize("reason", NEAR_MISSES)
def test_it_stays_silent_just_beside(reason):
    kind, log = NEAR_MISSES[reason]
    assert found(log + fine(), kind) == []


@pytest.mark.parametrize("kind", [*FIRES])
def test_what_is_less_than_a_two_hundredth_of_the_bill_is_not_said(kind):
    log, _, usd = FIRES[kind]
    weighed = {"batch-api", "premium-model-on-labels", "reasoning-on-trivial-tasks", "provider-price-spread",
               "max-tokens-hit", "truncated-calls"}  # fmt: skip
    if kind in weighed and usd is not None:
        factor = 200.5 * usd / BIG
        rest = call("whale", request_model="gpt-4o", input_tokens=int(factor * 1400), output_tokens=0, task="whale")
        assert found([*log, rest], kind) == []


def test_a_hopeless_storm_needs_its_first_attempt_alone():
    (finding,) = found(storms(10, ["500", "500", "500"]), "retry-storms")
    assert (finding.calls, finding.usd_logged) == (20, pytest.approx(20 * BIG))
    assert "10 storms of 3 or more attempts: 0 were answered in the end, 10 never" in finding.evidence


def test_five_answers_within_a_minute_are_a_storm_of_a_known_user():
    log = storms(5, [None] * 5, gap=14.0)
    (finding,) = found(log, "retry-storms")
    assert (finding.calls, finding.usd_logged) == (20, pytest.approx(20 * BIG))
    assert found([row | {"user": None} for row in log], "retry-storms") == []
    assert found(storms(5, [None] * 5, gap=15.0), "retry-storms") == []


def test_attempts_without_usage_cost_an_unknown_amount():
    log = storms(10, ["timeout", "timeout", None], output_tokens=None, input_tokens=None)
    (finding,) = found(log, "retry-storms")
    assert (finding.calls, finding.usd_logged) == (20, None)


def test_silent_streams_count_where_others_say_how_they_end():
    (finding,) = found(calls(25, "silent", **SILENT) + calls(5, "whole", task="talk"), "abandoned-streams")
    assert (finding.calls, finding.usd_logged) == (25, None)
    assert "25 of 30 streams" in finding.evidence


def test_thought_that_used_up_the_limit_is_named():
    silent = CUT | {"reasoning_tokens": 95, "answer_bytes": None}
    (finding,) = found(calls(15, "cut", **CUT) + calls(5, "silent", **silent), "max-tokens-hit")
    assert "20 of 20 answers end at the limit: 100 tokens (20); 5 of them spent it on reasoning" in finding.evidence
    assert "less effort" in finding.remedy


def test_answers_without_a_reason_are_cut_where_they_fill_the_limit():
    (finding,) = found(calls(20, "cut", **(CUT | {"finish_reason": None})), "max-tokens-hit")
    assert finding.calls == 20


def test_machines_that_work_while_people_sleep_can_wait():
    """Six calls an hour are no burst; streams in office hours say when it is night."""
    people = calls(220, "people")
    night = {"task": "job", "request_model": "gpt-4o", "stream": False}
    spread = [(day, hour, step) for day in range(10) for hour in range(5) for step in range(6)]
    log = [call(f"j {at}", at=at[0] * 86400.0 + at[1] * 3600 + at[2] * 600, **night) for at in spread]
    (finding,) = found(log + people, "batch-api")
    assert (finding.calls, finding.usd_logged) == (300, pytest.approx(150 * BIG))
    assert "the hours when people ask least" in finding.evidence
    assert found(log, "batch-api") == []


def test_machines_that_never_sleep_can_wait():
    flat = {"task": "job", "request_model": "gpt-4o", "stream": False}
    log = [call(f"j {index}", at=index * 300.0, **flat) for index in range(1200)]
    (finding,) = found(log, "batch-api")
    assert (finding.calls, finding.usd_logged) == (1200, pytest.approx(600 * BIG))
    assert found(log[:999], "batch-api") == []


def test_less_than_a_day_shows_no_usual_minute():
    log = [row | {"at": row["at"] % 86400} for row in nightly()]
    assert found(log, "batch-api") == []
    assert found([*log, call("tomorrow", at=86400.0 + 3 * 3600)], "batch-api") != []


def test_a_batch_and_a_cheaper_model_are_not_both_saved():
    potential = run(table(nightly())).potential
    assert potential.no_answer_change.usd_logged == pytest.approx(200 * BIG / 2)
    assert potential.no_answer_change.findings == ["batch-api:job"]
    assert potential.if_untested_passed.usd_logged == pytest.approx(200 * (BIG - MINI))


def test_the_call_site_is_named_where_a_task_has_several():
    log = labelled(100, 3, call_site="mail") + calls(30, "other", task="sort", call_site="chat")
    (finding,) = found(log, "premium-model-on-labels")
    assert (finding.id, finding.task) == ("premium-model-on-labels:sort:mail", "sort")
    (finding,) = found(labelled(100, 3, call_site="mail"), "premium-model-on-labels")
    assert finding.id == "premium-model-on-labels:sort"


def test_retirement_says_when_and_how_much():
    log = calls(20, "old", request_model="gpt-old") + calls(20, "ageing", request_model="gpt-ageing")
    titles = {finding.id: finding.title for finding in found(log, "retired-models")}
    assert titles == {
        "retired-models:openai/gpt-old": "openai/gpt-old was to be retired on 2026-10-30: 50.0 % of spend",
        "retired-models:openai/gpt-ageing": "openai/gpt-ageing will be retired on 2027-04-29: 50.0 % of spend",
    }


def test_no_successor_is_proposed_that_ends_itself():
    log = calls(20, "old", request_model="gpt-old")
    ending = sold("openai/gpt-4o-mini-2024-07-18", Rate(input=0.15, output=0.6), end=date(2027, 1, 14))
    for models, proposed in ((MODELS, "gpt-4o-mini"), ((*MODELS, ending), "MODEL")):
        book = PriceBook(Snapshot(AS_OF, (), models), {}, PriceStamp(AS_OF.isoformat(), "0" * 64))
        (finding,) = [each for each in run(table(log), book).findings if each.kind == "retired-models"]
        assert finding.remedy.endswith(f"llmcost replay --models {proposed}")


def test_the_cheapest_host_is_named_and_brokers_and_variants_are_not():
    (finding,) = found(calls(20, "qwen", **QWEN), "provider-price-spread")
    assert finding.title == "groq/qwen/qwen3-32b costs 63.9 % less at deepinfra"
    assert finding.id == "provider-price-spread:groq/qwen/qwen3-32b"


# Laws of every rule, on logs made of the ones above and of rows that hypothesis thinks of.
BLOCKS = {**{kind: log for kind, (log, _, _) in FIRES.items()}, **{why: log for why, (_, log) in NEAR_MISSES.items()}}
SMALL = sorted(name for name, log in BLOCKS.items() if len(log) <= 200)
LOGS = st.tuples(st.lists(st.sampled_from(SMALL), min_size=1, max_size=6, unique=True), rows(max_size=10))


def joined(parts: tuple[list[str], list[Row]]) -> list[Row]:
    names, others = parts
    return [row for name in names for row in BLOCKS[name]] + others


def findings_of(calls: Calls) -> bytes:
    result = run(calls)
    return msgspec.json.encode((result.findings, result.potential))


@costly
@given(LOGS, st.integers(0, 9), st.integers(0, 300))
def test_order_and_split_change_no_finding(parts, seed, cut):
    log = joined(parts)
    shuffled = random.Random(seed).sample(log, len(log))
    merged = calls_module.concat([table(shuffled[:cut]), table(shuffled[cut:])])
    assert findings_of(table(log)) == findings_of(merged)


KEYS = ("prompt_key", "user_key", "session_key", "answer_key")


@costly
@given(LOGS)
def test_other_ids_and_fingerprints_change_no_finding(parts):
    before = table(joined(parts)).table.to_pylist()
    after = [
        row | {"id": f"call-{index}"} | {key: row[key] and print_of(row[key].hex()) for key in KEYS}
        for index, row in enumerate(before)
    ]
    one, two = (calls_module.from_rows(each, ()) for each in (before, after))
    assert findings_of(one) == findings_of(two)


@costly
@given(LOGS)
def test_no_finding_is_larger_than_what_it_is_about(parts):
    log = joined(parts)
    result = run(table(log))
    of_task = {row.task: row for row in result.by_task}
    assert len({finding.id for finding in result.findings}) == len(result.findings)
    for finding in result.findings:
        assert 0 < finding.calls <= (of_task[finding.task].calls if finding.task else len(log))
        spent = of_task[finding.task].cost_usd if finding.task else result.totals.cost_usd
        assert finding.usd_logged is None or 0 <= finding.usd_logged <= (spent or 0.0) + 1e-9
        assert finding.title and finding.evidence and finding.remedy
    safe, untested = (total.usd_logged or 0.0 for total in (result.potential.no_answer_change,
                                                            result.potential.if_untested_passed))  # fmt: skip
    assert -1e-9 <= safe <= untested + 1e-9 <= (result.totals.cost_usd or 0.0) + 2e-9
