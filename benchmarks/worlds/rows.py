"""A row of the table: what was measured, what is demanded, and what happens where the guard is switched off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf

ALPHA = 0.05
ALPHA_AND_ERROR = 0.058  # 5 % and the Monte-Carlo error of 2,000 worlds


@dataclass(frozen=True, slots=True)
class Row:
    """One demand. `without` is the same measured with a guard switched off, which `guard` names; None: it has none.

    A guard without which the demand would still be met is not shown to guard anything, so that such a row is missed.
    """

    what: str
    measured: float
    at_least: float = -inf
    at_most: float = inf
    guard: str = ""
    without: float | None = None
    percent: bool = True

    @property
    def kept(self) -> bool:
        return self.at_least <= self.measured <= self.at_most

    @property
    def fails_without(self) -> bool | None:
        return None if self.without is None else not self.at_least <= self.without <= self.at_most

    @property
    def met(self) -> bool:
        return self.kept and self.fails_without is not False

    def text(self) -> str:
        figures = f"{self.what:88} {self._figure(self.measured):>9}  {self._demand():14}"
        return f"{figures} {self._said():6} {self._without()}".rstrip()

    def _said(self) -> str:
        if self._demand() == "none":
            return ""
        return "met" if self.kept else "MISSED"

    def _demand(self) -> str:
        if self.at_least == -inf and self.at_most == inf:
            return "none"
        if self.at_least == self.at_most:
            return f"= {self._figure(self.at_least)}"
        if self.at_least in (0, -inf):
            return f"≤ {self._figure(self.at_most)}"
        if self.at_most in (1, inf):
            return f"≥ {self._figure(self.at_least)}"
        return f"{self._figure(self.at_least)} – {self._figure(self.at_most)}"

    def _without(self) -> str:
        if self.without is None:
            return ""
        return f"{'yes' if self.fails_without else 'NO':3} {self._figure(self.without):>8}  {self.guard}"

    def _figure(self, value: float) -> str:
        return f"{100 * value:.2f} %" if self.percent else f"{value:.3g}"


HEADING = f"{'world':88} {'measured':>9}  {'demand':14} {'':6} fails without it: yes, how often, and without what"

Theme = Callable[[int], Iterator[Row]]


def within_alpha(what: str, wrong: float, guard: str = "", without: float | None = None) -> Row:
    """A row about wrong decisions, of which 5 % may be."""
    return Row(what, float(wrong), 0, ALPHA_AND_ERROR, guard, None if without is None else float(without))
