"""What a replay would send, where, and at what cost: shown before anything is spent."""

from __future__ import annotations

from collections.abc import Iterator

from llmcost.recommend.result import Destination, ModelEstimate, Redaction, ReplayEstimate, TaskSample
from llmcost.report import figures
from llmcost.report.document import Column, Document, Heading, Line, Notes, Row, Table, Text, line
from llmcost.report.screens import cells
from llmcost.report.screens.redact import found_words

TASKS_NAMED = 4
HOSTS_NAMED = 4


def estimate_document(estimate: ReplayEstimate, command: str = "llmcost replay") -> Document:
    """The estimate as a document: the worst case, what is sent and where, the cap, then by model and by task."""
    notes = tuple(_notes(estimate))
    blocks = (
        Heading(_answer(estimate)),
        Text(tuple(_summary(estimate))),
        *((Notes(tuple(_destinations(estimate))),) if estimate.destinations else ()),
        _by_model(estimate.by_model),
        _by_task(estimate.sample),
        *((Notes(notes),) if notes else ()),
    )
    return Document(f"{command} --dry-run", blocks)


def _answer(estimate: ReplayEstimate) -> Line:
    return line(
        cells.strong(f"At most {figures.money(estimate.max_usd)}"), f", expected {figures.money(estimate.expected_usd)}"
    )


def _summary(estimate: ReplayEstimate) -> Iterator[Line]:
    stored = f" ({figures.count(estimate.stored_calls)} already answered: free)" if estimate.stored_calls else ""
    yield line(
        f"Will send up to {figures.counted(estimate.calls, 'request')} to ",
        cells.strong(estimate.host),
        f"{stored}: full prompts of your log (system, history, tools){_grading(estimate)}",
    )
    yield line(f"{_by_role(estimate)}{_cap(estimate)}")
    if estimate.redaction is not None:
        yield _redaction(estimate.redaction)


def _redaction(said: Redaction) -> Line:
    """What is hidden; said loudly where nothing is."""
    found = found_words(said.found) or "no personal data or keys were found"
    where = f"in {figures.count(said.prompts)} of {figures.counted(said.sampled, 'prompt')}" if said.found else ""
    unseen = (
        f"; {figures.counted(said.unseen, 'image or file', 'images or files')} not looked into" if said.unseen else ""
    )
    if said.on:
        become = " become placeholders " if said.found else ""
        return line(f"Redaction on: {found}{become}{where}{unseen}")
    leave = " leave as they were logged, " if said.found else ""
    return line(cells.strong("NOT REDACTED (--no-redact):"), f" {found}{leave}{where}{unseen}")


def _destinations(estimate: ReplayEstimate) -> Iterator[Line]:
    """Host by host: whose it is, who is asked what there, and what the requests hold."""
    for item in estimate.destinations[:HOSTS_NAMED]:
        held = ", ".join(f"{field.name} {figures.count(field.requests)}" for field in item.fields)
        yield line(cells.strong(item.host), f" {'; '.join(destination_facts(item))}; in them: {held or 'nothing new'}")
    if more := estimate.destinations[HOSTS_NAMED:]:
        yield line(f"and {figures.counted(len(more), 'more host')}: {', '.join(item.host for item in more)}")


def destination_facts(item: Destination) -> Iterator[str]:
    """Whose the host is, what is asked there, how it is reached, and with whose key."""
    owner = item.provider or ("" if item.note else "whose it is is not known")
    seat = f", seat in {item.country}" if item.country else ""
    yield f"({', '.join(part for part in (f'{owner}{seat}', item.region, item.note) if part)})"
    yield f"up to {figures.counted(item.calls, 'request')} to {cells.listed(item.models, TASKS_NAMED)}"
    tunnel = f" through the proxy {item.proxy}" if item.proxy else ""
    yield f"TLS{tunnel}" if item.encrypted else "not encrypted"
    yield f"key of {', '.join(item.keys)}" if item.keys else "no key"


def _grading(estimate: ReplayEstimate) -> str:
    graded = any(item.role == "grader" for item in estimate.by_model)
    return "; graders get them with both answers" if graded else ""


