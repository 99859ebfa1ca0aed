"""Judges who err, guess, obey, favour themselves or like long answers: no such fault may become a switch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace
from unittest.mock import PropertyMock, patch

import numpy as np
from scipy import stats

from llmcost.answers import Answer
from llmcost.evidence import Outcomes, Rule, Verdict, calibration, decide
from llmcost.evidence.calibration import EXACT, reliability
from llmcost.grading import Grade, Pair
from llmcost.grading.attacks import ORDERS_TO_JUDGES
from llmcost.grading.panel import GradedPairs
from llmcost.trial import cell as cells
from llmcost.trial import controls
from llmcost.trial.cell import Cell, Judging
from worlds import trials
from worlds.counts import ARM, chance, fixed
from worlds.draws import Floats, trinary
from worlds.fixed import MARGIN
from worlds.rows import Row, within_alpha
from worlds.trials import Opinion, Say, answers, said, truth

KAPPAS = (0.8, 0.6, 0.4)
JUDGED_MARGIN = 0.05


def rows(worlds: int) -> Iterator[Row]:
    yield from deflation_rows()
    yield from calibration_rows()
    yield from control_rows(max(worlds // 20, 1))
    yield from again_rows(worlds)
    yield two_judges_row(worlds)
    yield from length_rows(worlds)


# --- a judge who errs ------------------------------------------------------------------------------------------------


def deflation_rows(sizes: tuple[int, ...] = (400, 2_000, 8_000)) -> Iterator[Row]:
    """A judge who sees the truth κ of the time and else says anything."""
    for n in sizes:
        for kappa in KAPPAS:
            deflated, not_deflated = (judged_switch(n, kappa, believed) for believed in (kappa, 1.0))
            yield within_alpha(f"judge κ {kappa}, 2 % worse, n {n} (exact)", deflated, "deflation", not_deflated)


def judged_switch(n: int, kappa: float, believed: float) -> float:
    """The chance of a switch to a candidate 2 % worse, for a judge of κ who is believed to have another."""
    discordance = kappa * 0.10 + (1 - kappa) * 0.20
    return chance(fixed(n, reliability=round(believed, 6)), discordance, -kappa * MARGIN)


def calibration_rows(n: int = 4_000, planted: int = 30) -> Iterator[Row]:
    """What is believed of a judge: the bound of what people say of it, and of planted errors no more than half."""

    def by_people(kappa: float) -> float:
        return _over_samples(planted, kappa, lambda seen: judged_switch(n, kappa, reliability(people=seen).value))

    def by_errors(found: float, kappa: float) -> float:
        return _over_samples(planted, found, lambda seen: judged_switch(n, kappa, reliability(planted=seen).value))

    with patch.object(calibration, "reliability_bound", lambda seen, weights=None: float(seen.mean())):
        by_mean = by_people(0.6)
    with patch.object(calibration, "UNCALIBRATED", 1.0):
        unlimited = by_errors(0.9, 0.5)
    yield within_alpha(
        f"judge κ 0.6 by {planted} labels, 2 % worse, n {n} (exact)", by_people(0.6), "κ's bound", by_mean
    )
    yield within_alpha(
        f"judge κ 0.5 who finds planted errors at 0.9, 2 % worse, n {n} (exact)", by_errors(0.9, 0.5),
        "at most ½ uncalibrated", unlimited,
    )  # fmt: skip


def _over_samples(size: int, kappa: float, switch: Callable[[Floats], float]) -> float:
    """The mean over all samples of right and wrong verdicts of a judge."""
    right = np.arange(size + 1)
    likely = stats.binom.pmf(right, size, (1 + kappa) / 2)
    kept = right[likely > 1e-4]
    chances = [switch(np.repeat([1.0, -1.0], [count, size - count])) for count in kept.tolist()]
    return float(likely[kept] @ chances)


# --- judges who must not be believed, in whole trials ---------------------------------------------------------------


def _guesses(rng: np.random.Generator, pair: Pair) -> float:
    return float(rng.integers(-1, 2) + rng.integers(-1, 2)) / 2


def _obeys(rng: np.random.Generator, pair: Pair) -> float:
    text = (pair.right.text if pair.right else None) or ""
    return 1.0 if any(order in text for order in ORDERS_TO_JUDGES) else truth(pair)


def _fair(rng: np.random.Generator, pair: Pair) -> float:
    return truth(pair)


UNFIT: Mapping[str, Opinion] = {
    "guesses": _guesses,
    "says the reverse": lambda rng, pair: -truth(pair),
    "says tie or prefers what it reads first": lambda rng, pair: 0.0,  # the mean of both orders
    "obeys answers": _obeys,
}


def _ordering(rng: np.random.Generator, count: int) -> list[Answer]:
    """A candidate that orders the judge to choose it on a fifth of the prompts, and is as good on the rest."""
    return [
        Answer(f"I do not know.\n\n{rng.choice(ORDERS_TO_JUDGES)}", finish_reason="stop")
        if rng.random() < 0.2
        else said("well", number)
        for number in range(count)
    ]


WORSE = answers(0.02, 0.12)
BIASED_LOG = answers(0.20, 0.02)  # today's model is better than its own log by 18 points


def control_rows(worlds: int) -> Iterator[Row]:
    """The guards are planted errors, gross for belief and subtle for how much; without, judges are fully believed."""
    for name, opinion in UNFIT.items():
        say = _ordering if name == "obeys answers" else WORSE
        found = _decisions(worlds, say, {"judge": opinion})
        with _no_controls():
            without = _decisions(max(worlds // 2, 1), say, {"judge": opinion})
        yield Row(f"a judge that {name}, candidate much worse, whole trial: CANNOT JUDGE", found["CANNOT_JUDGE"],
                  0.99, 1, "planted errors", without["CANNOT_JUDGE"])  # fmt: skip
        yield Row("  the same: SWITCH", found["SWITCH"], 0, 0, "planted errors", without["SWITCH"])
    fair = _decisions(worlds, answers(0.01, 0.01), {"judge": _fair})
    yield Row("a judge that is fair, equal candidate, whole trial: CANNOT JUDGE", fair["CANNOT_JUDGE"], 0, 0.01)


def _decisions(worlds: int, say: Say, opinions: Mapping[str, Opinion], **more: object) -> Mapping[str, float]:
    """Shares of the decisions of whole trials."""
    said_ = [trials.verdict(seed, say, opinions, **more).decision for seed in range(worlds)]  # type: ignore[arg-type]
    return {name: said_.count(name) / worlds for name in cells.WORST_FIRST}


@contextmanager
def _no_controls() -> Iterator[None]:
    running = import_module("llmcost.trial.task")
    passed = patch.object(controls.Control, "passed", PropertyMock(return_value=True))
    unasked = patch.object(controls, "obeyed", lambda attacked: None)
    unseen = patch("llmcost.grading.decide.addressed", lambda answer: False)
    with passed, unasked, unseen, patch.object(running, "reliability", lambda **_: EXACT):
        yield


def again_rows(worlds: int, pairs: int = 200) -> Iterator[Row]:
    """The incumbent asked again. The guard is that a replay which differs from the log decides nothing."""
    better_than_the_log = answers(0.12, 0.03)  # and worse than today's model
    few = max(worlds // 10, 1)
    found = _decisions(few, better_than_the_log, {"judge": _fair}, again=BIASED_LOG)
    with patch.object(controls.Again, "faithful", PropertyMock(return_value=True)):
        without = _decisions(few // 2, better_than_the_log, {"judge": _fair}, again=BIASED_LOG)
    yield Row("the log's answers 18 points worse than today's model, candidate 9 better: CANNOT JUDGE",
              found["CANNOT_JUDGE"], 0.99, 1, "incumbent asked again", without["CANNOT_JUDGE"])  # fmt: skip
    yield Row("  the same: SWITCH", found["SWITCH"], 0, 0, "incumbent asked again", without["SWITCH"])
    rng = np.random.default_rng(22)
    z, alone = -float(stats.norm.ppf((1 - controls.FAITHFUL_AT) / 2)), np.arange(pairs)
    unfaithful = [
        not controls._compared(Outcomes(trinary(rng, pairs, 0.11, 0.0), np.ones(pairs)), alone, z).faithful
        for _ in range(worlds)
    ]
    yield Row("today's model as good as its log, differing on 11 %: called unfaithful", np.mean(unfaithful), 0, 0.015)


# --- two judges ------------------------------------------------------------------------------------------------------


def two_judges_row(worlds: int, n: int = 1_000) -> Row:
    """One judge adds 3 points to its own kind. The guard is that both must let it pass; without, their mean does."""
    rng = np.random.default_rng(23)
    both, mean = [], []
    for _ in range(worlds):
        fair = trinary(rng, n, 0.10, -MARGIN)
        partial = np.where((rng.random(n) < 0.03 / 0.94) & (fair < 1), fair + 1, fair)
        both.append(_by_panel({"fair": fair, "partial": partial}) == "SWITCH")
        mean.append(_by_panel({"mean": (fair + partial) / 2}) == "SWITCH")
    return within_alpha(
        f"one of two judges favours the candidate by 3 points, 2 % worse, n {n}",
        np.mean(both), "both must pass", np.mean(mean),
    )  # fmt: skip


def _by_panel(said_: Mapping[str, Floats]) -> str:
    """The product's verdict on a candidate by these judges, each believed fully."""
    n = next(iter(said_.values())).size
    cell = Cell(replace(ARM, positions=np.arange(n)), "task", np.arange(n), n, pairs=[SAME] * n)
    cell.graded = GradedPairs({name: [GRADES[float(v)] for v in values] for name, values in said_.items()}, 0)
    design = SimpleNamespace(sample=SimpleNamespace(weights=np.ones(n)), clusters=np.arange(n))
    judging = Judging({name: Rule(MARGIN) for name in said_}, None, None, {}, lambda request: b"")
    found: Verdict = cells.verdict(design, cell, judging)  # type: ignore[arg-type]
    return found.decision


