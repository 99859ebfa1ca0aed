"""A cascade: a request climbs from the cheapest model to the first whose answer is good enough.

A model is asked, its answer passes the free checks or not, then the run-time grader scores it; at the tier's threshold
or above it is kept, else the next tier is asked. An answer whose score cannot be had is not kept. The last tier's
answer is kept as it is. (Chen et al. 2023, FrugalGPT.)
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from llmcost.endpoint.messages import ChatRequest
from llmcost.errors import ConfigError
from llmcost.serving.plan import TaskPlan, Tier
from llmcost.serving.scoring import Prepare, RunTimeGrader, scored
from llmcost.serving.steps import Attempt, Served, Steps
from llmcost.serving.tiers import ask_tier
from llmcost.serving.translation import parse_candidate

HIGHEST_SCORE = 1.0


def climb(request: ChatRequest, plan: TaskPlan, grader: RunTimeGrader | None = None) -> Steps[Served]:
    """The answer of the first tier that is good enough, with all that was asked on the way to it, in order.

    grader  the plan's (`grader_of`), which remembers what its endpoint takes; None: one that has yet to find out
    """
    *graded, last = reached(plan.tiers)
    if not graded:
        return (yield from ask_tier(request, last))
    return (yield from _climb(request, graded, last, grader or grader_of(plan)))


def _climb(request: ChatRequest, graded: Sequence[Tier], last: Tier, grader: RunTimeGrader) -> Steps[Served]:
    attempts, latencies = list[Attempt](), list[float | None]()
    for tier in graded:
        served = yield from ask_tier(request, tier)
        mark = yield from scored(request, served.completion, grader)
        attempts += served.attempts + mark.attempts
        latencies += (served.latency_ms, mark.latency_ms)
        if good_enough(mark.score, tier):
            break
    else:
        served = yield from ask_tier(request, last)
        attempts += served.attempts
        latencies.append(served.latency_ms)
    return Served(served.completion, tuple(attempts), in_turn(latencies))


def good_enough(score: float | None, tier: Tier) -> bool:
    """Whether the tier's answer is kept at this score. A score that could not be had is no reason to keep one."""
    return tier.keep_from is None or (score is not None and score >= tier.keep_from)


def reached(tiers: Sequence[Tier]) -> list[Tier]:
    """The tiers that are asked at all, in order; the last of them is not graded.

    A tier whose threshold no score reaches (above 1, or infinite) would be paid in vain and is left out, and whatever
    is behind one that always keeps its answer is never asked.
    """
    end = next((place for place, tier in enumerate(tiers) if tier.keep_from is None), len(tiers) - 1)
    return [tier for tier in tiers[:end] if good_enough(HIGHEST_SCORE, tier)] + [tiers[end]]


def grader_of(plan: TaskPlan, prepare: Prepare | None = None) -> RunTimeGrader:
    """The run-time grader of a plan of several tiers. Raises ConfigError if it has none, or one that grades itself."""
    if plan.grader is None:
        raise ConfigError(
            f"task {plan.task}: nobody scores the answers of {reached(plan.tiers)[0].model}",
            "name the grader of the cascade, or leave one tier",
        )
    refuse_self_grading(plan)
    return RunTimeGrader(plan.grader, prepare)


def refuse_self_grading(plan: TaskPlan) -> None:
    """Raises ConfigError if the plan's grader would score answers of its own; snapshots of a model are one model."""
    if plan.grader is None:
        return
    grader = _bare(parse_candidate(plan.grader).model)
    if any(_bare(tier.model) == grader for tier in reached(plan.tiers)[:-1]):
        raise ConfigError(
            f"task {plan.task}: {plan.grader} would score its own answers",
            "name a grader that is none of the models that it scores",
        )


def in_turn(latencies: Sequence[float | None]) -> float | None:
    """Milliseconds of what was waited for one after the other; None if one is not known."""
    known = [ms for ms in latencies if ms is not None]
    return math.fsum(known) if len(known) == len(latencies) else None


_SNAPSHOT = re.compile(r"[-@](?:\d{4}-?\d{2}-?\d{2}|latest)$")


def _bare(model: str) -> str:
    return _SNAPSHOT.sub("", model.lower().rsplit("/", 1)[-1])
