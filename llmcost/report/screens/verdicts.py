"""What to use for each task, and why: the verdicts in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from llmcost.evidence import Decision
from llmcost.recommend.result import Candidate, ReplayReport, TaskReport, dropped_early
from llmcost.report import figures
from llmcost.report.document import Cell, Column, Row, Table, line
from llmcost.report.screens import cells
from llmcost.report.screens.ways import around, shown_verdict
from llmcost.report.screens.words import SWITCHES, highest, looser, lowest, verdict, verdict_cell

DEARER = 1.05  # from here on "1.1×" is said of a cost; less is "not certainly cheaper"


def switched(task: TaskReport) -> bool:
    """Whether a candidate has passed and is to be used now."""
    return task.choice.verdict in SWITCHES


def deciding(task: TaskReport) -> Candidate | None:
    """The candidate that the row speaks of: the one chosen, else the most promising of those that it stays for."""
    if task.choice.way:
        return shown_verdict(task)[0]
    if switched(task):
        return next((item for item in task.candidates if item.model == task.choice.model), None)
    if task.choice.verdict == "KEEP" and (passed := _passed(task)):
        return min(passed, key=_cost)
    alike = [item for item in task.candidates if item.verdict == task.choice.verdict] or task.candidates
    return max(alike, key=_promise, default=None)


def task_table(report: ReplayReport, folds: Sequence[str] = ()) -> Table:
    """Use case · what you use · what to use now · savings · quality · verdict; each task leads to its fold."""
    columns = (
        Column("Use case", "task", shrink=True, lines=4, least=9),
        Column("What you use", "model", shrink=True, lines=4),
        Column("What to use now", "model_now", shrink=True, lines=4),
        Column("Saves", "savings", "right"),
        Column("Quality", "quality"),
        Column("Verdict", "verdict", shrink=True, least=15),
    )
    keys = folds or [""] * len(report.tasks)
    rows = (
        replace(row, cells=(replace(row.cells[0], to=key), *row.cells[1:]))
        for key, row in zip(keys, map(_task_row, report.tasks), strict=True)
    )
    return Table("task", columns, tuple(rows), caption="Every task: what you use and what to use now", cards=True)


def reasons_table(report: ReplayReport) -> Table:
    """Why: one line a candidate."""
    columns = (
        Column("Use case", "task", shrink=True),
        Column("Candidate", "candidate", shrink=True),
        Column("Verdict", "verdict", shrink=True, least=15),
        Column("Why", "reason", shrink=True, prose=True),
    )
    rows = tuple(
        Row((cells.name(task.task), cells.name(item.model), verdict(item), Cell(item.reason, value=item.reason)))
        for task in report.tasks
        for item in task.candidates
    )
    return Table("reason", columns, rows, "Why")


def candidates_table(report: ReplayReport) -> Table:
    """Every candidate on every task with all its figures."""
    columns = tuple(column for column, _ in _CANDIDATE)
    rows = tuple(
        Row(tuple(cell(task, item) for _, cell in _CANDIDATE)) for task in report.tasks for item in task.candidates
    )
    return Table("candidate", columns, rows, "Every candidate")


def _passed(task: TaskReport) -> list[Candidate]:
    return [item for item in task.candidates if item.verdict in SWITCHES]


def _cost(item: Candidate) -> float:
    return float("inf") if item.cost_ratio is None else item.cost_ratio


def _promise(item: Candidate) -> tuple[float, float]:
    worst = -float("inf")
    return (
        worst if item.lower_bound is None else item.lower_bound,
        worst if item.difference is None else item.difference,
    )


def _task_row(task: TaskReport) -> Row:
    item = deciding(task)
    savings = task.choice.savings if switched(task) else None
    reach = figures.half_width(savings, task.choice.savings_interval) if savings is not None else ""
    quality = _of_cascade(task) if item is None else _quality(item)
    return Row(
        (
            cells.name(task.task),
            cells.name(task.incumbent.model),
            cells.name(task.choice.model, "strong" if switched(task) else "plain"),
            Cell(figures.percent(savings), value=savings),
            quality,
            task_verdict(task),
        ),
        _below(task, reach),
        note=line(cells.dim(_note(task, item))),
    )


def task_verdict(task: TaskReport) -> Cell:
    """The verdict on a task, with the margin at which it holds where that is a looser one."""
    item = deciding(task)
    return verdict_cell(task.choice.verdict) if item is None or not switched(task) else verdict(item)


def _note(task: TaskReport, item: Candidate | None) -> str:
    stays = "" if switched(task) or item is None else _why_it_stays(task, item)
    return "; ".join(part for part in (around(task), stays) if part)


def _of_cascade(task: TaskReport) -> Cell:
    """What is certain where a cascade is what passed."""
    cascade = shown_verdict(task)[1]
    if cascade is None:
        return Cell(figures.UNKNOWN)
    return Cell(f"{figures.at_least(-cascade.margin)} (n {figures.count(cascade.n)})", value=-cascade.margin)


def _below(task: TaskReport, reach: str) -> tuple[Cell, ...]:
    models = len(task.incumbent.models)
    used = f"+{models - 1} more" if models > 1 else ""
    below = (Cell(""), Cell(used, "dim"), Cell(""), Cell(reach), Cell(""), Cell(""))
    return below if any(cell.text for cell in below) else ()


def _why_it_stays(task: TaskReport, item: Candidate) -> str:
    """Whose quality the row shows, and why that model is not used."""
    passed = min(_passed(task), key=_cost, default=None)
    enough = f"{passed.model} is good enough{looser(passed)} but {_not_cheaper(passed)}" if passed else ""
    if item is passed:
        return enough
    others = f" +{len(task.candidates) - 1}" if len(task.candidates) > 1 and not enough else ""
    tried = f"tried {item.model}{others}: {_STAYS[item.verdict](task, item)}"
    return f"{tried}; {enough}" if enough else tried


def _not_cheaper(item: Candidate) -> str:
    if item.cost_ratio is None:
        return "its cost is not known"
    return f"costs {figures.times(item.cost_ratio)}" if item.cost_ratio >= DEARER else "is not certainly cheaper"


def _undecided(task: TaskReport, item: Candidate) -> str:
    if item.more_prompts is None:
        return "not reachable at this estimate"
    price = f" (≈ {figures.money(item.more_usd)})" if item.more_usd is not None else ""
    longer = ", a longer log" if item.more_prompts > task.replayable_calls - item.n else ""
    return f"needs {figures.rough(item.more_prompts)} more prompts{price}{longer}"


_STAYS: dict[Decision, Callable[[TaskReport, Candidate], str]] = {
    "KEEP": lambda task, _: f"worse by more than the margin of {figures.at_most(task.margin)}",
    "INCONCLUSIVE": lambda task, item: item.ended if dropped_early(item) else _undecided(task, item),
    "CANNOT_JUDGE": lambda _, item: item.reason,
}


def _quality(item: Candidate) -> Cell:
    """What is certain about quality on the user's scale; for machines the lower bound of it."""
    n = f"(n {figures.count(item.n)})"
    bound = lowest(item)
    return Cell(f"{_QUALITY[item.verdict](item)} {n}", value="" if bound is None else bound)


