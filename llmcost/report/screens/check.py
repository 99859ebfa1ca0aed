"""The gate's screen: passed or failed, what changed, and what moved the bill. What did not change takes one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import floor
from shlex import quote

from llmcost.gate.result import CheckResult, Held, Rule, TaskCheck
from llmcost.report import figures
from llmcost.report.document import (
    Block,
    Cell,
    Column,
    Command,
    Definitions,
    Document,
    Heading,
    Line,
    Next,
    Notes,
    Role,
    Row,
    Span,
    Table,
    Text,
    line,
)
from llmcost.report.screens import cells

UNNOTICED = 0.0005  # a change that is written as 0.0 %
NOTHING = 0.005  # dollars that are written as $0.00
MOST_TASKS, MOST_SAID = 20, 10  # a screen's worth
IN_FULL = "--format markdown or html has every one"
_MEANT: tuple[Held, ...] = (  # what may be meant to be so
    "cost_per_call",
    "task_cost_per_call",
    "cost_usd",
    "tokens_per_call",
    "latency_p95",
    "new_model",
    "unknown_task",
    "comparable",
)
_WORDS: dict[str, Span] = {"warned": Span("warning", "warn"), "unsure": Span("not certain", "dim")}


def check_document(result: CheckResult) -> Document:
    """The check as a document: the verdict, its reasons, the tasks that changed, what moved the bill, what to do."""
    moved = [task for task in result.tasks if _is_moved(task)]
    blocks: tuple[Block, ...] = (
        _headline(result),
        *_reasons(result),
        *_moved_tasks(result, moved),
        *_moved(result),
        *_notes(result),
        *_next(result),
        _tasks(result, result.tasks, "Every task", detail=True),
        _rules(result),
    )
    return Document("llmcost check", blocks)


def headline(result: CheckResult) -> str:
    """The verdict's sentence: why it failed, or how the cost per call moved."""
    if result.reasons:
        return result.reasons[0]
    if not result.changed:
        tasks = figures.counted(len(result.tasks), "task")
        return f"nothing changed: {tasks}, cost per call 0.0 %, {figures.at_most(result.max_increase)} allowed"
    return next((rule.said for rule in result.rules if rule.rule == "cost_per_call"), "")


def _headline(result: CheckResult) -> Heading:
    word = Span("PASS", "good") if result.passed else Span("FAIL", "bad")
    return Heading(line(word, f"  {headline(result)}"))


def _reasons(result: CheckResult) -> Iterator[Block]:
    if result.reasons[1:]:
        yield Notes(_first([line(reason) for reason in result.reasons[1:]]))


def _first(items: Sequence[Line]) -> tuple[Line, ...]:
    """As many as are read at all, and how many more there are: the table of limits holds every one."""
    more = len(items) - MOST_SAID
    return (*items[:MOST_SAID], *([line(f"and {more:,} more: {IN_FULL}")] if more > 0 else []))


def _is_moved(task: TaskCheck) -> bool:
    """Whether a task is worth a line: another cost, new, gone, or on a model that it did not have."""
    known = task.past_calls > 0 and task.current_calls > 0
    unlike = task.change is None or abs(task.change) >= UNNOTICED
    return task.regressed or not known or unlike or bool(task.new_models)


def _moved_tasks(result: CheckResult, moved: Sequence[TaskCheck]) -> Iterator[Block]:
    """The tasks that changed, the worst first, and how many did not; nothing where none did."""
    if not moved:
        return
    yield _tasks(result, moved[:MOST_TASKS], "", detail=False)
    counts = ((len(moved) - MOST_TASKS, f"changed: {IN_FULL}"), (len(result.tasks) - len(moved), "unchanged"))
    others = (f"{figures.counted(many, 'other task')} {what}" for many, what in counts if many > 0)
    if lines := tuple(line(cells.dim(said)) for said in others):
        yield Text(lines)


def _tasks(result: CheckResult, tasks: Sequence[TaskCheck], title: str, *, detail: bool) -> Table:
    what = "case" if result.paired else "call"
    columns = (
        Column("Task", "task", shrink=True),
        Column("Calls then", "past_calls", "right", rank=3),
        Column("Calls now", "current_calls", "right", rank=2),
        Column(f"$/{what} then", "past_cost_per_call_usd", "right"),
        Column(f"$/{what} now", "current_cost_per_call_usd", "right"),
        Column("Change", "change", "right"),
        Column("At least", "lower_bound", "right"),
        Column("", "regressed"),
        Column("New models", "new_models", shrink=True, rank=1),
    )
    rows = (*(_task(task, result) for task in tasks), _total(result))
    return Table("every_task" if detail else "task", columns, rows, title, detail)


