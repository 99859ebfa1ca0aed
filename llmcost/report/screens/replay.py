"""The replay's screens: what a replay would cost, and afterwards what to use now and what the bill becomes."""

from __future__ import annotations

from collections.abc import Iterator

from llmcost.recommend.result import Baseline, Bill, ReplayReport, TaskReport
from llmcost.report import figures
from llmcost.report.document import Block, Command, Definitions, Document, Heading, Line, Next, Notes, Span, Table, line
from llmcost.report.screens import cells, controls
from llmcost.report.screens.bill import bill_table, steps_table, waterfall
from llmcost.report.screens.verdicts import candidates_table, reasons_table, switched, task_table
from llmcost.report.screens.ways import (
    around,
    chosen_ways,
    frontiers,
    left_out,
    templates_table,
    tiers_table,
    ways_reasons,
    ways_table,
)

CHATTY = 1.15  # a candidate that writes this many times the tokens is worth a line
TASKS_SHOWN = 6
FAILING_SHOWN = 2


def replay_document(report: ReplayReport) -> Document:
    """The report of a run: the answer, the per-task table, the bill, what the verdicts rest on."""
    blocks: tuple[Block, ...] = (
        Heading(_headline(report)),
        task_table(report),
        *ways_table(report),
        bill_table(report.bill),
        *_around_the_bill(report),
        *_notes(report),
        _next(report),
        reasons_table(report),
        *ways_reasons(report),
        candidates_table(report),
        *_steps(report.bill),
        *tiers_table(report),
        *frontiers(report),
        *templates_table(report),
    )
    return Document(f"llmcost report {report.run}", blocks)


def _headline(report: ReplayReport) -> Line:
    chosen = [task for task in report.tasks if switched(task)]
    before, after, period = _bill_figures(report)
    if not chosen and any(map(around, report.tasks)):
        falls = figures.change(report.bill.change)
        return line(cells.strong("Keep your models"), f", use answers again: {before} → {after}{period} ({falls})")
    if not chosen:
        return line(cells.strong("Keep what you use: "), "no candidate has passed on any task")
    which = f"{len(chosen)} of {figures.counted(len(report.tasks), 'task')}"
    return line(
        Span(f"Switch {which}", "good"),
        f": {before} → {after}{period} ({figures.change(report.bill.change)}"
        f"{_spaced(figures.half_width(report.bill.change, report.bill.change_interval))})",
    )


def _bill_figures(report: ReplayReport) -> tuple[str, str, str]:
    before, after = report.bill.before, report.bill.after
    if before.monthly_usd is not None:
        return figures.money(before.monthly_usd), figures.money(after.monthly_usd), " a month"
    return figures.money(before.logged_usd), figures.money(after.logged_usd), " for this log"


def _spaced(text: str) -> str:
    return f" {text}" if text else ""


def _around_the_bill(report: ReplayReport) -> Iterator[Block]:
    items = [
        ("Model map", _model_map(report.tasks)),
        ("Around the models", chosen_ways(report)),
        ("How the bill falls", waterfall(report.bill)),
        ("Best single model", _best_single(report.best_single_model)),
        ("Oracle per task", _oracle(report.oracle)),
    ]
    yield Definitions(tuple((term, meaning) for term, meaning in items if meaning))


def _steps(bill: Bill) -> Iterator[Table]:
    """The stack in full, where more than one step takes something off."""
    if bill.stacked is not None or len(bill.steps) > 1:
        kept = f", answers kept for {bill.cache_ttl}" if bill.cache_ttl else ""
        title = f"How the bill falls, step by step{kept} (what steps save alone is not to be added up)"
        yield steps_table(bill.before, bill.stacked or bill.after, bill.steps, bill.shares, title)


def _model_map(tasks: list[TaskReport]) -> Line:
    moved = [f"{task.task} → {task.choice.model}" for task in tasks if task.choice.model != task.incumbent.model]
    kept = len(tasks) - len(moved)
    if not moved:
        return line("unchanged")
    rest = f"; {figures.counted(kept, 'other')} unchanged" if kept else ""
    more = f" · {len(moved) - TASKS_SHOWN} more in the table" if len(moved) > TASKS_SHOWN else ""
    return line(cells.SEPARATOR.join(moved[:TASKS_SHOWN]) + more + rest)


