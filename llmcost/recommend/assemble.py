"""Trials → ReplayReport: the per-task table, the plan, the bill, and the yardsticks beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import hypot

import numpy as np
from msgspec.structs import replace

from llmcost.audit import latency_quantiles, money_sums
from llmcost.audit.ledger import UNKNOWN_MODEL, labels
from llmcost.audit.result import SourceSummary
from llmcost.audit.savings import Stack, Wanted
from llmcost.evidence import Decision
from llmcost.recommend.background import data_quality, lives, spend_by_day
from llmcost.recommend.bill import BilledLog
from llmcost.recommend.candidates import candidate_of
from llmcost.recommend.plan import Pick, failing, oracle, single
from llmcost.recommend.planning import BestPlan, best_plan, task_plan
from llmcost.recommend.result import (
    Baseline,
    Bill,
    Candidate,
    Choice,
    Controls,
    Example,
    GraderControl,
    Incumbent,
    NotReplayable,
    Quality,
    Redaction,
    ReplayReport,
    Spend,
    TaskReport,
    dropped_early,
)
from llmcost.recommend.stacking import bill_shares, bill_side, bill_steps, stacked_bills, working
from llmcost.recommend.tried import cascades, interval, not_tried, walks
from llmcost.strategies import changes, stacked
from llmcost.trial.result import TaskTrial


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What identifies a run and is printed with it."""

    version: str
    run: str
    seed: int
    margin: float | None
    alpha: float
    files: Sequence[str]
    host: str
    graders: Sequence[str]
    not_replayable: Mapping[str, int]
    spend: Spend
    alpha_scope: str = "plan"
    cache_ttl: str = "1h"
    left_out: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    near_hits: Mapping[str, int] = field(default_factory=dict)
    command: str = ""
    source: SourceSummary | None = None
    examples: Sequence[Example] = ()
    redaction: Redaction | None = None


def assemble(log: BilledLog, trials: Sequence[TaskTrial], facts: RunFacts, stack: Stack) -> ReplayReport:
    """The whole report of a run, from its trials, the log's bill, and what else can be taken off it."""
    tasks = sorted((_task(log, trial, facts) for trial in trials), key=lambda t: (-(t.cost_usd or 0.0), t.task))
    plan = best_plan(log, trials, tasks, stack)
    tasks = [replace(task, choice=_choice(task, plan)) for task in tasks]
    return ReplayReport(
        llmcost_version=facts.version,
        prices=log.book.stamp,
        run=facts.run,
        seed=facts.seed,
        margin=facts.margin,
        alpha=facts.alpha,
        files=list(facts.files),
        host=facts.host,
        graders=list(facts.graders),
        tasks=tasks,
        not_replayable=[NotReplayable(r, n) for r, n in sorted(facts.not_replayable.items(), key=lambda x: (-x[1], x))],
        model_map={task.task: task.choice.model for task in tasks},
        best_single_model=_best_single(log, tasks),
        oracle=_yardstick(log, tasks, oracle(tasks)),
        bill=_stacked(_bill(log, tasks, plan, facts.graders), stack, plan, facts.cache_ttl),
        spend=facts.spend,
        alpha_scope=facts.alpha_scope,
        command=facts.command,
        redaction=facts.redaction,
        data=None if facts.source is None else data_quality(stack, facts.source),
        by_day=spend_by_day(stack),
        cache_lives=lives(stack),
        examples=list(facts.examples),
    )


def _task(log: BilledLog, trial: TaskTrial, facts: RunFacts) -> TaskReport:
    cost = log.task_cost(trial.task)
    rows = log.rows(trial.task)
    incumbent = _incumbent(log, trial.task)
    candidates = [candidate_of(found, incumbent) for found in trial.candidates]
    return TaskReport(
        task=trial.task,
        calls=log.count(rows),
        replayable_calls=trial.replayable_calls,
        sampled=trial.sampled,
        cost_usd=cost,
        margin=trial.margin,
        incumbent=incumbent,
        noise_floor=trial.controls.again.differing,
        controls=_controls(trial),
        candidates=candidates,
        choice=Choice(incumbent.model, _why_stay(candidates, trial.sampled), None, None),
        walks=walks(trial, incumbent, facts.near_hits),
        cascades=cascades(trial),
        not_tried=not_tried(trial.task, facts.left_out),
    )


def _controls(trial: TaskTrial) -> Controls:
    found, again, graders = trial.controls, trial.controls.again, _graders(trial)
    asked = again.lower is not None and again.upper is not None
    return Controls(
        aa=again.difference,
        gross_bad=min((control.share for control in found.gross), default=None),
        subtle_bad=min((control.share for control in found.subtle), default=None),
        kappa_lower=min((item.kappa_lower for item in graders), default=None),
        aa_interval=[again.lower, again.upper] if asked else None,  # type: ignore[list-item]
        aa_n=again.n,
        aa_why=again.why,
        agreement=trial.panel.agreement,
        agreement_corrected=trial.panel.agreement_corrected,
        graders=graders,
        addressed=found.addressed,
    )


def _graders(trial: TaskTrial) -> list[GraderControl]:
    subtle = {control.grader: control for control in trial.controls.subtle}
    return [
        GraderControl(
            grader=gross.grader,
            gross_planted=gross.planted,
            gross_caught=gross.caught,
            subtle_planted=subtle[gross.grader].planted,
            subtle_caught=subtle[gross.grader].caught,
            kappa_lower=believed.value,
            kappa_from=believed.source,
            position_bias=trial.panel.position_bias.get(gross.grader),
            attacks_planted=len(gross.attacked),
            attacks_followed=sum(item.followed for item in gross.attacked),
        )
        for gross in trial.controls.gross
        if (believed := trial.panel.reliability.get(gross.grader)) is not None
    ]


