"""The simulation's screen: one bill before and after the stack, the steps between, what must not be added up."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from math import fsum

from llmcost.recommend.simulated import BestTtl, NearRow, Saving, SimulatedCache, SimulateResult, SweepRow
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
    Plot,
    Row,
    Table,
    Text,
    line,
)
from llmcost.report.screens import cells
from llmcost.report.screens.bill import difference, period, shown, step_name, steps_table
from llmcost.report.screens.plots import ttl_plot

NOT_FOUND = {
    "response_cache": "no request repeats within the time to live",
    "prompt_cache": "no call site pays anew for what its prompts share, or the log does not count cached tokens",
    "batch_api": "no calls that nobody seems to wait for, or a batch is not cheaper",
    "model_map": "no call is of these tasks and of another model",
}
SWEEP_ROWS = 12  # tasks on a terminal
NEAR_TASKS = 3  # under each threshold on a terminal
NAMED = 4  # tasks in a line
ALL_TASKS = "all tasks"


def simulate_document(result: SimulateResult) -> Document:
    """The simulation as a document: the answer, the steps, the three totals, the times to live."""
    blocks: tuple[Block, ...] = (
        Heading(_answer(result)),
        Text(tuple(_summary(result))),
        *([steps_table(result.before, result.after, result.steps, result.shares)] if result.steps else []),
        _totals(result),
        *_swept_over(result.sweep, result.best_ttl),
        *([_near(result.near)] if result.near else []),
        *_notes(result),
        _next(result),
        *([_lengthwise(result.sweep)] if result.sweep else []),
    )
    return Document("llmcost simulate", blocks)


def _answer(result: SimulateResult) -> Line:
    before, after = shown(result.before, result.before.logged_usd), shown(result.before, result.after.logged_usd)
    if before is None:
        return line(cells.strong("Cost unknown"), f": none of {figures.counted(result.calls, 'call')} has a price")
    promise = "potential, do not quote" if result.totals.potential else "no answer changes"
    return line(
        cells.strong(f"{figures.money(before)} → {figures.money(after)}"),
        f"{period(result.before)} ({figures.change(result.change)}), {promise}",
    )


def _summary(result: SimulateResult) -> Iterator[Line]:
    span = cells.period(result.span.start, result.span.end)
    yield line(cells.joined((cells.file_names(result.source.files), span, figures.counted(result.calls, "call"))))
    yield line(cells.joined((_per_request(result), _latency(result), f"prices of {result.prices.as_of}")))


def _per_request(result: SimulateResult) -> str:
    before, after = result.before.cost_per_call_usd, result.after.cost_per_call_usd
    return "" if before is None else f"cost per request {figures.per_call(before)} → {figures.per_call(after)}"


def _latency(result: SimulateResult) -> str:
    before, after = result.before.latency_p95_ms, result.after.latency_p95_ms
    return "" if before is None else f"p95 {figures.duration(before)} → {figures.duration(after)}"


def _totals(result: SimulateResult) -> Definitions:
    """Three totals, never mixed."""
    totals = result.totals
    asked = "not simulated (--model-map TASK=MODEL)" if totals.potential is None else None
    return Definitions(
        (
            ("No answer changes", line(_saving(result, totals.no_answer_change))),
            ("Measured safe", line("nothing yet: llmcost replay asks the models and grades their answers")),
            ("Potential", line(asked or f"{_saving(result, totals.potential)} if quality held (do not quote)")),
        )
    )


def _saving(result: SimulateResult, saving: Saving | None) -> str:
    usd = None if saving is None else shown(result.before, saving.usd_logged)
    return f"{figures.money(usd)}{period(result.before)}"


def _notes(result: SimulateResult) -> Iterator[Notes]:
    items = (*_adding(result), *_idle(result), *_limits(result))
    if items:
        yield Notes(items)


def _adding(result: SimulateResult) -> Iterator[Line]:
    """Why the last figures of the table are not to be added up."""
    working = [share for share in result.shares if share.alone_usd]
    if len(working) < 2:
        return
    by_themselves = fsum(share.alone_usd or 0.0 for share in working)
    saved = difference(result.before.logged_usd, result.after.logged_usd)
    yield line(
        "Worth: a step's share of the saving, whatever the order. Alone: what it would save were it the only one. ",
        cells.strong("Never add those up"),
        f": they come to {figures.whole_money(shown(result.before, by_themselves))}, "
        f"the stack saves {figures.whole_money(shown(result.before, saved))}",
    )


def _idle(result: SimulateResult) -> Iterator[Line]:
    for name in result.idle:
        yield line(f"{step_name(name)} takes nothing off: {NOT_FOUND.get(name, 'nothing to do')}")


def _limits(result: SimulateResult) -> Iterator[Line]:
    if result.cache is not None:
        yield from _cache(result.cache, result.calls)
    if result.batched_calls:
        calls = figures.counted(result.batched_calls, "call")
        yield line(f"Batch API: {calls}, answered within a day and left out of p95 from there on")
    if result.model_map:
        yield line(
            "model map: at today's tokens and list prices, latencies unknown and left out of p95; "
            "nobody has seen these answers, llmcost replay asks"
        )
    if result.near:
        yield line(
            "near-duplicates: behind the exact cache, in no total; whether the earlier answers would have been right, "
            "nobody has seen"
        )
    if result.priced_calls < result.calls:
        without = figures.counted(result.calls - result.priced_calls, "call")
        yield line(f"{without} of unknown cost: in neither bill")
    if result.before.monthly_usd is None:
        yield line("the log spans less than 7 days: no monthly figure is drawn from it")


def _cache(cache: SimulatedCache, calls: int) -> Iterator[Line]:
    """What the exact cache answers, and what limits it."""
    own = cells.few([f"{task} {ttl}" for task, ttl in cache.task_ttl.items()], NAMED)
    kept = f"{cache.ttl} ({own})" if own else cache.ttl
    size = "of any size" if cache.capacity is None else f"at most {figures.counted(cache.capacity, 'answer')} at a time"
    hits = f"{figures.counted(cache.hits, 'hit')} of {figures.counted(calls, 'call')}"
    yield line(f"exact cache: {hits}, answers kept for {kept}, one cache per end user, {size}")
    if cache.waiting:
        waiting = figures.counted(cache.waiting, "hit")
        yield line(f"of these, {waiting} while the first answer is still being given: as slow as the wait for it")
    if not cache.single_flight:
        yield line("no single flight: what is asked while the first answer is still being given is asked again")


def _swept_over(rows: list[SweepRow], best: list[BestTtl]) -> Iterator[Block]:
    if rows:
        yield _crosswise(rows)
        if best:
            yield Text((_long_enough(best, rows[-1].ttl),))
        yield _drawn(rows)


def _long_enough(best: list[BestTtl], longest: str) -> Line:
    """The shortest time to live that is worth it, and the tasks it is of."""
    by_ttl: dict[float, list[BestTtl]] = {}
    for each in sorted(best, key=lambda each: each.ttl_s):
        by_ttl.setdefault(each.ttl_s, []).append(each)
    said = (f"{each[0].ttl} for {cells.few([one.task for one in each], NAMED)}" for each in by_ttl.values())
    return line(cells.strong("Long enough"), f" to save 95 % of what {longest} does: {'; '.join(said)}")


def _near(rows: list[NearRow]) -> Table:
    """What a near-duplicate cache would answer, by threshold: in all, and of the tasks where there is most of it."""
    columns = (
        Column("Alike from", "threshold", "right"),
        Column("Task", "task", shrink=True),
        Column("Calls", "calls", "right", rank=1),
        Column("Hits", "hits", "right"),
        Column("Hit rate", "hit_rate", "right"),
        Column("Would save", "saved_usd", "right"),
        Column("Basis", "basis", rank=2),
    )
    brief: list[NearRow] = []
    for _, found in groupby(rows, key=lambda row: row.threshold):
        whole, *tasks = found
        most = sorted((row for row in tasks if row.hits), key=lambda row: -(row.saved_usd or 0.0))
        brief += (whole, *most[:NEAR_TASKS])
    title = "Near-duplicates, on top of the exact cache, in this log: potential, do not quote"
    return Table("near", columns, tuple(map(_near_row, rows)), title, brief=tuple(map(_near_row, brief)))


def _near_row(row: NearRow) -> Row:
    return Row(
        (
            Cell(f"{row.threshold:g}", value=row.threshold),
            cells.name(row.task) if row.task else cells.name(ALL_TASKS, "strong"),
            cells.count(row.calls),
            cells.count(row.hits),
            cells.percent(row.hit_rate),
            cells.money(row.saved_usd),
            cells.name(row.basis),
        )
    )


def _crosswise(rows: list[SweepRow]) -> Table:
    """Tasks by times to live."""
    ttls = list(dict.fromkeys(row.ttl for row in rows))
    columns = (
        Column("Task", "task", shrink=True),
        *(Column(ttl, f"hit_rate_{ttl}", "right") for ttl in ttls),
    )
    ordered = sorted(rows, key=lambda row: row.task or "")
    by_task = {task: list(found) for task, found in groupby(ordered, key=lambda row: row.task or "")}
    order = list(dict.fromkeys(row.task or "" for row in rows))
    drawn = tuple(_swept(task, by_task[task]) for task in order)
    title = "Exact cache by time to live: hit rate, and dollars it saves alone in this log"
    return Table("sweep", columns, drawn, title, brief=drawn[:SWEEP_ROWS])


def _drawn(rows: list[SweepRow]) -> Plot:
    """How the hit rate rises with the time to live, which says where keeping answers longer stops to pay."""
    tasks = list(dict.fromkeys(row.task for row in rows if row.task is not None))
    rates = {task: [(row.ttl_s, row.hit_rate) for row in rows if row.task == task] for task in (None, *tasks)}
    title = "Exact cache by time to live: hit rate"
    return ttl_plot(title, (ALL_TASKS, rates[None]), {task: rates[task] for task in tasks}, tabled=True)


def _lengthwise(rows: list[SweepRow]) -> Table:
    """The same line by line, for machines and pages."""
    columns = (
        Column("Time to live", "ttl"),
        Column("Task", "task", shrink=True),
        Column("Calls", "calls", "right"),
        Column("Hits", "hits", "right"),
        Column("Hit rate", "hit_rate", "right"),
        Column("Saves alone", "saved_usd", "right"),
    )
    drawn = tuple(
        Row(
            (
                cells.name(row.ttl),
                cells.name(row.task or ALL_TASKS),
                cells.count(row.calls),
                cells.count(row.hits),
                cells.percent(row.hit_rate),
                cells.money(row.saved_usd),
            )
        )
        for row in rows
    )
    return Table("time to live", columns, drawn, "Exact cache by time to live, line by line", detail=True)


def _swept(task: str, rows: list[SweepRow]) -> Row:
    return Row(
        (
            cells.name(task) if task else cells.name(ALL_TASKS, "strong"),
            *(cells.percent(row.hit_rate) for row in rows),
        ),
        (Cell(""), *(Cell(figures.money(row.saved_usd), "dim", row.saved_usd) for row in rows)),
    )


def _next(result: SimulateResult) -> Next:
    replay = Command("llmcost replay --models MODELS", "measures what else can go; asks before it spends")
    sweep = Command("llmcost simulate --cache-sweep", "which time to live is worth it")
    return Next((replay,) if result.sweep else (sweep, replay))
