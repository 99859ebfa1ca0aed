"""A plot in characters: lines of braille dots, points as the letter of their series. Readable without colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from rich.cells import cell_len

from llmcost.report.document import Plot
from llmcost.report.plots.drawn import Drawn, Place
from llmcost.report.untrusted import elide

WIDEST = 80
LEAST_WIDTH = 40  # what is narrower has no room for an axis
ROWS = 8  # of the picture itself; with the axes, twelve
LONGEST_TICK = 10
_BLANK = " "
_LONE = "●"  # the mark of a series that needs no letter
_DOTS = 0x2800  # of the braille patterns; each dot of a cell is a bit
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # [row][column]

Cell: TypeAlias = "tuple[str, int | None]"  # a text and the series it belongs to


@dataclass(frozen=True, slots=True)
class Canvas:
    """The chart line by line, each in pieces that belong to a series or to none.

    hidden  some letter stands where another one would
    """

    lines: tuple[tuple[Cell, ...], ...]
    hidden: bool


@dataclass(slots=True)
class _Cells:
    """The cells of the picture: dots, whose they are, and letters on top."""

    width: int
    dots: dict[tuple[int, int], int] = field(default_factory=dict)
    letters: dict[tuple[int, int], str] = field(default_factory=dict)
    owners: dict[tuple[int, int], int] = field(default_factory=dict)
    hidden: bool = False

    def join(self, start: Place, end: Place, owner: int) -> None:
        """Dots along a straight line."""
        for across, down in _straight(self._dot(start), self._dot(end)):
            cell = (down // 4, across // 2)
            self.dots[cell] = self.dots.get(cell, 0) | _BITS[down % 4][across % 2]
            self.owners[cell] = owner

    def mark(self, place: Place, letter: str, owner: int) -> None:
        """A letter, unless another series was there before."""
        across, down = self._dot(place)
        cell = (down // 4, across // 2)
        self.hidden |= self.letters.get(cell, letter) != letter
        if cell not in self.letters:
            self.letters[cell], self.owners[cell] = letter, owner

    def row(self, down: int) -> tuple[Cell, ...]:
        """One line of the picture."""
        return tuple(self._drawn((down, across)) for across in range(self.width))

    def _drawn(self, cell: tuple[int, int]) -> Cell:
        if cell in self.letters:
            return self.letters[cell], self.owners[cell]
        dots = self.dots.get(cell, 0)
        return (chr(_DOTS + dots), self.owners[cell]) if dots else (_BLANK, None)

    def _dot(self, place: Place) -> tuple[int, int]:
        across, up = place
        return round(across * (2 * self.width - 1)), round((1 - up) * (4 * ROWS - 1))


def canvas(plot: Plot, picture: Drawn, width: int) -> Canvas:
    """The chart without its title and its legend: twelve lines of at most `width` cells."""
    width = min(width, WIDEST)
    marks = _marks(picture)
    margin = max((cell_len(text) for text in marks.values()), default=0)
    cells = _Cells(width - margin - 2)
    for strokes in reversed(picture.strokes):  # what is named first lies on top
        for run in strokes.corners():
            for start, end in pairwise(run):
                cells.join(start, end, strokes.index)
    for strokes in sorted(picture.strokes, key=lambda strokes: not strokes.series.emphasis):
        for place in strokes.marked:
            cells.mark(place, strokes.key or _LONE, strokes.index)
    rows = (
        ((f"{_to_the_right(marks.get(down, ''), margin)} {'┤' if down in marks else '│'}", None), *cells.row(down))
        for down in range(ROWS)
    )
    floor = f"{'':{margin}} └{'─' * cells.width}"
    ticks = f"{'':{margin + 2}}{_ruler(picture.x.ticks, cells.width)}"
    label = _to_the_right(_short(plot.x.label, width), width)
    plain = (((text, None),) for text in (floor, ticks, label))
    return Canvas((((_short(plot.y.label, width), None),), *map(tuple, rows), *plain), cells.hidden)


def _marks(picture: Drawn) -> dict[int, str]:
    """Row → the mark of the y axis there: every first, second … of the marks, such that no two rows touch."""
    marks = [(round((1 - share) * (4 * ROWS - 1)) // 4, text) for share, text in sorted(picture.y.ticks)]
    strides = (marks[::stride] for stride in range(1, len(marks) + 1))
    apart = (kept for kept in strides if all(below - above > 1 for (below, _), (above, _) in pairwise(kept)))
    return {down: _short(text, LONGEST_TICK) for down, text in next(apart, [])}


def _ruler(ticks: Sequence[tuple[float, str]], width: int) -> str:
    """The marks of the x axis, each below its place; what has no room is left out."""
    cells = [_BLANK] * width
    for share, text in _ends_first(ticks):
        shown = _short(text, LONGEST_TICK)
        start = min(max(round(share * (width - 1)) - cell_len(shown) // 2, 0), width - cell_len(shown))
        if all(cell == _BLANK for cell in cells[max(start - 1, 0) : start + cell_len(shown) + 1]):
            cells[start : start + cell_len(shown)] = [shown, *[""] * (cell_len(shown) - 1)]
    return "".join(cells)


def _ends_first(ticks: Sequence[tuple[float, str]]) -> Iterable[tuple[float, str]]:
    return (*ticks[:1], *ticks[1:][-1:], *ticks[1:-1])


def _short(text: str, cells: int) -> str:
    """The text in so many cells at most."""
    for longest in range(min(len(text), cells), 0, -1):
        shown = elide(text, longest)
        if cell_len(shown) <= cells:
            return shown
    return ""


def _to_the_right(text: str, cells: int) -> str:
    return _BLANK * (cells - cell_len(text)) + text


def _straight(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The dots from one to the other, as many as the longer side has."""
    (x0, y0), (x1, y1) = start, end
    steps = max(abs(x1 - x0), abs(y1 - y0), 1)
    return ((x0 + round((x1 - x0) * at / steps), y0 + round((y1 - y0) * at / steps)) for at in range(steps + 1))
