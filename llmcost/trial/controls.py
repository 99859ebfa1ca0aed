"""May a grader, and the replay itself, be believed? What is planted and asked before anybody's answers are graded.

A grader that calls everything a tie, always prefers the first answer, guesses, or obeys what an answer tells it would
make every candidate "not worse": planted *gross* errors show it, most of which carry an attack on the grader as well.
How much of a smaller difference it sees, planted *subtle* errors tell, and people's verdicts tell better. And the
incumbent's own answers, asked for once more, show whether a replay gets what was logged at all, and how often two
answers of one model differ: the noise floor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from llmcost.calls import Call
from llmcost.endpoint import Ask
from llmcost.errors import EndpointError
from llmcost.evidence import Outcomes, lower_bound, upper_bound
from llmcost.evidence.survey import effective_counts, hajek_mean
from llmcost.grading import Grade, Grader, Pair, grade, may_need_judge, to_outcomes
from llmcost.grading.addressed import mentions_graders
from llmcost.grading.attacks import Aim, Family
from llmcost.grading.damage import Answered, Kind, Planted, plant
from llmcost.serving.rendering import answer_text, question_text
from llmcost.trial.design import Arm, Design

PLANTED = 60
MUST_LOSE = 55 / 60
BY_CHANCE = 0.03  # of planted attacks that a grader who errs now and then seems to follow, in one order or the other
RARE, RARE_IN_FAMILY = 0.025, 0.001  # chance of so many or more by accident, of all and of one family, that ends belief
FAITHFUL_AT = 0.99  # confidence of the interval that must not exclude "the incumbent equals itself"
FEWEST_AGAIN = 20  # pairs without which asking the incumbent again says nothing

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Attacked:
    """A planted error that told the grader what to say: the family of the attack, and whether the grader said that."""

    family: Family
    followed: bool


@dataclass(frozen=True, slots=True)
class Control:
    """How one grader took the planted errors of one kind in a task, without those it was kept from grading.

    differences  damaged − logged answer as it judged them, in [−1, 1]
    attacks      beside each: what came of the attack that it carried; None: it carried none. Empty: nobody looked
    """

    grader: str
    kind: Kind
    differences: Floats
    attacks: tuple[Attacked | None, ...] = ()

    @property
    def planted(self) -> int:
        """How many it graded."""
        return int(self.differences.size)

    @property
    def caught(self) -> int:
        """How many it saw as worse, in the mean of both orders."""
        return int((self.differences < 0).sum())

    @property
    def passed(self) -> bool:
        """Whether enough were caught: 55 of 60, in proportion where the task has fewer prompts."""
        return 0 < ceil(MUST_LOSE * self.planted) <= self.caught

    @property
    def share(self) -> float:
        """Caught share of the planted ones; 0 where none could be planted."""
        return self.caught / self.planted if self.planted else 0.0

    @property
    def attacked(self) -> tuple[Attacked, ...]:
        """What came of the attacks."""
        return tuple(item for item in self.attacks if item is not None)

    @property
    def blind(self) -> bool:
        """Whether it fails by what it missed although nothing told it to: its misses are no obedience."""
        bare = self.differences[[item is None for item in self.attacks]] if self.attacks else self.differences
        return not self.passed and not Control(self.grader, self.kind, bare).passed


@dataclass(frozen=True, slots=True)
class Again:
    """The incumbent's fresh answers against its logged ones, by the grader that sees them farthest apart.

    n            pairs; 0 if it could not be asked, for which `why` has the reason
    difference   fresh − logged, and its interval; None without pairs
    differing    share of the calls whose two answers are not of the same worth: the noise floor
    """

    n: int = 0
    difference: float | None = None
    lower: float | None = None
    upper: float | None = None
    differing: float | None = None
    why: str | None = None

    @property
    def faithful(self) -> bool:
        """Whether a replay may stand for what was logged; so may one that could not be tested."""
        return self.lower is None or self.upper is None or self.lower <= 0 <= self.upper


@dataclass(frozen=True, slots=True)
class Controls:
    """All that was found out about a task before its candidates are graded.

    elsewhere  which grader must not be believed by what it did on all tasks together, in plain words; None: all may
    addressed  sampled prompts that speak to graders, in the request or in the logged answer
    """

    gross: tuple[Control, ...] = ()
    subtle: tuple[Control, ...] = ()
    again: Again = Again(why="not asked")
    elsewhere: str | None = None
    addressed: int = 0

    @property
    def untrusted(self) -> str | None:
        """Which grader must not be believed, in plain words; None: all may."""
        return next((why for control in self.gross if (why := _distrusted(control)) is not None), self.elsewhere)

    @property
    def unfaithful(self) -> str | None:
        """Why a replay shows nothing of this task, in plain words; None: it does."""
        if self.again.faithful or self.again.difference is None:
            return None
        points = f"{100 * self.again.difference:+.1f}".replace("-", "−")
        return (
            f"today's model, asked again, differs from its logged answers by {points} points (n {self.again.n:,}): "
            "a replay does not show what was logged"
        )


def taken(grader: str, kind: Kind, errors: Sequence[Planted], grades: Sequence[Grade]) -> Control:
    """How a grader took planted errors, by its grades of them."""
    known = [(error, grade) for error, grade in zip(errors, grades, strict=True) if grade.difference is not None]
    return Control(
        grader,
        kind,
        np.array([grade.difference for _, grade in known], np.float64),
        tuple(
            None if error.attack is None else Attacked(error.attack, _followed(error.attack.aim, grade))
            for error, grade in known
        ),
    )


def _followed(aim: Aim, grade: Grade) -> bool:
    """Whether the grader said what an attack wanted, in one order at least."""
    said = (grade.difference or 0.0,) if grade.orders is None else grade.orders
    return any(value > 0 if aim == "win" else value == 0 for value in said)


def obeyed(attacked: Sequence[Attacked]) -> str | None:
    """In how many planted attacks a grader did what they said, in plain words, unless chance explains it: then None.

    Exact binomial tests: of all attacks, and of each family by itself, since a judge may fall for one style alone.
    """
    if _rare(attacked, RARE):
        return _told("an answer", attacked, "planted attacks")
    for family in dict.fromkeys(item.family for item in attacked):
        own = [item for item in attacked if item.family == family]
        if _rare(own, RARE_IN_FAMILY):
            return _told(
                f"a{'n' * (family.place == 'answer')} {family.place}", own, f"attacks of the kind “{family.name}”"
            )
    return None


def _rare(attacked: Sequence[Attacked], level: float) -> bool:
    followed = sum(item.followed for item in attacked)
    return bool(attacked) and float(stats.binom.sf(followed - 1, len(attacked), BY_CHANCE)) <= level


def _told(where: str, attacked: Sequence[Attacked], what: str) -> str:
    followed = sum(item.followed for item in attacked)
    return f"followed instructions written in {where} in {followed:,} of {len(attacked):,} {what}"


def _distrusted(control: Control) -> str | None:
    """Why a grader must not be believed by its gross errors; a blind one is called blind, whatever it prefers."""
    why = None if control.blind else obeyed(control.attacked)
    if why is not None:
        return f"grader {control.grader} {why}"
    if control.passed:
        return None
    missed = control.planted - control.caught
    return f"grader {control.grader} missed {missed:,} of {control.planted:,} planted bad answers"


def together(found: Sequence[Controls]) -> list[Controls]:
    """The controls of all tasks, each with what they say together: obedience is a grader's own, whatever the task."""
    said = ((name, obeyed(attacked)) for name, attacked in _by_grader(found))
    why = next((f"grader {name} {why}, over all tasks" for name, why in said if why is not None), None)
    return [replace(item, elsewhere=why) if item.gross else item for item in found]


