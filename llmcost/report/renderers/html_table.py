"""Lines and tables as HTML: what runs through all parts of a page."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from llmcost.report.document import Cell, Column, Line, Role, Row, Table

NUMBER = (
    "<number>"  # of a table on its page, to be put in at the end: no text can hold it, as all `<` in it are escaped
)
MOST_ROWS = 2_000  # of a table: a page of more is opened by no browser
STAYS_TOGETHER = 12  # a column that is never narrower holds words that are not broken, such as a verdict


def marked_line(spans: Line) -> str:
    """A line with its roles."""
    return "".join(_spanned(span.text, span.role) for span in spans)


def table(block: Table) -> Iterator[str]:
    """The table in a box of its own, which scrolls where it is too wide and can be reached by the keyboard."""
    cards = ' class="cards" role="table"' if block.cards else ""
    yield f'<div class="scroll" role="region" aria-labelledby="table-{NUMBER}" tabindex="0"><table{cards}>\n'
    yield f'<caption id="table-{NUMBER}"{_caption(block)}</caption>\n'
    headers = (_header(column, block) for column in block.columns)
    yield f"<thead><tr{_role(block, 'row')}>{''.join(headers)}</tr></thead>\n<tbody>\n"
    rows, more = block.first(MOST_ROWS)
    yield from (_row(block, row) for row in rows)
    yield (
        f'<tr{_role(block, "row")}><td{_role(block, "cell")} colspan="{len(block.columns)}">{more}</td></tr>'
        if more
        else ""
    )
    yield "</tbody></table></div>"


def _role(block: Table, role: str) -> str:
    """What a part of the table is: said where the page lays it out as something else on a phone."""
    return f' role="{role}"' if block.cards else ""


def _caption(block: Table) -> str:
    """The rest of the caption's tag and its text: the title is seen, what else tells tables apart is read out alone."""
    if not block.title:
        return f' class="unseen">{escape(block.caption or block.name)}'
    more = f'<span class="unseen">: {escape(block.caption)}</span>' if block.caption else ""
    return f">{escape(block.title)}{more}"


def _header(column: Column, block: Table) -> str:
    """A header; above a column whose rows say all themselves there is no header cell to be read out."""
    shape = _shape(column, block)
    if not column.header:
        return f"<td{_role(block, 'cell')}{shape}></td>"
    return f'<th scope="col"{_role(block, "columnheader")}{shape}>{escape(column.header)}</th>'


def _row(block: Table, row: Row) -> str:
    cells = (_cell(block, row, index) for index in range(len(block.columns)))
    noted = ' class="noted"' if row.note else ""
    return f"<tr{_role(block, 'row')}{noted}>{''.join(cells)}</tr>\n{_note(block, row)}"


def _note(block: Table, row: Row) -> str:
    """A row of its own below, from the naming column on, so that a sentence does not widen a column."""
    if not row.note:
        return ""
    names, role = block.naming(), _role(block, "cell")
    before = f"<td{role}></td>" * names
    note = f'<td{role} colspan="{len(block.columns) - names}">{marked_line(row.note)}</td>'
    return f'<tr{_role(block, "row")} class="note">{before}{note}</tr>\n'


def _cell(block: Table, row: Row, index: int) -> str:
    column = block.columns[index]
    below = (f"<br><small>{_marked(cell)}</small>" for cell in row.below[index : index + 1] if cell.text)
    held = f"{_marked(row.cells[index])}{''.join(below)}"
    if index == block.naming():
        aside = f'<small class="aside">{marked_line(row.aside)}</small>' if row.aside else ""
        shape = ' class="told"' if row.aside else _shape(column, block)
        return f'<th scope="row"{_role(block, "rowheader")}{shape}>{held}{aside}</th>'
    if block.cards:  # its name beside it on a phone, where no header stands above it
        held = f'<span class="column" aria-hidden="true">{escape(column.header)}</span><span>{held}</span>'
    return f"<td{_role(block, 'cell')}{_shape(column, block)}>{held}</td>"


def _shape(column: Column, block: Table) -> str:
    """The classes of a column: figures to the right, sentences and names with room to wrap, the rest on one line.

    What a narrow terminal leaves out, a phone does too; the detail tables have all of it.
    """
    shape = "right" if column.align == "right" else "prose" if column.prose else ""
    if not shape and column.shrink and column.least < STAYS_TOGETHER:
        shape = "name"
    spare = "spare" if column.rank and not block.detail else ""
    classes = " ".join(filter(None, (shape, spare)))
    return f' class="{classes}"' if classes else ""


def _marked(cell: Cell) -> str:
    shown = _spanned(cell.text, cell.role)
    return f'<a href="#{escape(cell.to)}">{shown}</a>' if cell.to else shown


def _spanned(text: str, role: Role) -> str:
    return escape(text) if role == "plain" else f'<span class="{role}">{escape(text)}</span>'
