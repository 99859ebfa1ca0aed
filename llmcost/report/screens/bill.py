"""The bill before and after, and the steps between."""

from __future__ import annotations

from llmcost.recommend.result import Bill, BillStep
from llmcost.report import figures
from llmcost.report.document import Cell, Column, Line, Row, Table, line
from llmcost.report.screens import cells

STEPS_SHOWN = 8
_STRATEGY_NAMES = {
    "route": "model map",
    "model_map": "model map",
    "response_cache": "exact cache",
    "prompt_cache": "prompt cache",
    "compress": "compression",
    "batch": "Batch API",
    "batch_api": "Batch API",
}
_BASIS_SUFFIX = {"no_answer_change": "", "measured": "", "potential": " (potential, do not quote)"}


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
    """ "exact cache −$212 · model map −$1,690": what each step took off what the previous ones left."""
    return line(cells.SEPARATOR.join(map(_step, bill.steps[:STEPS_SHOWN])))


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


def _step(step: BillStep) -> str:
    name = step_name(step.strategy)
    if step.before_usd is None or step.after_usd is None:
        return f"{name} {figures.UNKNOWN}"
    return f"{name} {figures.signed_whole_money(step.after_usd - step.before_usd)}{_BASIS_SUFFIX[step.basis]}"
