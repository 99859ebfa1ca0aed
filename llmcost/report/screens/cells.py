"""Cells, columns and phrases that several screens share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import PurePath

from llmcost.report import figures
from llmcost.report.document import Cell, Role, Span

SEPARATOR = " · "


def name(text: str | None, role: Role = "plain") -> Cell:
    """A task, model or file name."""
    return Cell(figures.UNKNOWN) if text is None else Cell(text, role, text)


def money(usd: float | None, role: Role = "plain") -> Cell:
    """An amount in US dollars."""
    return Cell(figures.money(usd), role, usd)


def per_call(usd: float | None) -> Cell:
    """A cost per call in US dollars."""
    return Cell(figures.per_call(usd), value=usd)


def count(number: int | None) -> Cell:
    """A count of calls or prompts."""
    return Cell(figures.count(number), value=number)


def compact(number: int | None) -> Cell:
    """A count of tokens, in a few digits."""
    return Cell(figures.compact(number), value=number)


def percent(share: float | None, decimals: int = 1) -> Cell:
    """A share in 0–1."""
    return Cell(figures.percent(share, decimals), value=share)


def no_more_than(share: float | None) -> Cell:
    """A loss that is not ruled out, a share in 0–1, rounded up: it is never made smaller."""
    return Cell(figures.at_most(share), value=share)


def change(share: float | None, role: Role = "plain", decimals: int = 1) -> Cell:
    """A relative change, with its sign."""
    return Cell(figures.change(share, decimals), role, share)


def duration(milliseconds: float | None) -> Cell:
    """A latency."""
    return Cell(figures.duration(milliseconds), value=milliseconds)


def listed(items: Sequence[str], most: int) -> str:
    """ "a, b and 3 more": at most `most` of the items by name."""
    shown = ", ".join(items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"


def few(items: Sequence[str], most: int) -> str:
    """ "a, b +3": `listed` where room is short."""
    more = f" +{len(items) - most}" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def joined(parts: Iterable[str]) -> str:
    """The parts that are not empty, separated by middle dots."""
    return SEPARATOR.join(part for part in parts if part)


def file_names(paths: Sequence[str]) -> str:
    """The files by name, without their folders; at most three."""
    return listed([PurePath(path).name or path for path in paths], 3)


def period(start: str | None, end: str | None) -> str:
    """ "1–31 Oct 2026" from two ISO-8601 times; "" where the log has none."""
    if start is None or end is None:
        return ""
    first, last = date.fromisoformat(start[:10]), date.fromisoformat(end[:10])
    if first == last:
        return _day(last, "%b %Y")
    if first.year != last.year:
        return f"{_day(first, '%b %Y')} – {_day(last, '%b %Y')}"
    if first.month != last.month:
        return f"{_day(first, '%b')} – {_day(last, '%b %Y')}"
    return f"{first.day}–{_day(last, '%b %Y')}"


def dim(text: str) -> Span:
    """Text that may be skipped."""
    return Span(text, "dim")


def strong(text: str) -> Span:
    """Text that should be seen first."""
    return Span(text, "strong")


def _day(day: date, rest: str) -> str:
    return f"{day.day} {day.strftime(rest)}"