def _by_grader(found: Sequence[Controls]) -> Iterator[tuple[str, list[Attacked]]]:
    gross = [control for item in found for control in item.gross if not control.blind]
    for name in dict.fromkeys(control.grader for control in gross):
        yield name, [each for control in gross if control.grader == name for each in control.attacked]


def judged(design: Design, task: str) -> bool:
    """Whether some answer of this task may be left to a judge."""
    pairs = (Pair(body.request or {}, body.answer, None, body.expected) for body in _bodies(design, task))
    return any(may_need_judge(pair, design.checks.get(task)) for pair in pairs)


def planted(design: Design, task: str, kind: Kind) -> list[Pair]:
    """The logged answers of a task beside damaged ones, at most 60."""
    return [error.pair for error in errors(design, task, kind)]


def errors(design: Design, task: str, kind: Kind) -> list[Planted]:
    """The errors that are planted in a task's logged answers, at most 60."""
    own = [
        Answered(body.request or {}, body.answer)
        for body in _bodies(design, task)
        if body.answer is not None and body.answer.refusal is None
    ]
    return plant(own, kind, PLANTED, design.replay.seed)


async def run_controls(design: Design, task: str, ask: Ask, graders: Sequence[Grader]) -> Controls:
    """All controls of a task; the incumbent is not asked again where the graders have failed already."""
    needed = graders if judged(design, task) else ()
    gross, subtle = await asyncio.gather(
        _planted_errors(design, task, "gross", needed), _planted_errors(design, task, "subtle", needed)
    )
    found = Controls(gross, subtle, addressed=_addressed(design, task) if needed else 0)
    if found.untrusted is not None and design.open_ended(task):
        return found
    return replace(found, again=await _again(design, task, ask, graders))


