"""Cascade: a cheaper model answers first, a grader looks at it, and what does not pass goes on to the next tier.

Which answers pass is known of the prompts that were replayed, not of each call of the log. So of every task as many
calls go on as measured, spread evenly over the sizes of its calls: those are put in order of size, and taken at steps
of the golden ratio, which fill the order without gaps or clusters however many are taken. Those that really go on may
be longer or shorter than these; how much in all, the bill of the replayed prompts says (`CascadePlan.longer`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from llmcost.calls import Calls
from llmcost.strategies.attempts import GRADER, NO_ANSWERS, OF_THE_ANSWER, can_change, marked, ordered_by, without
from llmcost.strategies.attempts import requests as numbered
from llmcost.strategies.route import Swap, asked_of, by_task, unless_asked, with_numbers

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

GOLDEN = (sqrt(5) - 1) / 2
TOKENS = (
    "input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_tokens",
    "reasoning_tokens",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grader:
    """What grading one answer takes: mean tokens, and its replayed latencies, sorted; None: unknown."""

    model: str
    input_tokens: float
    output_tokens: float
    latencies_ms: Floats | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """A model that answers before the last. Shares are of the calls that reach it.

    swap           what asking this model does to a call
    escalated      share that goes on: a check fails their answer, or it is graded too low
    grader         is paid for every answer that no check fails
    failed_checks  share whose answer fails a check that costs nothing
    """

    swap: Swap
    escalated: float
    grader: Grader
    failed_checks: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.failed_checks <= self.escalated <= 1:
            raise ValueError("shares of calls must hold 0 ≤ failed_checks ≤ escalated ≤ 1")


@dataclass(frozen=True, slots=True)
class CascadePlan:
    """The tiers of a task, cheapest first, and who answers what none of them may keep; None: today's model.

    longer  tokens of the calls that go on, over those of calls of all sizes
    """

    tiers: tuple[Tier, ...]
    last: Swap | None = None
    longer: float = 1.0

    def __post_init__(self) -> None:
        if not self.tiers:
            raise ValueError("a cascade has at least one tier before the last")


@dataclass(frozen=True, slots=True)
class Cascade:
    """The strategy `cascade`; its evidence is task → CascadePlan."""

    name: str = "cascade"

    def apply(self, calls: Calls, evidence: Mapping[str, CascadePlan]) -> Calls:
        """The calls of every task named in `evidence` as their attempts: each tier they reach, and its grader.

        A tier whose model a call asks already is that call as it was logged. What is told of the answer stays with the
        last attempt that is one. Failed calls, embeddings, what a cache answered and what has no place in the log stay
        as they are.
        """
        which, plans = by_task(calls, evidence)
        which = np.where(can_change(calls) & calls.known("position"), which, -1)
        if not (which >= 0).any():
            return calls
        asks = [_Ask(np.flatnonzero(which < 0), 0, None), *_asks(calls, which, plans)]
        sizes = [len(ask.rows) for ask in asks]
        row = np.concatenate([ask.rows for ask in asks])
        order = np.lexsort((np.repeat([ask.place for ask in asks], sizes), row))
        ask = np.repeat(np.arange(len(asks)), sizes)[order]
        lost = np.concatenate([np.arange(len(ask.rows)) < ask.lost for ask in asks])[order]
        answered = without(_answered(calls.take(row[order]), ask, asks), lost, OF_THE_ANSWER)
        return _graded(_longer(answered, ask, asks), ask, asks, order)


def wasted(calls: Calls) -> Mask:
    """True for the attempts whose answer nobody got, because a later one of their request is what was answered."""
    request = numbered(calls)
    if request is None:
        return np.zeros(len(calls), dtype=bool)
    answers = ~calls.says("operation", NO_ANSWERS)
    last = np.full(len(calls), -1)
    last[request[answers]] = np.flatnonzero(answers)  # of several, numpy keeps the last
    mask: Mask = answers & (last[request] != np.arange(len(calls)))
    return mask


@dataclass(frozen=True, slots=True)
class _Ask:
    """What one model is asked, in the calls of these rows, as the attempt of this place in their requests.

    swap    who is asked; None: as logged
    grader  who is asked instead, and not for an answer
    lost    of the first so many of the rows nobody gets the answer
    longer  its tokens over those of the calls that are taken for those that get here
    """

    rows: Ints
    place: int
    swap: Swap | None
    grader: Grader | None = None
    lost: int = 0
    longer: float = 1.0


def _asks(calls: Calls, which: Ints, plans: Sequence[CascadePlan]) -> Iterator[_Ask]:
    weights = calls.weights()
    size = np.nan_to_num(calls.floats("input_tokens")) + np.nan_to_num(calls.floats("output_tokens"))
    for index, plan in enumerate(plans):
        of_task = np.flatnonzero(which == index)
        rows = ordered_by(calls, of_task, size[of_task])
        rows = rows[np.argsort(np.arange(len(rows)) * GOLDEN % 1)]
        for number, tier in enumerate(plan.tiers):
            on, failed = (_first(weights[rows], share) for share in (tier.escalated, tier.failed_checks))
            yield _Ask(rows, 2 * number, tier.swap, lost=on, longer=plan.longer if number else 1.0)
            grading = Swap(tier.grader.model, latencies_ms=tier.grader.latencies_ms)
            yield _Ask(rows[failed:], 2 * number + 1, grading, tier.grader)
            rows = rows[:on]
        yield _Ask(rows, 2 * len(plan.tiers), plan.last, longer=plan.longer)


def _first(weights: Floats, share: float) -> int:
    """How many of the calls, from the first on, are this share of their weight, to half a call."""
    reached = np.cumsum(weights)
    return int(np.searchsorted(reached - weights / 2, share * reached[-1], side="right")) if len(reached) else 0


def _answered(attempts: Calls, ask: Ints, asks: Sequence[_Ask]) -> Calls:
    swaps = [each.swap for each in asks if each.swap is not None]
    changes = np.array([each.swap is not None for each in asks])
    which = np.where(changes, np.cumsum(changes) - 1, -1)[ask]
    grading = _grading(asks, ask)
    return asked_of(attempts, np.where(grading, which, unless_asked(attempts, which, swaps)), swaps)


def _longer(attempts: Calls, ask: Ints, asks: Sequence[_Ask]) -> Calls:
    """The attempts with the tokens of the calls that really get there; parts stay within their wholes."""
    factor = np.array([each.longer for each in asks])[ask]
    if (factor == 1).all():
        return attempts
    tokens = {name: np.rint(attempts.floats(name) * factor) for name in TOKENS}
    tokens["cache_read_tokens"] = _within(tokens["cache_read_tokens"], tokens["input_tokens"])
    left = tokens["input_tokens"] - np.nan_to_num(tokens["cache_read_tokens"])
    tokens["cache_write_tokens"] = _within(tokens["cache_write_tokens"], left)
    tokens["cache_write_1h_tokens"] = _within(tokens["cache_write_1h_tokens"], tokens["cache_write_tokens"])
    tokens["reasoning_tokens"] = _within(tokens["reasoning_tokens"], tokens["output_tokens"])
    return with_numbers(attempts, tokens)


def _within(part: Floats, whole: Floats) -> Floats:
    return np.where(np.isnan(part), np.nan, np.fmin(part, whole))


def _graded(attempts: Calls, ask: Ints, asks: Sequence[_Ask], order: Ints) -> Calls:
    """The attempts with those of graders told as what they are; each has the mean tokens, and all have their sum."""
    grading = _grading(asks, ask)
    columns = {}
    for name in ("input_tokens", "output_tokens"):
        means = [(len(each.rows), getattr(each.grader, name, 0.0)) for each in asks]
        tokens = np.concatenate([np.diff(np.rint(np.arange(n + 1) * mean)) for n, mean in means])[order]
        columns[name] = np.where(grading, tokens, attempts.floats(name))
    return marked(with_numbers(attempts, columns), grading, GRADER)


def _grading(asks: Sequence[_Ask], ask: Ints) -> Mask:
    """True for the attempts of graders."""
    return np.array([each.grader is not None for each in asks])[ask]
