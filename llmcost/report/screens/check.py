"""The gate's screen: passed or failed, which tasks, and what moved the bill."""

from __future__ import annotations

from collections.abc import Iterator

from llmcost.gate.result import CheckResult, TaskCheck
from llmcost.report import figures
from llmcost.report.document import Block, Cell, Column, Definitions, Document, Heading, Notes, Row, Span, Table, line
from llmcost.report.screens import cells


def check_document(result: CheckResult) -> Document:
    """The check as a document: the verdict, its reasons, every task then and now, what moved the bill."""
    blocks: tuple[Block, ...] = (
        _headline(result),
        *_reasons(result),
        _tasks(result),
        *_moved(result),
        *((Notes(tuple(line(note) for note in result.notes)),) if result.notes else ()),
    )
    return Document("llmcost check", blocks)


def _headline(result: CheckResult) -> Heading:
    word = Span("PASS", "good") if result.passed else Span("FAIL", "bad")
    if result.reasons:
        return Heading(line(word, f"  {result.reasons[0]}"))
    allowed = figures.at_most(result.max_increase)
    change = figures.change(result.diff.change)
    return Heading(line(word, f"  cost per call {change} at the baseline's task mix, {allowed} allowed"))


def _reasons(result: CheckResult) -> Iterator[Block]:
    if result.reasons[1:]:
        yield Notes(tuple(line(reason) for reason in result.reasons[1:]))


def _tasks(result: CheckResult) -> Table:
    columns = (
        Column("Task", "task", shrink=True),
        Column("Calls then", "past_calls", "right", rank=3),
        Column("Calls now", "current_calls", "right", rank=2),
        Column("$/call then", "past_cost_per_call_usd", "right"),
        Column("$/call now", "current_cost_per_call_usd", "right"),
        Column("Change", "change", "right"),
        Column("", "regressed"),
        Column("New models", "new_models", shrink=True, rank=1),
    )
    return Table("task", columns, (*map(_task, result.tasks), _total(result)))


def _total(result: CheckResult) -> Row:
    past, now = result.past, result.current
    return Row(
        (
            Cell("all, same mix", "strong", "*"),
            cells.count(past.calls),
            cells.count(now.calls),
            cells.per_call(past.cost_per_call_usd),
            cells.per_call(now.cost_per_call_usd),
            cells.change(result.diff.change, "strong"),
            Cell(""),
            Cell(""),
        )
    )


def _task(task: TaskCheck) -> Row:
    mark = "too dear" if task.regressed else ""
    models = cells.listed(task.new_models, 2)
    return Row(
        (
            cells.name(task.task),
            cells.count(task.past_calls),
            cells.count(task.current_calls),
            cells.per_call(task.past_cost_per_call_usd),
            cells.per_call(task.current_cost_per_call_usd),
            cells.change(task.change, "bad" if task.regressed else "plain"),
            Cell(mark, "bad", str(task.regressed).lower()),
            Cell(models, "warn", ", ".join(task.new_models)),
        )
    )


def _moved(result: CheckResult) -> Iterator[Block]:
    if result.decomposition:
        total = sum(factor.usd for factor in result.decomposition)
        parts = (
            f"{factor.factor.replace('_', ' ')} {figures.signed_money(factor.usd)}" for factor in result.decomposition
        )
        what = f"What moved the bill ({figures.signed_money(total)})"
        yield Definitions(((what, line(cells.SEPARATOR.join(parts))),))
