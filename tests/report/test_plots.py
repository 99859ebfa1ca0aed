"""Plots in every format: nothing breaks them or leaves its frame, names stay text, and no point is lost unsaid."""

from __future__ import annotations

import csv
import io
import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from support.examples import costly

from llmcost.recommend.result import DaySpend
from llmcost.report import Document, renderers
from llmcost.report.document import Axis, Bar, Bars, Plot, Point, Series, Table, line
from llmcost.report.plots import bars_svg, canvas, drawn, every_point, few_points, limits, svg
from llmcost.report.plots.scale import scale_of
from llmcost.report.plots.svg import HEIGHT, WIDTH
from llmcost.report.screens.plots import MOST_TASKS, frontier_plot, spend_plot, ttl_plot

COUNT = Axis("count")
numbers = st.one_of(
    st.none(),
    st.floats(),
    st.floats(-1e3, 1e3),
    st.integers(-5, 5).map(float),
    st.sampled_from([0.0, -0.0, 5e-324, 1.7e308, -1.7e308, 1e12, 1e12 + 1]),
)
axes = st.builds(
    Axis,
    st.text(max_size=30),
    st.sampled_from(["linear", "log"]),
    st.sampled_from(["number", "percent", "usd"]),
    st.lists(st.tuples(st.floats(), st.text(max_size=14)), max_size=4).map(tuple),
)
several = st.builds(
    Series,
    st.text(max_size=30),
    st.lists(st.tuples(numbers, numbers), max_size=20).map(tuple),
    st.sampled_from(["line", "steps", "points"]),
    st.booleans(),
)
plots = st.builds(Plot, st.text(max_size=30), st.lists(several, max_size=9).map(tuple), axes, axes)


def plot(*points: Point, x: Axis = COUNT, y: Axis = COUNT) -> Plot:
    return Plot("title", (Series("one", points),), x, y)


def rendered(block: Plot, name: str, width: int = 80) -> str:
    return renderers()[name](Document("plots", (block,)), width=width)


def ticks(axis: Axis, *values: float) -> list[str]:
    scale = scale_of(axis, values)
    assert scale is not None
    return [text for _, text in scale.ticks]


@costly
@given(plots)
def test_no_plot_breaks_a_format(block: Plot) -> None:
    for name in renderers():
        rendered(block, name).encode()


@costly
@given(plots)
def test_the_picture_is_well_formed_and_stays_inside_its_frame(block: Plot) -> None:
    picture = drawn(block)
    if picture is None:
        return
    root = ElementTree.fromstring(svg(block, picture))
    for path in root.iter("path"):
        for across, down in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path.get("d", "")):
            assert 0 <= float(across) <= WIDTH
            assert 0 <= float(down) <= HEIGHT
    for text in root.iter("text"):
        assert 0 <= float(text.get("x", "nan")) <= WIDTH
        assert 0 <= float(text.get("y", "nan")) <= HEIGHT


@costly
@given(plots, st.integers(40, 120))
def test_a_terminal_chart_is_twelve_lines_and_never_wider_than_asked(block: Plot, width: int) -> None:
    picture = drawn(block)
    if picture is None:
        return
    lines = ["".join(text for text, _ in pieces) for pieces in canvas(block, picture, width).lines]
    assert len(lines) == 12
    assert all(cell_len(each) <= min(width, 80) for each in lines)


@costly
@given(plots)
def test_every_known_point_is_drawn_or_counted(block: Plot) -> None:
    picture = drawn(block)
    if picture is None:
        return
    known = [
        (across, up)
        for series in block.series
        for across, up in series.points
        if across is not None and up is not None and not math.isnan(across) and not math.isnan(up)
    ]
    missing = len(known) - sum(len(strokes.places) for strokes in picture.strokes)
    said = "".join(span.text for spans in limits(block, picture) for span in spans)
    assert said == (f"{missing} point{'s' * (missing != 1)} not drawn: no place on these axes" if missing else "")


@given(st.lists(st.floats(-1e15, 1e15), min_size=1), st.floats(-1e15, 1e15))
def test_a_scale_keeps_the_order_of_its_values(values: list[float], other: float) -> None:
    scale = scale_of(COUNT, [*values, other])
    assert scale is not None
    places = [scale.at(value) for value in sorted([*values, other])]
    assert all(first is not None and second is not None and first <= second for first, second in pairwise(places))
    assert all(0 <= place <= 1 for place in places if place is not None)


