"""The screen of a look at promises: which hold, which are broken, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from llmcost.monitor.result import NOT_BROKEN, GraderWatch, MonitorReport, Standing, TaskWatch
from llmcost.report import figures
from llmcost.report.document import (
    Cell,
    Column,
    Command,
    Document,
    Heading,
    Line,
    Next,
    Notes,
    Role,
    Row,
    Span,
    Table,
    line,
)
from llmcost.report.screens import cells

_WORDS: dict[Standing, tuple[str, Role]] = {
    "HOLDS": ("HOLDS", "good"),
    "BROKEN": ("BROKEN", "bad"),
    "TOO_EARLY": ("TOO EARLY", "warn"),
    "CANNOT_JUDGE": ("CANNOT JUDGE", "warn"),
}
_BESIDE: dict[Standing, str] = {
    "BROKEN": "",
    "HOLDS": "{} not shown to be broken",
    "TOO_EARLY": "{} too early to say",
    "CANNOT_JUDGE": "{} cannot be judged",
}
_LEAST_SHOWN, _MOST_SHOWN = 0.1, 1_000_000  # evidence beyond is all the same
NAMED = 4


def monitor_document(report: MonitorReport) -> Document:
    """The look as a document: the answer, every promise, what limits the figures, what to do next."""
    blocks = (
        Heading(_headline(report)),
        _tasks(report),
        Notes(tuple(_notes(report))),
        _next(report),
        _graders(report),
    )
    return Document(f"llmcost monitor {report.run}", blocks)


def _headline(report: MonitorReport) -> Line:
    """The verdict that matters most, of how many promises, and what is to be said of the others."""
    counts = Counter(task.verdict for task in report.tasks)
    first = next(verdict for verdict in _BESIDE if counts[verdict])
    others = [words.format(counts[v]) for v, words in _BESIDE.items() if counts[v] and v != first]
    word, role = _WORDS[first]
    whole = f"  {counts[first]} of {figures.counted(len(report.tasks), 'promise')}"
    return line(Span(word, role), cells.joined([whole, _back(report), *others]))


def _back(report: MonitorReport) -> str:
    back = [f"{task.task} → {task.former}" for task in report.broken]
    return f"switch back: {cells.listed(back, NAMED)}" if back else ""


def _tasks(report: MonitorReport) -> Table:
    columns = (
        Column("Use case", "task", shrink=True, least=9),
        Column("Now", "model", shrink=True, rank=1),
        Column("Promise", "margin", "right"),
        Column("Prompts", "prompts", "right"),
        Column("new", "new_prompts", "right", rank=2),
        Column("So far", "difference", "right"),
        Column("At least", "lower_bound", "right"),
        Column("Evidence", "evidence", "right"),
        Column("Verdict", "verdict", shrink=True, least=12),
    )
    return Table("task", columns, tuple(map(_task, report.tasks)))


def _task(task: TaskWatch) -> Row:
    word, role = _WORDS[task.verdict]
    return Row(
        (
            cells.name(task.task),
            cells.name(task.model),
            Cell(figures.at_least(-task.margin), value=-task.margin),
            cells.count(task.prompts),
            cells.count(task.new_prompts),
            cells.change(task.difference),
            Cell(figures.at_least(task.lower_bound), value=task.lower_bound),
            Cell(f"{_evidence(task.evidence)} of {_evidence(task.breaks_at)}", value=task.evidence),
            Cell(word, role, task.verdict),
        ),
        note=() if task.reason == NOT_BROKEN else line(Span(task.reason, "bad" if task.verdict == "BROKEN" else "dim")),
    )


def _evidence(value: float) -> str:
    """Evidence in two digits; what is far beyond any level is not spelt out."""
    if value > _MOST_SHOWN:
        return f">{figures.compact(_MOST_SHOWN)}"
    if value < _LEAST_SHOWN:
        return f"<{_LEAST_SHOWN}"
    return figures.count(round(value)) if value >= 10 else f"{value:.1f}"


def _notes(report: MonitorReport) -> Iterator[Line]:
    yield line(
        f"a promise holds until the evidence against it reaches {_evidence(report.tasks[0].breaks_at)}; "
        f"look as often as you like: the chance of any false alarm, ever, is {figures.percent(report.alpha, 0)} at most"
    )
    if report.graders:
        who = " and ".join(report.graders)
        every = "; each of them must say so" if len(report.graders) > 1 else ""
        yield line(f"differences are new − former as judged by {who} where checks do not decide{every}")
    yield from _lost(report)
    if report.left_out:
        why = [f"{figures.count(item.calls)} {item.reason}" for item in report.left_out]
        yield line(f"calls of these tasks that are not watched: {cells.listed(why, NAMED)}")
    for change in report.adjusted_parameters:
        yield line(f"not sent as logged: {change}")
    if report.not_switched:
        yield line(f"not switched by the run, so not watched: {cells.listed(report.not_switched, NAMED)}")
    yield line(cells.dim(_spent(report)))


def _lost(report: MonitorReport) -> Iterator[Line]:
    failures, unparsed, missing = (
        sum(getattr(task, name) for task in report.tasks) for name in ("failures", "unparsed", "missing")
    )
    if failures:
        yield line(
            f"{figures.counted(failures, 'answer')} of new models refused, cut off, empty or invalid: counted as losses"
        )
    if unparsed:
        yield line(f"{figures.counted(unparsed, 'judge verdict')} stayed unreadable: counted as losses")
    if missing:
        yield line(f"{figures.counted(missing, 'prompt')} got no answer to compare with: in no figure, tried again")


def _spent(report: MonitorReport) -> str:
    spend = report.spend
    files = cells.file_names(report.files)
    if not spend.calls:
        return f"nothing was asked: no prompt drawn from {files} is new (--sample draws more); run {report.run}"
    return (
        f"Asking cost {figures.money(spend.replay_usd)}, grading {figures.money(spend.grading_usd)}, controls "
        f"{figures.money(spend.controls_usd)} ({figures.counted(spend.calls, 'call')}), seed {report.seed}, "
        f"run {report.run}, prices of {report.prices.as_of}"
    )


def _next(report: MonitorReport) -> Next:
    if report.broken:
        return Next((Command("llmcost replay LOGS", "once it is switched back: look for another model"),))
    return Next((Command("llmcost monitor NEWER-LOGS", "every day: evidence adds up"),))


def _graders(report: MonitorReport) -> Table:
    columns = (
        Column("Use case", "task", shrink=True),
        Column("Grader", "grader", shrink=True),
        Column("Prompts", "prompts", "right"),
        Column("So far", "difference", "right"),
        Column("At least", "lower_bound", "right"),
        Column("Evidence", "evidence", "right"),
        Column("At most ever", "highest_evidence", "right"),
        Column("", "broken"),
    )
    rows = tuple(_grader(task, item) for task in report.tasks for item in task.graders)
    return Table("grader", columns, rows, "By grader", detail=True)


def _grader(task: TaskWatch, item: GraderWatch) -> Row:
    return Row(
        (
            cells.name(task.task),
            cells.name(item.grader),
            cells.count(item.prompts),
            cells.change(item.difference),
            Cell(figures.at_least(item.lower_bound), value=item.lower_bound),
            Cell(_evidence(item.evidence), value=item.evidence),
            Cell(_evidence(item.highest_evidence), value=item.highest_evidence),
            Cell("broken" if item.broken else "", "bad", str(item.broken).lower()),
        )
    )
