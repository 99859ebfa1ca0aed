"""How one amount becomes another, as bars one below the other: on what a step rests is told by a word and a pattern."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape

from rich.cells import cell_len

from llmcost.report.document import Bar, Bars, Cell, Column, Row, Table
from llmcost.report.plots.svg import FONT, WIDTH
from llmcost.report.untrusted import elide
from llmcost.strategies.stack import Basis

CHARACTERS = 32  # of the longest bar in a terminal
_GLYPH = 0.62 * FONT
_HEIGHT, _ROW, _BAR = 4.0, 62.0, 24.0  # above the first bar, of a bar with its words, of the bar itself
_STRIPE = 9.0  # between two lines of a hatched bar
_LEAST = 1.5  # a bar of next to nothing is still seen
_FILLED, _EMPTY = "█", "·"

Span = tuple[float, float]


def bars_svg(block: Bars) -> str:
    """The picture, `WIDTH` units wide: each bar below its own words, joined to the next where it ends."""
    spans = [_span(block.bars, bar) for bar in block.bars]
    rows = (_row(bar, span, _top(at)) for at, (bar, span) in enumerate(zip(block.bars, spans, strict=True)))
    height = _HEIGHT + _ROW * len(block.bars)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img"><title>{escape(block.title)}</title>'
        f"<desc>{escape(_description(block))}</desc>\n{''.join(_joints(block.bars))}\n{''.join(rows)}</svg>"
    )


def bars_table(block: Bars) -> Table:
    """The same as a table, each bar in characters."""
    columns = (
        Column("Step", "step", shrink=True),
        Column("", "bar"),
        Column("Amount", "amount", "right"),
        Column("Basis", "basis", shrink=True, prose=True, least=10),
    )
    rows = tuple(
        Row((Cell(bar.name), Cell(_characters(_span(block.bars, bar))), Cell(bar.text), Cell(bar.says)))
        for bar in block.bars
    )
    return Table("bars", columns, rows, block.title)


def _span(bars: Sequence[Bar], bar: Bar) -> Span:
    """Where a bar begins and ends, as shares of the longest way from 0."""
    longest = max((max(abs(each.start), abs(each.end)) for each in bars), default=0.0)
    if not math.isfinite(longest) or longest <= 0:
        return 0.0, 0.0
    low, high = sorted((bar.start / longest, bar.end / longest))
    return max(low, 0.0), max(high, 0.0)


def _top(at: int) -> float:
    return _HEIGHT + _ROW * at + FONT + 6


def _row(bar: Bar, span: Span, top: float) -> str:
    left, right = span[0] * WIDTH, span[1] * WIDTH
    left, right = min(left, WIDTH - _LEAST), max(right, min(left, WIDTH - _LEAST) + _LEAST)
    text = f"{bar.text} ({bar.says})" if bar.says else bar.text
    room = int((WIDTH - cell_len(text) * _GLYPH) / _GLYPH) - 2
    kind = f"bar {bar.basis or 'whole'}"
    return (
        f'<text x="0" y="{top - 8:.1f}">{escape(elide(bar.name, max(room, 8)))}</text>'
        f'<text class="amount" x="{WIDTH}" y="{top - 8:.1f}" text-anchor="end">{escape(text)}</text>'
        f'<g class="{kind}">{_PATTERNS[bar.basis](left, right, top)}</g>\n'
    )


def _joints(bars: Sequence[Bar]) -> Iterator[str]:
    """From the end of each bar down to the next one, so that the eye follows what is left."""
    for at, bar in enumerate(bars[:-1]):
        share = _span(bars, Bar("", 0.0, bar.end, ""))[1]
        across = min(max(share * WIDTH, 0.5), WIDTH - 0.5)
        yield f'<path class="joint" d="M{across:.1f} {_top(at) + _BAR:.1f}V{_top(at + 1):.1f}"/>'


def _solid(left: float, right: float, top: float) -> str:
    return f'<path class="fill" d="{_outline(left, right, top)}"/>'


def _hatched(left: float, right: float, top: float) -> str:
    lines = "".join(_stripes(left, right, top))
    return f'<path class="edge" d="{_outline(left, right, top)}"/><path class="stripes" d="{lines}"/>'


def _dashed(left: float, right: float, top: float) -> str:
    return f'<path class="edge" stroke-dasharray="5 4" d="{_outline(left, right, top)}"/>'


_PATTERNS: dict[Basis | None, Callable[[float, float, float], str]] = {
    None: _solid,
    "no_answer_change": _solid,
    "measured": _hatched,
    "potential": _dashed,
}


def _outline(left: float, right: float, top: float) -> str:
    return f"M{left:.1f} {top:.1f}H{right:.1f}V{top + _BAR:.1f}H{left:.1f}z"


def _stripes(left: float, right: float, top: float) -> Iterator[str]:
    """Lines at 45°, cut off at the sides of the bar."""
    foot = left - _BAR + _STRIPE
    while foot < right:
        start, end = max(foot, left), min(foot + _BAR, right)
        if end > start:
            bottom = top + _BAR
            yield f"M{start:.1f} {bottom - (start - foot):.1f}L{end:.1f} {bottom - (end - foot):.1f}"
        foot += _STRIPE


def _characters(span: Span) -> str:
    start, end = (round(share * CHARACTERS) for share in span)
    end = max(end, start + 1) if start < CHARACTERS else end
    return f"{_EMPTY * start}{_FILLED * (end - start)}{_EMPTY * (CHARACTERS - end)}"


def _description(block: Bars) -> str:
    said = (f"{bar.name}: {bar.text}{f', {bar.says}' if bar.says else ''}" for bar in block.bars)
    return f"{'; '.join(said)}."