@given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300))
def test_a_logarithmic_scale_gives_equal_ratios_equal_ways(low: float, high: float) -> None:
    scale = scale_of(Axis("", "log"), [low, high])
    assert scale is not None
    middle = math.sqrt(low) * math.sqrt(high)
    ends = scale.at(low), scale.at(high)
    assert scale.at(middle) == pytest.approx(sum(end for end in ends if end is not None) / 2, abs=1e-6)


def test_marks_are_round_and_start_at_zero_where_that_costs_little() -> None:
    assert ticks(COUNT, 3, 8) == ["0", "2", "4", "6", "8"]
    assert ticks(COUNT, 103, 108) == ["103", "104", "105", "106", "107", "108"]
    assert ticks(Axis("", unit="percent"), -0.083, 0.004) == ["−10 %", "−8 %", "−6 %", "−4 %", "−2 %", "0 %", "2 %"]
    assert ticks(Axis("", unit="usd"), 0.001, 0.0042) == ["$0.000", "$0.001", "$0.002", "$0.003", "$0.004", "$0.005"]
    assert ticks(Axis("", "log"), 3, 800) == ["1", "10", "100", "1,000"]
    assert ticks(Axis("", "log", "percent"), 0.02, 0.3) == ["2 %", "5 %", "10 %", "20 %", "50 %"]


def test_equal_values_stand_in_the_middle() -> None:
    scale = scale_of(COUNT, [7.0, 7.0])
    assert scale is not None
    assert 0.2 < (scale.at(7.0) or 0) < 0.8


def test_a_gap_cuts_the_line_and_joins_nothing_across() -> None:
    picture = drawn(plot((1, 1), (2, 2), (3, None), (4, 4), (5, math.nan), (6, 6)))
    assert picture is not None
    assert [len(run) for run in picture.strokes[0].runs] == [2, 1, 1]


def test_steps_hold_a_value_until_the_next_point() -> None:
    picture = drawn(Plot("", (Series("", ((0, 0), (1, 10)), "steps"),), COUNT, COUNT))
    assert picture is not None
    assert picture.strokes[0].corners() == (((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)),)


@pytest.mark.parametrize("name", renderers())
def test_a_plot_without_a_known_point_shows_no_picture(name: str) -> None:
    for points in ((), ((None, 1.0),), ((1.0, math.nan),)):
        shown = rendered(Plot("headless", (Series("one", points),), COUNT, COUNT), name)
        assert "<figure" not in shown
        assert name in {"markdown", "csv"} or "headless" not in shown


def test_what_has_no_place_on_a_logarithmic_axis_is_counted() -> None:
    block = plot((0, 1), (-3, 2), (10, 3), x=Axis("x", "log"))
    assert "2 points not drawn: no place on these axes" in rendered(block, "table")
    assert "2 points not drawn: no place on these axes" in rendered(block, "html")


def test_each_series_has_its_letter_in_every_picture_and_a_lone_one_needs_none() -> None:
    both = Plot("t", (Series("up", ((0, 0), (1, 1))), Series("down", ((0, 1), (1, 0)))), COUNT, COUNT)
    assert "A up   B down" in rendered(both, "table")
    assert "<b>A</b>up</li>" in rendered(both, "html")
    assert "<b>B</b>down</li>" in rendered(both, "html")
    assert "A one" not in rendered(plot((0, 0), (1, 1)), "table")


def test_series_differ_without_colour() -> None:
    block = Plot("t", tuple(Series(str(at), ((0, at), (1, at))) for at in range(5)), COUNT, COUNT)
    page = rendered(block, "html")
    swatches = re.findall(r'<li><svg[^>]*><g class="s\d">(.*?)</g>', page)
    assert len({re.sub(r'd="M2 9H42"', "", swatch) for swatch in swatches}) == 5


def test_where_letters_meet_is_said() -> None:
    meeting = Plot("t", (Series("a", ((0, 0), (1, 1))), Series("b", ((0, 0), (1, 0)))), COUNT, COUNT)
    apart = Plot("t", (Series("a", ((0, 0), (1, 1))), Series("b", ((0, 1), (1, 0)))), COUNT, COUNT)
    assert "where letters meet" in rendered(meeting, "table")
    assert "where letters meet" not in rendered(apart, "table")


