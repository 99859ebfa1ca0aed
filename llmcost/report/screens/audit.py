"""The audit's screen: where the money goes, where it leaks, what limits the figures, what to run next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from llmcost.audit.result import AuditResult, Reject
from llmcost.config import AuditSettings, CostMode
from llmcost.report import figures
from llmcost.report.document import Command, Document, Heading, Line, Next, Notes, Table, Text, line
from llmcost.report.screens import cells
from llmcost.report.screens.leaks import amount, dearest_kind, findings_table, leaks
from llmcost.report.screens.spend import COMPACT, call_site_table, call_sites_are_tasks, spend_table

REJECTS_SHOWN = 3
MODELS_SHOWN = 5
APPROXIMATELY = "~"
NO_CHANGE = figures.change(0.0)
COSTS: dict[CostMode, str] = {
    "computed": "computed with prices of {as_of}",
    "logged": "as the log itself says, not computed (--cost-mode logged)",
    "auto": "as the log says, else computed with prices of {as_of} (--cost-mode auto)",
}


def audit_document(
    result: AuditResult,
    candidates: Sequence[str] = AuditSettings().compare,
    *,
    top: int = AuditSettings().top,
    compact: bool = False,
) -> Document:
    """The audit as a document.

    candidates  the models that its last lines propose to replay
    top         rows of a spend table on the terminal; the rest is one row "(other)"
    compact     the columns that fit 60 characters
    """
    tables = tuple(_tables(result, top))
    if compact:
        tables = tuple(table.only(COMPACT) if table.name != "finding" else table for table in tables)
    blocks = (
        Heading(_answer(result)),
        Text(tuple(_summary(result))),
        *(table for table in tables if table.rows and not table.detail),
        *leaks(result, compact),
        *_notes(result),
        _next(result, candidates, compact),
        *(table for table in tables if table.rows and table.detail),
    )
    return Document("llmcost audit", blocks)


def _tables(result: AuditResult, top: int) -> Iterator[Table]:
    sites = call_sites_are_tasks(result)
    yield call_site_table(result, top) if sites else spend_table("task", "Task", result.by_task, top)
    yield spend_table("model", "Model", result.by_model, top, detail=len(result.by_model) < 2)
    yield from (spend_table("tag", field, rows, top) for field, rows in result.by_tag.items())
    yield findings_table(result)
    yield (
        spend_table("task", "Task", result.by_task, top, detail=True)
        if sites
        else call_site_table(result, top, detail=True)
    )
    yield spend_table("day", "Day", result.by_day, top, detail=True)


def _answer(result: AuditResult) -> Line:
    totals = result.totals
    scaled = APPROXIMATELY if totals.sampled_calls else ""
    cost = "cost unknown" if totals.cost_usd is None else scaled + figures.money(totals.cost_usd)
    monthly = totals.monthly_usd is not None
    sure = amount(result.potential.no_answer_change, monthly)
    rate = " a month" if monthly else ""
    waste = f": {figures.about(sure)}{rate} can go without changing an answer" if sure else ""
    return line(cells.strong(f"{cost} for {scaled}{figures.counted(totals.calls, 'call')}"), waste)


def _summary(result: AuditResult) -> Iterator[Line]:
    source, totals = result.source, result.totals
    where = cells.joined((cells.file_names(source.files), ", ".join(source.format)))
    yield line(cells.joined((where, cells.period(result.span.start, result.span.end))))
    monthly = "" if totals.monthly_usd is None else f"{figures.about(totals.monthly_usd, 'about ')} a month"
    yield line(cells.joined((COSTS[result.cost_mode].format(as_of=result.prices.as_of), monthly)))
    if totals.sampled_calls:
        yield line(f"{APPROXIMATELY} scaled from a sample: ", _sample(result))
    yield line(cells.dim(cells.joined((_accounting(result), _priced(result)))))


def _sample(result: AuditResult) -> str:
    """How many calls were logged, and how many they stand for."""
    totals = result.totals
    logged = totals.logged_calls or 0
    of = f" ({figures.percent(logged / totals.calls)})" if totals.calls else ""
    return f"{figures.counted(logged, 'logged call')} stand for {figures.count(totals.calls)}{of}"


def _priced(result: AuditResult) -> str:
    totals = result.totals
    share = totals.priced_calls / totals.calls if totals.calls else None
    return "" if share is None else f"{figures.percent(share)} priced"


def _accounting(result: AuditResult) -> str:
    """Where every record went. Where a record holds several calls, the two are counted apart."""
    source, totals = result.source, result.totals
    answered = f"{figures.count(totals.answered_calls)} answered + {figures.count(totals.failed_calls)} failed"
    others = [f"{figures.count(source.rejected)} rejected"]
    others += [f"{figures.count(source.outside)} outside the asked time"] if source.outside else []
    others += [f"{figures.count(source.passed_over)} passed over"] if source.passed_over else []
    records = figures.counted(source.records, "record")
    if totals.sampled_calls:
        return f"{records}: {figures.counted(totals.logged_calls or 0, 'call')}, {', '.join(others)}"
    if totals.calls + source.rejected + source.outside + source.passed_over == source.records:
        return f"{records} = {' + '.join([answered, *others])}"
    return f"{records}: {', '.join(others)}; calls = {answered}"


def _notes(result: AuditResult) -> Iterator[Notes]:
    items = (*_unpriced(result), *_limits(result), *map(_reject, result.source.rejects[:REJECTS_SHOWN]))
    if items:
        yield Notes(items)


def _unpriced(result: AuditResult) -> Iterator[Line]:
    if not result.unpriced_models:
        return
    share = result.totals.unpriced_calls / result.totals.calls if result.totals.calls else None
    models = [
        f"{item.model} ({figures.counted(item.calls, 'call')}, {figures.percent(item.share)})"
        for item in result.unpriced_models
    ]
    yield line(
        cells.strong(f"No price for {figures.percent(share)} of calls"),
        f", so they are in no figure above: {cells.listed(models, MODELS_SHOWN)}. "
        'Give them one in llmcost.toml: [models."NAME".price] input, output',
    )


def _limits(result: AuditResult) -> Iterator[Line]:
    totals = result.totals
    if totals.unmetered_calls:
        yield line(
            f"{figures.counted(totals.unmetered_calls, 'call')} logged without token counts: cost unknown, not 0"
        )
    if totals.estimated_token_calls:
        yield line(f"~ tokens of {figures.counted(totals.estimated_token_calls, 'call')} are estimated from their text")
    if totals.failed_cost_usd:
        yield line(f"failed calls cost {figures.money(totals.failed_cost_usd)} (in the total)")
    if (claim := _claim(result)) is not None:
        yield claim
    if call_sites_are_tasks(result) and any(site.static_usd_per_year is not None for site in result.call_sites):
        yield line("static a year: what the text that all prompts of a call site share costs, its tokens estimated (~)")
    if totals.monthly_usd is None:
        yield line("the log spans less than 7 days: no monthly figure is drawn from it")


def _claim(result: AuditResult) -> Line | None:
    """What the log itself says it cost, beside what was computed for the same calls."""
    drift, logged = result.cost_drift, result.totals.logged_cost_usd
    if drift is None:
        return None if logged is None else line(f"the log itself claims {figures.money(logged)}")
    apart = figures.change(drift.logged_usd / drift.computed_usd - 1) if drift.computed_usd else figures.UNKNOWN
    calls = figures.counted(drift.calls, "call")
    if apart == NO_CHANGE:
        return line(f"the log's own costs are those of the price list ({calls})")
    furthest = next((f"{model.model} {figures.change(model.ratio - 1)}" for model in drift.by_model if model.ratio), "")
    return line(
        f"the log itself claims {figures.money(drift.logged_usd)} for {calls} that cost "
        f"{figures.money(drift.computed_usd)} by the price list ({apart}{'; ' if furthest else ''}{furthest})"
    )


def _reject(reject: Reject) -> Line:
    return line(cells.strong("rejected "), f"{reject.file}:{reject.line}: {reject.reason}")


def _next(result: AuditResult, candidates: Sequence[str], compact: bool) -> Next:
    used = {row.model for row in result.by_model}
    new = [model for model in candidates if model not in used] or list(candidates)
    replay = f"llmcost replay --models {shlex.quote(','.join(new[:1] if compact else new))}"
    dearest = dearest_kind(result)
    proposed = [(replay, "asks before it spends")]
    proposed += [(f"llmcost explain {shlex.quote(dearest)}", "how it is counted, what to do")] if dearest else []
    proposed += [("llmcost audit LOGS --format html -o audit.html", "every finding, by day")]
    return Next(tuple(Command(command, "" if compact else comment) for command, comment in proposed))
