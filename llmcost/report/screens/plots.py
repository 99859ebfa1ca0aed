"""Plots that screens show: what an answer kept for longer is worth, and what less cost does to quality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from math import fsum
from types import MappingProxyType

from llmcost.recommend.result import DaySpend
from llmcost.report import figures
from llmcost.report.document import Axis, Line, Plot, Point, Series, line

MOST_TASKS = 6  # lines that can be told apart
LINES = 5  # tasks of their own in a picture of spend
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
    cascades: Mapping[str, Sequence[Point]] = MappingProxyType({}),
    *,
    margin: float | None = None,
    chosen: str = "",
    floor: float | None = None,
) -> Plot:
    """Models and the thresholds of cascades as points (cost per call as a share of today's, difference in quality).

    today    the model in use: it stands at its own cost and no difference
    margin   the loss that is tolerated, as a share above 0: drawn as a line
    chosen   which of the models and cascades is to be used now: drawn heavier, and named so
    floor    how far down (below 0) the picture reaches: a model below stands at its edge, as its name says; None: all
    """
    points = [*models.values(), *(point for each in cascades.values() for point in each)]
    series = (
        Series(f"{today} (today)", ((1.0, 0.0),), "points", emphasis=not chosen),
        *(_model(_named(name, chosen), point, name == chosen, floor) for name, point in models.items()),
        *(_cascade(_named(name, chosen), each, name == chosen, floor) for name, each in cascades.items()),
        *_tolerated(margin, [cost for cost, _ in points]),
    )
    unknown = [name for name, point in models.items() if None in point]
    return Plot(
        title,
        series,
        Axis("cost per call, today = 100 %", unit="percent"),
        Axis("quality against today, lower bound", unit="percent"),
        (*_unknown(unknown), *_below(cascades, floor)),
    )


def spend_plot(title: str, days: Sequence[DaySpend]) -> Plot:
    """US dollars a day: all tasks, the dearest by themselves, the others in one line. A day without a call costs 0.

    A day on which calls of a task were made and none of them has a known cost leaves a gap.
    """
    dates = _every_day(min(each.day for each in days), max(each.day for each in days))
    tasks: dict[str, dict[str, float | None]] = {each.task: dict.fromkeys(dates, 0.0) for each in days}
    for each in days:
        tasks[each.task][each.day] = each.cost_usd
    dearest = sorted(tasks, key=lambda task: (-fsum(cost or 0.0 for cost in tasks[task].values()), task))
    shown, rest = dearest[:LINES], dearest[LINES:]
    lines = {task: tasks[task] for task in shown}
    if rest:
        lines[f"other: {figures.counted(len(rest), 'task')}"] = _summed([tasks[task] for task in rest], dates)
    whole = {"all tasks": _summed(list(tasks.values()), dates)} if len(tasks) > 1 else {}
    series = tuple(
        Series(name, tuple((float(at), each[day]) for at, day in enumerate(dates)), emphasis=name in whole)
        for name, each in (whole | lines).items()
    )
    x = Axis("day (UTC)", ticks=tuple((float(at), day) for at, day in enumerate(dates)))
    return Plot(title, series, x, Axis("US dollars a day", unit="usd"))


def _summed(each: Sequence[Mapping[str, float | None]], dates: Sequence[str]) -> dict[str, float | None]:
    """Day → dollars of all of them; of what is not known nothing is in it, and all unknown is unknown."""
    known = {day: [cost for costs in each if (cost := costs[day]) is not None] for day in dates}
    return {day: fsum(costs) if costs else None for day, costs in known.items()}


def _every_day(first: str, last: str) -> list[str]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [(start + timedelta(days=at)).isoformat() for at in range((end - start).days + 1)]


def _model(name: str, point: Point, heavy: bool, floor: float | None) -> Series:
    cost, quality = point
    if floor is None or quality is None or quality >= floor:
        return Series(name, (point,), "points", heavy)
    return Series(f"{name} (below, {figures.at_least(quality)})", ((cost, floor),), "points", heavy)


def _cascade(name: str, points: Sequence[Point], heavy: bool, floor: float | None) -> Series:
    above = tuple(point for point in points if floor is None or point[1] is None or point[1] >= floor)
    return Series(name, above, emphasis=heavy)


def _named(name: str, chosen: str) -> str:
    return f"{name} (use now)" if name == chosen else name


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


def _below(cascades: Mapping[str, Sequence[Point]], floor: float | None) -> Iterator[Line]:
    """How many thresholds of cascades are too bad for the picture."""
    bounds = [quality for each in cascades.values() for _, quality in each if quality is not None]
    if floor is not None and (number := sum(bound < floor for bound in bounds)):
        yield line(f"{figures.counted(number, 'threshold')} of cascades not drawn: below {figures.percent(floor, 0)}")
