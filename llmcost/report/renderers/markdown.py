"""Markdown as GitHub reads it: for pull requests, issues and job summaries. Log text stays text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from functools import partial, singledispatch
from html import escape

from llmcost.report.document import (
    Bars,
    Block,
    Cell,
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
    line,
    plain,
)
from llmcost.report.plots import bars_table, few_points
from llmcost.report.renderers.renderer import WIDTH

LONGEST = 65_536  # characters: what is longer is refused as a comment
MOST_ROWS = 10_000  # of a table: a summary of a job has room for as many
_LEFT_OUT = "_What is folded is left out in part: all of it is longer than a comment may be. A page (HTML) holds it._\n"
_EMPHASIS: dict[Role, str] = {"strong": "**", "good": "**", "bad": "**", "warn": "**"}
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SPECIAL = {ord(mark): f"\\{mark}" for mark in "\\`*_{}[]#|~$!^"} | {
    ord(mark): text for mark, text in _ENTITIES.items()
}
_LINKS = (  # GitHub links these wherever they stand; an empty comment keeps them text
    (re.compile(r"@(?=\w)"), "@<!-- -->"),  # of a person, a team or an e-mail address
    (re.compile(r"(?i)\b(https?|ftp|mailto|xmpp):(?=\S)"), r"\1<!-- -->:"),
    (re.compile(r"(?i)\bwww\.(?=\S)"), "www<!-- -->."),
    (re.compile(r"\\#(?=\d)"), r"\\#<!-- -->"),
    (re.compile(r"(?i)\bGH-(?=\d)"), "GH<!-- -->-"),
)
_IN_HTML = (
    *((pattern, by) for pattern, by in _LINKS if "\\\\" not in pattern.pattern),
    (re.compile(r"#(?=\d)"), "#<!-- -->"),
)
_AT_START = re.compile(r"^\s*([-+=]|\d+(?=[.)]))")


def render_markdown(document: Document, *, width: int = WIDTH, color: bool = False) -> str:
    """GitHub-flavoured Markdown. Details are folded; where all is longer than `LONGEST`, some of them give way."""
    whole = _whole(document.title, document.blocks)
    return whole if len(whole) <= LONGEST else _shortened(document)


def whole_markdown(document: Document) -> str:
    """All of it, however long."""
    return _whole(document.title, document.blocks)


def _shortened(document: Document) -> str:
    """With as many texts to read as there is room for, the first; without any, as many folds; at last none of them."""
    blocks = document.blocks
    for kind in (Exhibit, Fold):
        length = partial(_length, document.title, blocks, kind)
        total = sum(isinstance(block, kind) for block in _nested(blocks))
        kept = bisect_right(range(total + 1), LONGEST, key=length) - 1
        blocks = _first(blocks, kind, iter(range(kept)))
        if kept >= 0:
            return _cut(document.title, blocks)
    return _cut(document.title, tuple(block for block in blocks if not (isinstance(block, Section) and block.folded)))


def _length(title: str, blocks: tuple[Block, ...], kind: type[Exhibit | Fold], kept: int) -> int:
    return len(_cut(title, _first(blocks, kind, iter(range(kept)))))


def _cut(title: str, blocks: tuple[Block, ...]) -> str:
    """The document, and a note that this is not all."""
    return f"{_whole(title, blocks)}\n{_LEFT_OUT}"


def _first(blocks: tuple[Block, ...], kind: type[Exhibit | Fold], room: Iterator[int]) -> tuple[Block, ...]:
    """The blocks with those of a kind only as long as there is room."""
    kept = (block for block in blocks if not isinstance(block, kind) or next(room, None) is not None)
    return tuple(
        replace(block, blocks=_first(block.blocks, kind, room)) if isinstance(block, (Section, Fold)) else block
        for block in kept
    )


def _nested(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """The blocks, and those within them."""
    for block in blocks:
        yield block
        if isinstance(block, (Section, Fold)):
            yield from _nested(block.blocks)


def _whole(title: str, blocks: tuple[Block, ...]) -> str:
    return "\n\n".join((f"## {_escaped(title)}", *_drawn(blocks))) + "\n"


def _drawn(blocks: tuple[Block, ...]) -> Iterator[str]:
    return filter(None, ("\n".join(_draw(block)) for block in blocks))


@singledispatch
def _draw(block: object) -> Iterator[str]:
    raise TypeError(f"no way to draw {type(block).__name__}")


@_draw.register
def _section(block: Section) -> Iterator[str]:
    inner = "\n\n".join(_drawn(block.blocks))
    if inner:
        yield from _folded(_in_html(block.title), inner) if block.folded else (f"### {_escaped(block.title)}\n", inner)


@_draw.register
def _fold(block: Fold) -> Iterator[str]:
    inner = "\n\n".join(_drawn(block.blocks))
    says = f" · {_in_html(plain(block.says))}" if block.says else ""
    if inner:
        yield from _folded(f"<b>{_in_html(block.title)}</b>{says}", inner)


def _folded(summary: str, inner: str) -> Iterator[str]:
    yield f"<details><summary>{summary}</summary>\n"
    yield inner
    yield "\n</details>"


@_draw.register
def _grid(block: Grid) -> Iterator[str]:
    yield "\n\n".join(_drawn(block.blocks))


@_draw.register
def _totals(block: Totals) -> Iterator[str]:
    for item in block.figures:
        note = f": {_line(item.note)}" if item.note else ""
        yield f"- **{_escaped(item.label)}** {_emphasised(item.amount, 'strong')}{note}"


@_draw.register
def _bars(block: Bars) -> Iterator[str]:
    if not block.tabled:
        yield from _table(bars_table(block))


@_draw.register
def _exhibit(block: Exhibit) -> Iterator[str]:
    yield _paragraph(block.line)
    for panel in (block.above, *block.beside):
        yield ""
        yield from _panel(panel)


@_draw.register
def _panel(block: Panel) -> Iterator[str]:
    """The text between two fences that are longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`+", block.text)), default=0)
    fence = "`" * max(longest + 1, 3)
    yield from (_paragraph(line(block.label)), "", f"{fence}text", block.text, fence)


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
    if block.commands:
        yield "```sh"
        yield from (f"{item.command}{f'  # {item.comment}' if item.comment else ''}" for item in block.commands)
        yield "```"


@_draw.register
def _table(block: Table) -> Iterator[str]:
    if not block.rows:
        return
    if block.detail:
        yield f"<details><summary>{_in_html(block.title)}</summary>\n"
    elif block.title:
        yield f"**{_escaped(block.title)}**\n"
    names = block.naming()
    yield _row(_escaped(column.header) for column in block.columns)
    yield _row("---:" if column.align == "right" else ":---" for column in block.columns)
    rows, more = block.first(MOST_ROWS)
    for row in rows:
        yield _row(_cell(row, index, names) for index in range(len(block.columns)))
    if more:
        yield f"\n_{more}_"
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


def _in_html(text: str) -> str:
    """Text inside an HTML element, where nothing is read as Markdown."""
    shown = escape(text, quote=False).replace("|", "&#124;")
    for pattern, replacement in _IN_HTML:
        shown = pattern.sub(replacement, shown)
    return shown
