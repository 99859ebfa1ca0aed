"""Plots that screens show: what an answer kept for longer is worth, and what less cost does to quality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from llmcost.report import figures
from llmcost.report.document import Axis, Line, Plot, Point, Series, line

MOST_TASKS = 6  # lines that can be told apart
TTL_TICKS = ((60, "1m"), (300, "5m"), (900, "15m"), (3600, "1h"), (21600, "6h"), (86400, "24h"), (604800, "7d"))


def ttl_plot(
    title: str, whole: tuple[str, Sequence[Point]], tasks: Mapping[str, Sequence[Point]], *, tabled: bool = False
) -> Plot:
    """Hit rates (shares) of a cache by the seconds that an answer is kept: the whole log, then its first tasks.

    tabled  the screen has a table of all of it
    """
    name, points = whole
    shown = list(tasks.items())[:MOST_TASKS]
    series = (Series(name, tuple(points), emphasis=True), *(Series(task, tuple(each)) for task, each in shown))
    left_out = len(tasks) - len(shown)
    notes = (line(f"{figures.counted(left_out, 'more task')} not drawn"),) if left_out else ()
    x = Axis("an answer is kept for", "log", ticks=_ticks(points))
    return Plot(title, series, x, Axis("hit rate", unit="percent"), notes, tabled)


def frontier_plot(
    title: str,
    today: str,
    models: Mapping[str, Point],
    cascade: tuple[str, Sequence[Point]] | None = None,
    *,
    margin: float | None = None,
    quality: str = "quality against today, lower bound",
    detail: bool = False,
) -> Plot:
    """Models and the thresholds of a cascade as points (cost per call as a share of today's, difference in quality).

    today    the model in use: it stands at its own cost and no difference
    margin   the loss that is tolerated, as a share above 0: drawn as a line
    quality  what the differences are: bounds or estimates
    detail   left out of the terminal
    """
    points = [(cost, difference) for cost, difference in (*models.values(), *(cascade[1] if cascade else ()))]
    series = (
        Series(f"{today} (today)", ((1.0, 0.0),), "points", emphasis=True),
        *(Series(name, (point,), "points") for name, point in models.items()),
        *([Series(cascade[0], tuple(cascade[1]))] if cascade else []),
        *_tolerated(margin, [cost for cost, _ in points]),
    )
    unknown = [name for name, point in models.items() if None in point]
    return Plot(
        title,
        series,
        Axis("cost per call, today = 100 %", unit="percent"),
        Axis(quality, unit="percent"),
        tuple(_unknown(unknown)),
        detail=detail,
    )


def _ticks(points: Sequence[Point]) -> tuple[tuple[float, str], ...]:
    swept = {seconds for seconds, _ in points}
    return tuple((seconds, text) for seconds, text in TTL_TICKS if seconds in swept)


def _tolerated(margin: float | None, costs: Sequence[float | None]) -> Iterator[Series]:
    if margin is not None:
        right = max((cost for cost in costs if cost is not None), default=1.0)
        yield Series(f"tolerated: {figures.percent(-margin)}", ((0.0, -margin), (max(right, 1.0), -margin)))


def _unknown(models: Sequence[str]) -> Iterator[Line]:
    if models:
        yield line(f"not drawn, cost or quality unknown: {', '.join(models)}")
