"""Every threshold of a check, held against what was compared: one function a rule, all of them in one table.

The rules that rest on statistics share the chance of a false alarm (weighted Bonferroni): half of it is for the cost of
all calls together, the rest is divided among what is held of single tasks (where there is one task, its cost is the
total). So a log of fifty tasks cries wolf no more
often than a log of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from llmcost.config import GateSettings, Reaction
from llmcost.evidence.cost_change import Change, of_quantiles
from llmcost.gate import wording
from llmcost.gate.certified import RunFacts
from llmcost.gate.compared import Comparison, Pair, amount, change_of, mean_tokens, relative
from llmcost.gate.result import BaselineFile, BaselineTask, Rule

MATERIAL_SHARE = 0.01  # of the cost: a task below it is named, but fails only with the total
IN_USE = 0.01  # of a task's calls: a model below it is on trial
HALF = 0.5  # of the chance of a false alarm is for the total
FOUND = 0.5  # of a suite's cases must be there again
Outcome = Literal["passed", "failed", "warned", "unsure"]
_OUTCOMES: dict[Reaction, Outcome] = {"fail": "failed", "warn": "warned", "ignore": "passed"}


@dataclass(frozen=True, slots=True)
class Facts:
    """All that rules look at: the two sides, what was compared, what is allowed, and what a run has shown."""

    past: BaselineFile
    now: BaselineFile
    compared: Comparison
    settings: GateSettings
    paired: bool = False
    run: RunFacts | None = None

    @property
    def least(self) -> int:
        """Units below which nothing is sure; cases of a suite are few by design."""
        return 2 if self.paired else self.settings.min_calls

    @property
    def others(self) -> int:
        """How many things are held of single tasks; the cost of the only task there is is the total."""
        settings, tasks = self.settings, sum(pair.both for pair in self.compared.pairs)
        more = sum(limit is not None for limit in (settings.max_tokens_increase, settings.max_latency_increase))
        return more * tasks + (0 if self._alone else tasks)

    @property
    def alpha(self) -> float:
        """The chance that the cost of all calls together fails by chance."""
        return (1 - self.settings.confidence) * (HALF if self.others else 1.0)

    @property
    def other_alpha(self) -> float:
        """The same of each thing that is held of a single task."""
        return (1 - self.settings.confidence) * (1 - HALF) / max(self.others, 1)

    @property
    def task_alpha(self) -> float:
        """The same of the cost of a task."""
        return self.alpha if self._alone else self.other_alpha

    @property
    def _alone(self) -> bool:
        return len(self.compared.pairs) == 1

    def allowed(self, pair: Pair) -> float:
        """By how much a call of this task may get dearer."""
        return self.settings.tasks.get(pair.shown, self.settings.tasks.get(pair.past.task, self.settings.max_increase))

    def material(self, pair: Pair) -> bool:
        """Whether the task carries enough of the cost, then or now, to fail the check by itself."""
        return pair.past_usd + max(pair.effect_usd, 0.0) >= MATERIAL_SHARE * self.compared.past_usd


def held(facts: Facts) -> list[Rule]:
    """Every rule with its outcome: those that failed first, then what is warned of or not sure."""
    order = ("failed", "warned", "unsure", "passed")
    found = [rule for hold in RULES for rule in hold(facts)]
    return sorted(found, key=lambda rule: order.index(rule.outcome))


def _comparable(facts: Facts) -> Iterator[Rule]:
    said = _nothing(facts)
    if said or facts.paired:
        matched = wording.matched(facts.compared.matched or 0, facts.compared.unmatched or 0)
        yield Rule("comparable", None, "failed" if said else "passed", said or matched, "calls")


def _nothing(facts: Facts) -> str:
    """Why nothing can be compared; empty where it can."""
    compared = facts.compared
    if not any(task.priced_calls for task in facts.past.tasks):
        return "the baseline knows the cost of no call: nothing can be compared"
    if not facts.now.calls:
        return "the log holds no call: nothing can be compared"
    if facts.paired and not any(task.cases for task in facts.past.tasks):
        return "the baseline holds no cases: write it with --paired, of the suite before the change"
    if facts.paired and (compared.matched or 0) < FOUND * sum(len(task.cases) for task in facts.past.tasks):
        return wording.other_suite(compared.matched or 0, compared.unmatched or 0)
    if not facts.paired and all(pair.now is None for pair in compared.pairs):
        return "the log has no task of the baseline: nothing can be compared; were its tasks named in the same way?"
    return ""


def _cost(facts: Facts) -> Iterator[Rule]:
    """The cost per call at the baseline's mix of tasks, and dollars if they are limited."""
    compared, total = facts.compared, facts.compared.total
    past, now, per = compared.past_usd, compared.now_usd, compared.weight
    if not per or not any(pair.both for pair in compared.pairs):
        return
    change, allowed, few = relative(past, now), facts.settings.max_increase, compared.units < facts.least
    least = None if total is None or few else total.at_least(facts.alpha)
    outcome = _certain(_outcome(past, now, change, least, allowed), few)
    times = None if total is None or few else total.settled_by(allowed, facts.alpha)
    said = wording.cost(change, least, allowed, outcome, facts.settings.confidence, facts.paired, times)
    yield Rule("cost_per_call", None, outcome, said, "usd", past / per, now / per, change, least, allowed)
    if (most := facts.settings.max_increase_usd) is not None:
        sure = past * least if least is not None else 0.0 if few else now - past
        dear: Outcome = "failed" if sure > most else "unsure" if now - past > most else "passed"
        said = wording.dollars(now - past, sure, most)
        yield Rule("cost_usd", None, dear, said, "usd", past, now, change, least, most)