def _best_single(baseline: Baseline | None) -> Line:
    if baseline is None:
        return ()
    models = sorted(set(baseline.model_map.values()))
    fails = f"does not pass on {cells.few(baseline.fails_on, FAILING_SHOWN)}" if baseline.fails_on else "passes on all"
    return line(f"{cells.listed(models, 2)} everywhere, {figures.change(_negated(baseline.savings))} ({fails})")


def _oracle(baseline: Baseline | None) -> Line:
    if baseline is None:
        return ()
    change = figures.change(_negated(baseline.savings))
    return line(f"{change}: the cheapest whose estimate is within the margin, in hindsight (not certified)")


def _negated(savings: float | None) -> float | None:
    return None if savings is None else -savings


def _notes(report: ReplayReport) -> Iterator[Notes]:
    items = (
        *controls.notes(report),
        *_looks(report),
        *_chatty(report),
        *_adjusted(report),
        *_lost(report),
        *_not_replayable(report),
        *left_out(report),
        _spent(report),
    )
    yield Notes(items)


def _chatty(report: ReplayReport) -> Iterator[Line]:
    worst: dict[str, float] = {}
    for task in report.tasks:
        for candidate in task.candidates:
            if (ratio := candidate.output_token_ratio) is not None and ratio >= CHATTY:
                worst[candidate.model] = max(ratio, worst.get(candidate.model, 0.0))
    if worst:
        models = ", ".join(f"{model} up to {figures.times(ratio)}" for model, ratio in worst.items())
        yield line(f"longer answers than today's, in tokens: {models} (already in the figures)")


def _looks(report: ReplayReport) -> Iterator[Line]:
    """What looking early has saved."""
    candidates = [candidate for task in report.tasks for candidate in task.candidates]
    early = [candidate for candidate in candidates if candidate.n + candidate.unreachable < candidate.planned]
    if early:
        asked = sum(candidate.n + candidate.unreachable for candidate in candidates)
        planned = sum(candidate.planned for candidate in candidates)
        yield line(
            f"{len(early)} of {figures.counted(len(candidates), 'comparison')} ended at an early look: "
            f"{figures.count(asked)} of {figures.count(planned)} prompts asked"
        )


def _adjusted(report: ReplayReport) -> Iterator[Line]:
    changes: dict[str, list[str]] = {}
    for task in report.tasks:
        for candidate in task.candidates:
            for change in candidate.adjusted_parameters:
                models = changes.setdefault(change, [])
                if candidate.model not in models:
                    models.append(candidate.model)
    for change, models in changes.items():
        yield line(f"not sent as logged: {change} ({cells.listed(models, 3)})")


def _lost(report: ReplayReport) -> Iterator[Line]:
    candidates = [candidate for task in report.tasks for candidate in task.candidates]
    failures = sum(candidate.failures for candidate in candidates)
    unparsed = sum(candidate.unparsed for candidate in candidates)
    unreachable = sum(candidate.unreachable for candidate in candidates)
    if failures:
        yield line(f"{figures.counted(failures, 'answer')} refused, cut off, empty or invalid: counted as losses")
    if unparsed:
        yield line(f"{figures.counted(unparsed, 'judge verdict')} stayed unreadable: counted as losses")
    if unreachable:
        yield line(f"{figures.counted(unreachable, 'request')} got no answer from the endpoint: in no figure above")


def _not_replayable(report: ReplayReport) -> Iterator[Line]:
    if report.not_replayable:
        why = [f"{figures.count(item.calls)} {item.reason}" for item in report.not_replayable]
        yield line(f"in the bill, but cannot be replayed: {cells.listed(why, 4)}")


def _spent(report: ReplayReport) -> Line:
    spend = report.spend
    return line(
        cells.dim(
            f"Replay cost {figures.money(spend.replay_usd)}, grading {figures.money(spend.grading_usd)}, "
            f"controls {figures.money(spend.controls_usd)} "
            f"({figures.counted(spend.calls, 'call')}), seed {report.seed}, run {report.run}, "
            f"prices of {report.prices.as_of}"
        )
    )


def _next(report: ReplayReport) -> Next:
    export = Command("llmcost export --to litellm", "the model map as a gateway's configuration")
    label = Command("llmcost report --format html -o report.html", "every candidate, and why")
    plan = Command("llmcost export --to plan -o plan.json", "all of it, to be run by llmcost.runtime")
    around = any(task.choice.plan is not None for task in report.tasks)
    commands = ((export,) if any(map(switched, report.tasks)) else ()) + ((plan,) if around else ())
    return Next((*commands, label))
