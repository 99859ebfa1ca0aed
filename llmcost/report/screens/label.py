"""What was put into a packet, and what came back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llmcost.report import figures
from llmcost.report.document import (
    Column,
    Command,
    Document,
    Heading,
    Line,
    Next,
    Notes,
    Row,
    Table,
    line,
)
from llmcost.report.screens import cells

if TYPE_CHECKING:
    from llmcost.labelling.result import BadRow, DrawnCell, LabelExport, LabelImport, LabelledCell

GRADE_A = 200  # labels; below it people's verdicts correct the judges' reliability, and do not decide by themselves
MOST_NAMED = 10
AGAIN = "the same command again: answers and grades are kept, so it costs nothing; now it decides with the labels"
WHO = (Column("Task", "task", shrink=True), Column("Candidate", "candidate", shrink=True))


def label_export_document(result: LabelExport) -> Document:
    """How many pairs of which candidates the packet holds, where it is, and what to do with it."""
    columns = (
        *WHO,
        Column("In the packet", "drawn", "right"),
        Column("Labelled before", "labelled", "right"),
        Column("Of pairs", "pairs", "right"),
    )
    table = Table("cell", columns, tuple(map(_drawn, result.cells)), title=f"Packet {result.packet}")
    answer = line(cells.strong(figures.counted(result.drawn, "pair")), f" to compare: {result.page}")
    commands = (Command(f"llmcost label --import {result.table}", "the verdicts, once the file is filled in"),)
    return Document(
        "llmcost label --export", (Heading(answer), table, Notes(tuple(_export_notes(result))), Next(commands))
    )


def label_import_document(result: LabelImport) -> Document:
    """What people said of which candidates, what could not be read, and what to do next."""
    columns = (
        *WHO,
        Column("Labels", "labels", "right"),
        Column("Better", "better", "right"),
        Column("No difference", "same", "right"),
        Column("Worse", "worse", "right"),
        Column("Disagreed", "split", "right", rank=1),
    )
    table = Table("cell", columns, tuple(map(_labelled, result.cells)), title="All labels so far: the candidate is …")
    files = figures.counted(result.files, "file")
    answer = line(cells.strong(figures.counted(result.labels, "label")), f" of {files} kept")
    notes = tuple(_import_notes(result))
    again = Command("llmcost replay …", AGAIN)
    return Document(
        "llmcost label --import", (Heading(answer), table, *((Notes(notes),) if notes else ()), Next((again,)))
    )


def _export_notes(result: LabelExport) -> Iterator[Line]:
    yield line(f"open {result.page} in a browser (it works offline), or fill the column verdict of {result.table}")
    yield line("both hold text of your log: give them only to people who may read it")
    yield line("neither says whose answer is which; the key stays in this workspace, and the import must be here, too")
    yield line(
        f"{GRADE_A} labels for one task and candidate make its evidence grade A; "
        f"{figures.count(sum(_makes_grade_a(cell) for cell in result.cells))} of {len(result.cells)} would have them"
        " with this packet: --task and --candidate spend the labels there"
    )
    if result.missing:
        yield line(
            f"left out, as the candidate's answer is not in the store: {figures.counted(result.missing, 'pair')}"
        )


def _import_notes(result: LabelImport) -> Iterator[Line]:
    if result.agreement is not None:
        yield line(
            f"{figures.counted(result.shared, 'pair')} labelled by several people: two of them chose alike in "
            f"{figures.percent(result.agreement)}; where they did not, the mean of their verdicts counts"
        )
    if result.replaced:
        yield line(
            f"{figures.counted(result.replaced, 'earlier label')} of the same packet replaced: to count several "
            "people's, name all their files in one command"
        )
    if result.skipped:
        yield line(f"without a verdict: {figures.counted(result.skipped, 'row')}")
    if result.bad:
        yield line(f"not usable: {figures.counted(len(result.bad), 'row')}")
        yield from map(_bad, result.bad[:MOST_NAMED])


def _bad(row: BadRow) -> Line:
    return line(f"{row.place}: {row.reason}")


def _makes_grade_a(cell: DrawnCell) -> bool:
    return cell.labelled + cell.drawn >= GRADE_A


def _drawn(cell: DrawnCell) -> Row:
    counts = map(cells.count, (cell.drawn, cell.labelled, cell.pairs))
    return Row((cells.name(cell.task), cells.name(cell.candidate), *counts))


def _labelled(cell: LabelledCell) -> Row:
    counts = map(cells.count, (cell.labels, cell.better, cell.same, cell.worse, cell.split))
    return Row((cells.name(cell.task), cells.name(cell.candidate), *counts))
