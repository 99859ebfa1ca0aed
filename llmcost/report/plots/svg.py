"""A plot as SVG inside a page: colours from the page's variables, and each series with a dash, a mark and a letter.

The picture is `WIDTH` by `HEIGHT` units and is scaled to its place. On a phone its text is `FONT` units high, which is
what room is kept for; on a wide screen less (`style`). No attribute holds text, so that a name cannot become markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from itertools import pairwise

from rich.cells import cell_len

from llmcost.report.document import Plot
from llmcost.report.plots.drawn import Drawn, Place, Strokes
from llmcost.report.plots.points import written
from llmcost.report.plots.style import SERIES_COLORS
from llmcost.report.untrusted import elide

WIDTH, HEIGHT = 640, 380
FONT = 20.0
_GLYPH = 0.62 * FONT  # how wide a character is, on average and a little more
_TOP, _BOTTOM, _RIGHT = 46.0, 70.0, 46.0
_LONGEST_TICK, _LONGEST_LABEL, _LONGEST_NAME = 10, 50, 24
_DASHES = ("", "9 5", "2 5", "14 5 2 5", "5 3")
_SIZE = 5.0  # half of a mark
_GAP = 6.0  # between a mark and its letter

Box = tuple[float, float, float, float]  # left, top, right, bottom


def svg(plot: Plot, picture: Drawn) -> str:
    """The picture, with a title and a description for who does not see it."""
    frame = _Frame(picture)
    parts = (_axes(plot, picture, frame), *map(frame.stroke, reversed(picture.strokes)), *_letters(picture, frame))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{escape(plot.title)}</title>'
        f"<desc>{escape(_description(plot, picture))}</desc>\n{''.join(parts)}</svg>"
    )


def swatch(strokes: Strokes) -> str:
    """How a series looks, for the legend."""
    loose = strokes.series.kind == "points"
    wide = 16 if loose else 44
    line = "" if loose else f'<path {_dashed(strokes)} d="M2 9H42"/>'
    return (
        f'<svg viewBox="0 0 {wide} 18" width="{wide}" height="18" aria-hidden="true"><g class="{_classes(strokes)}">'
        f"{line}{_mark(strokes.index, (wide / 2, 9.0))}</g></svg>"
    )


class _Frame:
    """From shares of the axes to units of the picture."""

    def __init__(self, picture: Drawn) -> None:
        longest = max((_wide(elide(text, _LONGEST_TICK)) for _, text in picture.y.ticks), default=0.0)
        self.left = longest + 12
        self.right = WIDTH - _RIGHT
        self.top = _TOP
        self.bottom = HEIGHT - _BOTTOM

    def at(self, place: Place) -> Place:
        across, up = place
        return self.left + across * (self.right - self.left), self.bottom - up * (self.bottom - self.top)

    def stroke(self, strokes: Strokes) -> str:
        """The lines and marks of one series."""
        lines = "".join(
            f'<path {_dashed(strokes)} d="M{"L".join(_pair(self.at(corner)) for corner in run)}"/>'
            for run in strokes.corners()
            if len(run) > 1
        )
        marks = "".join(_mark(strokes.index, self.at(place)) for place in strokes.marked)
        if strokes.series.emphasis and strokes.series.kind == "points":
            marks += "".join(map(_ring, map(self.at, strokes.marked)))
        return f'<g class="{_classes(strokes)}">{lines}{marks}</g>\n'


def _axes(plot: Plot, picture: Drawn, frame: _Frame) -> str:
    """Grid lines with their marks, and what is measured: the y axis above, the x axis below."""
    parts = [_text((4.0, FONT), "start", elide(plot.y.label, _LONGEST_LABEL), "label")]
    zero = picture.y.zero
    for share, text in picture.y.ticks:
        _, down = frame.at((0.0, share))
        kind = "zero" if share == zero else "grid"
        parts.append(f'<path class="{kind}" d="M{_pair((frame.left, down))}H{frame.right:.1f}"/>')
        parts.append(_text((frame.left - 8, down + FONT / 3), "end", elide(text, _LONGEST_TICK)))
    parts.append(f'<path class="axis" d="M{_pair((frame.left, frame.bottom))}H{frame.right:.1f}"/>')
    parts.extend(_x_marks(picture, frame))
    parts.append(_text((frame.right, HEIGHT - 10.0), "end", elide(plot.x.label, _LONGEST_LABEL), "label"))
    return "".join(parts) + "\n"


def _x_marks(picture: Drawn, frame: _Frame) -> Iterator[str]:
    """Marks from the left as far as each has room beside the one before."""
    free = 0.0
    for share, text in sorted(picture.x.ticks):
        across, _ = frame.at((share, 0.0))
        shown = elide(text, _LONGEST_TICK)
        half = _wide(shown) / 2
        yield f'<path class="axis" d="M{_pair((across, frame.bottom))}v5"/>'
        middle = min(max(across, half), WIDTH - half)
        if middle - half >= free:
            free = middle + half + _GLYPH / 2
            yield _text((middle, frame.bottom + FONT + 6), "middle", shown)


def _letters(picture: Drawn, frame: _Frame) -> Iterator[str]:
    """The letter of each series: at the end of its line, beside its points; a lone point has its name, if it fits."""
    lines = [strokes for strokes in picture.strokes if strokes.key and strokes.series.kind != "points"]
    ends = sorted(((frame.at(strokes.places[-1]), strokes) for strokes in lines), key=lambda end: end[0][1])
    levels = _spread([down for (_, down), _ in ends], frame)
    taken = [_around(frame.at(place), _SIZE) for strokes in picture.strokes for place in strokes.marked]
    for ((across, down), strokes), level in zip(ends, levels, strict=True):
        start = frame.right + 20
        lead = f"M{_pair((across + _SIZE + 2, down))}L{_pair((start - 3, level))}"
        letter = _text((start, level + FONT / 3), "start", strokes.key)
        yield f'<g class="{_classes(strokes)}"><path class="lead" d="{lead}"/>{letter}</g>\n'
    for strokes in picture.strokes:
        if strokes.key and strokes.series.kind == "points":
            yield from _beside(strokes, frame, taken)


def _beside(strokes: Strokes, frame: _Frame, taken: list[Box]) -> Iterator[str]:
    """The texts of loose points, each where it covers nothing; `taken` grows by them."""
    name = f"{strokes.key} {elide(strokes.series.name, _LONGEST_NAME)}"
    texts = (name, strokes.key) if len(strokes.places) == 1 else (strokes.key,)
    for place in strokes.marked:
        spots = [(text, *spot) for text in texts for spot in _spots(text, frame.at(place))]
        free = next((spot for spot in spots if _is_free(spot[-1], taken)), None)
        if free is not None:
            text, at, anchor, box = free
            taken.append(box)
            yield f'<g class="{_classes(strokes)}">{_text(at, anchor, text)}</g>\n'


def _spots(text: str, mark: Place) -> Iterator[tuple[Place, str, Box]]:
    """Where a text may stand around a mark: right, left, above, below."""
    across, down = mark
    wide, reach = _wide(text), _SIZE + _GAP
    for anchor, left, line in (
        ("start", across + reach, down + FONT / 3),
        ("end", across - reach - wide, down + FONT / 3),
        ("middle", across - wide / 2, down - reach),
        ("middle", across - wide / 2, down + reach + FONT * 0.8),
    ):
        at = {"start": left, "end": left + wide, "middle": left + wide / 2}[anchor]
        yield (at, line), anchor, (left, line - FONT * 0.8, left + wide, line + FONT * 0.2)


def _is_free(box: Box, taken: list[Box]) -> bool:
    left, top, right, bottom = box
    inside = left >= 0 and right <= WIDTH and top >= _TOP - FONT / 2 and bottom <= HEIGHT - _BOTTOM + FONT / 4
    return inside and not any(
        left < other[2] and other[0] < right and top < other[3] and other[1] < bottom for other in taken
    )


def _around(place: Place, reach: float) -> Box:
    return place[0] - reach, place[1] - reach, place[0] + reach, place[1] + reach


def _spread(levels: list[float], frame: _Frame) -> list[float]:
    """Rising levels moved apart so that letters do not cover each other, as little as one pass each way does."""
    gap = min(FONT, (frame.bottom - frame.top) / max(len(levels) - 1, 1))
    apart = list(levels)
    for before, at in pairwise(range(len(apart))):
        apart[at] = max(apart[at], apart[before] + gap)
    if apart:
        apart[-1] = min(apart[-1], frame.bottom)
    for before, at in reversed(list(pairwise(range(len(apart))))):
        apart[before] = min(apart[before], apart[at] - gap)
    return apart


def _classes(strokes: Strokes) -> str:
    heavy = " heavy" if strokes.series.emphasis else ""
    return f"s{strokes.index % SERIES_COLORS}{heavy}"


def _dashed(strokes: Strokes) -> str:
    dash = _DASHES[strokes.index % len(_DASHES)]
    return f'class="line" stroke-dasharray="{dash}"' if dash else 'class="line"'


def _ring(place: Place) -> str:
    """Around a mark that is to be seen first."""
    return f'<path class="ring" d="M{place[0] - 9:.1f} {place[1]:.1f}a9 9 0 1 0 18 0a9 9 0 1 0-18 0z"/>'


def _mark(index: int, place: Place) -> str:
    return f'<path class="mark" d="{_SHAPES[index % len(_SHAPES)](*place)}"/>'


_SHAPES: tuple[Callable[[float, float], str], ...] = (
    lambda x, y: f"M{x - 5:.1f} {y:.1f}a5 5 0 1 0 10 0a5 5 0 1 0-10 0z",
    lambda x, y: f"M{x - 4.5:.1f} {y - 4.5:.1f}h9v9h-9z",
    lambda x, y: f"M{x:.1f} {y - 5:.1f}l5 9h-10z",
    lambda x, y: f"M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6-6z",
    lambda x, y: f"M{x:.1f} {y + 5:.1f}l5-9h-10z",
)


def _text(place: Place, anchor: str, text: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{place[0]:.1f}" y="{place[1]:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _wide(text: str) -> float:
    return cell_len(text) * _GLYPH


def _pair(place: Place) -> str:
    return f"{place[0]:.1f} {place[1]:.1f}"


def _description(plot: Plot, picture: Drawn) -> str:
    """The axes, and of each series where it starts and ends."""
    said = (_course(plot, strokes) for strokes in picture.strokes)
    return f"Upwards: {plot.y.label}. To the right: {plot.x.label}. {'; '.join(said)}."


def _course(plot: Plot, strokes: Strokes) -> str:
    known = [(across, up) for across, up in strokes.series.points if across is not None and up is not None]
    ends = known[:1] if len(known) == 1 else [known[0], known[-1]]
    told = [f"{written(plot.y, up)} at {written(plot.x, across)}" for across, up in ends]
    return f"{strokes.series.name}: {' to '.join(told)}"
