"""The terminal: plain lines, no boxes, every table as wide as the screen allows. Colour only repeats words."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import singledispatch
from itertools import zip_longest

from rich.console import Console
from rich.text import Text as Styled

from llmcost.report.document import (
    Bars,
    Block,
    Definitions,
    Document,
    Exhibit,
    Fold,
    Grid,
    Heading,
    Line,
    Next,
    Notes,
    Panel,
    Plot,
    Role,
    Row,
    Section,
    Table,
    Text,
    Totals,
    flat,
)
from llmcost.report.plots import LEAST_WIDTH, Drawn, bars_table, canvas, drawn, few_points, limits
from llmcost.report.renderers.layout import GAP, cell_lines, columns_shown, header_lines, padded
from llmcost.report.renderers.renderer import WIDTH
from llmcost.report.untrusted import elide

_STYLES: dict[Role, str] = {
    "plain": "",
    "strong": "bold",
    "dim": "dim",
    "good": "green",
    "bad": "bold red",
    "warn": "yellow",
}
_SERIES = ("cyan", "magenta", "yellow", "green", "blue", "red")
MOST_ROWS = 500  # of a table
_LONGEST_NAME = 34  # of a series in a legend: two fit side by side
_BETWEEN = 3  # spaces between two names of a legend
_NO_INDENT = Styled("")
_BESIDE_TEXT = Styled("│ ")  # nothing of a log's text stands at the start of a line


def render_terminal(document: Document, *, width: int = WIDTH, color: bool = False) -> str:
    """The document in lines of at most `width` cells; ANSI colours only if `color`."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=color,
        no_color=not color,
        color_system="standard" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    for text in _one_below_the_other(document.brief or document.blocks, width):
        text.rstrip()
        console.print(text, soft_wrap=True)
    return out.getvalue()


def _one_below_the_other(blocks: Sequence[Block], width: int) -> Iterator[Styled]:
    """All that is shown, an empty line between two blocks."""
    for number, block in enumerate(block for block in blocks if _is_shown(block)):
        if number:
            yield Styled()
        yield from _draw(block, width)


def _is_shown(block: object) -> bool:
    if isinstance(block, (Section, Fold, Grid)):
        return any(map(_is_shown, flat(block.blocks)))
    if isinstance(block, Bars):
        return bool(block.bars)
    if isinstance(block, Plot):
        return not block.detail and drawn(block) is not None
    return not (isinstance(block, Table) and (block.detail or not block.rows))


@singledispatch
def _draw(block: object, width: int) -> Iterator[Styled]:
    raise TypeError(f"no way to draw {type(block).__name__}")


@_draw.register
def _heading(block: Heading, width: int) -> Iterator[Styled]:
    yield from _wrapped(_styled(block.line), width)


@_draw.register
def _text(block: Text, width: int) -> Iterator[Styled]:
    for spans in block.lines:
        yield from _wrapped(_styled(spans), width)


@_draw.register
def _notes(block: Notes, width: int) -> Iterator[Styled]:
    for spans in block.items:
        yield from _wrapped(_styled(spans), width, Styled("- "))


@_draw.register
def _definitions(block: Definitions, width: int) -> Iterator[Styled]:
    for term, spans in block.items:
        yield from _wrapped(Styled.assemble((f"{term}: ", "bold"), _styled(spans)), width, hanging="  ")


@_draw.register
def _totals(block: Totals, width: int) -> Iterator[Styled]:
    for item in block.figures:
        amount = Styled.assemble((f"{item.label}: ", "bold"), (item.amount, _STYLES[item.role]))
        note = Styled.assemble("  ", _styled(item.note)) if item.note else _NO_INDENT
        yield from _wrapped(Styled.assemble(amount, note), width, hanging="  ")


@_draw.register(Section)
@_draw.register(Fold)
def _titled(block: Section | Fold, width: int) -> Iterator[Styled]:
    yield from _wrapped(Styled(block.title, "bold"), width)
    yield from _one_below_the_other(block.blocks, width)


@_draw.register
def _grid(block: Grid, width: int) -> Iterator[Styled]:
    yield from _one_below_the_other(block.blocks, width)


@_draw.register
def _exhibit(block: Exhibit, width: int) -> Iterator[Styled]:
    """One text below the other."""
    yield from _wrapped(_styled(block.line), width)
    for panel in (block.above, *block.beside):
        yield from _panel(panel, width)


@_draw.register
def _panel(block: Panel, width: int) -> Iterator[Styled]:
    yield from _wrapped(Styled(block.label, "bold"), width)
    for text in block.text.expandtabs().split("\n"):
        yield from _wrapped(Styled(text or " "), width, _BESIDE_TEXT, hanging=_BESIDE_TEXT.plain)


