"""Why, task by task: the verdict on every candidate, the statistics, the controls, and answers to read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import msgspec

from llmcost.recommend.result import ReplayReport, TaskReport
from llmcost.report import figures
from llmcost.report.document import Block, Definitions, Fold, Line, Span, line
from llmcost.report.screens import cells
from llmcost.report.screens.examples import examples_blocks, longest_text
from llmcost.report.screens.statistics import controls_blocks, statistics_table
from llmcost.report.screens.verdicts import switched, task_verdict
from llmcost.report.screens.ways import around, templates, tiers_table, ways_reasons
from llmcost.report.screens.words import verdict


def folds(report: ReplayReport) -> list[str]:
    """The keys of the tasks' folds, in the order of the tasks."""
    return [f"task-{number}" for number in range(1, len(report.tasks) + 1)]


def task_folds(report: ReplayReport) -> Iterator[Fold]:
    """A fold a task; that of a lone task is open."""
    longest = longest_text(report.examples)
    alone = len(report.tasks) == 1
    for key, task in zip(folds(report), report.tasks, strict=True):
        yield Fold(task.task, tuple(_blocks(report, task, longest)), key, _says(task), alone)


def _says(task: TaskReport) -> Line:
    judged = task_verdict(task)
    calls = figures.counted(task.calls, "call")
    return line(Span(judged.text, judged.role), f"{cells.SEPARATOR}{cells.joined((_now(task), around(task), calls))}")


def _now(task: TaskReport) -> str:
    today, chosen = task.incumbent.model, task.choice.model
    return f"{today} → {chosen}" if switched(task) and chosen != today else today


def _blocks(report: ReplayReport, task: TaskReport, longest: int) -> Iterator[Block]:
    alone = msgspec.structs.replace(report, tasks=[task])
    yield Definitions(tuple(_sentences(task)))
    if task.candidates:
        yield statistics_table(task)
    yield from controls_blocks(task)
    for tables in (ways_reasons(alone), tiers_table(alone)):
        yield from (
            replace(table.only([column.key for column in table.columns if column.key != "task"]), caption=task.task)
            for table in tables
        )
    yield from templates(task)
    yield from examples_blocks(task, [each for each in report.examples if each.task == task.task], longest)


def _sentences(task: TaskReport) -> Iterator[tuple[str, Line]]:
    """Each candidate with its verdict and why."""
    for item in task.candidates:
        shown = verdict(item)
        yield item.model, line(Span(shown.text, shown.role), f": {item.reason}" if item.reason else "")
    if said := around(task):
        yield "Chosen", line(said)
