"""Where a value stands along an axis, and which values are marked."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from llmcost.report.document import Axis
from llmcost.report.figures import MINUS

MOST_TICKS = 6
_ROUND = (1.0, 2.0, 5.0, 10.0)
_SAME = 1e-12  # values that differ by less than this share of their size are drawn as equal
_LEAST_SPAN = 1e-290  # below it steps underflow
_LONG = 1e7  # from here on numbers are written in powers of ten
_FEW_DECADES = 2  # so many decades have room for marks at 2 and 5


@dataclass(frozen=True, slots=True)
class Scale:
    """A way from `low` to `high` (their decimal logarithms if `log`), with marks: share of the way → text."""

    low: float
    high: float
    log: bool
    ticks: tuple[tuple[float, str], ...] = ()

    def at(self, value: float | None) -> float | None:
        """How far along the axis a value stands, 0–1; None: it has no place there."""
        if value is None or not math.isfinite(value) or (self.log and value <= 0):
            return None
        return self.along(math.log10(value) if self.log else value)

    @property
    def zero(self) -> float | None:
        """Where 0 stands, if the axis has it."""
        return self.along(0.0) if not self.log and self.low <= 0 <= self.high else None

    def along(self, place: float) -> float:
        """The same of a place between `low` and `high`."""
        halved = self.high / 2 - self.low / 2  # halves: the span of the largest numbers is none
        return min(max((place / 2 - self.low / 2) / halved, 0.0), 1.0)


def scale_of(axis: Axis, values: Iterable[float | None]) -> Scale | None:
    """The scale of an axis that holds these values and its own ticks; None if it has a place for none of the values."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    log = axis.kind == "log"
    placed = [value for value in known if value > 0] if log else known
    if not placed:
        return None
    given = [(value, text) for value, text in axis.ticks if math.isfinite(value) and not (log and value <= 0)]
    placed += [value for value, _ in given]
    ends = [math.log10(value) for value in (min(placed), max(placed))] if log else [min(placed), max(placed)]
    low, high = _widened(*ends)
    if given:
        bare = Scale(low, high, log)
        return Scale(low, high, log, tuple((bare.at(value) or 0.0, text) for value, text in given))
    marks = _decades(low, high, axis.unit) if log else _steps(low, high, axis.unit)
    places = [place for place, _ in marks]
    whole = Scale(min(low, *places), max(high, *places), log)
    return Scale(whole.low, whole.high, log, tuple((whole.along(place), text) for place, text in _told_apart(marks)))


def _widened(low: float, high: float) -> tuple[float, float]:
    """Two ends that are apart."""
    size = max(abs(low), abs(high))
    if high / 2 - low / 2 > max(_SAME * size, _LEAST_SPAN):
        return low, high
    room = size / 10 if size > _LEAST_SPAN * 10 else 1.0
    return max(low - room, -sys.float_info.max), min(high + room, sys.float_info.max)


def _steps(low: float, high: float, unit: str) -> list[tuple[float, str]]:
    """Round values from below `low` to above `high`; from zero where that costs no more than half of the axis."""
    if 0 < low <= high - low:
        low = 0.0
    if 0 > high >= low - high:
        high = 0.0
    span = high - low
    if not math.isfinite(span) or max(abs(low), abs(high)) > sys.float_info.max / 10:
        return [(end, _text(end, unit, 0.0)) for end in (low, high)]
    step = _round_step(span / (MOST_TICKS - 1))
    marks = range(math.floor(low / step + _SAME), math.ceil(high / step - _SAME) + 1)
    return [(mark * step, _text(mark * step, unit, step)) for mark in marks]


def _round_step(least: float) -> float:
    """The smallest 1, 2 or 5 times a power of ten that is not less."""
    power = 10.0 ** math.floor(math.log10(least))
    return next((times * power for times in _ROUND if times * power >= least * (1 - _SAME)), 10 * power)


def _decades(low: float, high: float, unit: str) -> list[tuple[float, str]]:
    """Round places (decimal logarithms) around low and high: 1, 2, 5 within few decades, else powers of ten."""
    leading = (1, 2, 5) if high - low <= _FEW_DECADES else (1,)
    powers = range(math.floor(low) - 1, math.ceil(high) + 2)
    marks = [(power + math.log10(times), times, power) for power in powers for times in leading]
    first = max(index for index, (place, *_) in enumerate(marks) if place <= low + _SAME)
    last = min(index for index, (place, *_) in enumerate(marks) if place >= high - _SAME)
    stride = max(1, math.ceil((last - first + 1) / (2 * MOST_TICKS)))
    kept = {*range(first, last + 1, stride), first, last}
    return [(place, _power(times, power, unit)) for place, times, power in (marks[index] for index in sorted(kept))]


def _power(times: int, power: int, unit: str) -> str:
    shown = power + 2 if unit == "percent" else power
    number = f"{times}e{shown}" if abs(shown) > math.log10(_LONG) else f"{times * 10.0**shown:,.7g}"
    return _with_unit(number, unit)


def _text(value: float, unit: str, step: float) -> str:
    """A mark as it is written, with the decimals that its step needs."""
    times = 100.0 if unit == "percent" and abs(value) < sys.float_info.max / 1000 else 1.0
    value, step = value * times, step * times
    if abs(value) >= _LONG or step < 1 / _LONG:
        return _with_unit(f"{value:.3g}", unit)
    decimals = max(0, -math.floor(math.log10(step) + _SAME))
    return _with_unit(f"{value:,.{decimals}f}", unit)


def _with_unit(number: str, unit: str) -> str:
    sign, size = (MINUS, number[1:]) if number.startswith("-") else ("", number)
    shown = size.replace("-", MINUS)
    return {"percent": f"{sign}{shown} %", "usd": f"{sign}${shown}"}.get(unit, f"{sign}{shown}")


def _told_apart(marks: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """The marks whose text differs from that of the mark before."""
    return [*marks[:1], *(after for before, after in pairwise(marks) if before[1] != after[1])]
