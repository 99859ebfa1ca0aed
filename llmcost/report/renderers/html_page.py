"""HTML: one file that opens offline, follows the reader's light or dark theme and prints. No script, no request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, singledispatch
from html import escape
from importlib import resources
from itertools import count

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
    Section,
    Table,
    Text,
    Totals,
    flat,
    line,
)
from llmcost.report.plots import STYLE, Drawn, bars_svg, drawn, few_points, limits, svg, swatch
from llmcost.report.renderers.html_table import NUMBER, marked_line, table
from llmcost.report.renderers.renderer import WIDTH

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def render_html(document: Document, *, width: int = WIDTH, color: bool = False) -> str:
    """A whole page in one file; a document of several sections begins with links to them."""
    contents = _contents(document)
    guided = ' class="guided"' if contents else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(document.title)}</title>\n"
        f"<style>{_sheet('around.css')}{_style(document)}</style>\n"
        f'</head>\n<body{guided}>\n{contents}<main class="llmcost">\n{_body(document)}\n</main>\n</body>\n</html>\n'
    )


def html_fragment(document: Document) -> str:
    """The document as one element with its own style: what a notebook shows."""
    return f'<div class="llmcost">\n<style>{_style(document)}</style>\n{_body(document)}\n</div>\n'


def _style(document: Document) -> str:
    pictures = any(isinstance(block, (Plot, Bars)) for block in flat(document.blocks))
    return _sheet("page.css") + (STYLE if pictures else "")


@cache
def _sheet(name: str) -> str:
    return (resources.files("llmcost.report.renderers") / name).read_text("utf-8")


def _contents(document: Document) -> str:
    sections = [block for block in document.blocks if isinstance(block, Section)]
    items = (f'<li><a href="#{escape(each.key)}">{escape(each.title)}</a></li>' for each in sections)
    if len(sections) < 2:
        return ""
    return f'<nav class="llmcost contents" aria-label="Contents"><ul>{"".join(items)}</ul></nav>\n'


def _body(document: Document) -> str:
    """The title, the answer as the first heading, and all that follows."""
    answer = next((block for block in document.blocks if isinstance(block, Heading)), None)
    title = f'<p class="kicker">{escape(document.title)}</p>\n' if answer else ""
    first = f"{title}<h1>{marked_line(answer.line if answer else line(document.title))}</h1>"
    return _numbered("\n".join((first, *_drawn(block for block in document.blocks if block is not answer))))


def _numbered(body: str) -> str:
    """The page with its tables numbered: each is named twice, by its box and by its caption."""
    named = count(2)
    return re.sub(NUMBER, lambda _: str(next(named) // 2), body)


def _drawn(blocks: Iterator[Block] | tuple[Block, ...]) -> Iterator[str]:
    return ("".join(_draw(block)) for block in blocks)


@singledispatch
def _draw(block: object) -> Iterator[str]:
    raise TypeError(f"no way to draw {type(block).__name__}")


@_draw.register
def _section(block: Section) -> Iterator[str]:
    key = escape(block.key)
    yield f'<section aria-labelledby="{key}">\n<h2 id="{key}">{escape(block.title)}</h2>\n'
    yield "\n".join(_drawn(block.blocks))
    yield "\n</section>"


@_draw.register
def _fold(block: Fold) -> Iterator[str]:
    """What a link leads to lies inside: browsers open a fold to show it."""
    says = f'<span class="says">{marked_line(block.says)}</span>' if block.says else ""
    key = f' id="{escape(block.key)}"' if block.key else ""
    yield f"<details{_open(block.open)}><summary><h3>{escape(block.title)}</h3>{says}</summary>\n"
    yield f'<div class="target"{key}>\n'
    yield "\n".join(_drawn(block.blocks))
    yield "\n</div></details>"


@_draw.register
def _heading(block: Heading) -> Iterator[str]:
    yield f"<h2>{marked_line(block.line)}</h2>"


@_draw.register
def _text(block: Text) -> Iterator[str]:
    yield f"<p>{'<br>'.join(map(marked_line, block.lines))}</p>"


@_draw.register
def _notes(block: Notes) -> Iterator[str]:
    if block.items:
        yield f"<ul>{''.join(f'<li>{marked_line(spans)}</li>' for spans in block.items)}</ul>"


@_draw.register
def _definitions(block: Definitions) -> Iterator[str]:
    if block.items:
        items = (f"<dt>{escape(term)}</dt><dd>{marked_line(spans)}</dd>" for term, spans in block.items)
        yield f"<dl>{''.join(items)}</dl>"


@_draw.register
def _totals(block: Totals) -> Iterator[str]:
    items = (
        f'<div><dt>{escape(item.label)}</dt><dd class="amount {item.role}">{escape(item.amount)}</dd>{_says(item.note)}'
        "</div>"
        for item in block.figures
    )
    yield f'<dl class="totals">{"".join(items)}</dl>'


def _says(note: Line) -> str:
    return f'<dd class="note">{marked_line(note)}</dd>' if note else ""


@_draw.register
def _next(block: Next) -> Iterator[str]:
    commands = (f"{item.command}  # {item.comment}" if item.comment else item.command for item in block.commands)
    if block.commands:
        yield f"<pre><code>{escape(chr(10).join(commands))}</code></pre>"


@_draw.register
def _table(block: Table) -> Iterator[str]:
    if not block.rows:
        return
    if not block.detail:
        yield from table(block)
        return
    yield f"<details open><summary>{escape(block.title)}</summary>"
    yield from table(replace(block, title="", caption=block.title))
    yield "</details>"


@_draw.register
def _plot(block: Plot) -> Iterator[str]:
    picture = drawn(block)
    if picture is None:
        return
    yield from _figure(block.title, svg(block, picture), _legend(picture), limits(block, picture))
    if not block.tabled:  # all points, but of a picture among the details as many as say what it shows
        points = few_points(block) if block.detail else few_points(block, rows=None)
        yield from _points(points)


@_draw.register
def _bars(block: Bars) -> Iterator[str]:
    if block.bars:
        yield from _figure(block.title, bars_svg(block), "", block.notes)


@_draw.register
def _grid(block: Grid) -> Iterator[str]:
    yield f'<div class="grid">{"".join(f"<div>{each}</div>" for each in _drawn(block.blocks) if each)}</div>'


@_draw.register
def _exhibit(block: Exhibit) -> Iterator[str]:
    beside = "".join(map(_panel, block.beside))
    yield f'<div class="exhibit">\n<h4>{marked_line(block.line)}</h4>\n{_panel(block.above)}\n'
    yield f'<div class="pair">{beside}</div>\n</div>'


@_draw.register
def _text_alone(block: Panel) -> Iterator[str]:
    yield _panel(block)


def _panel(panel: Panel) -> str:
    """The line break after the tag belongs to the tag: without it a text that begins with one would lose it."""
    return f'<div class="panel"><p>{escape(panel.label)}</p><pre>\n{escape(panel.text)}</pre></div>'


def _figure(title: str, picture: str, legend: str, notes: tuple[Line, ...]) -> Iterator[str]:
    yield f"<figure>\n<figcaption>{escape(title)}</figcaption>\n{picture}\n{legend}"
    yield from _notes(Notes(notes))
    yield "</figure>"


def _points(points: Table) -> Iterator[str]:
    title = f"Points of the picture: {points.title}"
    yield f'<details class="points"><summary>{escape(title)}</summary>'
    yield from table(replace(points, detail=True, title="", caption=title))
    yield "</details>"


def _legend(picture: Drawn) -> str:
    """What each letter, dash and mark stands for; nothing where there is one series."""
    if len(picture.strokes) == 1:
        return ""
    items = (
        f"<li>{swatch(strokes)}<b>{strokes.key}</b>{escape(strokes.series.name)}</li>" for strokes in picture.strokes
    )
    return f'<ul class="key">{"".join(items)}</ul>\n'


def _open(is_open: bool) -> str:
    return " open" if is_open else ""
