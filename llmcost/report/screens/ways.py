"""What was tried besides other models: walks and cascades, what passed, and why the rest did not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from llmcost.recommend.result import Candidate, Cascade, ReplayReport, Rung, TaskReport, Walk
from llmcost.report import figures
from llmcost.report.document import Cell, Column, Line, Panel, Plot, Point, Row, Table, line
from llmcost.report.screens import cells
from llmcost.report.screens.plots import frontier_plot
from llmcost.report.screens.words import SWITCHES, lowest, verdict, verdict_cell

NAMES = {
    "near_duplicates": "near-duplicates",
    "compression": "compression",
    "batching": "batching",
    "cascade": "cascade",
}
SHOWN = {
    "near_duplicates": "prompts {:.0%} alike",
    "compression": "long texts to {:.0%}",
    "batching": "{:.0f} in one question",
}
REASONS_SHOWN = 3
LONGEST_CHANGE = 20_000  # characters of a system prompt's changes
MARGINS_SHOWN, LEAST_SHOWN = 4, 0.2  # how far down a picture reaches: so many margins, but so much at least
NOT_USED = "; not used: the whole bill is lower another way"


@dataclass(frozen=True, slots=True)
class Tried:
    """One thing that was tried on a task, as a row tells it; `useful`: it passed, it saves, and nothing bolder does."""

    task: str
    what: str
    setting: str
    on: str
    useful: bool
    verdict: Cell
    n: int
    at_least: float | None
    cost_ratio: float | None
    p95: float | None
    reason: str


def tried(report: ReplayReport) -> list[Tried]:
    """Every rung and every cascade of the run."""
    return [
        each
        for task in report.tasks
        for each in (
            *(found for walk in task.walks for found in _rungs(task, walk)),
            *(_cascade(task, item) for item in task.cascades),
        )
    ]


def _rungs(task: TaskReport, walk: Walk) -> Iterator[Tried]:
    for rung in walk.rungs:
        item = rung.trial
        yield Tried(
            task.task,
            NAMES.get(walk.strategy, walk.strategy),
            SHOWN.get(walk.strategy, "{}").format(rung.setting) + _achieved(rung),
            "" if walk.strategy == "near_duplicates" else walk.on or task.incumbent.model,
            rung.setting == walk.chosen and saves(item.cost_ratio),
            verdict(item),
            item.n,
            lowest(item),
            None if walk.strategy == "near_duplicates" else item.cost_ratio,
            item.latency_p95_ms,
            item.reason + (_unused(task, walk) if rung.setting == walk.chosen else ""),
        )


def _achieved(rung: Rung) -> str:
    """The tokens that are left of all that is sent, where that is known."""
    ratio = rung.input_token_ratio
    return f" ({figures.percent(ratio)} of all tokens sent)" if ratio is not None and ratio < 1 else ""


def _unused(task: TaskReport, walk: Walk) -> str:
    """Said of what passed and is not in the plan all the same; earlier answers stand before whatever else is chosen."""
    plan = task.choice.plan
    used = {
        "compression": plan is not None and plan.compression is not None,
        "batching": plan is not None and plan.batching is not None,
    }
    return "" if used.get(walk.strategy, True) else NOT_USED


def saves(cost_ratio: float | None) -> bool:
    """Whether it costs less than today."""
    return cost_ratio is not None and cost_ratio < 1


def _cascade(task: TaskReport, item: Cascade) -> Tried:
    passed = item.verdict in SWITCHES
    return Tried(
        task.task,
        NAMES["cascade"],
        _who(task, item),
        item.grader and f"scored by {item.grader}",
        passed and saves(item.cost_ratio),
        verdict_cell(item.verdict),
        item.n,
        -item.margin if passed else None,
        item.cost_ratio,
        item.latency_p95_ms,
        item.reason + (NOT_USED if passed and shown_verdict(task)[1] is not item else ""),
    )


def ways_table(report: ReplayReport) -> Iterator[Table]:
    """What passed besides other models, for people; all that was tried for machines; nothing if nothing passed."""
    rows = tried(report)
    useful = [each for each in rows if each.useful]
    columns = (
        Column("Use case", "task", shrink=True, least=9),
        Column("Also tried", "strategy", shrink=True),
        Column("How", "setting", shrink=True, lines=3),
        Column("Costs", "cost_ratio", "right"),
        Column("Quality", "at_least", "right"),
        Column("p95", "latency_p95_ms", "right", rank=1),
        Column("Verdict", "verdict", shrink=True, least=12),
    )
    whole = tuple(map(_row, rows))
    if useful:
        yield Table(
            "way",
            columns,
            whole,
            brief=tuple(map(_row, useful)),
            caption="What passed besides other models",
            cards=True,
        )


def useful_ways(report: ReplayReport) -> Iterator[Table]:
    """The same with what passed alone: the folds of the tasks hold the rest."""
    for table in ways_table(report):
        yield replace(table, rows=table.brief, brief=())


def _row(each: Tried) -> Row:
    return Row(
        (
            cells.name(each.task),
            cells.name(each.what),
            cells.name(each.setting),
            cells.percent(each.cost_ratio),
            Cell(figures.at_least(each.at_least), value=each.at_least),
            cells.duration(each.p95),
            each.verdict,
        )
    )


REASONS = (
    Column("Use case", "task", shrink=True),
    Column("Tried", "strategy", shrink=True),
    Column("How", "setting", shrink=True),
    Column("On", "on", shrink=True),
    Column("n", "n", "right"),
    Column("Verdict", "verdict", shrink=True, least=12),
    Column("Why", "reason", shrink=True, prose=True),
)


def ways_reasons(report: ReplayReport) -> Iterator[Table]:
    """Why each of them passed or did not."""
    if rows := tried(report):
        yield Table("way_reason", REASONS, tuple(map(_reason, rows)), "What else was tried, and why")


def _reason(each: Tried) -> Row:
    return Row(
        (
            cells.name(each.task),
            cells.name(each.what),
            cells.name(each.setting),
            cells.name(each.on or None),
            cells.count(each.n),
            each.verdict,
            Cell(each.reason, value=each.reason),
        )
    )


def tiers_table(report: ReplayReport) -> Iterator[Table]:
    """How the answers of every tier that is kept were scored, and what that costs."""
    rows = [row for task in report.tasks for item in task.cascades for row in _tiers(task, item)]
    if rows:
        columns = (
            Column("Use case", "task", shrink=True),
            Column("Tier", "model", shrink=True),
            Column("Kept from", "keep_from", "right"),
            Column("Keeps", "kept", "right"),
            Column("Reached by", "reached", "right"),
            Column("AUC", "auc", "right"),
            Column("AUC at least", "auc_lower", "right"),
            Column("Fails a check", "failed_checks", "right"),
            Column("No score", "unread", "right"),
            Column("Escalates", "escalated", "right"),
            Column("Scores cost", "grading_share", "right"),
            Column("Wasted", "wasted_share", "right"),
        )
        yield Table("tier", columns, tuple(rows), "Cascades: tiers, thresholds and what they cost")


def _tiers(task: TaskReport, item: Cascade) -> Iterator[Row]:
    for tier in item.tiers:
        yield Row(
            (
                cells.name(task.task),
                cells.name(tier.model),
                Cell("–" if tier.keep_from is None else f"{tier.keep_from:.2f}", value=tier.keep_from),
                cells.percent(tier.kept),
                cells.percent(tier.reached),
                Cell(f"{tier.auc:.2f}", value=tier.auc),
                Cell(f"{tier.auc_lower:.2f}", value=tier.auc_lower),
                cells.percent(tier.failed_checks),
                cells.percent(tier.unread),
                cells.percent(item.escalated),
                cells.percent(item.grading_share),
                cells.percent(item.wasted_share),
            )
        )


def frontiers(report: ReplayReport, deep: bool = True) -> Iterator[Plot]:
    """Cost against quality of each task: every model, and every cascade at every threshold.

    Unless `deep`, pictures end some margins below today's quality, so that what is near to it can be told apart.
    """
    for task in report.tasks:
        models, cascades, chosen = _alternatives(task)
        if any(None not in point for point in models.values()) or cascades:
            floor = None if deep else -max(MARGINS_SHOWN * task.margin, LEAST_SHOWN)
            today, margin = task.incumbent.model, task.margin
            plot = frontier_plot(task.task, today, models, cascades, margin=margin, chosen=chosen, floor=floor)
            yield replace(plot, detail=True, tabled=not cascades)


def _alternatives(task: TaskReport) -> tuple[dict[str, Point], dict[str, Sequence[Point]], str]:
    """Models (and a chosen way of asking one) at their cost and least quality, cascades, and which is to be used."""
    models: dict[str, Point] = {each.model: (each.cost_ratio, lowest(each)) for each in task.candidates}
    drawn = [item for item in task.cascades if len(item.frontier) > 1]
    cascades: dict[str, Sequence[Point]] = {_who(task, item): _course(item) for item in drawn}
    trial, cascade = shown_verdict(task)
    if cascade is not None:
        name = f"{_who(task, cascade)}, at its thresholds"
        return {**models, name: (cascade.cost_ratio, _bound(cascade))}, cascades, name
    if trial is not None:
        name = f"{task.choice.model}, {task.choice.way}"
        return {**models, name: (trial.cost_ratio, lowest(trial))}, cascades, name
    return models, cascades, task.choice.model if task.choice.verdict in SWITCHES else ""


def _who(task: TaskReport, item: Cascade) -> str:
    return " → ".join([*item.models, item.last or task.incumbent.model])


def _bound(item: Cascade) -> float:
    """The least quality of a cascade at the thresholds that it has: as drawn at every other, else what it passed."""
    thresholds = [tier.keep_from for tier in item.tiers]
    return next((point.lower_bound for point in item.frontier if point.thresholds == thresholds), -item.margin)


def _course(item: Cascade) -> list[Point]:
    """The cascade at every threshold, from cheap to dear."""
    points = [(point.cost_ratio, point.lower_bound) for point in item.frontier]
    return sorted(points, key=lambda point: (point[0] is None, point[0] or 0.0))


def templates_table(report: ReplayReport) -> Iterator[Table]:
    """System prompts that were shortened once and for all, line by line: to be read before they are used."""
    rows = [
        Row((cells.name(task.task), Cell(text, value=text)))
        for task in report.tasks
        for walk in task.walks
        for template in walk.templates
        for text in (_sizes(template.tokens_before, template.tokens_after), *template.difference.splitlines())
    ]
    if rows:
        columns = (Column("Use case", "task", shrink=True), Column("Change", "change", shrink=True, prose=True))
        title = "System prompts shortened once and for all: read the change before you use it"
        yield Table("template", columns, tuple(rows), title)


def templates(task: TaskReport) -> Iterator[Panel]:
    """The same for one task, as the changes are read by people."""
    for walk in task.walks:
        for template in walk.templates:
            sizes = _sizes(template.tokens_before, template.tokens_after)
            label = f"A system prompt shortened once and for all, {sizes}: read the change before you use it"
            yield Panel(label, template.difference, LONGEST_CHANGE)


def _sizes(before: int, after: int) -> str:
    return f"about {figures.count(before)} → {figures.count(after)} tokens"


def chosen_ways(report: ReplayReport) -> Line:
    """ "chat: qwen3-8b first, where … · summarize: long texts shortened to 40 %"."""
    found = [f"{task.task}: {said}" for task in report.tasks if (said := around(task))]
    return line(cells.SEPARATOR.join(found)) if found else ()


def around(task: TaskReport) -> str:
    """What stands between a task's requests and the model that answers, in words."""
    plan = task.choice.plan
    near = plan.caching.near if plan is not None and plan.caching is not None else None
    reused = "" if near is None else f"answers to prompts {figures.percent(near, 0)} alike are used again"
    return "; ".join(part for part in (task.choice.way or "", reused) if part)


