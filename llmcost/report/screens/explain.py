"""A finding explained: its page, and its own figures where the last audit found it."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator

from llmcost.audit.pages import Explanation, Explanations, Paragraph
from llmcost.audit.result import Finding
from llmcost.report import figures
from llmcost.report.document import (
    LONGEST,
    Cell,
    Column,
    Command,
    Document,
    Heading,
    Line,
    Next,
    Row,
    Table,
    Text,
    line,
)
from llmcost.report.screens import cells

FINDINGS_SHOWN = 5
NONE = "not found"
PLAIN = re.compile(r"[\w .,:/+-]+")  # a task's name is text from a log: not every one is fit for a command to copy
ANSWERS_CHANGE = {"no_answer_change": "no answer changes", "potential": "untested", "measured": "no (measured)"}


def explain_document(explanation: Explanation) -> Document:
    """A page of a finding, its figures after its meaning."""
    meaning, *rest = map(_paragraph, explanation.page)
    blocks = (Heading(line(cells.strong(explanation.kind))), meaning, *_figures(explanation), *rest, _next(explanation))
    return Document("llmcost explain", blocks)


def kinds_document(explanations: Explanations) -> Document:
    """Every kind of finding, with what the last audit found of it."""
    columns = (
        Column("Finding", "kind", shrink=True, least=24),
        Column("What it means", "meaning", shrink=True, prose=True),
        Column("Found", "findings", "right"),
        Column("Dollars", "usd_logged", "right"),
    )
    rows = tuple(_kind(item) for item in explanations.kinds)
    example = explanations.kinds[0].kind
    blocks = (
        Heading(line(cells.strong(f"{figures.counted(len(rows), 'kind')} of findings"))),
        Text(tuple(_log_named(explanations.kinds[0], sum(len(item.findings) for item in explanations.kinds)))),
        Table("finding", columns, rows),
        Next((Command(f"llmcost explain {example}", "how it is counted, when it is wrong, what to do"),)),
    )
    return Document("llmcost explain", blocks)


def _paragraph(part: Paragraph) -> Text:
    """A paragraph in spans that are short enough to be kept whole."""
    words = textwrap.wrap(part.text, LONGEST // 2, break_long_words=False, break_on_hyphens=False)
    return Text((line(cells.strong(f"{part.lead} "), *(f"{some} " for some in words)),))


def _kind(item: Explanation) -> Row:
    known = [finding.usd_logged for finding in item.findings if finding.usd_logged is not None]
    number = len(item.findings) if item.files else None
    return Row(
        (
            cells.name(item.kind),
            Cell(item.meaning),
            Cell(figures.count(number) if number else figures.UNKNOWN, value=number),
            cells.money(sum(known) if known else None),
        )
    )


def _figures(explanation: Explanation) -> Iterator[Text | Table]:
    if not explanation.files:
        yield Text((line(cells.dim("Nothing was audited here yet: llmcost audit LOGS shows what it costs you.")),))
    elif len(explanation.findings) == 1:
        yield Text((*_log_named(explanation, 1), *_one(explanation.findings[0])))
    else:
        yield Text(tuple(_log_named(explanation, len(explanation.findings))))
        yield from _many(explanation.findings)


def _log_named(explanation: Explanation, findings: int) -> Iterator[Line]:
    """Which log the last audit was of, and how much it found; nothing where there was none."""
    if explanation.files:
        where = cells.joined((cells.file_names(explanation.files), cells.period(explanation.start, explanation.end)))
        yield line(cells.dim(f"Last audit: {where}"), f": {figures.counted(findings, 'finding') if findings else NONE}")


def _one(finding: Finding) -> Iterator[Line]:
    yield line(cells.strong(finding.title), f" · {finding.task}" if finding.task else "")
    yield line(cells.joined((figures.counted(finding.calls, "call"), _dollars(finding), _answers(finding))))
    yield line(f"Evidence: {finding.evidence}")
    yield line(f"→ {finding.remedy}")


def _many(findings: list[Finding]) -> Iterator[Table | Text]:
    if not findings:
        return
    columns = (
        Column("Finding", "finding", shrink=True, prose=True),
        Column("Task", "task", shrink=True),
        Column("Calls", "calls", "right"),
        Column("In this log", "usd_logged", "right"),
    )
    rows = tuple(
        Row(
            (cells.name(item.title), cells.name(item.task), cells.count(item.calls), cells.money(item.usd_logged)),
            note=line(cells.dim(item.evidence)),
        )
        for item in findings[:FINDINGS_SHOWN]
    )
    yield Table("finding", columns, rows)
    if (more := len(findings) - FINDINGS_SHOWN) > 0:
        yield Text((line(cells.dim(f"and {figures.count(more)} more: llmcost audit LOGS --format html")),))


def _dollars(finding: Finding) -> str:
    if finding.usd_logged is None:
        return "dollars unknown"
    monthly = "" if finding.usd_per_month is None else f" ({figures.about(finding.usd_per_month)} a month)"
    return f"{figures.money(finding.usd_logged)} in this log{monthly}"


def _answers(finding: Finding) -> str:
    return "" if finding.usd_logged is None else ANSWERS_CHANGE[finding.basis]


def _next(explanation: Explanation) -> Next:
    """The dearest finding alone, where there are several, and every kind."""
    every = Command("llmcost explain", "every kind of finding")
    if len(explanation.findings) < 2:
        return Next((every,))
    dearest = explanation.findings[0].id
    alone = Command(f"llmcost explain {shlex.quote(dearest)}", "this one alone")
    unfit = Command("llmcost explain ID", "one alone; ids stand in --format json")
    return Next((alone if PLAIN.fullmatch(dearest) else unfit, every))