def test_names_stay_text() -> None:
    evil = '</svg><script>alert(1)</script>" onload="x'
    one = Series(evil, ((1, 1), (2, 2)), "points")
    block = Plot(evil, (one, Series(evil, ((2, 1),), "points")), Axis(evil), Axis(evil, ticks=((1, evil),)))
    page = rendered(block, "html")
    assert "<script" not in page
    assert page.count("</svg>") == page.count("<svg ")
    assert not re.search(r"<[^>]*onload", page)
    assert "\x1b" not in rendered(Plot("\x1b[2J", (one,), COUNT, COUNT), "table")


def test_a_screen_too_narrow_for_axes_gets_the_table() -> None:
    narrow = rendered(plot((1, 2), (3, 4)), "table", width=30)
    assert "┤" not in narrow
    assert re.search(r"^1\s+2$", narrow, re.M)


def test_series_that_share_their_x_stand_side_by_side() -> None:
    x = Axis("kept for", ticks=((60, "1m"), (300, "5m")))
    pair = (Series("a", ((60, 0.1), (300, 0.2))), Series("b", ((60, None), (300, 0.4))))
    table = few_points(Plot("t", pair, x, Axis("rate", unit="percent")))
    assert [column.header for column in table.columns] == ["kept for", "a", "b"]
    assert [[cell.text for cell in row.cells] for row in table.rows] == [
        ["1m", "10.0 %", "–"],
        ["5m", "20.0 %", "40.0 %"],
    ]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=5))
def test_a_thinned_table_keeps_the_ends_of_every_series_and_says_that_it_is_thinned(lengths: list[int]) -> None:
    series = tuple(
        Series(str(at), tuple((float(each + at), each) for each in range(length))) for at, length in enumerate(lengths)
    )
    table = few_points(Plot("t", series, COUNT, COUNT))
    assert len(table.rows) <= 12
    assert ("rows)" in table.title) == (len(table.rows) < max_rows(table, lengths))
    for each in series:
        for across, _ in (each.points[0], each.points[-1]):
            assert f"{across:g}" in {cell.text for row in table.rows for cell in row.cells}


def max_rows(table: Table, lengths: list[int]) -> int:
    """How many rows all points would take in this table's layout."""
    return sum(lengths) if table.columns[0].key == "series" else lengths[0]


def test_csv_has_every_point_with_bare_figures() -> None:
    block = plot(*((at, at / 100) for at in range(50)), (50, None), y=Axis("rate", unit="percent"))
    rows = list(csv.reader(io.StringIO(rendered(block, "csv"), newline="")))
    assert rows[0] == ["table", "series", "x", "y"]
    assert len(rows) == 1 + len(every_point(block).rows) == 52
    assert rows[3] == ["title", "one", "2", "0.02"]
    assert rows[-1] == ["title", "one", "50", ""]


@pytest.mark.parametrize("name", ["markdown", "csv"])
def test_what_a_table_of_the_document_holds_is_not_told_twice(name: str) -> None:
    tabled = Plot("title", (Series("one", ((1, 2), (3, 4))),), COUNT, COUNT, tabled=True)
    assert rendered(tabled, name) == renderers()[name](Document("plots", ()))


def test_a_page_shows_the_points_to_who_cannot_see_the_picture() -> None:
    page = rendered(plot((1, 2), (3, 4)), "html")
    assert 'role="img"><title>title</title><desc>' in page
    assert "one: 2 at 1 to 4 at 3" in page
    assert '<details class="points"><summary>Points of the picture: title: count</summary><div class="scroll"' in page


def test_times_to_live_are_drawn_for_the_whole_log_and_its_first_tasks() -> None:
    swept = [(60.0, 0.1), (3600.0, 0.2), (604800.0, 0.3)]
    block = ttl_plot("t", ("all tasks", swept), {f"task {at}": swept for at in range(9)})
    assert [series.name for series in block.series] == ["all tasks", *(f"task {at}" for at in range(MOST_TASKS))]
    assert [text for _, text in block.x.ticks] == ["1m", "1h", "7d"]
    assert block.notes == (line("3 more tasks not drawn"),)


