"""This log against a baseline: is a call certainly dearer than is allowed, at the baseline's mix of tasks?

A changed mix of tasks or volume never fails by itself; neither does a rise that may be chance. What fails, and what is
only said, is in `llmcost.gate.rules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmcost.config import GateSettings
from llmcost.errors import LLMCostError
from llmcost.gate import wording
from llmcost.gate.baseline import summary
from llmcost.gate.certified import RunFacts
from llmcost.gate.compared import Comparison, Pair, amount, by_case, by_mix, relative
from llmcost.gate.decomposition import decompose
from llmcost.gate.measure import Log, measure
from llmcost.gate.result import BaselineFile, BaselineTask, CheckDiff, CheckResult, CheckTotals, Rule, TaskCheck
from llmcost.gate.rules import Facts, held
from llmcost.pricing.result import PriceStamp

MORE_STEPS = 0.05  # calls a case: a share that is worth a word
SMALLEST = 0.0005  # a change that rounds to 0.0 % is none


def check(
    log: Log, past: BaselineFile, settings: GateSettings, stamp: PriceStamp, version: str, run: RunFacts | None = None
) -> CheckResult:
    """Whether the calls are dearer than the baseline allows, and which tasks are to blame, worst first.

    A log with cases is compared with the same suite before, case by case. `run` is what a replay has shown of the
    models that answer now.
    """
    refuse_nonsense(settings)
    measured = measure(log)
    now, names = summary(measured, stamp, version), {cost.task: cost.shown for cost in measured}
    paired = log.cases is not None
    compared = (by_case if paired else by_mix)(past, now, names)
    facts = Facts(past, now, compared, settings, paired, run)
    rules = held(facts)
    why = [rule.said for rule in rules if rule.outcome == "failed"]
    totals = _totals(past, now, compared)
    return CheckResult(
        llmcost_version=version,
        prices=stamp,
        passed=not why,
        reasons=why,
        max_increase=settings.max_increase,
        past=totals[0],
        current=totals[1],
        diff=_diff(*totals),
        tasks=[_task(pair, rules) for pair in compared.pairs] + [_new_task(*added) for added in compared.added],
        decomposition=decompose(past, now),
        notes=list(_notes(facts)),
        paired=paired,
        confidence=settings.confidence,
        rules=rules,
        changed=_changed(compared, rules),
    )


def refuse_nonsense(settings: GateSettings) -> None:
    """Raises LLMCostError where a limit cannot be one."""
    limits = {"max_increase": settings.max_increase, "max_increase_usd": settings.max_increase_usd}
    limits |= {"max_tokens_increase": settings.max_tokens_increase, "quality": settings.quality}
    limits |= {"max_latency_increase": settings.max_latency_increase}
    limits |= {f'tasks."{task}"': allowed for task, allowed in settings.tasks.items()}
    for name, limit in limits.items():
        if limit is not None and not limit >= 0:
            raise LLMCostError(f"{name}: an increase of {limit} cannot be allowed", "give a number of 0 or more")


def _totals(past: BaselineFile, now: BaselineFile, compared: Comparison) -> tuple[CheckTotals, CheckTotals]:
    """The baseline's own calls at its cost, and at today's, which is unknown where no task has a cost on both sides.

    A task that has none today keeps its cost.
    """
    comparable = compared.weight if any(pair.both for pair in compared.pairs) else 0.0
    return _total(past, compared.past_usd, compared.weight), _total(now, compared.now_usd, comparable)


def _total(side: BaselineFile, usd: float, weight: float) -> CheckTotals:
    priced = sum(task.priced_calls for task in side.tasks)
    return CheckTotals(side.calls, priced, usd if weight else None, usd / weight if weight else None)


def _diff(past: CheckTotals, current: CheckTotals) -> CheckDiff:
    before, after = past.cost_per_call_usd, current.cost_per_call_usd
    return CheckDiff(None if before is None or after is None else after - before, relative(before, after))


def _task(pair: Pair, rules: Sequence[Rule]) -> TaskCheck:
    found = [rule for rule in rules if rule.rule == "task_cost_per_call" and rule.task == pair.shown]
    return TaskCheck(
        task=pair.shown,
        past_calls=pair.past.calls,
        current_calls=0 if pair.now is None else pair.now.calls,
        past_cost_per_call_usd=pair.past_per_call,
        current_cost_per_call_usd=pair.now_per_call,
        change=pair.relative,
        lower_bound=found[0].lower_bound if found else None,
        regressed=any(rule.outcome in ("failed", "warned") for rule in found),
        new_models=pair.new_models,
    )


def _new_task(task: BaselineTask, shown: str) -> TaskCheck:
    return TaskCheck(shown, 0, task.calls, None, amount(task.cost_per_call_usd), None, None, False, task.models)


def _notes(facts: Facts) -> Iterator[str]:
    """What limits the figures."""
    gone = [pair.shown for pair in facts.compared.pairs if pair.now is None]
    if gone and len(gone) < len(facts.compared.pairs) and not facts.paired:
        yield wording.missing(gone)
    if unknown := sum(task.unknown_calls for task in facts.now.tasks):
        yield wording.unpriced(unknown, facts.now.calls)
    steps = [_steps(side) for side in (facts.past, facts.now)]
    if facts.paired and all(steps) and abs(steps[1] - steps[0]) > MORE_STEPS * steps[0]:
        yield wording.steps(*steps)
    if not facts.paired and steps[0]:
        yield "the baseline holds the cases of a suite: --paired compares them one by one, which shows far more"
    if facts.now.prices != facts.past.prices:
        yield (
            f"prices are of {facts.now.prices.as_of}, the baseline's of {facts.past.prices.as_of} "
            "or otherwise overridden"
        )


def _steps(side: BaselineFile) -> float:
    """Calls a case; 0 of what is no suite."""
    cases = sum(len(task.cases) for task in side.tasks)
    return sum(task.priced_calls for task in side.tasks) / cases if cases else 0.0


def _changed(compared: Comparison, rules: Sequence[Rule]) -> bool:
    """Whether anything is worth a line: a rule that did not pass, another cost of a task, tasks that came or went."""
    moved = [abs(pair.relative) > SMALLEST for pair in compared.pairs if pair.relative is not None]
    gone = any(pair.now is None for pair in compared.pairs)
    return any(rule.outcome != "passed" for rule in rules) or any(moved) or gone or bool(compared.added)
