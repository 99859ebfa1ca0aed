"""What of a plot can be drawn: its points as shares of the two axes, in runs without gaps."""

from __future__ import annotations

import math
import string
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from llmcost.report.document import Line, Plot, Series, line
from llmcost.report.figures import counted
from llmcost.report.plots.scale import Scale, scale_of

KEYS = string.ascii_uppercase + string.ascii_lowercase + string.digits
MOST_MARKED = 12  # points of one line that are marked; a line of more is marked at its ends

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Strokes:
    """One series as it is drawn: runs of places (shares of the axes, y upwards) without a gap.

    key   the letter that names it in the picture, in every format the same
    """

    series: Series
    index: int
    key: str
    runs: tuple[tuple[Place, ...], ...]

    @property
    def places(self) -> tuple[Place, ...]:
        """All places, in order."""
        return tuple(place for run in self.runs for place in run)

    @property
    def marked(self) -> tuple[Place, ...]:
        """The places that get a mark."""
        places = self.places
        all_of_them = self.series.kind == "points" or len(places) <= MOST_MARKED
        return places if all_of_them else (places[0], places[-1])

    def corners(self) -> tuple[tuple[Place, ...], ...]:
        """The runs as lines are drawn through them; steps turn at right angles, loose points are not joined."""
        if self.series.kind == "points":
            return ()
        return tuple(map(_stepped, self.runs)) if self.series.kind == "steps" else self.runs


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plot whose points have found their places; series without one are left out."""

    x: Scale
    y: Scale
    strokes: tuple[Strokes, ...]


def drawn(plot: Plot) -> Drawn | None:
    """The plot in shares of its axes; None: there is no point to draw."""
    known = list(_known(plot))
    x, y = scale_of(plot.x, (across for across, _ in known)), scale_of(plot.y, (up for _, up in known))
    if x is None or y is None:
        return None
    runs = [_runs(series, x, y) for series in plot.series]
    shown = [(series, run) for series, run in zip(plot.series, runs, strict=True) if run]
    strokes = tuple(
        Strokes(series, index, KEYS[index % len(KEYS)] if len(shown) > 1 else "", run)
        for index, (series, run) in enumerate(shown)
    )
    return Drawn(x, y, strokes) if strokes else None


def limits(plot: Plot, picture: Drawn) -> tuple[Line, ...]:
    """The plot's notes, and how many of its known points have no place in the picture."""
    missing = len(list(_known(plot))) - sum(len(strokes.places) for strokes in picture.strokes)
    if not missing:
        return plot.notes
    return (*plot.notes, line(f"{counted(missing, 'point')} not drawn: no place on these axes"))


def _known(plot: Plot) -> Iterator[Place]:
    for series in plot.series:
        for across, up in series.points:
            if across is not None and up is not None and not (math.isnan(across) or math.isnan(up)):
                yield across, up


def _runs(series: Series, x: Scale, y: Scale) -> tuple[tuple[Place, ...], ...]:
    places = [(x.at(across), y.at(up)) for across, up in series.points]
    cut = groupby(places, key=lambda place: None not in place)
    return tuple(
        tuple((across, up) for across, up in run if across is not None and up is not None)
        for whole, run in cut
        if whole
    )


def _stepped(run: tuple[Place, ...]) -> tuple[Place, ...]:
    turns = [(place, (after[0], place[1])) for place, after in pairwise(run)]
    return (*(corner for turn in turns for corner in turn), run[-1])