def _tasks(facts: Facts) -> Iterator[Rule]:
    """The cost per call of every task that both sides have."""
    for pair in facts.compared.pairs:
        if not pair.both:
            continue
        past, now, allowed = pair.past_per_call or 0.0, pair.now_per_call or 0.0, facts.allowed(pair)
        least = _least(pair.change, pair.units, facts, facts.task_alpha)
        outcome = _certain(_outcome(past, now, pair.relative, least, allowed), pair.units < facts.least)
        if outcome == "failed" and not facts.material(pair):
            outcome = "warned"
        said = wording.task(pair, least, allowed, outcome, _times(pair, facts, allowed))
        yield Rule("task_cost_per_call", pair.shown, outcome, said, "usd", past, now, pair.relative, least, allowed)


def _tokens(facts: Facts) -> Iterator[Rule]:
    if (allowed := facts.settings.max_tokens_increase) is None:
        return
    for pair in facts.compared.pairs:
        if pair.now is None or (change := change_of(mean_tokens(pair.past), mean_tokens(pair.now))) is None:
            continue
        past, now = amount(pair.past.tokens_per_call) or 0.0, amount(pair.now.tokens_per_call) or 0.0
        least = _least(change, pair.units, facts, facts.other_alpha)
        outcome = _outcome(past, now, change.change, least, allowed)
        said = wording.tokens(pair.shown, past, now, least, allowed)
        yield Rule("tokens_per_call", pair.shown, outcome, said, "tokens", past, now, change.change, least, allowed)


def _latency(facts: Facts) -> Iterator[Rule]:
    if (allowed := facts.settings.max_latency_increase) is None:
        return
    for pair in facts.compared.pairs:
        if (change := _slower(pair)) is None or pair.now is None:
            continue
        past, now = amount(pair.past.latency_p95_ms) or 0.0, amount(pair.now.latency_p95_ms) or 0.0
        least = change.at_least(facts.other_alpha)
        outcome = _outcome(past, now, change.change, least, allowed)
        said = wording.latency(pair.shown, past, now, least, allowed)
        yield Rule("latency_p95", pair.shown, outcome, said, "ms", past, now, change.change, least, allowed)


def _unknown(facts: Facts) -> Iterator[Rule]:
    """Costs that were known and are no longer: a gate that cannot see does not say yes."""
    for pair in facts.compared.pairs:
        if not _hidden(pair, facts.allowed(pair)) or pair.now is None:
            continue
        unpriced = [model for model in pair.new_models if model not in {use.model for use in pair.now.usage}]
        outcome = _OUTCOMES[facts.settings.unpriced_models] if unpriced else "failed"
        said = wording.unknown(pair.shown, pair.now, unpriced)
        name: Literal["unpriced_model", "unknown_cost"] = "unpriced_model" if unpriced else "unknown_cost"
        yield Rule(name, pair.shown, outcome, said, "calls", pair.past.unknown_calls, pair.now.unknown_calls)