def test_a_frontier_names_its_models_and_says_what_it_could_not_draw() -> None:
    models = {"small": (0.05, -0.03), "unpriced": (None, 0.0)}
    block = frontier_plot("t", "big", models, {"small, then big": [(0.05, -0.03), (1.1, 0.0)]}, margin=0.02)
    drawing = rendered(block, "table")
    assert "A big (today)   B small   C small, then big   D tolerated: −2.0 %" in drawing
    assert "not drawn, cost or quality unknown: unpriced" in drawing
    assert block.series[-1].points == ((0.0, -0.02), (1.1, -0.02))


def test_a_picture_with_a_floor_tells_near_ones_apart_and_says_what_lies_below() -> None:
    models = {"near": (0.1, -0.03), "far": (0.05, -0.64)}
    cascade = {"far, then near": [(0.05, -0.5), (0.1, -0.02)]}
    block = frontier_plot("t", "big", models, cascade, margin=0.05, chosen="near", floor=-0.2)
    lowest = min(up for series in block.series for _, up in series.points if up is not None)
    assert lowest == -0.2
    assert [series.name for series in block.series] == [
        "big (today)", "near (use now)", "far (below, ≥ −64.0 %)", "far, then near", "tolerated: −5.0 %",
    ]  # fmt: skip
    assert [series.name for series in block.series if series.emphasis] == ["near (use now)"]
    assert block.notes == (line("1 threshold of cascades not drawn: below −20 %"),)


def test_spend_is_drawn_for_every_day_the_dearest_tasks_by_themselves() -> None:
    days = [DaySpend("2026-10-01", f"task {at}", 10, float(at)) for at in range(8)]
    days += [DaySpend("2026-10-03", "task 7", 4, None)]
    block = spend_plot("t", days)
    assert [text for _, text in block.x.ticks] == ["2026-10-01", "2026-10-02", "2026-10-03"]
    drawn_lines = {series.name: [up for _, up in series.points] for series in block.series}
    assert list(drawn_lines) == ["all tasks", "task 7", "task 6", "task 5", "task 4", "task 3", "other: 3 tasks"]
    assert drawn_lines["all tasks"] == [28.0, 0.0, 0.0]
    assert drawn_lines["task 7"] == [7.0, 0.0, None]  # not known is not nothing
    assert drawn_lines["other: 3 tasks"] == [3.0, 0.0, 0.0]


bars = st.lists(
    st.builds(
        Bar,
        st.text(max_size=80),
        st.floats(-1e3, 1e12),
        st.floats(-1e3, 1e12),
        st.text(max_size=20),
        st.sampled_from([None, "no_answer_change", "measured", "potential"]),
        st.text(max_size=20),
    ),
    max_size=6,
).map(tuple)


@costly
@given(bars)
def test_bars_are_well_formed_and_stay_inside_their_picture(drawn_bars: tuple[Bar, ...]) -> None:
    block = Bars("t", drawn_bars)
    for name in renderers():
        renderers()[name](Document("bars", (block,))).encode()
    root = ElementTree.fromstring(bars_svg(block))
    wide, high = (float(size) for size in root.get("viewBox", "").split()[2:])
    for path in root.iter("path"):
        places = re.findall(r"[MLHV](-?[\d.]+)(?: (-?[\d.]+))?", path.get("d", ""))
        assert all(-0.1 <= float(number) <= max(wide, high) for place in places for number in place if number)
        assert all(float(across) <= wide for across in re.findall(r"[MLH](-?[\d.]+)", path.get("d", "")))


def test_on_what_a_step_rests_is_told_by_a_word_and_a_pattern() -> None:
    steps = [
        Bar(basis, 10.0, 4.0, "−$6", basis, f"says {basis}") for basis in ("no_answer_change", "measured", "potential")
    ]
    drawing = bars_svg(Bars("t", tuple(steps)))
    shapes = re.findall(r'<g class="bar \w+">(.*?)</g>', drawing)
    assert ["stripes" in shape for shape in shapes] == [False, True, False]
    assert ["stroke-dasharray" in shape for shape in shapes] == [False, False, True]
    assert all(f"−$6 (says {bar.basis})" in drawing for bar in steps)


def test_what_a_picture_measures_is_not_hidden_by_the_style_of_the_page() -> None:
    page = rendered(plot((1, 2), (3, 4)), "html")
    hidden = set(re.findall(r"\.llmcost \.(\w+)\{display:none\}", page))
    assert hidden
    assert not hidden & {name for names in re.findall(r'<text class="([^"]*)"', page) for name in names.split()}
