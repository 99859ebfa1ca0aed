"""Pairs → grades: checks first, and what they leave open to every judge of the panel, separately."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from llmcost import plugins
from llmcost.config import CheckSettings
from llmcost.endpoint.messages import Ask
from llmcost.errors import ConfigError
from llmcost.evidence.outcomes import Outcomes
from llmcost.grading.decide import Decision, decide
from llmcost.grading.family import bare_name, families
from llmcost.grading.judge import Judge
from llmcost.grading.pairs import Grade, Grader, Pair

CHECKS_ALONE = "checks"

VACUOUS = Grade(None, "the check fails the logged answers")
FEWEST_TO_TELL = 20  # pairs from which a check may be called unfit
LEAST_PASSED = 0.05  # share of logged answers that must pass, or no loss of the size of a margin could ever show

GRADERS: Mapping[str, Callable[[str, Ask], Grader]] = {"judge": Judge}


@dataclass(frozen=True, slots=True)
class GradedPairs:
    """Grades of the same pairs, one list for each judge (or for `CHECKS_ALONE`): a switch must pass by every one.

    judged  how many of the pairs only a judge could tell
    """

    by_judge: Mapping[str, list[Grade]]
    judged: int

    def basis(self) -> Counter[str]:
        """What decided, and how many grades it did, over all judges."""
        return Counter(item.basis for grades in self.by_judge.values() for item in grades)


async def grade(pairs: Sequence[Pair], check: CheckSettings | None, judges: Sequence[Grader]) -> GradedPairs:
    """Grades parallel to `pairs`, by each judge; without a judge, what checks cannot tell has no difference.

    All pairs of one candidate on one task belong in one call: a check that nearly no logged answer passes could never
    show a loss, and is recognised by its results.
    """
    decisions = _without_vacuous([decide(pair, check) for pair in pairs])
    open_pairs = [pair for pair, decision in zip(pairs, decisions, strict=True) if decision.grade is None]
    if not judges:
        return GradedPairs({CHECKS_ALONE: [item.grade or item.otherwise for item in decisions]}, 0)
    verdicts = (
        await asyncio.gather(*(judge.grade(open_pairs) for judge in judges)) if open_pairs else [[]] * len(judges)
    )
    merged = {judge.name: _merge(decisions, said) for judge, said in zip(judges, verdicts, strict=True)}
    return GradedPairs(merged, len(open_pairs))


def _without_vacuous(decisions: list[Decision]) -> list[Decision]:
    """The decisions; where the logged answers themselves (nearly) never pass, ties prove nothing and are withdrawn."""
    settled = [item for item in decisions if item.grade is not None]
    if len(settled) < FEWEST_TO_TELL or sum(item.could_lose for item in settled) >= LEAST_PASSED * len(settled):
        return decisions
    return [item if item.could_lose else replace(item, grade=None, otherwise=VACUOUS) for item in decisions]


def _merge(decisions: Sequence[Decision], verdicts: Sequence[Grade]) -> list[Grade]:
    said = iter(verdicts)
    return [decision.grade or next(said) for decision in decisions]


def to_outcomes(grades: Sequence[Grade], weights: npt.NDArray[np.float64]) -> Outcomes:
    """What the statistics take, without the pairs that have no difference; `excluded` counts those.

    weights  survey weights parallel to `grades`
    """
    known = np.array([item.difference is not None for item in grades], dtype=np.bool_)
    differences = np.array([item.difference for item in grades if item.difference is not None], dtype=np.float64)
    return Outcomes(
        differences,
        np.asarray(weights, dtype=np.float64)[known],
        failures=sum(item.failed for item in grades),
        unparsed=sum(item.unparsed for item in grades),
    )


def excluded(grades: Iterable[Grade]) -> Counter[str]:
    """How many pairs have no difference, by the reason."""
    return Counter(item.basis for item in grades if item.difference is None)


def grader(name: str, ask: Ask, prepare: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None) -> Grader:
    """The grader that a name means: `plugin:argument` of a registered plug-in, else the judge model of that name."""
    kind, _, argument = name.partition(":")
    made = plugins.load("graders", GRADERS).get(kind) if argument else None
    if made is not None:
        return made(argument, ask)
    return Judge(name, ask, prepare)


def refuse_related_judges(
    graders: Iterable[str], candidates: Iterable[str], incumbents: Iterable[str], *, allow: bool = False
) -> None:
    """Nothing; raises ConfigError if a grader comes from a maker of a candidate or an incumbent, unless allowed."""
    answered = [(name, "a candidate") for name in candidates]
    answered += [(name, "which answered in the log") for name in incumbents]
    kin = [
        f"grader {grader} is related to {name}, {role} ({shared})"
        for grader in graders
        for name, role in sorted(set(answered))
        if (shared := _shared(_judging_model(grader), name))
    ]
    if kin and not allow:
        raise ConfigError(
            f"{'; '.join(kin)}: a judge favours its own kind",
            "name a judge of another family with --grader, or accept the bias with --allow-related-judge",
        )


def may_judge(grader: str, models: Iterable[str]) -> bool:
    """Whether a grader comes from no maker of these models."""
    return not any(_shared(_judging_model(grader), name) for name in models)


def _judging_model(grader: str) -> str:
    """The model that a grader's name means: the argument of a registered plug-in, else all of it."""
    kind, _, argument = grader.partition(":")
    return argument if argument and kind in plugins.load("graders", GRADERS) else grader


def _shared(one: str, other: str) -> str:
    """What two models have in common, in words; empty if they are not related."""
    if bare_name(one) == bare_name(other):
        return "the same model"
    both = families(one) & families(other)
    return f"both {' and '.join(sorted(both))}" if both else ""