def _cap(estimate: ReplayEstimate) -> str:
    cap, most = estimate.cap_usd, estimate.max_usd
    if cap is None and most is None:
        return "no cap (--budget): of some models no price is known"
    if cap is None:
        return "no cap given (--budget): the worst case is the cap"
    if most is None or most <= cap:
        return f"cap {figures.money(cap)} (--budget)"
    if estimate.expected_usd is not None and estimate.expected_usd > cap:
        whole = figures.money(estimate.expected_usd)
        return f"cap {figures.money(cap)} (--budget): below the {whole} that it takes if nothing is decided early"
    return f"cap {figures.money(cap)} (--budget): below the worst case, so the run may stop early"


def _reach(estimate: ReplayEstimate) -> Iterator[Line]:
    """What the sample, and the budget, can show: where few answers differ, and where as many do as is usual."""
    if not estimate.reach:
        return
    usual = [item.task for item in estimate.reach if item.smallest_margin <= item.margin]
    few = [item.task for item in estimate.reach if item.smallest_margin_if_few <= item.margin < item.smallest_margin]
    never = [item.task for item in estimate.reach if item.smallest_margin_if_few > item.margin]
    with_what = "with this budget" if estimate.cap_usd is not None else "with these prompts"
    parts = (
        (usual, "on {} even if its answers differ in worth as often as is usual"),
        (few, "on {} only if hardly any answer differs in worth"),
        (never, "not on {}: too few prompts"),
    )
    said = [text.format(cells.listed(tasks, TASKS_NAMED)) for tasks, text in parts if tasks]
    yield line(f"{with_what}, a model as good as today's passes {'; '.join(said)}")


def _looks(estimate: ReplayEstimate) -> Iterator[Line]:
    """How the money goes out: a candidate that is decided is not asked further."""
    known = [item for item in estimate.looks if item.expected_usd is not None]
    if len(known) > 1:
        steps = " · ".join(figures.money(item.expected_usd) for item in known)
        yield line(f"spent look by look, less where a candidate is decided early: {steps}")


def _by_role(estimate: ReplayEstimate) -> str:
    totals: dict[str, float | None] = {}
    for item in estimate.by_model:
        so_far = totals.get(item.role, 0.0)
        totals[item.role] = None if so_far is None or item.max_usd is None else so_far + item.max_usd
    words = {
        "candidate": "replay",
        "grader": "grading",
        "control": "today's model asked again",
        "strategy": "what else is tried",
    }
    parts = ", ".join(f"{words.get(role, role)} {figures.money(usd)}" for role, usd in totals.items())
    return f"Worst case: {parts}; " if parts else ""


def _by_model(models: list[ModelEstimate]) -> Table:
    columns = (
        Column("Model", "model", shrink=True),
        Column("Role", "role", shrink=True),
        Column("Calls", "calls", "right"),
        Column("At most", "max_usd", "right"),
        Column("Expected", "expected_usd", "right"),
    )
    rows = (
        (
            cells.name(item.model),
            cells.name(item.role),
            cells.count(item.calls),
            cells.money(item.max_usd),
            cells.money(item.expected_usd),
        )
        for item in models
    )
    return Table("model", columns, tuple(map(Row, rows)))


def _by_task(samples: list[TaskSample]) -> Table:
    columns = (
        Column("Task", "task", shrink=True),
        Column("Distinct prompts", "population", "right"),
        Column("Asked", "sampled", "right"),
    )
    rows = ((cells.name(item.task), cells.count(item.population), cells.count(item.sampled)) for item in samples)
    return Table("task", columns, tuple(map(Row, rows)))


def _notes(estimate: ReplayEstimate) -> Iterator[Line]:
    yield from _reach(estimate)
    yield from _looks(estimate)
    for item in estimate.by_model:
        if item.max_usd is None:
            yield line(cells.strong(f"No price for {item.model}"), ": what it costs is in no figure above")
    for skipped in estimate.not_replayable:
        yield line(f"{figures.counted(skipped.calls, 'call')} cannot be replayed: {skipped.reason}")
    for change in estimate.adjusted_parameters:
        yield line(f"not sent as logged: {change}")
    yield line(cells.dim(f"prices of {estimate.prices.as_of}"))
