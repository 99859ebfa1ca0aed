"""Spend tables: by task, model, day, tag and call site; on a terminal the dearest rows and the rest in one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from llmcost.audit.result import AuditResult, CallSite, SpendRow
from llmcost.recommend.result import ReplayReport
from llmcost.report import figures
from llmcost.report.document import Cell, Column, Row, Table
from llmcost.report.screens import cells
from llmcost.report.untrusted import elide

OTHER = "(other)"
HEADER_LETTERS = 20  # of a tag's key above its values; the title has all of it
COMPACT = frozenset({"name", "calls", "cost_usd", "cost_per_call_usd"})
SUMMED = ("calls", "priced_calls", "failed_calls")
SUMMED_IF_KNOWN = ("input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens", "cost_usd", "share")

R = TypeVar("R", bound="SpendRow | CallSite")


def spend_table(key: str, header: str, rows: Sequence[SpendRow], top: int, *, detail: bool = False) -> Table:
    """Spend by `key` (task, model, day or tag), as its rows are ordered."""
    columns = (
        Column(elide(header, HEADER_LETTERS), "name", shrink=True, lines=4),
        Column("Calls", "calls", "right"),
        Column("Tokens in", "input_tokens", "right", rank=2),
        Column("Tokens out", "output_tokens", "right", rank=2),
        Column("Cost", "cost_usd", "right"),
        Column("Share", "share", "right", rank=3),
        Column("$/call", "cost_per_call_usd", "right"),
        Column("p95", "latency_p95_ms", "right", rank=1),
        *((Column("Model", "models", shrink=True),) if key == "task" else ()),
    )
    title = "" if key == "task" else f"By {header if key == 'tag' else header.lower()}"
    name = f"tag {header}" if key == "tag" else key
    brief = tuple(_spend_row(key, row) for row in _folded(rows, top, lambda rest: _other(key, rest)))
    every = tuple(_spend_row(key, row) for row in rows)
    return Table(name, columns, every, title, detail, brief, caption=f"Spend by {key}")


def call_sites_are_tasks(result: AuditResult) -> bool:
    """Whether the log names no tasks, so that its call sites are all that can be told apart."""
    return bool(result.call_sites) and all(site.call_site == site.task for site in result.call_sites)


def call_site_table(result: AuditResult, top: int, *, detail: bool = False) -> Table:
    """Where the calls come from: what each place does, costs, and sends with every call."""
    columns = (
        Column("Call site", "name", shrink=True, lines=3, least=18),
        Column("Task", "task", shrink=True, rank=3),
        Column("Kind", "kind", shrink=True, least=14, rank=1),
        Column("Calls", "calls", "right"),
        Column("Cost", "cost_usd", "right"),
        Column("Share", "share", "right", rank=4),
        Column("Static a year", "static_usd_per_year", "right", rank=2),
        Column("Model", "models", shrink=True, rank=5),
    )
    rows, brief = (
        tuple(map(_site_row, sites)) for sites in (result.call_sites, _folded(result.call_sites, top, _other_sites))
    )
    table = Table(
        "call site",
        columns,
        rows,
        "By call site (static: the text that all its prompts share)" if detail else "",
        detail,
        brief,
    )
    known = any(site.static_usd_per_year is not None for site in result.call_sites)
    told = {column.key for column in columns}
    told -= ({"task"} if call_sites_are_tasks(result) else set()) | (set() if known else {"static_usd_per_year"})
    return table.only(told)


def days_table(report: ReplayReport) -> Table:
    """What each task cost on each day."""
    columns = (
        Column("Day", "day"),
        Column("Task", "task", shrink=True),
        Column("Calls", "calls", "right"),
        Column("Cost", "cost_usd", "right"),
    )
    rows = (
        Row((cells.name(each.day), cells.name(each.task), cells.count(each.calls), cells.money(each.cost_usd)))
        for each in report.by_day
    )
    return Table("task and day", columns, tuple(rows))


def lives_table(report: ReplayReport) -> Table:
    """What an exact response cache is worth by how long it keeps answers."""
    columns = (
        Column("Answers kept for", "ttl"),
        Column("Hit rate", "hit_rate", "right"),
        Column("Saves by itself, in this log", "saved_usd", "right"),
    )
    rows = (
        Row((Cell(each.ttl, value=each.ttl), cells.percent(each.hit_rate), cells.money(each.logged_usd)))
        for each in report.cache_lives
    )
    return Table("cache ttl", columns, tuple(rows), caption="An exact response cache by how long it keeps answers")


def models_cell(models: Sequence[str]) -> Cell:
    """The first model, and how many more there are."""
    if not models:
        return Cell(figures.UNKNOWN)
    more = f" +{len(models) - 1}" if len(models) > 1 else ""
    return Cell(models[0] + more, value=", ".join(models))


def _spend_row(key: str, row: SpendRow) -> Row:
    named = getattr(row, key)
    return Row(
        (
            cells.name(None if named is msgspec.UNSET else named),
            cells.count(row.calls),
            cells.compact(row.input_tokens),
            cells.compact(row.output_tokens),
            cells.money(row.cost_usd),
            cells.percent(row.share, 0),
            cells.per_call(row.cost_per_call_usd),
            cells.duration(row.latency_p95_ms),
            *((models_cell([] if row.models is msgspec.UNSET else row.models),) if key == "task" else ()),
        )
    )


def _site_row(site: CallSite) -> Row:
    static = Cell(_static(site), value=site.static_usd_per_year)
    return Row(
        (
            cells.name(site.name or site.call_site),
            cells.name(site.task or None),
            cells.name(site.kind or None),
            cells.count(site.calls),
            cells.money(site.cost_usd),
            cells.percent(site.share, 0),
            static,
            models_cell(site.models),
        )
    )


def _static(site: CallSite) -> str:
    """What the text that all prompts share costs a year, "~": its tokens are estimated."""
    if site.static_usd_per_year is not None:
        return figures.about(site.static_usd_per_year, "~")
    return figures.UNKNOWN


def _folded(rows: Sequence[R], top: int, other: Callable[[list[R]], R]) -> list[R]:
    """The `top` dearest rows in the order given, the others in one row; all of them where only one would be left."""
    if len(rows) <= top + 1:
        return list(rows)
    costs = [row.cost_usd or 0.0 for row in rows]
    kept: set[int] = set(sorted(range(len(rows)), key=lambda index: (-costs[index], index))[:top])
    rest = [row for index, row in enumerate(rows) if index not in kept]
    shown: list[R] = [rows[index] for index in sorted(kept)]
    return [*shown, other(rest)]


def _other(key: str, rest: Sequence[SpendRow]) -> SpendRow:
    sums: dict[str, Any] = {name: sum(getattr(row, name) for row in rest) for name in SUMMED}
    known: dict[str, Any] = {name: _total(getattr(row, name) for row in rest) for name in SUMMED_IF_KNOWN}
    cost, priced = known["cost_usd"], sums["priced_calls"]
    named: dict[str, Any] = {key: f"{OTHER}: {len(rest):,}"}
    return SpendRow(
        **sums,
        **known,
        cost_per_call_usd=cost / priced if cost is not None and priced else None,
        latency_p50_ms=None,
        latency_p95_ms=None,
        **named,
    )


def _other_sites(rest: Sequence[CallSite]) -> CallSite:
    names = ("cost_usd", "share", "static_usd_per_year")
    sums: dict[str, Any] = {name: _total(getattr(site, name) for site in rest) for name in names}
    return CallSite(
        call_site=f"{OTHER}: {len(rest):,}",
        task="",
        kind="",
        kind_evidence=[],
        calls=sum(site.calls for site in rest),
        models=[],
        static_tokens=None,
        static_share=None,
        **sums,
    )


def _total(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    return math.fsum(known) if any(isinstance(value, float) for value in known) else sum(known)
