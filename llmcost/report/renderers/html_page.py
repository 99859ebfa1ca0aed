"""HTML: one file that opens offline, follows the reader's light or dark theme and prints. No script, no request."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch
from html import escape

from llmcost.report.document import Cell, Definitions, Document, Heading, Line, Next, Notes, Role, Row, Table, Text
from llmcost.report.renderers.renderer import WIDTH

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_STYLE = """\
.llmcost{--ink:#1c1e21;--soft:#5c6470;--line:#d8dce2;--paper:#fff;--good:#14703a;--bad:#b3261e;--warn:#8a5a00;\
color:var(--ink);background:var(--paper);font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
@media(prefers-color-scheme:dark){.llmcost{--ink:#e6e8eb;--soft:#9aa3af;--line:#3a3f47;--paper:#16181b;\
--good:#6fd394;--bad:#ff8a80;--warn:#f2c063}}
.llmcost h1{font-size:1rem;color:var(--soft);font-weight:normal;margin:0 0 .5rem}
.llmcost h2{font-size:1.35rem;margin:.5rem 0 1rem}
.llmcost .scroll{overflow-x:auto}
.llmcost table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums;color:inherit}
.llmcost caption{text-align:left;font-weight:600;padding:.25rem .75rem .25rem 0}
.llmcost th,.llmcost td{padding:.25rem .75rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);\
unicode-bidi:isolate;background:none}
.llmcost th{font-weight:600}
.llmcost tbody th{font-weight:normal}
.llmcost .right{text-align:right;white-space:nowrap}
.llmcost .strong{font-weight:600}.llmcost .dim,.llmcost small{color:var(--soft)}
.llmcost .good{color:var(--good);font-weight:600}.llmcost .bad{color:var(--bad);font-weight:600}
.llmcost .warn{color:var(--warn);font-weight:600}
.llmcost pre{padding:.75rem;border:1px solid var(--line);white-space:pre-wrap;background:none;color:inherit}
.llmcost dt{font-weight:600}.llmcost dd{margin:0 0 .5rem 1rem}
.llmcost summary{cursor:pointer;font-weight:600}
@media print{.llmcost{--ink:#000;--paper:#fff;--soft:#444;--line:#999;--good:#000;--bad:#000;--warn:#000;\
font-size:11px}\
.llmcost .scroll{overflow:visible}.llmcost tr{break-inside:avoid}}
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
        "<style>html{color-scheme:light dark}body{margin:2rem auto;max-width:70rem;padding:0 1rem}\n"
        "@media(prefers-color-scheme:dark){html{background:#16181b}}@media print{html{background:#fff}}</style>\n"
        f"</head>\n<body>\n{html_fragment(document)}</body>\n</html>\n"
    )


def html_fragment(document: Document) -> str:
    """The document as one element with its own style: what a notebook shows."""
    parts = "\n".join("".join(_draw(block)) for block in document.blocks)
    return f'<div class="llmcost">\n<style>{_STYLE}</style>\n<h1>{escape(document.title)}</h1>\n{parts}\n</div>\n'


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
        yield f"<details><summary>{escape(block.title)}</summary>"
    yield '<div class="scroll"><table>\n'
    if block.title and not block.detail:
        yield f"<caption>{escape(block.title)}</caption>\n"
    headers = (f'<th scope="col"{_right(block, i)}>{escape(c.header)}</th>' for i, c in enumerate(block.columns))
    yield f"<thead><tr>{''.join(headers)}</tr></thead>\n<tbody>\n"
    yield from (_row(block, row) for row in block.rows)
    yield "</tbody></table></div>"
    if block.detail:
        yield "</details>"


def _row(table: Table, row: Row) -> str:
    names = table.naming()
    cells = (_cell(table, row, index, names) for index in range(len(table.columns)))
    return f"<tr>{''.join(cells)}</tr>\n"


def _cell(table: Table, row: Row, index: int, names: int) -> str:
    tag, scope = ("th", ' scope="row"') if index == names else ("td", "")
    stack = [_marked(cell) for cell in (row.cells[index], *row.below[index : index + 1]) if cell.text]
    if row.note and index == names:
        stack.append(f"<small>{_line(row.note)}</small>")
    return f"<{tag}{scope}{_right(table, index)}>{'<br>'.join(stack)}</{tag}>"


def _right(table: Table, index: int) -> str:
    return ' class="right"' if table.columns[index].align == "right" else ""


def _line(spans: Line) -> str:
    return "".join(_spanned(span.text, span.role) for span in spans)


def _marked(cell: Cell) -> str:
    return _spanned(cell.text, cell.role)


def _spanned(text: str, role: Role) -> str:
    return escape(text) if role == "plain" else f'<span class="{role}">{escape(text)}</span>'
