"""The bill before and after, and the steps between."""

from __future__ import annotations

from collections.abc import Sequence

from llmcost.recommend.result import Bill, BillSide, BillStep, ShapleyShare
from llmcost.report import figures
from llmcost.report.document import Cell, Column, Line, Role, Row, Table, line
from llmcost.report.screens import cells
from llmcost.strategies.stack import Basis

STEPS_SHOWN = 8
_STRATEGY_NAMES = {
    "route": "model map",
    "model_map": "model map",
    "response_cache": "exact cache",
    "prompt_cache": "prompt cache",
    "near_duplicates": "near-duplicates",
    "batch_api": "Batch API",
}
BASES: dict[Basis, str] = {
    "no_answer_change": "no answer changes",
    "measured": "measured",
    "potential": "potential, do not quote",
}


def bill_table(bill: Bill) -> Table:
    """Spend, cost per request, latency and quality: before, after, change."""
    columns = (
        Column("", "measure"),
        Column("Before", "before", "right"),
        Column("After", "after", "right"),
        Column("Change", "change", shrink=True, prose=True, least=24),
    )
    return Table("bill", columns, (_spend(bill), _per_request(bill), _latency(bill), _quality(bill)))


def waterfall(bill: Bill) -> Line:
    """ "exact cache −$212 (no answer changes) · model map −$1,690 (measured): $702 a month".

    What each step took off what the previous ones left, on what it rests, and what all of them leave.
    """
    if bill.stacked is None and len(bill.steps) < 2:
        return ()
    steps = (_step(bill.before, step) for step in bill.steps[:STEPS_SHOWN])
    left = figures.whole_money(shown(bill.before, (bill.stacked or bill.after).logged_usd))
    return line(f"{cells.SEPARATOR.join(steps)}: {left}{period(bill.before)} with all of it")


def steps_table(
    before: BillSide, after: BillSide, steps: Sequence[BillStep], shares: Sequence[ShapleyShare], title: str = ""
) -> Table:
    """Each step on what the previous ones left; beside it what it is worth in any order, and alone.

    With a title it is a table of details.
    """
    columns = (
        Column("Step", "step", shrink=True, least=11),
        Column("Before", "before_usd", "right", rank=1),
        Column("After", "after_usd", "right"),
        Column("Saves", "saved_usd", "right"),
        Column("p95", "latency_p95_ms", "right"),
        Column("Worth", "shapley_usd", "right"),
        Column("Alone", "alone_usd", "right"),
        Column("Basis", "basis", shrink=True, prose=True, least=10),
    )
    worth = {share.strategy: share for share in shares}
    rows = [_step_row(before, step, worth.get(step.strategy)) for step in steps]
    return Table("step", columns, (*rows, _together(before, after)), title, detail=bool(title))


def _step_row(side: BillSide, step: BillStep, share: ShapleyShare | None) -> Row:
    dollars = (step.before_usd, step.after_usd, difference(step.before_usd, step.after_usd))
    return Row(
        (
            cells.name(step_name(step.strategy)),
            *(_money(side, usd) for usd in dollars),
            cells.duration(step.latency_p95_ms),
            _money(side, share.shapley_usd if share else None),
            _money(side, share.alone_usd if share else None),
            Cell(BASES[step.basis], value=step.basis),
        )
    )


def _together(before: BillSide, after: BillSide) -> Row:
    saved = _money(before, difference(before.logged_usd, after.logged_usd), "strong")
    p95 = cells.duration(after.latency_p95_ms)
    name, dollars = cells.name("together", "strong"), (before.logged_usd, after.logged_usd)
    return Row((name, *(_money(before, usd) for usd in dollars), saved, p95, saved, Cell(""), Cell("")))


def _money(side: BillSide, usd: float | None, role: Role = "plain") -> Cell:
    """Dollars as they are shown, and those of the log for machines."""
    return Cell(figures.whole_money(shown(side, usd)), role, usd)


def shown(side: BillSide, usd: float | None) -> float | None:
    """Dollars of the log as they are shown: of a month, where the log is long enough to tell."""
    if usd is None or side.monthly_usd is None or not side.logged_usd:
        return usd
    return usd * side.monthly_usd / side.logged_usd


def period(side: BillSide) -> str:
    """What dollars that are `shown` are of."""
    return " for this log" if side.monthly_usd is None else " a month"


def difference(before: float | None, after: float | None) -> float | None:
    """What was saved; None if either is not known."""
    return None if before is None or after is None else before - after


def step_name(strategy: str) -> str:
    """What people call a step of the stack."""
    return _STRATEGY_NAMES.get(strategy, strategy.replace("_", " "))


def _spend(bill: Bill) -> Row:
    monthly = bill.before.monthly_usd is not None
    before = bill.before.monthly_usd if monthly else bill.before.logged_usd
    after = bill.after.monthly_usd if monthly else bill.after.logged_usd
    reach = figures.half_width(bill.change, bill.change_interval)
    shown = f"{figures.change(bill.change)} {reach}".strip()
    falls = bill.change is not None and bill.change < 0
    return Row(
        (
            Cell("Monthly spend" if monthly else "Logged spend", "strong"),
            cells.money(before),
            cells.money(after),
            Cell(shown, "good" if falls else "plain", bill.change),
        )
    )


def _per_request(bill: Bill) -> Row:
    before, after = bill.before.cost_per_call_usd, bill.after.cost_per_call_usd
    return Row((Cell("Cost per request"), cells.per_call(before), cells.per_call(after), _relative(before, after)))


def _latency(bill: Bill) -> Row:
    before, after = bill.before.latency_p95_ms, bill.after.latency_p95_ms
    return Row((Cell("Latency p95"), cells.duration(before), cells.duration(after), _relative(before, after)))


def _relative(before: float | None, after: float | None) -> Cell:
    if before is None or after is None or before == 0:
        return Cell("")
    return cells.change(after / before - 1)


def _quality(bill: Bill) -> Row:
    quality = bill.quality
    judges = f"as judged by {cells.listed(quality.judged_by, 4)}" if quality.judged_by else ""
    bound = "unchanged" if quality.lower_bound is None else figures.at_least(quality.lower_bound)
    return Row(
        (Cell("Quality"), Cell(figures.UNKNOWN), Cell(bound, value=quality.lower_bound), Cell(judges, value=judges))
    )


def _step(side: BillSide, step: BillStep) -> str:
    saved = difference(step.before_usd, step.after_usd)
    off = figures.signed_whole_money(None if saved is None else shown(side, -saved))
    return f"{step_name(step.strategy)} {off} ({BASES[step.basis]})"
