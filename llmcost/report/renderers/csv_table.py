"""CSV (RFC 4180): every table of the document in one rectangle, its name in the first column, bare figures."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from llmcost.report.document import Cell, Document, Plot, Table, Value, flat
from llmcost.report.figures import UNKNOWN
from llmcost.report.plots import every_point
from llmcost.report.renderers.renderer import WIDTH
from llmcost.report.untrusted import inert_cell


def render_csv(document: Document, *, width: int = WIDTH, color: bool = False) -> str:
    """The tables' figures without units; unknown is empty. A text that a spreadsheet would run starts with '."""
    tables = list(_tables(document))
    keys = list(dict.fromkeys(column.key for table in tables for column in table.columns))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["table", *keys])
    for table in tables:
        writer.writerows(_rows(table, keys))
    return out.getvalue()


def _tables(document: Document) -> Iterator[Table]:
    """Every table, and the points of plots that no table holds."""
    for block in flat(document.tables or document.blocks):
        if isinstance(block, Plot) and not block.tabled:
            yield every_point(block)
        if isinstance(block, Table):
            yield block


def _rows(table: Table, keys: list[str]) -> Iterator[list[Value]]:
    for row in table.rows:
        values = {column.key: _value(cell) for column, cell in zip(table.columns, row.cells, strict=True)}
        yield [_guarded(table.name), *(values.get(key, "") for key in keys)]


def _value(cell: Cell) -> Value:
    if cell.value is None:
        return "" if cell.text == UNKNOWN else _guarded(cell.text)
    return _guarded(cell.value)


def _guarded(value: Value) -> Value:
    return inert_cell(value) if isinstance(value, str) else value
