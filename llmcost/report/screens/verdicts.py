"""What to use for each task, and why: the verdicts in words."""

from __future__ import annotations

from collections.abc import Callable

from llmcost.evidence import Decision
from llmcost.recommend.result import Candidate, ReplayReport, TaskReport
from llmcost.report import figures
from llmcost.report.document import Cell, Column, Role, Row, Table, line
from llmcost.report.screens import cells

SWITCHES: frozenset[Decision] = frozenset({"SWITCH", "SWITCH_AT"})
_WORDS: dict[Decision, tuple[str, Role]] = {
    "SWITCH": ("SWITCH", "good"),
    "SWITCH_AT": ("SWITCH", "good"),
    "KEEP": ("KEEP", "strong"),
    "INCONCLUSIVE": ("INCONCLUSIVE", "warn"),
    "CANNOT_JUDGE": ("CANNOT JUDGE", "warn"),
}


def switched(task: TaskReport) -> bool:
    """Whether a candidate has passed and is to be used now."""
    return task.choice.verdict in SWITCHES


def deciding(task: TaskReport) -> Candidate | None:
    """The candidate that the task's verdict speaks of: the one chosen, else the best of those with that verdict."""
    if switched(task):
        return next((item for item in task.candidates if item.model == task.choice.model), None)
    alike = [item for item in task.candidates if item.verdict == task.choice.verdict] or task.candidates
    return max(alike, key=_promise, default=None)


def task_table(report: ReplayReport) -> Table:
    """Use case · what you use · what to use now · savings · quality · verdict."""
    columns = (
        Column("Use case", "task", shrink=True, lines=3),
        Column("What you use", "model", shrink=True, lines=3),
        Column("What to use now", "model_now", shrink=True, lines=3),
        Column("Saves", "savings", "right"),
        Column("Quality", "quality"),
        Column("Verdict", "verdict", shrink=True, least=12),
    )
    return Table("task", columns, tuple(map(_task_row, report.tasks)))


def reasons_table(report: ReplayReport) -> Table:
    """Why: one line a candidate."""
    columns = (
        Column("Use case", "task", shrink=True),
        Column("Candidate", "candidate", shrink=True),
        Column("Verdict", "verdict", shrink=True, least=12),
        Column("Why", "reason", shrink=True, lines=4),
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
    return Table("candidate", columns, rows, "Every candidate", detail=True)


def verdict(item: Candidate) -> Cell:
    """The verdict in words: "SWITCH at 5 %" where it holds only at a looser margin."""
    word, role = _WORDS[item.verdict]
    at = f" at {figures.at_most(item.certified_margin)}" if item.verdict == "SWITCH_AT" else ""
    return Cell(word + at, role, item.verdict)


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
    quality = Cell(figures.UNKNOWN) if item is None else _quality(item)
    word, role = _WORDS[task.choice.verdict]
    judged = Cell(word, role, task.choice.verdict) if item is None or not switched(task) else verdict(item)
    below = _below(task, item, reach)
    tried = f"tried: {item.model}" if item is not None and not switched(task) else ""
    return Row(
        (
            cells.name(task.task),
            cells.name(task.incumbent.model),
            cells.name(task.choice.model, "strong" if switched(task) else "plain"),
            Cell(figures.percent(savings), value=savings),
            quality,
            judged,
        ),
        below if any(cell.text for cell in below) else (),
        note=line(cells.dim(tried)),
    )


def _below(task: TaskReport, item: Candidate | None, reach: str) -> tuple[Cell, ...]:
    models = len(task.incumbent.models)
    used = f"+{models - 1} more" if models > 1 else ""
    more = "" if item is None or item.verdict != "INCONCLUSIVE" else _more(item)
    return (Cell(""), Cell(used, "dim"), Cell(""), Cell(reach), Cell(more, "dim"), Cell(""))


def _more(item: Candidate) -> str:
    if item.more_prompts is None:
        return ""
    price = f" ≈ {figures.money(item.more_usd)}" if item.more_usd is not None else ""
    return f"{figures.count(item.more_prompts)} more{price}"


def _quality(item: Candidate) -> Cell:
    n = f"(n {figures.count(item.n)})"
    return Cell(f"{_QUALITY[item.verdict](item)} {n}", value=item.lower_bound)


def _bound(item: Candidate) -> str:
    return figures.at_least(item.lower_bound)


def _difference(item: Candidate) -> str:
    return figures.change(item.difference)


def _interval(item: Candidate) -> str:
    if item.difference is None or item.lower_bound is None or item.upper_bound is None:
        return _difference(item)
    reach = figures.half_width(item.difference, [item.lower_bound, item.upper_bound])
    return f"{figures.change(item.difference).removesuffix(' %')} {reach} %"


_QUALITY: dict[Decision, Callable[[Candidate], str]] = {
    "SWITCH": _bound,
    "SWITCH_AT": _bound,
    "KEEP": _difference,
    "INCONCLUSIVE": _interval,
    "CANNOT_JUDGE": _difference,
}


def _signed(value: float | None) -> Cell:
    return cells.change(value)


_CANDIDATE: tuple[tuple[Column, Callable[[TaskReport, Candidate], Cell]], ...] = (
    (Column("Use case", "task", shrink=True), lambda task, _: cells.name(task.task)),
    (Column("Candidate", "candidate", shrink=True), lambda _, item: cells.name(item.model)),
    (Column("Verdict", "verdict", shrink=True, least=12), lambda _, item: verdict(item)),
    (Column("n", "n", "right"), lambda _, item: cells.count(item.n)),
    (Column("Wins", "wins", "right"), lambda _, item: cells.count(item.wins)),
    (Column("Ties", "ties", "right"), lambda _, item: cells.count(item.ties)),
    (Column("Losses", "losses", "right"), lambda _, item: cells.count(item.losses)),
    (Column("Failures", "failures", "right"), lambda _, item: cells.count(item.failures)),
    (Column("Difference", "difference", "right"), lambda _, item: _signed(item.difference)),
    (Column("At least", "lower_bound", "right"), lambda _, item: Cell(_bound(item), value=item.lower_bound)),
    (Column("Noise floor", "noise_floor", "right"), lambda task, _: cells.percent(task.noise_floor)),
    (Column("Cost ratio", "cost_ratio", "right"), lambda _, item: cells.percent(item.cost_ratio)),
    (Column("$/call", "cost_per_call_usd", "right"), lambda _, item: cells.per_call(item.cost_per_call_usd)),
    (Column("p95", "latency_p95_ms", "right"), lambda _, item: cells.duration(item.latency_p95_ms)),
    (Column("Graded by", "graded_by"), lambda _, item: cells.name(", ".join(item.basis) or None)),
    (Column("Evidence", "evidence"), lambda _, item: cells.name(item.grade)),
)