def _incumbent(log: BilledLog, task: str) -> Incumbent:
    rows = log.rows(task)
    calls = log.calls.take(rows)
    grouped = labels(calls.column("request_model"), UNKNOWN_MODEL)
    spend = dict(zip(grouped.names, money_sums(grouped.codes, len(grouped.names), log.costs[rows]), strict=True))
    models = sorted(spend, key=lambda model: (-(spend[model] or 0.0), model))
    priced = float(log.weights[rows][np.isfinite(log.costs[rows])].sum())
    cost_usd = log.task_cost(task)
    p50, p95 = latency_quantiles(calls)
    return Incumbent(models[0], models, None if cost_usd is None else cost_usd / priced, p50, p95)


def _choice(task: TaskReport, plan: BestPlan) -> Choice:
    """What to use now; where no option of the task passed, its choice as it stands."""
    option = plan.options[task.task]
    executed = task_plan(option, plan, task)
    if not option.evidence:
        return replace(task.choice, plan=executed)
    assert option.ratio is not None and option.ratio.value is not None  # an option certainly saves
    low, high = interval(option.ratio) or [option.ratio.value] * 2
    return Choice(
        model=option.on or task.incumbent.model,
        verdict=option.verdict,
        savings=1 - option.ratio.value,
        savings_interval=[1 - high, 1 - low],
        way=option.way,
        plan=executed,
    )


def _why_stay(candidates: Sequence[Candidate], sampled: int) -> Decision:
    """The verdict of a task that keeps its model: undecided before unjudged before kept.

    Only candidates that might save can leave a task undecided; dearer ones are no reason to ask on. Nor are those that
    were dropped at an early look: no prompt of theirs is waiting to be asked.
    """
    if not sampled:
        return "CANNOT_JUDGE"
    running = [c for c in candidates if not dropped_early(c)]
    verdicts = {c.verdict for c in running if c.cost_ratio_interval is None or c.cost_ratio_interval[0] < 1.0}
    return next((v for v in ("INCONCLUSIVE", "CANNOT_JUDGE") if v in verdicts), "KEEP")


def _bill(log: BilledLog, tasks: Sequence[TaskReport], plan: BestPlan, graders: Sequence[str]) -> Bill:
    before = log.side(log.calls)
    after = log.side(stacked(log.calls, changes(plan.evidence)))
    change = _relative(before.logged_usd, after.logged_usd)
    moved = any(option.evidence for option in plan.options.values())
    return Bill(
        before=before,
        after=after,
        change=change,
        change_interval=_change_interval(tasks, before.logged_usd, change) if moved else None,
        quality=_quality(tasks, plan, graders),
        steps=[],
        shares=[],
    )


def _stacked(bill: Bill, stack: Stack, plan: BestPlan, cache_ttl: str) -> Bill:
    """The bill with what changes no answer stacked around what was measured, where it pays after all else."""
    if stack.bill is None:
        return bill
    evidence = stack.evidence(Wanted(measured=plan.evidence))
    found = stacked_bills(stack, evidence)
    steps = working(bill_steps(found))
    names = {step.strategy for step in steps}
    return replace(
        bill,
        steps=steps,
        shares=[share for share in bill_shares(found) if share.strategy in names or share.shapley_usd],
        stacked=bill_side(stack, stack.after(evidence)) if names - plan.evidence.keys() else None,
        cache_ttl=cache_ttl if "response_cache" in names else None,
    )


def _change_interval(tasks: Sequence[TaskReport], before: float | None, change: float | None) -> list[float] | None:
    """95 % interval of the bill's change: tasks are sampled independently, so their half-widths add in quadrature."""
    if not before or change is None:
        return None
    reach = 0.0
    for task in tasks:
        if task.choice.savings_interval is not None:
            low, high = task.choice.savings_interval
            reach = hypot(reach, (high - low) / 2 * (task.cost_usd or 0.0))
    return [change - reach / before, change + reach / before]


def _quality(tasks: Sequence[TaskReport], plan: BestPlan, graders: Sequence[str]) -> Quality:
    """Quality over all calls of the log: as judged, and bounded on the user's scale.

    The bounds of the tasks hold together at the plan's alpha, so their call-weighted mean is a bound too. What earlier
    answers may lose comes on top of what the rest of a task's plan may: their losses are taken to add up.
    """
    moved = [option for option in plan.options.values() if option.evidence]
    if not moved and not plan.near:
        return Quality(None, None, [])
    calls = {task.task: task.calls for task in tasks}
    every = sum(calls.values())
    difference = math.fsum(calls[option.task] * option.difference for option in moved)
    loss = math.fsum(calls[option.task] * option.margin for option in moved)
    loss += math.fsum(near.hits * near.margin for near in plan.near.values())
    judged = any(option.judged for option in moved) or any(near.judged for near in plan.near.values())
    return Quality(difference / every, -loss / every, list(graders) if judged else [])


def _yardstick(log: BilledLog, tasks: Sequence[TaskReport], picks: Sequence[Pick]) -> Baseline:
    usd = log.priced(log.routed(picks))
    change = _relative(log.priced(log.calls), usd)
    models = {pick.task: pick.model for pick in picks}
    return Baseline(models, usd, None if change is None else -change, failing(tasks, picks))


def _best_single(log: BilledLog, tasks: Sequence[TaskReport]) -> Baseline | None:
    """One model everywhere: the one that fails on the fewest tasks, then the cheapest."""
    found = [_yardstick(log, tasks, picks) for picks in single(tasks)]
    return min(found, key=lambda b: (len(b.fails_on), -(b.savings or 0.0)), default=None)


def _relative(before: float | None, after: float | None) -> float | None:
    return None if not before or after is None else (after - before) / before
