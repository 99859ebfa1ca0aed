"""A grader that is asked about a pair once, however often a trial looks at it."""

from __future__ import annotations

from collections.abc import Sequence

from llmcost.grading import Grade, Grader, Pair


class Remembered:
    """The same grader, for pairs that come back at every look: what it said of a pair (the very object) stays said.

    Only a pair that the service kept it from grading is tried again.
    """

    def __init__(self, grader: Grader) -> None:
        self.name = grader.name
        self._grader = grader
        self._said: dict[int, tuple[Pair, Grade]] = {}  # the pair is kept, so that its id stays its own

    async def grade(self, pairs: Sequence[Pair]) -> list[Grade]:
        """Grades parallel to `pairs`."""
        fresh = [pair for pair in pairs if id(pair) not in self._said]
        if fresh:
            grades = await self._grader.grade(fresh)
            self._said |= {id(p): (p, g) for p, g in zip(fresh, grades, strict=True) if g.difference is not None}
            missing = {id(p): g for p, g in zip(fresh, grades, strict=True) if g.difference is None}
        else:
            missing = {}
        return [missing[id(pair)] if id(pair) in missing else self._said[id(pair)][1] for pair in pairs]
