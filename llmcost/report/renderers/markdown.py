"""Markdown as GitHub reads it: for pull requests, issues and job summaries. Log text stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import singledispatch

from llmcost.report.document import (
    Cell,
    Definitions,
    Document,
    Heading,
    Line,
    Next,
    Notes,
    Plot,
    Role,
    Row,
    Table,
    Text,
)
from llmcost.report.plots import few_points
from llmcost.report.renderers.renderer import WIDTH

_EMPHASIS: dict[Role, str] = {"strong": "**", "good": "**", "bad": "**", "warn": "**"}
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SPECIAL = {ord(mark): f"\\{mark}" for mark in "\\`*_{}[]#|~$!^"} | {
    ord(mark): text for mark, text in _ENTITIES.items()
}
_LINKS = (  # GitHub links these wherever they stand; an empty comment keeps them text
    (re.compile(r"(?<!\w)@(?=\w)"), "@<!-- -->"),
    (re.compile(r"(?i)\b(https?|ftp|mailto|xmpp):(?=\S)"), r"\1<!-- -->:"),
    (re.compile(r"(?i)\bwww\.(?=\S)"), "www<!-- -->."),
    (re.compile(r"\\#(?=\d)"), r"\\#<!-- -->"),
    (re.compile(r"(?i)\bGH-(?=\d)"), "GH<!-- -->-"),
    (re.compile(r"(?<=\w)@(?=[\w-]+\.)"), "<!-- -->@"),
)
_AT_START = re.compile(r"^\s*([-+=]|\d+(?=[.)]))")


def render_markdown(document: Document, *, width: int = WIDTH, color: bool = False) -> str:
    """GitHub-flavoured Markdown; detail tables are folded."""
    parts = [f"## {_escaped(document.title)}", *("\n".join(_draw(block)) for block in document.blocks)]
    return "\n\n".join(part for part in parts if part) + "\n"


@singledispatch
def _draw(block: object) -> Iterator[str]:
    raise TypeError(f"no way to draw {type(block).__name__}")


@_draw.register
def _heading(block: Heading) -> Iterator[str]:
    yield f"### {_line(block.line)}"


@_draw.register
def _text(block: Text) -> Iterator[str]:
    yield "  \n".join(map(_paragraph, block.lines))


@_draw.register
def _notes(block: Notes) -> Iterator[str]:
    yield from (f"- {_paragraph(spans)}" for spans in block.items)


@_draw.register
def _definitions(block: Definitions) -> Iterator[str]:
    yield from (f"- **{_escaped(term)}**: {_line(spans)}" for term, spans in block.items)


@_draw.register
def _next(block: Next) -> Iterator[str]:
    yield "```sh"
    yield from (f"{item.command}{f'  # {item.comment}' if item.comment else ''}" for item in block.commands)
    yield "```"


@_draw.register
def _table(block: Table) -> Iterator[str]:
    if not block.rows:
        return
    if block.detail:
        yield f"<details><summary>{_escaped(block.title)}</summary>\n"
    elif block.title:
        yield f"**{_escaped(block.title)}**\n"
    names = block.naming()
    yield _row(_escaped(column.header) for column in block.columns)
    yield _row("---:" if column.align == "right" else ":---" for column in block.columns)
    for row in block.rows:
        yield _row(_cell(row, index, names) for index in range(len(block.columns)))
    if block.detail:
        yield "\n</details>"


@_draw.register
def _plot(block: Plot) -> Iterator[str]:
    """A few of its points: where Markdown is read, no picture is shown."""
    if block.tabled:
        return
    yield from _table(few_points(block))
    if block.notes:
        yield ""
        yield from _notes(Notes(block.notes))


def _row(cells: Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(row: Row, index: int, names: int) -> str:
    stack = [row.cells[index], *(cell for cell in row.below[index : index + 1] if cell.text)]
    note = [_line(row.note)] if row.note and index == names else []
    return "<br>".join([*map(_marked, stack), *note])


def _marked(cell: Cell) -> str:
    return _emphasised(cell.text, cell.role)


def _paragraph(spans: Line) -> str:
    return _AT_START.sub(r"\\\1" if not _line(spans)[:1].isdigit() else r"\1&#8203;", _line(spans))


def _line(spans: Line) -> str:
    return "".join(_emphasised(span.text, span.role) for span in spans)


def _emphasised(text: str, role: Role) -> str:
    mark = _EMPHASIS.get(role, "")
    bare = text.strip()
    if not mark or not bare:
        return _escaped(text)
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{before}{mark}{_escaped(bare)}{mark}{after}"


def _escaped(text: str) -> str:
    shown = text.translate(_SPECIAL)
    for pattern, replacement in _LINKS:
        shown = pattern.sub(replacement, shown)
    return shown
