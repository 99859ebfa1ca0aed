"""The terminal: plain lines, no boxes, every table as wide as the screen allows. Colour only repeats words."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from functools import singledispatch
from itertools import zip_longest

from rich.console import Console
from rich.text import Text as Styled

from llmcost.report.document import Definitions, Document, Heading, Line, Next, Notes, Plot, Role, Row, Table, Text
from llmcost.report.plots import LEAST_WIDTH, Drawn, canvas, drawn, few_points, limits
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
_LONGEST_NAME = 34  # of a series in a legend: two fit side by side
_BETWEEN = 3  # spaces between two names of a legend
_NO_INDENT = Styled("")


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
    for number, block in enumerate(block for block in document.blocks if _is_shown(block)):
        if number:
            console.print()
        for text in _draw(block, width):
            text.rstrip()
            console.print(text, soft_wrap=True)
    return out.getvalue()


def _is_shown(block: object) -> bool:
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
    block = replace(whole, rows=whole.brief or whole.rows)
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