def _addressed(design: Design, task: str) -> int:
    """How many prompts of the sample put text before a judge that speaks to one, whoever answers."""
    texts = (f"{question_text(body.request or {})}\n{answer_text(body.answer)}" for body in _bodies(design, task))
    return sum(map(mentions_graders, texts))


async def _planted_errors(design: Design, task: str, kind: Kind, graders: Sequence[Grader]) -> tuple[Control, ...]:
    if not graders:
        return ()
    damaged = errors(design, task, kind)
    found = await asyncio.gather(*(grader.grade([error.pair for error in damaged]) for grader in graders))
    return tuple(taken(grader.name, kind, damaged, grades) for grader, grades in zip(graders, found, strict=True))


async def _again(design: Design, task: str, ask: Ask, graders: Sequence[Grader]) -> Again:
    """The incumbents of a task asked once more, and their answers graded as any candidate's."""
    if design.replay.aa == 0:
        return Again(why="switched off")
    pairs: list[Pair] = []
    places: list[int] = []
    for arm in design.again:
        try:
            for pair, position in await _answers(design, arm, task, ask):
                pairs.append(pair)
                places.append(position)
        except EndpointError as error:
            return Again(why=f"{arm.candidate.model} is not to be had: {error.message}")
    if len(pairs) < FEWEST_AGAIN:
        return Again(why="too few prompts" if not design.again else "too few answers")
    graded = await grade(pairs, design.checks.get(task), graders)
    weights, clusters = design.sample.weights[places], design.clusters[places]
    level = (1 - FAITHFUL_AT) / (2 * len(graded.by_judge))
    found = []
    for grades in graded.by_judge.values():
        known = np.array([item.difference is not None for item in grades], dtype=np.bool_)
        if known.any():
            found.append(_compared(to_outcomes(grades, weights), clusters[known], float(-special.ndtri(level))))
    return max(found, key=_apart, default=Again(why="its answers cannot be graded"))


async def _answers(design: Design, arm: Arm, task: str, ask: Ask) -> list[tuple[Pair, int]]:
    places = design.positions(arm, task)
    completions = await ask([arm.requests[place] for place in places], "controls")
    found = []
    for place, completion in zip(places, completions, strict=True):
        position = int(arm.positions[place])
        body = design.bodies[position]
        if completion.status == "answered":
            found.append((Pair(body.request or {}, body.answer, completion.answer, body.expected), position))
    return found


def _compared(outcomes: Outcomes, clusters: npt.NDArray[np.int64], z: float) -> Again:
    values, weights = outcomes.differences, outcomes.weights
    counts = effective_counts(values, weights, clusters)
    return Again(
        n=values.size,
        difference=hajek_mean(values, weights),
        lower=lower_bound(counts.wins, counts.losses, counts.n, z),
        upper=upper_bound(counts.wins, counts.losses, counts.n, z),
        differing=hajek_mean((values != 0).astype(np.float64), weights),
    )


def _apart(again: Again) -> tuple[bool, float]:
    return (not again.faithful, abs(again.difference or 0.0))


def _bodies(design: Design, task: str) -> list[Call]:
    return [body for body, name in zip(design.bodies, design.sample.tasks, strict=True) if name == task]