def _models(facts: Facts) -> Iterator[Rule]:
    reaction = facts.settings.new_models
    for pair in facts.compared.pairs if reaction != "ignore" else ():
        if pair.new_models and pair.now is not None:
            said = wording.new_models(pair.shown, pair.now, pair.new_models)
            yield Rule("new_model", pair.shown, _OUTCOMES[reaction], said, "calls")


def _new_tasks(facts: Facts) -> Iterator[Rule]:
    reaction = facts.settings.unknown_tasks
    for task, shown in facts.compared.added if reaction != "ignore" else ():
        said = wording.new_task(shown, task)
        yield Rule("unknown_task", shown, _OUTCOMES[reaction], said, "calls", 0.0, task.calls)


def _quality(facts: Facts) -> Iterator[Rule]:
    """Every model that answers now and did not before must have been shown to be good enough, by the run."""
    if (run := facts.run) is None:
        return
    for pair in facts.compared.pairs:
        for model in pair.new_models if pair.now is not None else ():
            if pair.now is None or _calls_of(pair.now, model) < IN_USE * pair.now.calls:
                continue
            found = run.of(pair.now.task, model) or run.of(pair.past.task, model)
            allowed = facts.settings.quality
            limit = allowed if allowed is not None else found.margin if found else None
            good = found is not None and found.loss is not None and limit is not None and _passes(found.loss, limit)
            said = wording.quality(pair.shown, model, _calls_of(pair.now, model), found, limit, run.run)
            loss = None if found is None else found.loss
            outcome: Outcome = "passed" if good else "failed"
            yield Rule("quality", pair.shown, outcome, said, "share", None, loss, None, None, limit)
    if (allowed := facts.settings.quality) is not None and run.loss is not None:
        outcome = "passed" if _passes(run.loss, allowed) else "failed"
        said = wording.plan_quality(run, allowed)
        yield Rule("quality", None, outcome, said, "share", None, run.loss, None, None, allowed)


RULES: tuple[Callable[[Facts], Iterator[Rule]], ...] = (
    _comparable,
    _cost,
    _tasks,
    _unknown,
    _quality,
    _tokens,
    _latency,
    _models,
    _new_tasks,
)


def _outcome(past: float, now: float, change: float | None, least: float | None, allowed: float) -> Outcome:
    """A rise fails where it is certain to be more than allowed; what was free and is not, is."""
    if past == 0:
        return "failed" if now > 0 else "passed"
    if not _exceeds(past, now, allowed) or change is None:
        return "passed"
    return "failed" if least is not None and least > allowed else "unsure"


def _certain(outcome: Outcome, few: bool) -> Outcome:
    """The same of enough units; of few nothing is certain."""
    return "unsure" if few and outcome == "failed" else outcome


def _exceeds(past: float, now: float, allowed: float) -> bool:
    return now > past * (1 + allowed) * (1 + 1e-9)


def _least(change: Change | None, units: int, facts: Facts, alpha: float) -> float | None:
    return None if change is None or units < facts.least else change.at_least(alpha)


def _times(pair: Pair, facts: Facts, allowed: float) -> float | None:
    """How many times as many calls would make the rise certain; None: it cannot be told."""
    return (
        None if pair.change is None or pair.units < facts.least else pair.change.settled_by(allowed, facts.task_alpha)
    )


def _slower(pair: Pair) -> Change | None:
    if pair.now is None:
        return None
    figures = [amount(text) for task in (pair.past, pair.now) for text in (task.latency_p95_ms, task.latency_error)]
    past, past_error, now, now_error = figures
    if past is None or past_error is None or now is None or now_error is None:
        return None
    return of_quantiles(past, past_error, now, now_error)


def _hidden(pair: Pair, allowed: float) -> bool:
    """Whether the share of answered calls of unknown cost grew by more than is allowed of the cost."""
    now, past = pair.now, pair.past
    if now is None or not now.unknown_calls or not past.priced_calls:
        return False
    before = past.unknown_calls / (past.unknown_calls + past.priced_calls)
    return not now.priced_calls or now.unknown_calls / (now.unknown_calls + now.priced_calls) > before + allowed


def _calls_of(task: BaselineTask, model: str) -> int:
    return next((use.calls for use in task.usage if use.model == model), task.unknown_calls)


def _passes(loss: float, allowed: float) -> bool:
    return loss <= allowed + 1e-12
