"""A pair is judged once, however often a trial looks at it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from llmcost.answers import Answer
from llmcost.grading import Grade, Pair
from llmcost.trial.remembered import Remembered


class Counting:
    """A grader that counts what it is asked, and cannot be reached for some pairs the first time."""

    name = "counting"

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def grade(self, pairs: Sequence[Pair]) -> list[Grade]:
        said = []
        for pair in pairs:
            text = (pair.right or Answer()).text or ""
            lost = text.startswith("lost") and text not in self.asked
            self.asked.append(text)
            said.append(Grade(None, "unreachable") if lost else Grade(float(len(text) % 2), "judge"))
        return said


def pair(text: str) -> Pair:
    return Pair({}, Answer("left"), Answer(text))


def test_a_pair_is_asked_about_once_and_one_that_was_lost_again() -> None:
    inner = Counting()
    grader = Remembered(inner)
    pairs = [pair("one"), pair("four"), pair("lost")]
    first = asyncio.run(grader.grade(pairs[:2]))
    second = asyncio.run(grader.grade(pairs))
    third = asyncio.run(grader.grade([pairs[2], pairs[0]]))
    assert [grade.difference for grade in first] == [1.0, 0.0]
    assert second[:2] == first and second[2].difference is None
    assert [grade.difference for grade in third] == [0.0, 1.0]
    assert inner.asked == ["one", "four", "lost", "lost"]


def test_equal_pairs_are_not_the_same_pair() -> None:
    inner = Counting()
    asyncio.run(Remembered(inner).grade([pair("one"), pair("one")]))
    assert inner.asked == ["one", "one"]
