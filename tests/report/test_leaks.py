"""The audit's findings: a row a kind, sums only where calls differ, every single finding where there is room."""

from __future__ import annotations

import csv
import io
import re

import msgspec
import pytest
from support import results

from llmcost.audit.result import AuditResult, Finding
from llmcost.report import audit_document, renderers
from llmcost.report.document import Table
from llmcost.report.screens.leaks import ROWS_SHOWN, findings_table, leaks


def rows(result: AuditResult) -> list[list[str]]:
    """The texts of the grouped table."""
    table = next(block for block in leaks(result) if isinstance(block, Table))
    return [[cell.text for cell in row.cells] for row in table.rows]


def with_findings(findings: list[Finding]) -> AuditResult:
    return msgspec.structs.replace(results.audit(), findings=findings)


def test_what_says_the_same_of_several_tasks_is_one_row() -> None:
    assert rows(results.audit()) == [
        ["1", "Qwen/Qwen3-8B would cost 76.8–98.6 % less, if quality held", "summarize, support chat +1",
         "57,002", "$2,336", "untested"],
        ["2", "Identical requests within 1h: 1.3–18.0 % of calls", "classify, support chat", "3,978", "$212", "no"],
        ["3", "0.5 % of calls failed", "–", "333", "$4.10", "untested"],
        ["4", "1.3 % of calls have no known price", "–", "794", "–", "–"],
    ]  # fmt: skip


def test_the_sum_over_tasks_is_the_total_that_the_audit_states() -> None:
    result = results.audit()
    drawn = renderers()["table"](audit_document(result))
    assert drawn.startswith("$3,412.88 for 61,204 calls: $212 a month can go without changing an answer")
    assert "no change to any answer: $212 a month" in drawn


def test_findings_of_the_whole_log_are_never_summed() -> None:
    one = Finding("a", "failed-calls", "2 % of calls failed", None, 5, 1.0, 1.0, "potential", "", "fix")
    both = [one, msgspec.structs.replace(one, id="b", title="3 % of calls failed")]
    assert [row[4] for row in rows(with_findings(both))] == ["$1.00", "$1.00"]


def test_other_models_and_other_advice_stay_apart() -> None:
    first = results.audit().findings[0]
    other = msgspec.structs.replace(first, id="x", title=first.title.replace("Qwen/Qwen3-8B", "m"), task="code")
    assert len(rows(with_findings([first, other]))) == 2
    other = msgspec.structs.replace(first, id="x", task="code", remedy="something else")
    assert len(rows(with_findings([first, other]))) == 2


def test_unknown_dollars_are_not_taken_for_nothing() -> None:
    first = results.audit().findings[0]
    unknown = msgspec.structs.replace(first, id="x", task="code", usd_per_month=None, usd_logged=None)
    assert [row[4] for row in rows(with_findings([first, unknown]))] == ["$1,203", "–"]


def test_the_dearest_come_first_and_the_rest_is_counted() -> None:
    first = results.audit().findings[0]
    many = [
        msgspec.structs.replace(first, id=str(n), kind=f"kind {n}", title=f"leak {n}", usd_per_month=float(n))
        for n in range(1, 12)
    ]
    assert [row[1] for row in rows(with_findings(many))] == [f"leak {n}" for n in range(11, 11 - ROWS_SHOWN, -1)]
    assert "and 3 smaller leaks: all of them in --format html" in renderers()["table"](
        audit_document(with_findings(many))
    )


@pytest.mark.parametrize("name", ["html", "csv", "markdown"])
def test_every_single_finding_is_in_the_detail_table(name: str) -> None:
    rendered = renderers()[name](audit_document(results.audit())).replace("\\", "")
    for finding in results.audit().findings:
        assert finding.evidence.split(";")[0] in rendered
    assert len(findings_table(results.audit()).rows) == len(results.audit().findings)
    assert findings_table(results.audit()).detail


def test_the_spreadsheet_keeps_groups_and_findings_apart() -> None:
    body = list(csv.DictReader(io.StringIO(renderers()["csv"](audit_document(results.audit())), newline="")))
    single = sum(float(row["usd_per_month"]) for row in body if row["table"] == "finding" and row["usd_per_month"])
    grouped = sum(float(row["usd_per_month"]) for row in body if row["table"] == "leak" and row["usd_per_month"])
    assert single == pytest.approx(grouped)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_title_is_cut_and_no_share_has_needless_digits(width: int) -> None:
    drawn = renderers()["table"](audit_document(results.audit()), width=width)
    assert not re.search(r"\d\.\d\d+ %", drawn)
    leaking = drawn.partition("Where it leaks")[2].partition("no change to any answer")[0]
    assert "…" not in leaking