def left_out(report: ReplayReport) -> Iterator[Line]:
    """What was not tried, by strategy, with the reasons given most often."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for task in report.tasks:
        for item in task.not_tried:
            short = "could not pay for its evidence" if item.reason.startswith("finding out") else item.reason
            reasons.setdefault(NAMES.get(item.strategy, item.strategy), {}).setdefault(short, []).append(task.task)
    for name, found in reasons.items():
        often = sorted(found.items(), key=lambda each: (-len(each[1]), each[0]))
        parts = [f"{reason} ({figures.counted(len(tasks), 'task')})" for reason, tasks in often[:REASONS_SHOWN]]
        yield line(f"not tried, {name}: {'; '.join(parts)}")


def shown_verdict(task: TaskReport) -> tuple[Candidate | None, Cascade | None]:
    """The rung or cascade that a task's choice rests on, if it is more than a model."""
    plan = task.choice.plan
    if not task.choice.way or plan is None:
        return None, None
    if plan.grader is not None:
        return None, _taken(task.cascades, [tier.model for tier in plan.tiers if tier.keep_from is not None])
    strategy = "compression" if plan.compression else "batching"
    setting = plan.compression.ratio if plan.compression else plan.batching.items if plan.batching else None
    rungs = [rung for walk in task.walks if walk.strategy == strategy for rung in walk.rungs if rung.setting == setting]
    return (rungs[-1].trial if rungs else None), None


def _taken(cascades: Sequence[Cascade], models: Sequence[str]) -> Cascade | None:
    def asked(item: Cascade) -> list[str]:
        return [tier.model.partition("@")[0] for tier in item.tiers if tier.kept > 0]

    bare = [model.partition("@")[0] for model in models]
    return next((item for item in cascades if item.verdict in SWITCHES and asked(item) == bare), None)
