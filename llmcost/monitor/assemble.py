"""What was watched → MonitorReport: the standing of every promise, and what to do.

Why the margin is not narrowed for a judge, as it is where a switch is decided. A judge that errs shrinks differences:
it shows J with E[J] = κ·Δ for some κ in [0, 1] that nobody knows. If the promise Δ ≥ −δ holds, so does E[J] ≥ −δ, and
the bet against that is fair whatever κ is. A poor judge makes alarms late, never false. (To show that a model is
*not worse*, it is the other way round.)

Several graders. A promise is broken when every grader's bet says so, each at the full level. False alarms are then as
rare as those of the best of them: one grader that dislikes the new model, or its maker, cannot raise one alone. The
other rule, an alarm by any grader at a share of the level, would need all of them to be fair. The price is that a
grader which sees no loss can hold an alarm back, so that disagreement is said.

Several promises. The level is shared out evenly among all promises of the run, whether or not the log has their
traffic: any false alarm, on any of them, at any time, has a chance of alpha at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

from llmcost.evidence import eprocess
from llmcost.monitor.plan import IN_THE_RUN, TaskPlan
from llmcost.monitor.result import NOT_BROKEN, GraderWatch, Standing, TaskWatch
from llmcost.monitor.run import Found
from llmcost.monitor.state import State, watch

MOST = 1e300  # evidence beyond is said to be this: JSON has no infinity
FEWEST = 30  # prompts below which "no evidence against it" means next to nothing


@dataclass(frozen=True, slots=True)
class Level:
    """The chance of a false alarm on one promise, and who watches."""

    alpha: float
    graders: Sequence[str]


def standing(task: TaskPlan, found: Found, state: State, level: Level) -> TaskWatch:
    """How the promise of a task stands after this log."""
    promise = task.promise
    graders = [_grader(name, state, task, level.alpha) for name in level.graders]
    least = min(graders, key=lambda item: (item.highest_evidence, -item.prompts))
    prompts = min(item.prompts for item in graders)
    verdict = _verdict(graders, prompts, found)
    return TaskWatch(
        task=promise.task,
        model=promise.new.label(),
        former=promise.former.label(),
        margin=promise.margin,
        verdict=verdict,
        reason=_reason(verdict, task, found, graders, prompts),
        prompts=prompts,
        new_prompts=min((len(seen) for seen in found.differences.values()), default=0),
        difference=least.difference,
        lower_bound=least.lower_bound,
        evidence=least.highest_evidence if verdict == "BROKEN" else least.evidence,
        breaks_at=1 / level.alpha,
        calls=task.calls,
        new_calls=task.by_side["new"],
        former_calls=task.by_side["former"],
        missing=found.missing,
        failures=found.failures,
        unparsed=found.unparsed,
        graders=graders,
    )


def _grader(name: str, state: State, task: TaskPlan, alpha: float) -> GraderWatch:
    prompts = state.watched(task.promise.task, name)
    seen = watch(prompts, task.promise.margin)
    return GraderWatch(
        grader=name,
        prompts=seen.n,
        difference=seen.total / seen.n if seen.n else None,
        lower_bound=eprocess.least_mean(seen, alpha) if seen.n else None,
        evidence=min(eprocess.value(seen), MOST),
        highest_evidence=exp(min(seen.highest, log(MOST))),
        broken=eprocess.broken(seen, alpha),
    )


def _verdict(graders: Sequence[GraderWatch], prompts: int, found: Found) -> Standing:
    """Once broken, a promise stays so; a log that cannot be judged says nothing for it and nothing against it."""
    if all(item.broken for item in graders):
        return "BROKEN"
    if found.obstacle is not None:
        return "CANNOT_JUDGE"
    return "TOO_EARLY" if prompts < FEWEST else "HOLDS"


def _reason(verdict: Standing, task: TaskPlan, found: Found, graders: Sequence[GraderWatch], prompts: int) -> str:
    """The verdict in plain words, and what to do."""
    promise = task.promise
    words: Mapping[Standing, str] = {
        "BROKEN": f"switch back: {promise.former.label()} for {promise.task}",
        "CANNOT_JUDGE": found.obstacle or "",
        "TOO_EARLY": f"{prompts:,} of the {FEWEST} prompts that it takes to say anything{_absent(task)}",
        "HOLDS": f"{_kept(graders, promise.margin)}{_absent(task)}",
    }
    return words[verdict] + _disputed(graders)


def _kept(graders: Sequence[GraderWatch], margin: float) -> str:
    if all(item.lower_bound is not None and item.lower_bound >= -margin for item in graders):
        return "shown to be kept, as judged"
    return NOT_BROKEN


def _absent(task: TaskPlan) -> str:
    """What to add where the log has nothing to watch."""
    if task.population:
        return ""
    if IN_THE_RUN in task.left_out:
        return "; in this log it has no prompt but those that the run itself has asked: name newer traffic"
    promise = task.promise
    if not task.calls:
        return "; no call of this log is of the task"
    if any(task.by_side.values()):
        return "; none of its calls in this log can be asked again"
    models = f"{promise.new.label()} or {promise.former.label()}"
    return f"; none of its {task.calls:,} calls in this log is answered by {models}"


def _disputed(graders: Sequence[GraderWatch]) -> str:
    """Who says that it is broken, where not all do."""
    saying = [item.grader for item in graders if item.broken]
    if not saying or len(saying) == len(graders):
        return ""
    others = [item.grader for item in graders if not item.broken]
    return f"; {', '.join(saying)} says that it is broken, {', '.join(others)} does not (yet)"
