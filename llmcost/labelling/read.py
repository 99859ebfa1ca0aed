"""What people said, from the file that the page hands out or from what a spreadsheet made of it."""

from __future__ import annotations

import codecs
import csv
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

from llmcost.errors import InputError
from llmcost.labelling.result import BadRow

Choice = Literal["first", "second", "tie"]

WORDS: dict[str, Choice | None] = {
    **dict.fromkeys(("1", "1.0", "1,0", "a", "answer 1", "answer_1", "answer a"), "first"),
    **dict.fromkeys(("2", "2.0", "2,0", "b", "answer 2", "answer_2", "answer b"), "second"),
    **dict.fromkeys(("3", "3.0", "3,0", "tie", "=", "same", "equal", "both", "no difference"), "tie"),
    **dict.fromkeys(("no material difference",), "tie"),
    **dict.fromkeys(("", "skip", "skipped", "cannot say", "can't say", "?", "-", "–", "n/a"), None),
}
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
DELIMITERS = ",;\t|"
HEADER_WITHIN = 5  # rows: some spreadsheets write "sep=;" or a title above
COLUMNS = ("item", "verdict")
HOW = "import labels.csv as the page hands it out, or the packet's own labels.csv with its column verdict filled in"


@dataclass(frozen=True, slots=True)
class Said:
    """One verdict, and where it stands (file:line)."""

    choice: Choice
    place: str


@dataclass(slots=True)
class Reading:
    """One person's file: verdicts by item, how many rows have none, and the rows that say nothing usable."""

    said: dict[str, Said] = field(default_factory=dict)
    skipped: int = 0
    bad: list[BadRow] = field(default_factory=list)


def read(path: Path) -> Reading:
    """The verdicts of a file: comma, semicolon or tab, UTF-8, UTF-16 or Windows' own letters, columns in any order.

    Raises InputError if it cannot be read, or has no columns "item" and "verdict".
    """
    reading = Reading()
    for line, item, word in _verdicts(_decoded(_content(path)), path):
        _take(reading, f"{path}:{line}", item, word)
    return reading


def _take(reading: Reading, place: str, item: str, word: str) -> None:
    """Adds one row to the reading."""
    if word not in WORDS:
        reading.bad.append(BadRow(place, f"{word[:40]!r} is no verdict: write 1, 2 or tie"))
    elif (choice := WORDS[word]) is None:
        reading.skipped += 1
    elif not item:
        reading.bad.append(BadRow(place, "a verdict without an item"))
    elif item in reading.said:
        reading.bad.append(BadRow(place, f"{item} has a verdict already, which stays: {reading.said[item].place}"))
    else:
        reading.said[item] = Said(choice, place)


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", HOW) from error
    if content.startswith(b"PK"):
        raise InputError(f"{path} is a workbook, not CSV", "save the sheet as CSV and import that")
    return content


def _decoded(content: bytes) -> str:
    """The text of a file in whatever letters a spreadsheet wrote it; the two columns that count are plain in all."""
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    if b"\0" in content[:2]:
        return content.decode("utf-16-le" if content[1:2] == b"\0" else "utf-16-be", "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _verdicts(text: str, path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, item and verdict of each row below the header."""
    delimiter, header_at, places = _header(text, path)
    for line, fields in _rows(text, delimiter, path):
        if line > header_at and any(fields):
            item, word = (fields[place] if place < len(fields) else "" for place in places)
            yield line, item, " ".join(word.lstrip("'").casefold().split())


def _header(text: str, path: Path) -> tuple[str, int, list[int]]:
    """The delimiter, the line of the header, and where the two columns are."""
    for delimiter in DELIMITERS:
        for line, fields in islice(_rows(text, delimiter, path), HEADER_WITHIN):
            names = [name.casefold() for name in fields]
            if all(name in names for name in COLUMNS):
                return delimiter, line, [names.index(name) for name in COLUMNS]
    raise InputError(f"{path} has no columns {' and '.join(COLUMNS)}", HOW)


def _rows(text: str, delimiter: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Each row's fields, stripped, and the line on which it starts."""
    csv.field_size_limit(sys.maxsize)  # an answer may be longer than the default of 128 KiB
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 1
    try:
        for fields in rows:
            yield line, [field.strip() for field in fields]
            line = rows.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}:{line} is not CSV: {error}", HOW) from error
