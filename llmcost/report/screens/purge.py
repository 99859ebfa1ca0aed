"""The screen of what a purge deletes."""

from __future__ import annotations

from llmcost.report import figures
from llmcost.report.document import Block, Column, Document, Heading, Line, Notes, Row, Table, line
from llmcost.report.screens import cells
from llmcost.workspace import PurgeReport

RUNS_NAMED = 8
PAID_AGAIN = "a replay that needs these answers again asks and pays again; the cap of a run that is deleted starts anew"


def purge_document(report: PurgeReport) -> Document:
    """What goes, or is gone, by kind; and what that means."""
    columns = (
        Column("Kind", "what"),
        Column("Holds", "holds", shrink=True),
        Column("Files", "files", "right"),
        Column("Bytes", "bytes", "right"),
        Column("Answers", "answers", "right"),
    )
    rows = tuple(
        Row(
            (
                cells.name(item.what),
                cells.name(item.holds),
                cells.count(item.files),
                cells.count(item.bytes),
                cells.count(item.answers or None),
            )
        )
        for item in report.held
    )
    blocks: tuple[Block, ...] = (Heading(_answer(report)), *((Table("kind", columns, rows),) if rows else ()))
    return Document("llmcost purge", (*blocks, *((Notes(notes),) if (notes := tuple(_notes(report))) else ())))


def _answer(report: PurgeReport) -> Line:
    if not report.held:
        return line(f"{report.workspace} holds nothing of this")
    files, size = sum(item.files for item in report.held), sum(item.bytes for item in report.held)
    done = "Deleted from" if report.purged else "Would delete from"
    return line(f"{done} {report.workspace}: {figures.counted(files, 'file')}, {figures.count(size)} bytes")


def _notes(report: PurgeReport) -> list[Line]:
    named = cells.listed(report.runs, RUNS_NAMED)
    return [
        *([line(f"what these runs left: {named}")] if report.runs else []),
        *([line(PAID_AGAIN)] if any(item.answers for item in report.held) else []),
    ]
