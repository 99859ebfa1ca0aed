"""Spend tables on a terminal: what is folded still adds up; call sites stand in where the log names no tasks."""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from support import results

from llmcost.audit.pages import Explanation, Paragraph
from llmcost.audit.result import AuditResult, CostDrift, Finding, SpendRow
from llmcost.report import audit_document, explain_document, renderers
from llmcost.report.document import Table
from llmcost.report.screens.spend import OTHER, spend_table


def drawn(result: AuditResult, width: int = 80, **look: Any) -> str:
    return renderers()["table"](audit_document(result, **look), width=width)


def with_totals(**changes: Any) -> AuditResult:
    result = results.audit()
    return msgspec.structs.replace(result, totals=msgspec.structs.replace(result.totals, **changes))


def untagged() -> AuditResult:
    """The same month in a log that names no tasks: its call sites are its tasks."""
    result = results.audit()
    sites = [msgspec.structs.replace(site, task=site.call_site) for site in result.call_sites]
    return msgspec.structs.replace(result, call_sites=sites)


def a_row(name: str, calls: int, cost: float | None) -> SpendRow:
    return SpendRow(
        calls=calls, priced_calls=0 if cost is None else calls, failed_calls=0, input_tokens=calls * 10,
        cache_read_tokens=None, output_tokens=None, reasoning_tokens=None, cost_usd=cost, share=None,
        cost_per_call_usd=None, latency_p50_ms=1.0, latency_p95_ms=2.0, model=name,
    )  # fmt: skip


@given(
    st.lists(st.tuples(st.integers(1, 99), st.none() | st.floats(0, 1e4)), max_size=30),
    st.integers(1, 12),
)
def test_what_is_folded_still_adds_up(rows: list[tuple[int, float | None]], top: int) -> None:
    whole = [a_row(f"m{n}", calls, cost) for n, (calls, cost) in enumerate(rows)]
    table = spend_table("model", "Model", whole, top)
    assert len(table.rows) == len(rows), "a page and a spreadsheet hold all of them"
    assert len(table.brief) <= top + 1
    for key in ("calls", "input_tokens", "cost_usd"):
        index = [column.key for column in table.columns].index(key)
        shown, every = ([row.cells[index].value or 0 for row in some] for some in (table.brief, table.rows))
        assert math.isclose(math.fsum(shown), math.fsum(every))


def test_the_rest_is_named_and_counted_and_has_no_latency() -> None:
    text = drawn(results.audit(), top=3)
    [other] = re.findall(rf"^{re.escape(OTHER)}: 3 .*$", text, re.M)
    assert "$242.26" in other and "21,868" in other and "–" in other
    assert "translate" not in text.partition("By model")[0]


def test_call_sites_stand_in_where_the_log_names_no_tasks() -> None:
    text = drawn(untagged(), width=120)
    assert re.search(r"^Call site +Kind +Calls +Cost +Share +Static a year +Model$", text, re.M)
    assert "label ticket·0c3e" in text and "classification" in text and "~$598" in text
    assert "\nTask  " not in text
    assert "By call site" not in drawn(results.audit()), "with tasks they are a detail"
    assert "By call site" in renderers()["html"](audit_document(results.audit()))


@pytest.mark.parametrize("result", [results.audit(), untagged()], ids=["tasks", "call sites"])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_compact_has_few_columns_and_fits(result: AuditResult, width: int) -> None:
    text = drawn(result, width=width, compact=True)
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert "Tokens" not in text and "p95" not in text and "answers" in text


def test_a_sample_says_that_it_is_one_wherever_it_counts() -> None:
    text = drawn(with_totals(logged_calls=6120, sampled_calls=6120))
    assert text.startswith("~$3,412.88 for ~61,204 calls")
    assert "~ scaled from a sample: 6,120 logged calls stand for 61,204 (10.0 %)" in text
    assert "61,218 records: 6,120 calls, 14 rejected" in text
    assert "~$" not in drawn(results.audit()).partition("By model")[0]


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("computed", "computed with prices of 2026-11-20"),
        ("logged", "as the log itself says"),
        ("auto", "else computed"),
    ],
)
def test_the_screen_says_whose_costs_these_are(mode: Any, said: str) -> None:
    assert said in drawn(msgspec.structs.replace(results.audit(), cost_mode=mode), width=120)


def test_the_log_own_costs_are_set_beside_the_computed_ones() -> None:
    assert "(−0.7 %; openai/gpt-4o −0.7 %)" in " ".join(drawn(results.audit()).split())
    same = CostDrift(10, 1.0, 1.0, [])
    agreed = drawn(msgspec.structs.replace(results.audit(), cost_drift=same))
    assert "the log's own costs are those of the price list (10 calls)" in agreed


def test_what_cannot_wait_is_shown_though_it_has_no_dollars() -> None:
    first = results.audit().findings[0]
    many = [
        msgspec.structs.replace(first, id=str(n), kind=f"kind {n}", title=f"leak {n}", usd_per_month=float(n))
        for n in range(1, 12)
    ]
    ends = Finding(
        "r", "retired-models", "gpt-4o will be retired on 2027-01-14", None, 9, None, None, "potential", "", ""
    )
    text = drawn(msgspec.structs.replace(results.audit(), findings=[*many, ends]), width=120)
    assert re.search(r"^8  gpt-4o will be retired on 2027-01-14 .* must move$", text, re.M)
    assert "and 4 smaller leaks" in text and "leak 4 " not in text
    some = msgspec.structs.replace(ends, id="s", title="o3 was to be retired on 2026-01-01: 2.0 % of spend", calls=5)
    most = msgspec.structs.replace(ends, title=f"{ends.title}, in 51 days: 25.6 % of spend")
    two = [some, most]
    text = drawn(msgspec.structs.replace(results.audit(), findings=two), width=120)
    assert "gpt-4o will be retired on 2027-01-14, in 51 days" in text
    assert re.search(r" 14 .* must move$", text, re.M)  # the calls of both, and their share of the bill
    assert "27.6 % of spend together" in re.sub(r"\s+", " ", re.sub(r"(?m)\s+–.*$", "", text))


def test_nothing_to_save_says_nothing_of_saving() -> None:
    none = msgspec.structs.replace(results.audit().potential.no_answer_change, usd_logged=0.0, usd_per_month=0.0)
    potential = msgspec.structs.replace(results.audit().potential, no_answer_change=none)
    assert "no change to any answer" not in drawn(msgspec.structs.replace(results.audit(), potential=potential))


def test_the_dearest_finding_is_the_one_to_have_explained() -> None:
    assert "llmcost explain cheaper-model" in drawn(results.audit())


def test_a_page_is_shown_whole_however_long_it_is() -> None:
    words = " ".join(f"word{n}" for n in range(400))
    page = [Paragraph("What it means.", words), Paragraph("What to do.", "stop")]
    document = explain_document(Explanation("some-kind", page, list(results.audit().findings), ["a.jsonl"]))
    text = renderers()["table"](document, width=80)
    assert words in " ".join(text.split())
    assert all(cell_len(line) <= 80 for line in text.splitlines() if "llmcost explain" not in line)
    assert any(isinstance(block, Table) for block in document.blocks)
