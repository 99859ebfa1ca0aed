"""The points of a plot as a table: for machines, for readers without pictures, for formats that cannot draw."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from llmcost.report import figures
from llmcost.report.document import Axis, Cell, Column, Plot, Point, Row, Table

FEW_ROWS = 12
MOST_COLUMNS = 8  # of series side by side


def every_point(plot: Plot) -> Table:
    """One row a point."""
    return _one_below_the_other(plot, [series.points for series in plot.series], plot.title)


def few_points(plot: Plot, rows: int | None = FEW_ROWS) -> Table:
    """A table that is read at a glance: series side by side where they share their x; about so many rows at most.

    Every series keeps its ends: what is thinned is the way between them, the longest series first.
    """
    points: list[Sequence[Point]] = [series.points for series in plot.series]
    shared = _is_shared(points)
    total = len(points[0]) if shared else sum(map(len, points))
    if rows is None or total <= rows:
        kept, title = points, plot.title
    else:
        most = rows if shared else _allowance(list(map(len, points)), rows)
        kept = [_thinned(each, most) for each in points]
        shown = len(kept[0]) if shared else sum(map(len, kept))
        title = f"{plot.title} ({shown} of {total} rows)"
    return _side_by_side(plot, kept, title) if shared else _one_below_the_other(plot, kept, title)


def written(axis: Axis, value: float | None) -> str:
    """A value as it is read: the axis' own word for it, else a figure."""
    if value is None or not math.isfinite(value):
        return figures.UNKNOWN
    return next((text for known, text in axis.ticks if known == value), _FIGURES[axis.unit](value))


_FIGURES: dict[str, Callable[[float], str]] = {
    "number": lambda value: f"{value:,.6g}".replace("-", figures.MINUS),
    "percent": figures.percent,
    "usd": figures.money,
}


def _one_below_the_other(plot: Plot, points: Sequence[Sequence[Point]], title: str) -> Table:
    columns = (
        Column("Series", "series", shrink=True),
        Column(plot.x.label, "x", "right"),
        Column(plot.y.label, "y", "right"),
    )
    rows = tuple(
        Row((Cell(series.name, value=series.name), _cell(plot.x, across), _cell(plot.y, up)))
        for series, kept in zip(plot.series, points, strict=True)
        for across, up in kept
    )
    return Table(plot.title, columns, rows, title)


def _side_by_side(plot: Plot, points: Sequence[Sequence[Point]], title: str) -> Table:
    """A row an x, a column a series."""
    columns = (
        Column(plot.x.label, "x"),
        *(Column(series.name, f"y{at}", "right") for at, series in enumerate(plot.series)),
    )
    rows = tuple(
        Row((_cell(plot.x, together[0][0]), *(_cell(plot.y, up) for _, up in together)))
        for together in zip(*points, strict=True)
    )
    return Table(plot.title, columns, rows, f"{title}: {plot.y.label}")


def _is_shared(points: Sequence[Sequence[Point]]) -> bool:
    places = [[across for across, _ in each] for each in points]
    return 1 <= len(places) <= MOST_COLUMNS and all(each == places[0] for each in places)


def _allowance(lengths: Sequence[int], rows: int) -> int:
    """Most points of one series such that all together are no more than `rows`, but two at least."""
    fitting = (most for most in range(rows, 2, -1) if sum(min(length, most) for length in lengths) <= rows)
    return next(fitting, 2)


def _thinned(points: Sequence[Point], most: int) -> Sequence[Point]:
    if len(points) <= most:
        return points
    return [points[round(at * (len(points) - 1) / (most - 1))] for at in range(most)]


def _cell(axis: Axis, value: float | None) -> Cell:
    known = value if value is not None and math.isfinite(value) else None
    return Cell(written(axis, value), value=known)
