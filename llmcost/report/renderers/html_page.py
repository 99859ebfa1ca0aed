"""HTML: one file that opens offline, follows the reader's light or dark theme and prints. No script, no request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import singledispatch
from html import escape

from llmcost.report.document import (
    Cell,
    Column,
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
from llmcost.report.plots import STYLE, Drawn, drawn, few_points, limits, svg, swatch
from llmcost.report.renderers.renderer import WIDTH

STAYS_TOGETHER = 12  # a column that is never narrower holds words that are not broken, such as a verdict
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_STYLE = """\
.llmcost{--ink:#1c1e21;--soft:#5c6470;--line:#d8dce2;--tint:#f4f6f8;--paper:#fff;--good:#14703a;--bad:#b3261e;\
--warn:#8a5a00;color:var(--ink);background:var(--paper);font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
@media(prefers-color-scheme:dark){.llmcost{--ink:#e6e8eb;--soft:#9aa3af;--line:#3a3f47;--tint:#1f2328;--paper:#16181b;\
--good:#6fd394;--bad:#ff8a80;--warn:#f2c063}}
.llmcost h1{font-size:.93em;color:var(--soft);font-weight:normal;margin:0 0 .25rem}
.llmcost h2{font-size:clamp(1.35rem,4vw,2rem);line-height:1.25;font-weight:650;letter-spacing:-.01em;margin:0 0 1.5rem;\
text-wrap:balance}
.llmcost p{margin:1rem 0}
.llmcost .scroll{overflow-x:auto;margin:1rem 0 1.75rem}
.llmcost table{border-collapse:collapse;margin:0;font-size:inherit;font-variant-numeric:tabular-nums;color:inherit}
.llmcost caption{text-align:left;font-weight:600;padding:.25rem 0}
.llmcost th,.llmcost td{padding:.4rem 1.25rem .4rem 0;text-align:left;vertical-align:top;\
border-bottom:1px solid var(--line);unicode-bidi:isolate;background:none;white-space:nowrap;overflow-wrap:normal}
.llmcost thead th{font-size:.87em;font-weight:600;color:var(--soft);vertical-align:bottom;white-space:normal;\
border-bottom:2px solid var(--line)}
.llmcost tbody th{font-weight:normal}
.llmcost .right{text-align:right}
.llmcost .name{white-space:normal;overflow-wrap:anywhere;min-width:7.5rem;max-width:22rem}
.llmcost .prose{white-space:normal;overflow-wrap:anywhere;min-width:12rem;max-width:34rem}
.llmcost .noted>*{border-bottom:0;padding-bottom:0}
.llmcost .note>*{white-space:normal;overflow-wrap:anywhere;padding-top:0;max-width:0;color:var(--soft);font-size:.9em}
.llmcost .strong{font-weight:600}.llmcost .dim,.llmcost small{color:var(--soft)}
.llmcost .good{color:var(--good);font-weight:600}.llmcost .bad{color:var(--bad);font-weight:600}
.llmcost .warn{color:var(--warn);font-weight:600}
.llmcost h2 .good,.llmcost h2 .bad,.llmcost h2 .strong{font-weight:inherit}
.llmcost ul{margin:1.5rem 0;padding-left:1.1rem;font-size:.94em;color:var(--soft)}
.llmcost pre{padding:.75rem 1rem;border:1px solid var(--line);border-radius:6px;white-space:pre-wrap;\
background:var(--tint);color:inherit;font-family:ui-monospace,monospace;font-size:.87em;margin:1.5rem 0}
.llmcost dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1.25rem;margin:1.5rem 0}
.llmcost dt{font-weight:600}.llmcost dd{margin:0}
.llmcost details{border-top:1px solid var(--line);padding-top:.75rem;margin-top:1.25rem}
.llmcost summary{cursor:pointer;font-weight:600}
@media(max-width:40rem){.llmcost{font-size:14px}.llmcost dl{display:block}.llmcost dd{margin:0 0 .6rem}\
.llmcost th,.llmcost td{padding-right:.7rem}.llmcost .name{min-width:5.5rem}.llmcost .prose{min-width:9rem}\
.llmcost .spare{display:none}}
@media print{.llmcost{--ink:#000;--paper:#fff;--soft:#444;--line:#999;--tint:#fff;--good:#000;--bad:#000;--warn:#000;\
font-size:11px}.llmcost h2{font-size:20px}.llmcost .scroll{overflow:visible}.llmcost tr{break-inside:avoid}\
.llmcost .noted{break-after:avoid}\
.llmcost details table{font-size:8px}.llmcost details th,.llmcost details td{padding:.2rem .5rem .2rem 0;\
white-space:normal;min-width:0}}
"""


def render_html(document: Document, *, width: int = WIDTH, color: bool = False) -> str:
    """A whole page in one file."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(document.title)}</title>\n"
        "<style>html{color-scheme:light dark;-webkit-text-size-adjust:100%}\n"
        "body{margin:2.5rem auto;max-width:68rem;padding:0 1.25rem}\n"
        "@media(prefers-color-scheme:dark){html{background:#16181b}}@media print{html{background:#fff}}</style>\n"
        f"</head>\n<body>\n{html_fragment(document)}</body>\n</html>\n"
    )


def html_fragment(document: Document) -> str:
    """The document as one element with its own style: what a notebook shows."""
    parts = "\n".join("".join(_draw(block)) for block in document.blocks)
    style = _STYLE + (STYLE if any(isinstance(block, Plot) for block in document.blocks) else "")
    return f'<div class="llmcost">\n<style>{style}</style>\n<h1>{escape(document.title)}</h1>\n{parts}\n</div>\n'


@singledispatch
def _draw(block: object) -> Iterator[str]:
    raise TypeError(f"no way to draw {type(block).__name__}")


@_draw.register
def _heading(block: Heading) -> Iterator[str]:
    yield f"<h2>{_line(block.line)}</h2>"


@_draw.register
def _text(block: Text) -> Iterator[str]:
    yield f"<p>{'<br>'.join(map(_line, block.lines))}</p>"


@_draw.register
def _notes(block: Notes) -> Iterator[str]:
    yield f"<ul>{''.join(f'<li>{_line(spans)}</li>' for spans in block.items)}</ul>"


@_draw.register
def _definitions(block: Definitions) -> Iterator[str]:
    items = (f"<dt>{escape(term)}</dt><dd>{_line(spans)}</dd>" for term, spans in block.items)
    yield f"<dl>{''.join(items)}</dl>"


@_draw.register
def _next(block: Next) -> Iterator[str]:
    commands = (f"{item.command}  # {item.comment}" if item.comment else item.command for item in block.commands)
    yield f"<pre><code>{escape(chr(10).join(commands))}</code></pre>"


@_draw.register
def _table(block: Table) -> Iterator[str]:
    if not block.rows:
        return
    if block.detail:
        yield f"<details open><summary>{escape(block.title)}</summary>"
    yield '<div class="scroll"><table>\n'
    if block.title and not block.detail:
        yield f"<caption>{escape(block.title)}</caption>\n"
    headers = (f'<th scope="col"{_shape(column, block)}>{escape(column.header)}</th>' for column in block.columns)
    yield f"<thead><tr>{''.join(headers)}</tr></thead>\n<tbody>\n"
    yield from (_row(block, row) for row in block.rows)
    yield "</tbody></table></div>"
    if block.detail:
        yield "</details>"


@_draw.register
def _plot(block: Plot) -> Iterator[str]:
    picture = drawn(block)
    if picture is None:
        return
    yield f"<figure>\n<figcaption>{escape(block.title)}</figcaption>\n{svg(block, picture)}\n{_legend(picture)}"
    if notes := limits(block, picture):
        yield from _notes(Notes(notes))
    yield "</figure>"
    if not block.tabled:  # all points, but of a picture among the details as many as say what it shows
        points = few_points(block) if block.detail else few_points(block, rows=None)
        yield from _table(replace(points, detail=True))


def _legend(picture: Drawn) -> str:
    """What each letter, dash and mark stands for; nothing where there is one series."""
    if len(picture.strokes) == 1:
        return ""
    items = (
        f"<li>{swatch(strokes)}<b>{strokes.key}</b>{escape(strokes.series.name)}</li>" for strokes in picture.strokes
    )
    return f'<ul class="key">{"".join(items)}</ul>\n'


def _row(table: Table, row: Row) -> str:
    cells = (_cell(table, row, index) for index in range(len(table.columns)))
    noted = ' class="noted"' if row.note else ""
    return f"<tr{noted}>{''.join(cells)}</tr>\n{_note(table, row)}"


def _note(table: Table, row: Row) -> str:
    """A row of its own below, from the naming column on, so that a sentence does not widen a column."""
    if not row.note:
        return ""
    names = table.naming()
    before = "<td></td>" * names
    return f'<tr class="note">{before}<td colspan="{len(table.columns) - names}">{_line(row.note)}</td></tr>\n'


def _cell(table: Table, row: Row, index: int) -> str:
    tag, scope = ("th", ' scope="row"') if index == table.naming() else ("td", "")
    below = (f"<br><small>{_marked(cell)}</small>" for cell in row.below[index : index + 1] if cell.text)
    return f"<{tag}{scope}{_shape(table.columns[index], table)}>{_marked(row.cells[index])}{''.join(below)}</{tag}>"


def _shape(column: Column, table: Table) -> str:
    """The classes of a column: figures to the right, sentences and names with room to wrap, the rest on one line.

    What a narrow terminal leaves out, a phone does too; the detail tables have all of it.
    """
    shape = "right" if column.align == "right" else "prose" if column.prose else ""
    if not shape and column.shrink and column.least < STAYS_TOGETHER:
        shape = "name"
    spare = "spare" if column.rank and not table.detail else ""
    classes = " ".join(filter(None, (shape, spare)))
    return f' class="{classes}"' if classes else ""


def _line(spans: Line) -> str:
    return "".join(_spanned(span.text, span.role) for span in spans)


def _marked(cell: Cell) -> str:
    return _spanned(cell.text, cell.role)


def _spanned(text: str, role: Role) -> str:
    return escape(text) if role == "plain" else f'<span class="{role}">{escape(text)}</span>'
