"""One candidate on one task, as far as it has been asked: what came back, how it was graded, the verdict so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, fsum, log, tanh
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from llmcost.endpoint import ChatRequest, Completion
from llmcost.evidence import HumanVerdicts, Outcomes, Rule, Verdict, decide
from llmcost.evidence.survey import Ratio, cost_ratio
from llmcost.grading import CHECKS_ALONE, Grade, GradedPairs, Grader, Pair, excluded, grade, to_outcomes
from llmcost.grading.labels import HumanLabel
from llmcost.serving import Role, Served, plainly
from llmcost.serving.rendering import answer_text
from llmcost.trial.cost import Tariff
from llmcost.trial.design import Arm, Design

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Of several graders all must pass: the verdict is the first of these that any of them gives.
WORST_FIRST = ("CANNOT_JUDGE", "KEEP", "INCONCLUSIVE", "SWITCH_AT", "SWITCH")
UNREACHABLE = "unreachable"
MOST_UNREACHABLE = 0.10  # share of a task's prompts; what is missing beyond that could turn a verdict
PRICED_PAIRS = 50  # pairs from which the price of grading one more is told
NOBODY: Mapping[str, int] = MappingProxyType({})
NAMED = 2  # of the models that answered instead, in a reason
MOST_UNMETERED = 0.05  # share of a task's answers whose usage the endpoint may leave out before savings are unknown


@dataclass(slots=True)
class Cell:
    """One candidate on one task.

    places   of its prompts of this task among the arm's, in order of asking
    most     how many of them are planned; fewer than there are where a pilot showed that fewer will do
    served   of the prompts asked so far: what came back, and all that was asked for it
    pairs    logged answer and candidate's; None where the service failed, or another model answered
    look     how often it has been looked at
    ended    why it is not asked further; None: it is
    comparisons  how many share alpha with it; None: as many as the design says
    """

    arm: Arm
    task: str
    places: Ints
    most: int
    served: list[Served] = field(default_factory=list)
    pairs: list[Pair | None] = field(default_factory=list)
    graded: GradedPairs = field(default_factory=lambda: GradedPairs({CHECKS_ALONE: []}, 0))
    verdict: Verdict | None = None
    look: int = 0
    ended: str | None = None
    comparisons: int | None = None

    @property
    def label(self) -> str:
        """What people call the candidate."""
        return self.arm.label

    @property
    def asked(self) -> int:
        """How many prompts it was asked so far."""
        return len(self.served)

    def waiting(self, fraction: float) -> list[int]:
        """The places of the requests that are still to be asked before the look at this share of the plan."""
        return [int(place) for place in self.places[self.asked : ceil(fraction * self.most)]]

    def take(self, design: Design, answers: Sequence[Served]) -> None:
        """Adds the answers to what was waiting."""
        for served in answers:
            body, completion = design.bodies[self.arm.positions[self.places[self.asked]]], served.completion
            reached = completion.status != UNREACHABLE
            self.served.append(served)
            self.pairs.append(
                Pair(body.request or {}, body.answer, completion.answer, body.expected) if reached else None
            )

    def take_answers(self, design: Design, requests: Sequence[ChatRequest], completions: Sequence[Completion]) -> None:
        """Adds the answers to what was waiting, each to one question."""
        self.take(design, [plainly(*each) for each in zip(requests, completions, strict=True)])

    async def regrade(self, design: Design, graders: Sequence[Grader]) -> None:
        """Grades every pair there is; a check that nearly no logged answer passes is recognised by all of them."""
        self.graded = await grade(self.known_pairs, design.checks.get(self.task), graders)

    @property
    def known_pairs(self) -> list[Pair]:
        """The pairs whose answer came back."""
        return [pair for pair in self.pairs if pair is not None]

    @property
    def known(self) -> Ints:
        """Which of the prompts asked so far have an answer."""
        return np.array([i for i, pair in enumerate(self.pairs) if pair is not None], dtype=np.int64)

    @property
    def positions(self) -> Ints:
        """The places in the sample of the prompts that have an answer."""
        return np.asarray(self.arm.positions[self.places[self.known]], dtype=np.int64)

    @property
    def unreachable(self) -> int:
        """Prompts that the service kept from being answered."""
        return len(self.pairs) - len(self.known_pairs) - self.substitutes.total()

    @property
    def substitutes(self) -> Counter[str]:
        """The other models that answered in its place, and how often."""
        return Counter(name for served in self.served if (name := served.completion.substitute) is not None)


@dataclass(frozen=True, slots=True)
class Judging:
    """What is known of a task's graders when a candidate is looked at.

    rules        by grader: the decision rule at this look, its margin deflated by the grader's own reliability
    unfaithful   why a replay of this task shows nothing, whoever grades it; None: it does
    untrusted    why graders must not be believed, where they are needed; None: they passed every control
    labels       people's verdicts by the key of the candidate's answer
    key          a request's key in the store of answers
    """

    rules: Mapping[str, Rule]
    unfaithful: str | None
    untrusted: str | None
    labels: Mapping[bytes, HumanLabel]
    key: Callable[[ChatRequest], bytes]


def verdict(design: Design, cell: Cell, judging: Judging) -> Verdict:
    """The verdict that every grader gives at least."""
    verdicts = [_by_one_grader(design, cell, name, judging) for name in cell.graded.by_judge]
    return min(verdicts, key=lambda v: (WORST_FIRST.index(v.decision), _or_zero(v.lower_bound)))


def _or_zero(bound: float | None) -> float:
    return 0.0 if bound is None else bound


def _by_one_grader(design: Design, cell: Cell, name: str, judging: Judging) -> Verdict:
    grades = cell.graded.by_judge[name]
    found = decide(outcomes(design, cell, grades, judging), judging.rules[name])
    obstacle = _obstacle(cell, grades, judging) or _too_much_missing(cell, grades, found, judging.rules[name])
    return found if obstacle is None else replace(found, decision="CANNOT_JUDGE", reason=obstacle, more_prompts=None)


def dropped(cell: Cell, why: str) -> None:
    """Ends a cell that is not asked further although nothing was decided: its verdict says so, and plans no prompts."""
    assert cell.verdict is not None
    cell.ended = why
    if cell.verdict.decision == "INCONCLUSIVE" and cell.verdict.difference is not None:
        estimate = f"{100 * cell.verdict.difference:+.1f}".replace("-", "−")
        reason = f"{why} (estimate {estimate} points, n {cell.verdict.n:,})"
        cell.verdict = replace(cell.verdict, reason=reason, more_prompts=None)


def outcomes(design: Design, cell: Cell, grades: Sequence[Grade], judging: Judging) -> Outcomes:
    """What the statistics take of one grader's grades of a cell."""
    kept = np.array([item.difference is not None for item in grades], dtype=np.bool_)
    positions = cell.positions
    bare = to_outcomes(grades, design.sample.weights[positions])
    return replace(
        bare,
        clusters=np.unique(design.clusters[positions[kept]], return_inverse=True)[1].astype(np.int64),
        lengths=_lengths(cell.known_pairs, grades)[kept] if cell.graded.judged else None,
        human=_human(cell, grades, kept, judging),
    )


