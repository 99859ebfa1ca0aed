"""The bill before and after, and the steps between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import fsum

from llmcost.recommend.result import Bill, BillSide, BillStep, ShapleyShare
from llmcost.report import figures
from llmcost.report.document import Bar, Bars, Cell, Column, Figure, Line, Role, Row, Table, Totals, line
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


_TOTALS: dict[Basis, tuple[str, str, str, Role]] = {
    "no_answer_change": (
        "No answer changes",
        "every request gets the answer that it gets today",
        "no step of this bill leaves all answers as they are",
        "good",
    ),
    "measured": (
        "Measured",
        "asked again on your prompts, graded blind, not worse than you allow",
        "nothing that was tried has passed and saves",
        "good",
    ),
    "potential": (
        "Potential (untested; do not quote)",
        "nobody has compared an answer",
        "nothing untested is in this bill (`llmcost audit` names what could be tested)",
        "warn",
    ),
}


def bill_table(bill: Bill) -> Table:
    """Spend, cost per request, latency and quality: before, after, change."""
    columns = (
        Column("", "measure"),
        Column("Before", "before", "right"),
        Column("After", "after", "right"),
        Column("Change", "change", shrink=True, prose=True, least=24),
    )
    rows = (_spend(bill), _per_request(bill), _latency(bill), _quality(bill))
    return Table("bill", columns, rows, caption="The bill before and after", cards=True)


def totals(bill: Bill) -> Totals:
    """Three totals that are never added up: what changes no answer, what was measured, and what nobody has tested."""
    return Totals(tuple(_total(bill, basis, *told) for basis, told in _TOTALS.items()))


def totals_table(bill: Bill) -> Table:
    """The same for machines: dollars of the log."""
    columns = (Column("Total", "basis"), Column("Saves", "saved_usd", "right"), Column("Steps", "steps"))
    rows = (
        Row((Cell(basis, value=basis), _money(bill.before, _saved(bill, basis)), Cell(_names(bill, basis))))
        for basis in _TOTALS
    )
    return Table("total", columns, tuple(rows))


def bars(bill: Bill) -> Iterator[Bars]:
    """The bill before, what each step takes off what the previous ones left, and what all of them leave."""
    whole = bill.stacked or bill.after
    known = [step for step in bill.steps if step.before_usd is not None and step.after_usd is not None]
    if not known or bill.before.logged_usd is None or whole.logged_usd is None:
        return
    yield Bars(
        f"From {_written(bill, bill.before.logged_usd)} to {_written(bill, whole.logged_usd)}{period(bill.before)}",
        (
            _level(bill, "Before", bill.before.logged_usd),
            *(_bar(bill, step) for step in known),
            _level(bill, "After all of it", whole.logged_usd),
        ),
        _unknown_steps(len(bill.steps) - len(known)),
        tabled=True,
    )


def waterfall(bill: Bill) -> Line:
    """ "exact cache −$212 (no answer changes) · model map −$1,690 (measured): $702 a month".

    What each step took off what the previous ones left, on what it rests, and what all of them leave.
    """
    if bill.stacked is None and len(bill.steps) < 2:
        return ()
    steps = (_step(bill.before, step) for step in bill.steps[:STEPS_SHOWN])
    left = figures.whole_money(shown(bill.before, (bill.stacked or bill.after).logged_usd))
    return line(f"{cells.SEPARATOR.join(steps)}: {left}{period(bill.before)} with all of it")


def steps_table(before: BillSide, after: BillSide, steps: Sequence[BillStep], shares: Sequence[ShapleyShare]) -> Table:
    """Each step on what the previous ones left; beside it what it is worth in any order, and alone."""
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
    return Table("step", columns, (*rows, _together(before, after)), caption="The steps, one after the other")


def _total(bill: Bill, basis: Basis, label: str, meaning: str, nothing: str, role: Role) -> Figure:
    """One of the three, with the steps that it is made of."""
    saved, names = _saved(bill, basis), _names(bill, basis)
    if not names:
        return Figure(label, "none", line(nothing), "dim")
    note = line(f"{names}: {meaning}")
    if saved is None:
        return Figure(label, "not known", note, "dim")
    amount = figures.signed_whole_money(shown(bill.before, -saved))
    return Figure(label, f"{amount}{period(bill.before)}", note, role)


def _saved(bill: Bill, basis: Basis) -> float | None:
    """Dollars of the log that the steps on this basis take off together; None where one of them is not known."""
    saved = [difference(step.before_usd, step.after_usd) for step in bill.steps if step.basis == basis]
    known = [usd for usd in saved if usd is not None]
    return fsum(known) if len(known) == len(saved) else None


def _names(bill: Bill, basis: Basis) -> str:
    return ", ".join(step_name(step.strategy) for step in bill.steps if step.basis == basis)


def _level(bill: Bill, name: str, usd: float) -> Bar:
    return Bar(name, 0.0, usd, _written(bill, usd))


def _bar(bill: Bill, step: BillStep) -> Bar:
    before, after = step.before_usd or 0.0, step.after_usd or 0.0
    off = figures.signed_whole_money(shown(bill.before, after - before))
    return Bar(step_name(step.strategy), before, after, off, step.basis, BASES[step.basis])


def _written(bill: Bill, usd: float) -> str:
    return figures.whole_money(shown(bill.before, usd))


def _unknown_steps(number: int) -> tuple[Line, ...]:
    return (line(f"{figures.counted(number, 'step')} not drawn: no known cost"),) if number else ()


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
