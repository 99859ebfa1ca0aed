"""Answers and verdicts that are missing: a failure is a loss, and what nobody graded must not leave ties alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np

from llmcost.answers import Answer
from llmcost.endpoint import ChatRequest, Completion
from llmcost.evidence import Rule, decide
from llmcost.grading import Grade, Pair, grade, to_outcomes
from llmcost.grading.judge import Judge
from llmcost.trial import cell as cells
from worlds import trials
from worlds.rows import Row, within_alpha

MARGIN = 0.05
LOGGED = Answer("positive", finish_reason="stop")
FAILURES = (
    Answer(refusal="I cannot help with that."),
    Answer("posit", finish_reason="length"),
    Answer("", finish_reason="stop"),
    Answer("positive", finish_reason="content_filter"),
)


def rows(worlds: int) -> Iterator[Row]:
    yield failure_row(worlds)
    yield unread_row(worlds)
    yield from unreachable_rows(max(worlds // 10, 1))


def failure_row(worlds: int) -> Row:
    """The guard is that a failure is a loss; without, it drops out."""
    same, *failed = _graded([LOGGED, *FAILURES])
    lost, dropped = (_switches(worlds, same, kinds) for kinds in (failed, [Grade(None, "dropped")]))
    return within_alpha("equal where it answers, fails on 5 %, margin 5 %, n 400", lost, "a failure is a loss", dropped)


def unread_row(worlds: int) -> Row:
    """The guard is that a verdict which stays unreadable is a loss; without, it is a tie."""
    (same,) = _graded([LOGGED])
    lost, tied = (_switches(worlds, same, [kind]) for kind in (_unread(), Grade(0.0, "judge")))
    return within_alpha("verdicts unreadable on 5 %, else ties, margin 5 %, n 400", lost, "unread is a loss", tied)


def _graded(said: Sequence[Answer]) -> list[Grade]:
    pairs = [Pair({}, LOGGED, answer) for answer in said]
    (grades,) = asyncio.run(grade(pairs, None, ())).by_judge.values()
    return grades


def _unread() -> Grade:
    async def ask(requests: Sequence[ChatRequest], purpose: str) -> list[Completion]:
        return [Completion(request.model, "answered", Answer("Both have their merits.")) for request in requests]

    (found,) = asyncio.run(Judge("judge", ask).grade([Pair({}, LOGGED, Answer("It is rather positive, I would say."))]))
    return found


def _switches(worlds: int, same: Grade, kinds: Sequence[Grade], n: int = 400) -> float:
    """How often it is a switch if 5 % of the grades are of these kinds, and all others ties."""
    rng = np.random.default_rng(29)
    found = 0
    for _ in range(worlds):
        grades = [kinds[int(luck * 1e6) % len(kinds)] if luck < MARGIN else same for luck in rng.random(n)]
        found += decide(to_outcomes(grades, np.ones(n)), Rule(MARGIN)).decision == "SWITCH"
    return found / worlds


def unreachable_rows(worlds: int) -> Iterator[Row]:
    """The service fails on just those prompts that the candidate would lose: the worst that a service can do.

    Two guards: a tenth missing decides nothing at all, and more missing than the margin makes no switch.
    """
    share = _when_unreachable(worlds, 0.25)
    with _no_guard():
        without = _when_unreachable(max(worlds // 2, 1), 0.25)
    yield Row("the 25 % of answers that are worse never arrive, whole trial: CANNOT JUDGE", share["CANNOT_JUDGE"],
              0.99, 1, "little may be missing", without["CANNOT_JUDGE"])  # fmt: skip
    yield Row("  the same: SWITCH", share["SWITCH"], 0, 0, "little may be missing", without["SWITCH"])
    few = _when_unreachable(worlds, 0.08)
    with _no_guard():
        unguarded = _when_unreachable(max(worlds // 2, 1), 0.08)
    # some of these worlds have no more than 5 % missing: there nobody can tell
    yield Row("the 8 % of answers that are worse never arrive, margin 5 %: SWITCH", few["SWITCH"], 0, 0.2,
              "no more missing than the margin", unguarded["SWITCH"])  # fmt: skip


@contextmanager
def _no_guard() -> Iterator[None]:
    with patch.object(cells, "MOST_UNREACHABLE", 1.0), patch.object(cells, "_too_much_missing", lambda *_: None):
        yield


def _when_unreachable(worlds: int, losses: float) -> dict[str, float]:
    say = trials.answers(0.0, losses)
    said = [
        trials.verdict(seed, say, {"judge": lambda rng, pair: trials.truth(pair)}, reached=trials.not_worse).decision
        for seed in range(worlds)
    ]
    return {name: said.count(name) / worlds for name in cells.WORST_FIRST}
