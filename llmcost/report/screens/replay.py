"""The replay's screens: what a replay would cost, and afterwards what to use now and what the bill becomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from llmcost.recommend.result import Baseline, Bill, Candidate, ReplayReport, TaskReport
from llmcost.report import figures
from llmcost.report.document import (
    Block,
    Command,
    Definitions,
    Document,
    Fold,
    Grid,
    Heading,
    Line,
    Next,
    Notes,
    Plot,
    Point,
    Section,
    Span,
    Table,
    Text,
    line,
)
from llmcost.report.screens import cells, controls
from llmcost.report.screens.bill import bars, bill_table, period, shown, steps_table, totals, totals_table, waterfall
from llmcost.report.screens.evidence import folds, task_folds
from llmcost.report.screens.examples import examples_table
from llmcost.report.screens.plots import spend_plot, ttl_plot
from llmcost.report.screens.provenance import again_blocks, data_blocks
from llmcost.report.screens.spend import days_table, lives_table
from llmcost.report.screens.verdicts import candidates_table, reasons_table, switched, task_table
from llmcost.report.screens.ways import (
    around,
    chosen_ways,
    frontiers,
    left_out,
    templates_table,
    tiers_table,
    useful_ways,
    ways_reasons,
    ways_table,
)

CHATTY = 1.15  # a candidate that writes this many times the tokens is worth a line
TASKS_SHOWN = 6
FAILING_SHOWN = 2
PICTURES = 6  # of tasks that are seen without being asked for
FALLS = "How the bill falls"


def replay_document(report: ReplayReport) -> Document:
    """The report of a run: on a terminal the answer and what limits it, elsewhere all that it rests on as well."""
    brief: tuple[Block, ...] = (
        Heading(_headline(report)),
        task_table(report),
        *ways_table(report),
        bill_table(report.bill),
        Definitions(tuple(_around_the_bill(report))),
        Notes((*controls.notes(report), *_limits(report), _spent(report))),
        Next((*_next(report), Command("llmcost report --format html -o report.html", "every candidate, and why"))),
    )
    return Document(
        f"llmcost report {report.run}", (Heading(_headline(report)), *_sections(report)), brief, _machine(report)
    )


def _sections(report: ReplayReport) -> Iterator[Section]:
    """The parts of a page, those of which nothing is known left out; only the first two are not folded in a comment."""
    parts: tuple[tuple[str, str, tuple[Block, ...]], ...] = (
        ("What the bill becomes", "bill", _bill(report)),
        ("What to use for each task", "tasks", _tasks(report)),
        ("How the bill falls", "steps", tuple(_steps(report.bill))),
        ("Cost against quality", "frontiers", tuple(_frontiers(report))),
        ("Spend over time", "days", tuple(_days(report))),
        ("How long to keep answers", "cache", tuple(_cache(report))),
        ("Why: the evidence for each task", "why", _why(report)),
        ("What was read, and what limits the figures", "data", tuple(data_blocks(report, tuple(_limits(report))))),
        ("How to get this report again", "again", tuple(again_blocks(report))),
    )
    for number, (title, key, blocks) in enumerate(parts):
        if blocks:
            yield Section(title, blocks, key, folded=number >= 2)


def _bill(report: ReplayReport) -> tuple[Block, ...]:
    return (totals(report.bill), *_timeline(report.bill), bill_table(report.bill))


def _timeline(bill: Bill) -> Iterator[Text]:
    """How the totals and the headline hang together."""
    if bill.stacked is None or bill.stacked.logged_usd is None:
        return
    before, left = (figures.whole_money(shown(bill.before, side.logged_usd)) for side in (bill.before, bill.stacked))
    said = (
        f"Each step is counted on what the ones before it left: {before} → {left}{period(bill.before)} with all of it. "
        "The headline and the table below count what was measured, and nothing else."
    )
    yield Text((line(said),))


def _tasks(report: ReplayReport) -> tuple[Block, ...]:
    return (
        task_table(report, folds(report)),
        *useful_ways(report),
        Definitions(tuple(each for each in _around_the_bill(report) if each[0] != FALLS)),
        Next(_next(report)),
    )


def _steps(bill: Bill) -> Iterator[Block]:
    """The stack in full, where a step takes something off."""
    if not bill.steps:
        return
    yield from bars(bill)
    yield steps_table(bill.before, bill.stacked or bill.after, bill.steps, bill.shares)
    kept = f" The exact cache keeps answers for {bill.cache_ttl}." if bill.cache_ttl else ""
    said = (
        "Worth: a step's share of the saving, whatever the order. Alone: what it would save were it the only one; "
        f"never add those up.{kept}"
    )
    yield Notes((line(said),))


def _frontiers(report: ReplayReport) -> Iterator[Block]:
    """A picture a task; of many tasks the first are shown, and the others when they are asked for."""
    plots = tuple(frontiers(report, deep=False))
    if not plots:
        return
    yield Text((line("To the left is cheaper, up is better. Quality is the least that it can be, not an estimate."),))
    yield Grid(plots[:PICTURES])
    if rest := plots[PICTURES:]:
        yield Fold(f"{figures.counted(len(rest), 'more task')}", (Grid(rest),))


def _days(report: ReplayReport) -> Iterator[Block]:
    if report.by_day:
        yield spend_plot("What the calls of each day cost, as logged", report.by_day)


def _cache(report: ReplayReport) -> Iterator[Block]:
    """What an exact cache would answer: a curve, and what each point saves."""
    if report.cache_lives:
        yield ttl_plot("Hit rate of an exact response cache, all tasks", _lives(report), {}, tabled=True)
        yield lives_table(report)


def _lives(report: ReplayReport) -> tuple[str, tuple[Point, ...]]:
    return "all tasks", tuple((float(each.ttl_s), each.hit_rate) for each in report.cache_lives)


def _why(report: ReplayReport) -> tuple[Block, ...]:
    return (Notes(tuple(controls.notes(report))), *task_folds(report))


def _machine(report: ReplayReport) -> tuple[Table | Plot, ...]:
    """Every figure in tables of one shape."""
    bill = report.bill
    return (
        task_table(report),
        *ways_table(report),
        bill_table(bill),
        totals_table(bill),
        reasons_table(report),
        *ways_reasons(report),
        candidates_table(report),
        *([steps_table(bill.before, bill.stacked or bill.after, bill.steps, bill.shares)] if bill.steps else []),
        *tiers_table(report),
        *frontiers(report),
        *templates_table(report),
        *([days_table(report)] if report.by_day else []),
        *([lives_table(report)] if report.cache_lives else []),
        *([examples_table(report.examples)] if report.examples else []),
    )


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


def _around_the_bill(report: ReplayReport) -> Iterator[tuple[str, Line]]:
    items = [
        ("Model map", _model_map(report.tasks)),
        ("Around the models", chosen_ways(report)),
        (FALLS, waterfall(report.bill)),
        ("Best single model", _best_single(report.best_single_model)),
        ("Oracle per task", _oracle(report.oracle)),
    ]
    yield from ((term, meaning) for term, meaning in items if meaning)


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


def _limits(report: ReplayReport) -> Iterator[Line]:
    """What else limits the figures."""
    yield from _looks(report)
    yield from _chatty(report)
    yield from _adjusted(report)
    yield from _lost(report)
    yield from _not_replayable(report)
    yield from left_out(report)


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
    early = [candidate for candidate in candidates if candidate.n + candidate.left_out < candidate.planned]
    if early:
        asked = sum(candidate.n + candidate.left_out for candidate in candidates)
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
    yield from _answered_by_others(candidates)


def _answered_by_others(candidates: Iterable[Candidate]) -> Iterator[Line]:
    """Who was asked, and who answered in its place."""
    others: dict[str, Counter[str]] = {}
    for candidate in candidates:
        others.setdefault(candidate.model, Counter()).update(candidate.substitutes)
    for asked, names in others.items():
        if count := names.total():
            requests = f"{figures.counted(count, 'request')} to {asked} {'was' if count == 1 else 'were'}"
            yield line(f"{requests} answered by another model ({cells.listed(list(names), 3)}): in no figure above")


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


def _next(report: ReplayReport) -> tuple[Command, ...]:
    """How to put it to use."""
    export = Command("llmcost export --to litellm", "the model map as a gateway's configuration")
    plan = Command("llmcost export --to plan -o plan.json", "all of it, to be run by llmcost.runtime")
    around = any(task.choice.plan is not None for task in report.tasks)
    return ((export,) if any(map(switched, report.tasks)) else ()) + ((plan,) if around else ())
