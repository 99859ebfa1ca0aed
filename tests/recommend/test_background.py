"""What stands behind a report, counted from columns: spend by day, what is left out of it, and what was read."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from math import fsum, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import shop
from support.call_tables import table

from llmcost.api.simulating import cache_settings, stack_of
from llmcost.api.traffic import Options, Traffic, load
from llmcost.audit.savings import Stack
from llmcost.config import Settings
from llmcost.recommend.background import MOST_DAYS, MOST_TASKS, data_quality, lives, spend_by_day
from llmcost.recommend.result import DaySpend
from llmcost.recommend.simulate import SWEPT, Scenario, SimulationFacts, simulate
from llmcost.workspace import Workspace

DAY_S = 86_400.0


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Traffic:
    """A small log, read, to be told of with other calls."""
    folder = tmp_path_factory.mktemp("log")
    path = shop.write_log(folder / "log.jsonl", 60)
    return load([str(path)], Options(), Settings(), Workspace(folder / "w"), lambda line: None)


def stack(traffic: Traffic, rows: list[dict[str, Any]], usd: list[float]) -> Stack:
    told = replace(traffic, calls=table(rows), costs=np.array(usd))
    return stack_of(told, cache_settings(Settings()))


def test_each_task_of_each_day_has_its_calls_and_dollars(traffic: Traffic) -> None:
    rows = [
        {"at": 0.0, "task": "b"},
        {"at": DAY_S - 1, "task": "b"},
        {"at": DAY_S, "task": "b"},
        {"at": 10.0, "task": "a"},
        {"at": None, "task": "a"},
    ]
    found = stack(traffic, rows, [1.0, 2.0, nan, 0.5, 8.0])
    assert spend_by_day(found) == [
        DaySpend("2026-10-01", "a", 1, 0.5),
        DaySpend("2026-10-01", "b", 2, 3.0),
        DaySpend("2026-10-02", "b", 1, None),
    ]
    said = data_quality(found, traffic.source())
    assert (said.calls, said.priced_calls, said.untimed_calls) == (5, 4, 1)


def test_a_log_without_times_has_no_days(traffic: Traffic) -> None:
    found = stack(traffic, [{"at": None, "task": "a"}] * 3, [1.0] * 3)
    assert spend_by_day(found) == []
    assert data_quality(found, traffic.source()).untimed_calls == 3


def test_of_years_the_last_days_are_kept_and_of_many_tasks_the_dearest(traffic: Traffic) -> None:
    years = [{"at": day * DAY_S, "task": "a"} for day in range(MOST_DAYS + 9)]
    kept = spend_by_day(stack(traffic, years, [1.0] * len(years)))
    assert len(kept) == MOST_DAYS
    assert kept[-1].day == str(date(2026, 10, 1) + timedelta(days=MOST_DAYS + 8))
    many = [{"at": 0.0, "task": f"task {number:03d}"} for number in range(MOST_TASKS + 9)]
    spent = spend_by_day(stack(traffic, many, [float(number) for number in range(len(many))]))
    assert [row.task for row in spent] == [f"task {number:03d}" for number in range(9, MOST_TASKS + 9)]


def test_a_cache_life_is_what_the_simulation_says_of_it(traffic: Traffic) -> None:
    """One estimator of each saving: the report's lives are the sweep's rows of the whole log."""
    rows = [{"at": at, "task": "a", "prompt": "p", "request_model": "gpt-4o", "input_tokens": 900, "output_tokens": 9}
            for at in (0.0, 30.0, 600.0, 2 * DAY_S)]  # fmt: skip
    found = stack(traffic, rows, [0.01] * 4)
    told = lives(found)
    swept = simulate(found, Scenario(sweep=True), SimulationFacts("0", traffic.source(), "computed")).sweep
    assert [(row.ttl, row.hit_rate, row.logged_usd) for row in told] == [
        (row.ttl, row.hit_rate, row.saved_usd) for row in swept if row.task is None
    ]
    assert [life.ttl for life in told] == list(SWEPT)
    assert [life.hit_rate for life in told] == [0.25, 0.25, 0.5, 0.5, 0.5, 0.5, 0.75]
    assert told[-1].logged_usd == pytest.approx(0.03)


def test_the_days_add_up_to_the_bill(traffic: Traffic) -> None:
    found = stack_of(traffic, cache_settings(Settings()))
    days = spend_by_day(found)
    assert sum(row.calls for row in days) == len(traffic.calls)
    assert fsum(row.cost_usd or 0.0 for row in days) == pytest.approx(found.bill)


def test_where_the_log_was_is_not_what_the_figures_depend_on(traffic: Traffic, tmp_path: Path) -> None:
    path = shop.write_log(tmp_path / "other.jsonl", 60)
    other = load([str(path)], Options(), Settings(), Workspace(tmp_path / "w"), lambda line: None)
    ours, theirs = (stack_of(each, cache_settings(Settings())) for each in (traffic, other))
    assert spend_by_day(ours) == spend_by_day(theirs)
    assert lives(ours) == lives(theirs)