def _lengths(pairs: Sequence[Pair], grades: Sequence[Grade]) -> Floats:
    """tanh of the log ratio of the lengths as the judge saw them; 0 where no judge was asked."""
    return np.array(
        [
            tanh(log((1 + len(answer_text(pair.right))) / (1 + len(answer_text(pair.left))))) if item.orders else 0.0
            for pair, item in zip(pairs, grades, strict=True)
        ],
        dtype=np.float64,
    )


def labelled(cell: Cell, judging: Judging) -> dict[int, HumanLabel]:
    """People's verdicts on the pairs that have an answer, by their place among these."""
    if not judging.labels or cell.arm.way is not None:  # an answer that took more than its request has no one key
        return {}
    asked = (cell.arm.requests[cell.places[i]] for i in cell.known)
    found = ((place, judging.labels.get(judging.key(request))) for place, request in enumerate(asked))
    return {place: label for place, label in found if label is not None}


def _human(cell: Cell, grades: Sequence[Grade], kept: npt.NDArray[np.bool_], judging: Judging) -> HumanVerdicts | None:
    """What people said, and beside it what needed nobody's word: pairs that no judge was asked about."""
    said = labelled(cell, judging)
    if not said:
        return None
    rows = [
        (place, *((label.difference, label.probability) if label is not None else (grade.difference, 1.0)))
        for number, (place, grade) in enumerate(zip(np.cumsum(kept) - 1, grades, strict=True))
        if grade.difference is not None and ((label := said.get(number)) is not None or grade.orders is None)
    ]
    columns = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    return HumanVerdicts(columns[0].astype(np.int64), columns[1], columns[2], len(said))


def _obstacle(cell: Cell, grades: Sequence[Grade], judging: Judging) -> str | None:
    """Why the graded pairs must not stand for the task; None if they may.

    Pairs that nobody could grade differ from those that are plainly equal: without them only the ties would be left.
    """
    if judging.unfaithful is not None:
        return judging.unfaithful
    if judging.untrusted is not None and (not grades or set(excluded(grades)) - {UNREACHABLE}):
        return judging.untrusted
    return incomplete(grades, cell.unreachable, cell.substitutes)