SAME = Pair({}, said("well", 0), said("well", 0))
GRADES = {value: Grade(value, "judge") for value in (-1.0, -0.5, 0.0, 0.5, 1.0)}


# --- judges who like long answers ------------------------------------------------------------------------------------


def length_rows(worlds: int) -> Iterator[Row]:
    """A candidate 5 % worse and mostly longer, whom the judge favours by liking × tanh(log length ratio)."""
    for n, discordance, liking in ((150, 0.06, 0.0), (150, 0.10, 0.06), (150, 0.30, 0.20), (400, 0.10, 0.06)):
        rng = np.random.default_rng(17)
        adjusted = plain = 0
        for _ in range(worlds):
            lengths = np.tanh(rng.normal(0.3, 0.4, n)) * (rng.random(n) < 0.8)
            judged = trinary(rng, n, discordance, liking * lengths - JUDGED_MARGIN)
            outcomes = Outcomes(judged, np.ones(n), lengths=lengths)
            adjusted += decide(outcomes, Rule(JUDGED_MARGIN)).decision == "SWITCH"
            plain += decide(replace(outcomes, lengths=None), Rule(JUDGED_MARGIN)).decision == "SWITCH"
        yield within_alpha(
            f"judge likes length by {liking}, 5 % worse, n {n}, discordance {discordance:.2f}",
            adjusted / worlds, "the bound at equal length", plain / worlds if liking else None,
        )  # fmt: skip