def _total(result: CheckResult) -> Row:
    past, now = result.past, result.current
    least = next((rule.lower_bound for rule in result.rules if rule.rule == "cost_per_call"), None)
    return Row(
        (
            Cell("all, same cases" if result.paired else "all, same mix", "strong", "*"),
            cells.count(past.calls),
            cells.count(now.calls),
            cells.per_call(past.cost_per_call_usd),
            cells.per_call(now.cost_per_call_usd),
            cells.change(result.diff.change, "strong"),
            _least(result.diff.change, least),
            Cell(""),
            Cell(""),
        )
    )


def _task(task: TaskCheck, result: CheckResult) -> Row:
    mark, role = _mark(task, result)
    return Row(
        (
            cells.name(task.task),
            cells.count(task.past_calls),
            cells.count(task.current_calls),
            cells.per_call(task.past_cost_per_call_usd),
            cells.per_call(task.current_cost_per_call_usd),
            cells.change(task.change, role),
            _least(task.change, task.lower_bound),
            Cell(mark, role, str(task.regressed).lower()),
            Cell(cells.listed(task.new_models, 2), "warn", ", ".join(task.new_models)),
        )
    )


def _mark(task: TaskCheck, result: CheckResult) -> tuple[str, Role]:
    found = {rule.outcome for rule in result.rules if rule.rule == "task_cost_per_call" and rule.task == task.task}
    if task.regressed and "warned" not in found:
        return "too dear", "bad"
    return (
        ("dearer, small", "warn")
        if "warned" in found
        else ("not certain", "dim")
        if "unsure" in found
        else ("", "plain")
    )


def _least(change: float | None, least: float | None) -> Cell:
    """What is certain of a rise, no more of it than is; of a fall, and of what says nothing, a dash."""
    if change is None or least is None or change < UNNOTICED:
        return Cell(figures.UNKNOWN, value=least)
    return Cell(figures.change(floor(least * 1000 + 1e-9) / 1000 if least > 0 else least), value=least)


def _moved(result: CheckResult) -> Iterator[Block]:
    """The parts of the change, the largest first; what comes to nothing is left out."""
    total = sum(factor.usd for factor in result.decomposition)
    parts = [factor for factor in result.decomposition if abs(factor.usd) >= NOTHING]
    if parts:
        parts.sort(key=lambda factor: -abs(factor.usd))
        said = (f"{factor.factor.replace('_', ' ')} {figures.signed_money(factor.usd)}" for factor in parts)
        what = f"What moved the bill ({figures.signed_money(total)})"
        yield Definitions(((what, line(cells.SEPARATOR.join(said))),))


def _notes(result: CheckResult) -> Iterator[Block]:
    shown = (rule for rule in result.rules if result.reasons or rule.rule != "cost_per_call")  # else in the headline
    items = _first([_rule(rule) for rule in shown if rule.outcome in _WORDS])
    items += tuple(line(note) for note in result.notes)
    if items:
        yield Notes(items)


def _rule(rule: Rule) -> Line:
    return line(_WORDS[rule.outcome], f": {rule.said}")


def _next(result: CheckResult) -> Iterator[Block]:
    failed = {rule.rule for rule in result.rules if rule.outcome == "failed"}
    if failed:
        yield Next(tuple(command for rules, command in _answers(result) if failed.intersection(rules)))


def _answers(result: CheckResult) -> Iterator[tuple[tuple[Held, ...], Command]]:
    """What to do about which limits. A new baseline is proposed only where it does not hide what is not known."""
    yield ("quality",), Command("llmcost replay LOGS --models MODELS", "shows what a new model is worth; asks first")
    yield ("unpriced_model",), Command("llmcost prices MODEL", "says how a model gets a price")
    yield ("unknown_cost",), Command("llmcost audit LOGS", "says what the log lacks")
    yield _MEANT, _accept(result)


def _accept(result: CheckResult) -> Command:
    cases = (" --paired" if result.paired else "") + (f" --pair-by {quote(result.pair_by)}" if result.pair_by else "")
    return Command(f"llmcost baseline LOGS{cases} -o llmcost-baseline.json", "if it is meant to be so: commit it")


def _rules(result: CheckResult) -> Table:
    """Every limit that was held."""
    columns = (
        Column("Limit", "rule"),
        Column("Task", "task", shrink=True),
        Column("Outcome", "outcome"),
        Column("What was found", "said", shrink=True, prose=True),
    )
    rows = tuple(
        Row(
            (
                Cell(rule.rule.replace("_", " "), value=rule.rule),
                cells.name(rule.task),
                Cell(rule.outcome, _ROLES[rule.outcome], rule.outcome),
                Cell(rule.said, value=rule.said),
            )
        )
        for rule in result.rules
    )
    return Table("rule", columns, rows, "Every limit that was held", detail=True)


_ROLES: dict[str, Role] = {"failed": "bad", "warned": "warn", "unsure": "dim", "passed": "good"}