def _too_much_missing(cell: Cell, grades: Sequence[Grade], found: Verdict, rule: Rule) -> str | None:
    """Why a switch must not rest on what came back: what did not, if it were all lost, would be beyond the margin."""
    promised = {"SWITCH": rule.margin, "SWITCH_AT": rule.limit}.get(found.decision)
    failed, others = excluded(grades)[UNREACHABLE] + cell.unreachable, cell.substitutes
    lost, asked = failed + others.total(), len(grades) + cell.unreachable + others.total()
    return _missing(failed, others, asked) if promised is not None and lost > promised * asked else None


def incomplete(grades: Sequence[Grade], unreachable: int, substitutes: Mapping[str, int] = NOBODY) -> str | None:
    """Why what was graded must not stand for all that was asked; None if it may.

    unreachable  prompts besides these that the service kept from being answered
    substitutes  other models that answered such prompts, and how many
    """
    missing, others = excluded(grades), Counter(substitutes)
    failed = missing.pop(UNREACHABLE, 0) + unreachable
    lost, asked = failed + others.total(), len(grades) + unreachable + others.total()
    if missing:
        reason, count = missing.most_common(1)[0]
        why = "no expected answer and no grader (name one with --grader)" if reason == "ungraded" else reason
        return f"{count:,} of {asked:,} answers cannot be graded: {why}"
    return _missing(failed, others, asked) if lost > MOST_UNREACHABLE * asked else None


def _missing(failed: int, others: Counter[str], asked: int) -> str:
    """Why the answers of so many prompts are not the candidate's: the more frequent of two reasons."""
    if failed >= others.total():
        return f"the service failed for {failed:,} of {asked:,} prompts; run the same command again"
    names = ", ".join(name for name, _ in others.most_common(NAMED))
    return f"{others.total():,} of {asked:,} prompts were answered by another model ({names}): switch the fallback off"


def ratio(design: Design, cell: Cell, tariff: Tariff) -> Ratio | None:
    """Candidate's cost over the logged one; None if too many of the candidate's answers have no known cost."""
    spent = paid(cell, tariff)
    answered = np.array([served.completion.status == "answered" for served in _reached(cell)], dtype=bool)
    unknown = int(np.isnan(spent[answered]).sum())
    if unknown > MOST_UNMETERED * len(spent):
        return None
    positions = cell.positions
    return cost_ratio(
        spent, design.logged_usd[positions], design.sample.weights[positions], clusters=design.clusters[positions]
    )


def paid(cell: Cell, tariff: Tariff) -> Floats:
    """USD of each answer that came back, all that was asked for it included, at prices without a prompt cache.

    NaN: unknown.
    """
    reached = _reached(cell)
    answered = np.array([served.completion.status == "answered" for served in reached], dtype=bool)
    return np.where(answered, tariff.of_attempts([served.attempts for served in reached]), np.nan)


def _reached(cell: Cell) -> list[Served]:
    return [cell.served[i] for i in cell.known]


def usd_per_prompt(cell: Cell, graders: Sequence[Grader], tariff: Tariff) -> float:
    """What asking and grading one more prompt costs on average."""
    some = cell.known_pairs[:PRICED_PAIRS]
    judging = fsum(tariff.judging(grader.name, some) or 0.0 for grader in graders) / max(len(some), 1)
    spent = paid(cell, tariff)
    asking = float(np.nanmean(spent)) if np.isfinite(spent).any() else 0.0
    return asking + judging * cell.graded.judged / max(len(cell.known_pairs), 1)


def tokens(cell: Cell, role: Role, name: str) -> Floats:
    """The tokens of each answer that came back, of all attempts in this role, each for its share; NaN: unknown.

    name  the field of `Usage`
    """
    found = np.zeros(len(cell.known))
    for place, served in enumerate(_reached(cell)):
        for attempt in served.attempts:
            if attempt.role == role and attempt.completion.status == "answered":
                count = getattr(attempt.completion.usage, name)
                found[place] += np.nan if count is None else attempt.share * count
    answered = [served.completion.status == "answered" for served in _reached(cell)]
    return np.where(answered, found, np.nan)


def token_ratio(asked: Floats, beside: Sequence[int | None], weights: Floats) -> float | None:
    """Tokens over other tokens, weighted to the calls of the task, where both are known; None: nowhere."""
    others = np.array([np.nan if count is None else count for count in beside], dtype=np.float64)
    both = ~np.isnan(asked) & ~np.isnan(others)
    below = float(weights[both] @ others[both])
    return float(weights[both] @ asked[both]) / below if below > 0 else None
