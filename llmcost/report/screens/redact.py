"""The screen of logs that were copied with placeholders."""

from __future__ import annotations

from llmcost.redaction.result import RedactReport
from llmcost.report import figures
from llmcost.report.document import Block, Column, Document, Heading, Line, Notes, Row, Table, line
from llmcost.report.screens import cells


def redact_document(report: RedactReport) -> Document:
    """What was replaced, and where the copies are."""
    columns = (
        Column("Log", "file", shrink=True),
        Column("Copy", "output", shrink=True),
        Column("Records", "records", "right"),
        Column("Left out", "left_out", "right"),
    )
    rows = tuple(
        Row((cells.name(item.file), cells.name(item.output), cells.count(item.records), cells.count(item.left_out)))
        for item in report.files
    )
    notes = [line(f"left out: {item.file}:{item.line} {item.reason}") for item in report.left_out]
    blocks: tuple[Block, ...] = (Heading(_answer(report)), Table("file", columns, rows))
    return Document("llmcost redact", (*blocks, *((Notes(tuple(notes)),) if notes else ())))


def _answer(report: RedactReport) -> Line:
    if not report.found:
        return line("Nothing was found to replace")
    return line(cells.strong("Replaced: "), found_words(report.found))


def found_words(found: dict[str, int]) -> str:
    """ "3,112 e-mail addresses, 80 phone numbers": most first."""
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(figures.counted(n, *WORDS.get(kind, (kind, kind))) for kind, n in ranked)


WORDS = {
    "EMAIL": ("e-mail address", "e-mail addresses"),
    "PHONE": ("phone number", "phone numbers"),
    "CARD": ("card number", "card numbers"),
    "IBAN": ("IBAN", "IBANs"),
    "IP": ("IP address", "IP addresses"),
    "SECRET": ("key or token", "keys or tokens"),
    "PERSON": ("person", "persons"),
    "LOCATION": ("place", "places"),
    "ORGANIZATION": ("organisation", "organisations"),
}