def _at_least(item: Candidate) -> str:
    return figures.at_least(lowest(item))


def _worse(item: Candidate) -> str:
    return figures.at_least_worse(highest(item))


def _between(item: Candidate) -> str:
    """What is certain; of one that was dropped early, where nothing is, the estimate."""
    return (
        f"≈ {figures.change(item.difference)}" if dropped_early(item) else figures.between(lowest(item), highest(item))
    )


_QUALITY: dict[Decision, Callable[[Candidate], str]] = {
    "SWITCH": _at_least,
    "SWITCH_AT": _at_least,
    "KEEP": _worse,
    "INCONCLUSIVE": _between,
    "CANNOT_JUDGE": _between,
}


def _effective(item: Candidate) -> Cell:
    shown = None if item.n_effective is None else round(item.n_effective)
    return Cell(figures.count(shown), value=item.n_effective)


def _kappa(item: Candidate) -> Cell:
    return Cell(f"{item.reliability:.2f}", value=item.reliability)


def _bound(share: float | None, shown: Callable[[float | None], str]) -> Cell:
    return Cell(shown(share), value=share)


_CANDIDATE: tuple[tuple[Column, Callable[[TaskReport, Candidate], Cell]], ...] = (
    (Column("Use case", "task", shrink=True), lambda task, _: cells.name(task.task)),
    (Column("Candidate", "candidate", shrink=True), lambda _, item: cells.name(item.model)),
    (Column("Verdict", "verdict", shrink=True, least=15), lambda _, item: verdict(item)),
    (Column("n", "n", "right"), lambda _, item: cells.count(item.n)),
    (Column("Effective n", "n_effective", "right"), lambda _, item: _effective(item)),
    (Column("Wins", "wins", "right"), lambda _, item: cells.count(item.wins)),
    (Column("Ties", "ties", "right"), lambda _, item: cells.count(item.ties)),
    (Column("Losses", "losses", "right"), lambda _, item: cells.count(item.losses)),
    (Column("Failures", "failures", "right"), lambda _, item: cells.count(item.failures)),
    (Column("As judged", "difference", "right"), lambda _, item: cells.change(item.difference)),
    (Column("At least", "at_least", "right"), lambda _, item: _bound(lowest(item), figures.at_least)),
    (Column("At most", "at_most", "right"), lambda _, item: _bound(highest(item), figures.no_more)),
    (Column("Certified", "certified_margin", "right"), lambda _, item: cells.no_more_than(item.certified_margin)),
    (Column("Flips at bias", "tipping_bias", "right"), lambda _, item: cells.change(item.tipping_bias)),
    (Column("κ at least", "reliability", "right"), lambda _, item: _kappa(item)),
    (Column("Noise floor", "noise_floor", "right"), lambda task, _: cells.percent(task.noise_floor)),
    (Column("Cost ratio", "cost_ratio", "right"), lambda _, item: cells.percent(item.cost_ratio)),
    (Column("$/call", "cost_per_call_usd", "right"), lambda _, item: cells.per_call(item.cost_per_call_usd)),
    (Column("p95", "latency_p95_ms", "right"), lambda _, item: cells.duration(item.latency_p95_ms)),
    (Column("Graded by", "graded_by"), lambda _, item: cells.name(", ".join(item.basis) or None)),
    (Column("Evidence", "evidence"), lambda _, item: cells.name(item.grade)),
    (Column("Look", "look", "right"), lambda _, item: Cell(f"{item.look} of {item.looks}", value=item.look)),
    (Column("Ended", "ended", prose=True, shrink=True), lambda _, item: cells.name(item.ended or None)),
)
