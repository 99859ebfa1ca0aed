"""What a task could do, as shown by its trial: every certified way to answer its requests, as evidence for the stack.

An option is certified as a whole: a walk or cascade on a model that has passed was compared with the log, not with that
model. Earlier answers of nearly the same prompts stand before any option, and what they may lose comes on top.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from llmcost.evidence import Decision
from llmcost.evidence.survey import Ratio
from llmcost.recommend.bill import BilledLog
from llmcost.recommend.plan import Pick
from llmcost.serving import Batching, Compression
from llmcost.strategies import Batched, Cascade, CascadePlan, Compressed, Compressor, Grader, Swap, Tier
from llmcost.trial.result import PASSED, CandidateTrial, CascadeTrial, RungTrial, ScoredTier, TaskTrial, WalkTrial
from llmcost.trial.walks import BATCHING, COMPRESSION

MODEL_MAP, CASCADE = "model_map", "cascade"


@dataclass(frozen=True, slots=True)
class Option:
    """One certified way to answer a task's requests.

    on        the candidate whose model answers in the end; None: today's model
    evidence  of this task, by the step of the stack
    margin    the loss that is ruled out, on the user's scale; difference  as judged
    """

    task: str
    on: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    verdict: Decision = "KEEP"
    margin: float = 0.0
    difference: float = 0.0
    ratio: Ratio | None = None
    rung: RungTrial | None = None
    cascade: CascadeTrial | None = None

    basis: tuple[str, ...] = ()

    @property
    def judged(self) -> bool:
        """Whether a judge's word is in it."""
        return "judge" in self.basis

    @property
    def way(self) -> str | None:
        """What stands between a request and the model that answers, in words; None: nothing."""
        if self.cascade is not None:
            first = " → ".join(tier.label for tier in self.cascade.tiers if tier.kept > 0)
            return f"{first} first, where {self.cascade.grader} finds it good enough"
        match self.rung.rule if self.rung else None:
            case Compression(ratio=ratio):
                return f"long texts shortened to {100 * ratio:g} %"
            case Batching(items=items):
                return f"{items:,} in one question where they can wait"
        return None


def options(log: BilledLog, trial: TaskTrial, best: str | None) -> list[Option]:
    """Every certified way to answer a task's requests, today's first; `best` is the candidate that it may move to."""
    found = [Option(trial.task)]
    base = {} if best is None else {MODEL_MAP: log.swaps([Pick(trial.task, best)])[trial.task]}
    if best is not None:
        found.append(_moved(log.trials[trial.task, best], trial, best, base))
    found += [_walked(trial, walk, rung, base) for walk, rung in _passed(trial, best)]
    found += [
        _climbed(log, trial, cascade, base)
        for cascade in trial.cascades
        if _saves(cascade.cost_ratio, cascade.decision)
    ]
    return found


def _moved(passed: CandidateTrial, trial: TaskTrial, best: str, base: Mapping[str, Any]) -> Option:
    return Option(
        task=trial.task,
        on=best,
        evidence=base,
        verdict=passed.verdict.decision,
        margin=margin_of(passed),
        difference=passed.verdict.difference or 0.0,
        ratio=passed.cost_ratio,
        basis=passed.basis,
    )


def _passed(trial: TaskTrial, best: str | None) -> Iterator[tuple[WalkTrial, RungTrial]]:
    """The rungs to use of the walks that change what is asked: the boldest that passed and certainly saves."""
    for walk in trial.walks:
        if walk.on == best and walk.strategy in (COMPRESSION, BATCHING):
            good = [r for r in walk.rungs if r.passed and _saves(r.found.cost_ratio, r.found.verdict.decision)]
            if good:
                yield walk, min(good, key=lambda rung: _value(rung.found.cost_ratio))


def _walked(trial: TaskTrial, walk: WalkTrial, rung: RungTrial, base: Mapping[str, Any]) -> Option:
    found = rung.found
    own = _compressed(rung) if walk.strategy == COMPRESSION else _batched(rung)
    return Option(
        task=trial.task,
        on=walk.on,
        evidence={**base, walk.strategy: own},
        verdict=found.verdict.decision,
        margin=margin_of(found),
        difference=found.verdict.difference or 0.0,
        ratio=found.cost_ratio,
        rung=rung,
        basis=found.basis,
    )


def _compressed(rung: RungTrial) -> Compressed:
    found, by = rung.found, rung.shortening
    compressor = None if by is None else Compressor(by.model, by.input_ratio, by.output_ratio, by.latencies_ms)
    return Compressed(found.input_ratio or 1.0, found.output_ratio or 1.0, compressor, prefix_tokens=rung.prefix)


def _batched(rung: RungTrial) -> Batched:
    rule = rung.rule
    assert isinstance(rule, Batching)
    return Batched(rule.items, rung.found.input_ratio or 1.0, rung.found.output_ratio or 1.0, rule.wait_s)


def _climbed(log: BilledLog, trial: TaskTrial, cascade: CascadeTrial, base: Mapping[str, Any]) -> Option:
    asked = [tier for tier in cascade.tiers if tier.kept > 0]
    plan = CascadePlan(tuple(_tier(tier, cascade.grader) for tier in asked), base.get(MODEL_MAP))
    return Option(
        task=trial.task,
        on=cascade.last,
        evidence={CASCADE: _as_measured(log, trial.task, plan, cascade.cost_ratio)},
        verdict=cascade.decision,
        margin=cascade.margin,
        ratio=cascade.cost_ratio,
        cascade=cascade,
        basis=cascade.basis,
    )


def _as_measured(log: BilledLog, task: str, plan: CascadePlan, ratio: Ratio | None) -> CascadePlan:
    """The plan with what goes on as long as it has to be for the task's bill to meet the estimated cost ratio.

    Which calls of the log would escalate is not known. Long requests may do so more often than short ones; and where
    few calls make most of a bill, taking a few for others misses it by a tenth even if length does not matter.
    """
    before = log.task_cost(task)
    none, all_ = (log.task_cost_after(task, Cascade(), replace(plan, longer=times)) for times in (0.0, 1.0))
    if not before or none is None or all_ is None or ratio is None or ratio.value is None or all_ <= none:
        return plan
    return replace(plan, longer=max(0.0, (ratio.value * before - none) / (all_ - none)))


def _tier(tier: ScoredTier, grader: str) -> Tier:
    swap = Swap(tier.model, tier.input_ratio or 1.0, tier.output_ratio or 1.0, tier.latencies_ms)
    goes_on = 1 - tier.kept / tier.reached
    paid = Grader(
        grader.partition("@")[0], tier.grader_input_tokens, tier.grader_output_tokens, tier.grader_latencies_ms
    )
    return Tier(swap, goes_on, paid, min(tier.failed_checks, goes_on))


def _saves(ratio: Ratio | None, decision: Decision) -> bool:
    return decision in PASSED and ratio is not None and ratio.high is not None and ratio.high < 1


def _value(ratio: Ratio | None) -> float:
    return 1.0 if ratio is None or ratio.value is None else ratio.value


def margin_of(found: CandidateTrial) -> float:
    """The loss that a passed candidate has ruled out, on the user's scale."""
    certified = found.verdict.certified_margin
    return 1.0 if certified is None else certified
