"""What a grader sees and says. Blindness is structural: a pair holds no model name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from llmcost.answers import Answer


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one request: `left` as logged, `right` replayed. None: that side gave no answer at all."""

    request: Mapping[str, Any]
    left: Answer | None
    right: Answer | None
    expected: str | None = None


@dataclass(frozen=True, slots=True)
class Grade:
    """score(right) − score(left) in [−1, 1].

    difference  None only where the pair could not be graded at all (no check fits and there is no judge)
    basis       what decided: "exact", "numeric", "json", "schema", "tool_calls", "identical", "failure", "judge" …
    failed      the right side failed by itself: refused, cut off, empty, not valid
    unparsed    a judge's verdict stayed unreadable after a retry; counted as a loss
    orders      what a judge said with the left answer shown first, and with the right one first, both as score(right)
                − score(left); None if no judge was asked
    """

    difference: float | None
    basis: str
    failed: bool = False
    unparsed: bool = False
    orders: tuple[float, float] | None = None


class Grader(Protocol):
    """Grades pairs without knowing whose answers they are."""

    name: str

    async def grade(self, pairs: Sequence[Pair]) -> list[Grade]:
        """Grades parallel to `pairs`."""