@_draw.register
def _bars(block: Bars, width: int) -> Iterator[Styled]:
    yield from _table(bars_table(block), width)
    yield from _notes(Notes(block.notes), width)


@_draw.register
def _next(block: Next, width: int) -> Iterator[Styled]:
    for number, item in enumerate(block.commands):
        command = Styled.assemble("Next: " if number == 0 else "      ", (item.command, "bold"))
        comment = Styled(f"({item.comment})" if item.comment else "", "dim")
        if command.cell_len + GAP + comment.cell_len <= width:
            yield Styled.assemble(command, " " * GAP, comment)
        else:
            yield from (command, Styled.assemble(" " * 8, comment))


@_draw.register
def _table(whole: Table, width: int) -> Iterator[Styled]:
    rows, more = whole.first(MOST_ROWS)
    block = replace(whole, rows=whole.brief or rows)
    if block.title:
        yield from _wrapped(Styled(block.title, "bold"), width)
    shown = columns_shown(block, width)
    yield from _side_by_side(
        block,
        shown,
        [[(text, "bold") for text in header_lines(block.columns[index], width)] for index, width in shown.items()],
    )
    for row in block.rows:
        yield from _side_by_side(block, shown, [_stacked(block, row, index, width) for index, width in shown.items()])
        if row.note:
            indent = " " * _note_indent(block, shown)
            yield from _wrapped(_styled(row.note), width, Styled(indent))
    if more and not whole.brief:
        yield from _wrapped(Styled(more, "dim"), width)


@_draw.register
def _plot(block: Plot, width: int) -> Iterator[Styled]:
    picture = drawn(block)
    if picture is None or width < LEAST_WIDTH:
        yield from _table(few_points(block), width)
        return
    chart = canvas(block, picture, width)
    yield from _wrapped(Styled(block.title, "bold"), width)
    for pieces in chart.lines:
        yield Styled.assemble(*((text, _series_style(index)) for text, index in pieces))
    yield from _legend(picture, width)
    if chart.hidden:
        yield from _wrapped(Styled("where letters meet, one of them is shown", "dim"), width)
    yield from _notes(Notes(limits(block, picture)), width)


def _legend(picture: Drawn, width: int) -> Iterator[Styled]:
    """The letter and name of each series, as many a line as fit; nothing where there is one."""
    line = Styled()
    for strokes in picture.strokes if len(picture.strokes) > 1 else ():
        item = Styled.assemble(
            (strokes.key, _series_style(strokes.index)), f" {elide(strokes.series.name, _LONGEST_NAME)}"
        )
        if line.cell_len and line.cell_len + _BETWEEN + item.cell_len > width:
            yield line
            line = Styled()
        line = Styled.assemble(line, " " * _BETWEEN if line.cell_len else "", item)
    if line.cell_len:
        yield line


def _series_style(index: int | None) -> str:
    return "" if index is None else _SERIES[index % len(_SERIES)]


def _stacked(table: Table, row: Row, index: int, width: int) -> list[tuple[str, str]]:
    """The lines of one cell and of what stands below it, each with its style."""
    below = [cell for cell in row.below[index : index + 1] if cell.text]
    column = table.columns[index]
    return [
        (text, _STYLES[cell.role]) for cell in (row.cells[index], *below) for text in cell_lines(cell, column, width)
    ]


def _note_indent(table: Table, shown: dict[int, int]) -> int:
    first = min(shown)
    return shown[first] + GAP if table.columns[first].align == "right" else GAP


def _side_by_side(table: Table, shown: dict[int, int], stacks: list[list[tuple[str, str]]]) -> Iterator[Styled]:
    """One row of the table: as many lines as its tallest cell takes."""
    for parts in zip_longest(*stacks, fillvalue=("", "")):
        line = Styled()
        for (index, width), (text, style) in zip(shown.items(), parts, strict=True):
            line.append(" " * GAP if index != min(shown) else "")
            line.append(padded(text, table.columns[index], width), style)
        yield line


def _styled(spans: Line) -> Styled:
    return Styled.assemble(*((span.text, _STYLES[span.role]) for span in spans))


def _wrapped(text: Styled, width: int, first: Styled = _NO_INDENT, hanging: str | None = None) -> Iterator[Styled]:
    """The text in lines that fit; `first` starts the first of them, the others are indented as far as it reaches."""
    indent = " " * first.cell_len if hanging is None else hanging
    console = Console(width=width, file=io.StringIO(), _environ={})
    for number, part in enumerate(text.wrap(console, max(width - len(indent), 1), overflow="fold")):
        yield Styled.assemble(first if number == 0 else indent, part)
