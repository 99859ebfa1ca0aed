"""Where the money leaks: one row a kind of finding, every single one in the detail table below."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmcost.audit.result import AuditResult, Basis, Finding, PotentialTotal
from llmcost.report import figures
from llmcost.report.document import Cell, Column, Line, Role, Row, Table, Text, line
from llmcost.report.screens import cells

ROWS_SHOWN = 8
TASKS_NAMED = 2
COMPACT = frozenset({"rank", "finding", "usd_per_month", "usd_logged", "answers_change"})
CANNOT_WAIT: dict[str, tuple[str, Role]] = {"retired-models": ("must move", "bad")}
_PERCENT = re.compile(r"(?<![\d.,])\d+(?:\.\d+)? %")
_ANSWERS_CHANGE: dict[Basis, tuple[str, Role]] = {
    "no_answer_change": ("no", "good"),
    "potential": ("untested", "warn"),
    "measured": ("no (measured)", "good"),
}


@dataclass(frozen=True, slots=True)
class _Leak:
    """Findings that say the same of different tasks. Their calls differ, so calls and dollars add up."""

    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """The dearest of them."""
        return self.findings[0]

    def title(self) -> str:
        """What they say, "76.7–98.6 %" where only the shares differ; the first alone where more than that differs."""
        if self.first.kind in CANNOT_WAIT:
            return self._all_together()
        shares = zip(*(_PERCENT.findall(finding.title) for finding in self.findings), strict=True)
        ranges = iter([_range([float(share.removesuffix(" %")) / 100 for share in column]) for column in shares])
        return _PERCENT.sub(lambda _: next(ranges), self.first.title)

    def _all_together(self) -> str:
        """The dearest of them by name, with the share of them all."""
        shares = [float(found[-1].removesuffix(" %")) if (found := _PERCENT.findall(each.title)) else 0.0
                  for each in self.findings]  # fmt: skip
        dearest = self.findings[max(range(len(shares)), key=lambda index: shares[index])].title
        others = len(self.findings) - 1
        if not others:
            return dearest
        said = dearest.rpartition(": ")[0] or dearest
        return f"{said}, and {others} more: {figures.percent(min(sum(shares), 100.0) / 100)} of spend together"

    def tasks(self) -> list[str]:
        """Their tasks, dearest first."""
        return [finding.task for finding in self.findings if finding.task is not None]

    def usd(self, monthly: bool) -> float | None:
        """Their dollars; None where they are not known."""
        known = [usd for finding in self.findings if (usd := _usd(finding, monthly)) is not None]
        return sum(known) if known else None


def leaks(result: AuditResult, compact: bool = False) -> Iterator[Table | Text]:
    """The dearest kinds of findings, and what the bill could lose in all."""
    if not result.findings:
        return
    monthly = result.totals.monthly_usd is not None
    found = _leaks(result.findings, monthly)
    columns = (
        Column("", "rank", "right"),
        Column("Where it leaks", "finding", shrink=True, prose=True, lines=4),
        Column("Task", "task", shrink=True, rank=2),
        Column("Calls", "calls", "right", rank=1),
        _dollars(monthly),
        Column("answers change?", "answers_change", lines=1),
    )
    table = Table("leak", columns, tuple(_row(n, leak, monthly) for n, leak in enumerate(_shown(found), 1)))
    yield table.only(COMPACT) if compact else table
    yield Text(tuple(_potentials(result, monthly, found)))


def dearest_kind(result: AuditResult) -> str | None:
    """The kind of finding that the first row of the leaks is about; None if there is none."""
    found = _leaks(result.findings, result.totals.monthly_usd is not None)
    return found[0].first.kind if found else None


def findings_table(result: AuditResult) -> Table:
    """Every single finding with what it rests on and what to do."""
    monthly = result.totals.monthly_usd is not None
    columns = (
        Column("Finding", "finding", shrink=True, prose=True),
        Column("Task", "task", shrink=True),
        Column("Calls", "calls", "right"),
        _dollars(monthly),
        Column("answers change?", "answers_change", lines=1),
        Column("Evidence", "evidence", shrink=True, prose=True),
        Column("What to do", "remedy", shrink=True, prose=True),
    )
    return Table("finding", columns, tuple(_single(item, monthly) for item in result.findings), "Every finding", True)


def _shown(found: Sequence[_Leak]) -> list[_Leak]:
    """The dearest, among them in any case what cannot wait, which has no dollars."""
    urgent = [leak for leak in found if leak.first.kind in CANNOT_WAIT]
    others = [leak for leak in found if leak not in urgent]
    return [leak for leak in found if leak in urgent or leak in others[: ROWS_SHOWN - len(urgent)]]


def _leaks(findings: Sequence[Finding], monthly: bool) -> list[_Leak]:
    def dearest(leak: _Leak) -> tuple[float, bool]:
        return -(leak.usd(monthly) or 0.0), leak.first.kind not in CANNOT_WAIT

    return sorted(_grouped(findings), key=dearest)


def _grouped(findings: Sequence[Finding]) -> list[_Leak]:
    """Findings alike but for their task and figures, together: those of unknown cost apart from the others.

    Those of the whole log stand alone; what cannot wait is one row a kind.
    """
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        apart = finding.id if finding.task is None else finding.usd_logged is None
        said = (finding.basis, _PERCENT.sub("%", finding.title), finding.remedy, apart)
        groups.setdefault((finding.kind, *(() if finding.kind in CANNOT_WAIT else said)), []).append(finding)
    return [_Leak(tuple(group)) for group in groups.values()]


def _row(rank: int, leak: _Leak, monthly: bool) -> Row:
    tasks = leak.tasks()
    usd = leak.usd(monthly)
    calls = sum(finding.calls for finding in leak.findings)
    advice = leak.first.remedy.partition("; ")[0]
    return Row(
        (
            Cell(str(rank), value=rank),
            cells.name(leak.title()),
            Cell(cells.few(tasks, TASKS_NAMED), value=", ".join(tasks)) if tasks else cells.name(None),
            cells.count(calls),
            Cell(figures.whole_money(usd), value=usd),
            _answers(leak.first),
        ),
        note=line(cells.dim(f"→ {advice}" if advice else "")),
    )


def _single(finding: Finding, monthly: bool) -> Row:
    usd = _usd(finding, monthly)
    return Row(
        (
            cells.name(_Leak((finding,)).title()),
            cells.name(finding.task),
            cells.count(finding.calls),
            Cell(figures.whole_money(usd), value=usd),
            _answers(finding),
            Cell(finding.evidence),
            Cell(finding.remedy),
        )
    )


def _dollars(monthly: bool) -> Column:
    return Column("per month" if monthly else "in this log", "usd_per_month" if monthly else "usd_logged", "right")


def _answers(finding: Finding) -> Cell:
    if finding.kind in CANNOT_WAIT:
        return Cell(*CANNOT_WAIT[finding.kind], finding.basis)
    if finding.usd_logged is None:
        return Cell(figures.UNKNOWN, value=finding.basis)  # nothing to save is known of, so nothing to test
    word, role = _ANSWERS_CHANGE[finding.basis]
    return Cell(word, role, finding.basis)


def _range(shares: list[float]) -> str:
    """ "2.1–23.9 %"; one share where all print alike."""
    low, high = figures.percent(min(shares)), figures.percent(max(shares))
    return high if low == high else f"{low.removesuffix(' %')}–{high}"


def _potentials(result: AuditResult, monthly: bool, found: Sequence[_Leak]) -> Iterator[Line]:
    if (more := len(found) - ROWS_SHOWN) > 0:
        yield line(cells.dim(f"and {figures.counted(more, 'smaller leak')}: all of them in --format html"))
    potential = result.potential
    if sum(1 for leak in found if leak.usd(monthly)) > 1:
        yield line(cells.dim("rows overlap: do not add them up; the totals below count no dollar twice"))
    if sure := amount(potential.no_answer_change, monthly):
        yield line("no change to any answer: ", cells.strong(_rate(sure, monthly)))
    if hoped := amount(potential.if_untested_passed, monthly):
        yield line(f"potential if everything untested passed: {_at_most(hoped, monthly)} (do not quote)")


def amount(total: PotentialTotal, monthly: bool) -> float | None:
    """What the bill could lose, a month or in this log."""
    return total.usd_per_month if monthly else total.usd_logged


def _usd(finding: Finding, monthly: bool) -> float | None:
    return finding.usd_per_month if monthly else finding.usd_logged


def _at_most(usd: float, monthly: bool) -> str:
    return f"{figures.about(usd, 'up to ')} {'a month' if monthly else 'of this log'}"


def _rate(usd: float, monthly: bool) -> str:
    return f"{figures.about(usd)} {'a month' if monthly else 'of this log'}"
