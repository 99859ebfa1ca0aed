"""What a replay would send, where, and at what cost: shown before anything is spent."""

from __future__ import annotations

from collections.abc import Iterator

from llmcost.recommend.result import ModelEstimate, ReplayEstimate, TaskSample
from llmcost.report import figures
from llmcost.report.document import Column, Document, Line, Notes, Row, Table, Text, line
from llmcost.report.screens import cells


def estimate_document(estimate: ReplayEstimate) -> Document:
    """The estimate as a document: host, calls, worst case, then by model and by task."""
    notes = tuple(_notes(estimate))
    blocks = (
        Text(tuple(_summary(estimate))),
        _by_model(estimate.by_model),
        _by_task(estimate.sample),
        *((Notes(notes),) if notes else ()),
    )
    return Document("llmcost replay --dry-run", blocks)


def _summary(estimate: ReplayEstimate) -> Iterator[Line]:
    sent = figures.counted(estimate.calls, "request")
    stored = f" ({figures.count(estimate.stored_calls)} already answered: free)" if estimate.stored_calls else ""
    yield line("Will send up to ", cells.strong(sent), f" to {estimate.host}{stored}")
    cap = estimate.cap_usd
    capped = "no cap (--budget sets one)" if cap is None else f"cap {figures.money(cap)} (--budget)"
    yield line(
        "Worst case ",
        cells.strong(figures.money(estimate.max_usd)),
        f"{_by_role(estimate)}, expected {figures.money(estimate.expected_usd)}; {capped}",
    )


def _by_role(estimate: ReplayEstimate) -> str:
    totals: dict[str, float | None] = {}
    for item in estimate.by_model:
        so_far = totals.get(item.role, 0.0)
        totals[item.role] = None if so_far is None or item.max_usd is None else so_far + item.max_usd
    words = {"candidate": "replay", "grader": "grading"}
    parts = ", ".join(f"{words.get(role, role)} {figures.money(usd)}" for role, usd in totals.items())
    return f" ({parts})" if parts else ""


def _by_model(models: list[ModelEstimate]) -> Table:
    columns = (
        Column("Model", "model", shrink=True),
        Column("Role", "role", shrink=True),
        Column("Calls", "calls", "right"),
        Column("At most", "max_usd", "right"),
        Column("Expected", "expected_usd", "right"),
    )
    rows = (
        (
            cells.name(item.model),
            cells.name(item.role),
            cells.count(item.calls),
            cells.money(item.max_usd),
            cells.money(item.expected_usd),
        )
        for item in models
    )
    return Table("model", columns, tuple(map(Row, rows)))


def _by_task(samples: list[TaskSample]) -> Table:
    columns = (
        Column("Task", "task", shrink=True),
        Column("Distinct prompts", "population", "right"),
        Column("Asked", "sampled", "right"),
    )
    rows = ((cells.name(item.task), cells.count(item.population), cells.count(item.sampled)) for item in samples)
    return Table("task", columns, tuple(map(Row, rows)))


def _notes(estimate: ReplayEstimate) -> Iterator[Line]:
    for item in estimate.by_model:
        if item.max_usd is None:
            yield line(cells.strong(f"No price for {item.model}"), ": what it costs is in no figure above")
    for skipped in estimate.not_replayable:
        yield line(f"{figures.counted(skipped.calls, 'call')} cannot be replayed: {skipped.reason}")
    for change in estimate.adjusted_parameters:
        yield line(f"not sent as logged: {change}")
    yield line(cells.dim(f"prices of {estimate.prices.as_of}"))
