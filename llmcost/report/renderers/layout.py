"""How wide each column of a table is on a given screen, and how a text is folded into its column.

Widths are terminal cells: a Chinese character takes two.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from rich.cells import cell_len, chop_cells, set_cell_size

from llmcost.report.document import Cell, Column, Table
from llmcost.report.untrusted import elide

GAP = 2
NARROW = (12, 9)  # how far names may shrink before a column is left out, and before it gets too tight to read
LAST_RESORT = 6
_WORD, _BREAK = r"(?:[^\s\-/_:@]|\s(?=%))", r"(?:[\-/_:@]|\s(?!%))"  # "3.8 %" stays in one piece
_PIECES = re.compile(f"{_WORD}*{_BREAK}+|{_WORD}+")
_WORDS = re.compile(r"(?:\S|\s(?=%))+\s*|\s+")


def columns_shown(table: Table, width: int) -> dict[int, int]:
    """Index → width of the columns that fit and that say something in some row.

    Columns of high rank give way first, then names; figures never do.
    """
    shown = _telling(table)
    for narrow in NARROW:
        shown = _ranked(table, width, narrow)
        if _total([_floor(table, index, narrow) for index in shown]) <= width:
            break
    widths = {index: _natural(table, index) for index in shown}
    for narrow in (*NARROW, LAST_RESORT):
        widths = _shrunk(table, widths, {index: _floor(table, index, narrow) for index in shown}, width)
    return widths


def fold(text: str, width: int, lines: int) -> list[str]:
    """`text` in at most `lines` lines of `width` cells, its middle left out if need be."""
    folded = _folded(text, width)
    keep = min(len(text), width * lines)
    while len(folded) > lines and keep > 1:
        folded = _folded(elide(text, keep), width)
        keep -= 1
    return folded[:lines]


def cell_lines(cell: Cell, column: Column, width: int) -> list[str]:
    """The lines of a cell in its column."""
    if not column.shrink:
        return [cell.text]
    return _folded(cell.text, width, _WORDS) if column.prose else fold(cell.text, width, column.lines)


def header_lines(column: Column, width: int) -> list[str]:
    """The header of a column, folded between its words."""
    return textwrap.wrap(column.header, width, break_long_words=False, break_on_hyphens=False)


def padded(text: str, column: Column, width: int) -> str:
    """`text` filled with spaces to the column's width, on the side that its alignment asks for."""
    if column.align == "right":
        return " " * max(width - cell_len(text), 0) + text
    return set_cell_size(text, width) if cell_len(text) < width else text


def _folded(text: str, width: int, pieces: re.Pattern[str] = _PIECES) -> list[str]:
    lines = [""]
    for piece in pieces.findall(text):
        if cell_len(lines[-1]) + cell_len(piece.rstrip()) <= width:
            lines[-1] += piece
            continue
        chopped = chop_cells(piece, width) if cell_len(piece.rstrip()) > width else [piece]
        lines.extend(chopped)
    return [line.strip() for line in lines if line.strip()] or [""]


def _ranked(table: Table, width: int, narrow: int) -> list[int]:
    """The columns that fit when names are as narrow as allowed; the highest ranks left out first."""
    shown = _telling(table)
    for index in sorted(shown, key=lambda index: -table.columns[index].rank):
        if not table.columns[index].rank or _total([_floor(table, index, narrow) for index in shown]) <= width:
            break
        shown.remove(index)
    return shown


def _telling(table: Table) -> list[int]:
    return [index for index in range(len(table.columns)) if index == 0 or _body(table, index) or not table.rows]


def _natural(table: Table, index: int) -> int:
    return max(cell_len(table.columns[index].header), _body(table, index))


def _floor(table: Table, index: int, narrow: int) -> int:
    """The least width of a column: a name may shrink to `narrow`, a header is folded between its words."""
    column = table.columns[index]
    header = max(map(cell_len, column.header.split()), default=0)
    body = _body(table, index)
    if column.shrink:
        body = min(body, max(narrow, column.least))
    return max(header, body)


def _body(table: Table, index: int) -> int:
    stacks = ((row.cells[index], *row.below[index : index + 1]) for row in table.rows)
    return max((cell_len(cell.text) for stack in stacks for cell in stack), default=0)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _shrunk(table: Table, widths: dict[int, int], floors: dict[int, int], width: int) -> dict[int, int]:
    """The widths, the widest taken in until all fit or none can give more; what may take more lines gives more."""
    fitted = dict(widths)
    while _total(list(fitted.values())) > width:
        slack = [index for index, wide in fitted.items() if wide > floors[index]]
        if not slack:
            break
        fitted[max(slack, key=lambda index: fitted[index] / table.columns[index].lines)] -= 1
    return fitted
