"""Lines and tables as HTML: what runs through all parts of a page."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from llmcost.report.document import Cell, Column, Line, Role, Row, Table

NUMBER = (
    "<number>"  # of a table on its page, to be put in at the end: no text can hold it, as all `<` in it are escaped
)
STAYS_TOGETHER = 12  # a column that is never narrower holds words that are not broken, such as a verdict


def marked_line(spans: Line) -> str:
    """A line with its roles."""
    return "".join(_spanned(span.text, span.role) for span in spans)


def table(block: Table) -> Iterator[str]:
    """The table in a box of its own, which scrolls where it is too wide and can be reached by the keyboard."""
    about = escape(block.title or block.caption or block.name)
    unseen = "" if block.title else ' class="unseen"'
    yield f'<div class="scroll" role="region" aria-labelledby="table-{NUMBER}" tabindex="0"><table>\n'
    yield f'<caption id="table-{NUMBER}"{unseen}>{about}</caption>\n'
    headers = (_header(column, block) for column in block.columns)
    yield f"<thead><tr>{''.join(headers)}</tr></thead>\n<tbody>\n"
    yield from (_row(block, row) for row in block.rows)
    yield "</tbody></table></div>"


def _header(column: Column, block: Table) -> str:
    """A header; above a column whose rows say all themselves there is no header cell to be read out."""
    shape = _shape(column, block)
    return f'<th scope="col"{shape}>{escape(column.header)}</th>' if column.header else f"<td{shape}></td>"


def _row(block: Table, row: Row) -> str:
    cells = (_cell(block, row, index) for index in range(len(block.columns)))
    noted = ' class="noted"' if row.note else ""
    return f"<tr{noted}>{''.join(cells)}</tr>\n{_note(block, row)}"


def _note(block: Table, row: Row) -> str:
    """A row of its own below, from the naming column on, so that a sentence does not widen a column."""
    if not row.note:
        return ""
    names = block.naming()
    before = "<td></td>" * names
    return f'<tr class="note">{before}<td colspan="{len(block.columns) - names}">{marked_line(row.note)}</td></tr>\n'


def _cell(block: Table, row: Row, index: int) -> str:
    names = index == block.naming()
    tag, scope = ("th", ' scope="row"') if names else ("td", "")
    below = (f"<br><small>{_marked(cell)}</small>" for cell in row.below[index : index + 1] if cell.text)
    aside = f'<small class="aside">{marked_line(row.aside)}</small>' if names and row.aside else ""
    shape = _shape(block.columns[index], block)
    return f"<{tag}{scope}{shape}>{_marked(row.cells[index])}{''.join(below)}{aside}</{tag}>"


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
