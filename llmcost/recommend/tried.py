"""Walks and cascades of a trial as the report tells them."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from llmcost.audit import quantiles
from llmcost.evidence.survey import Ratio
from llmcost.recommend.candidates import candidate_of
from llmcost.recommend.result import Cascade, CascadeTier, FrontierPoint, Incumbent, NotTried, Rung, Template, Walk
from llmcost.serving import Batching, Caching, Compression
from llmcost.serving.compression import BYTES_A_TOKEN, difference
from llmcost.trial.result import CascadeTrial, FrontierTrial, RungTrial, ScoredTier, TaskTrial, WalkTrial
from llmcost.trial.walks import NEAR_DUPLICATES, Rule

CALLED = {"cache": "near_duplicates", "compress": "compression", "batch": "batching"}


def walks(trial: TaskTrial, incumbent: Incumbent, hits: Mapping[str, int]) -> list[Walk]:
    """Every walk of a task; `hits` are the calls that the loosest near-duplicate cache would have answered, by task."""
    return [_walk(walk, incumbent, hits.get(trial.task)) for walk in trial.walks]


def _walk(walk: WalkTrial, incumbent: Incumbent, hits: int | None) -> Walk:
    return Walk(
        strategy=walk.strategy,
        on=walk.on,
        rungs=[_rung(rung, incumbent) for rung in walk.rungs],
        chosen=None if walk.chosen is None else setting(walk.chosen.rule),
        templates=[_template(*each) for each in walk.chosen.templates.items()] if walk.chosen else [],
        hits=hits if walk.strategy == NEAR_DUPLICATES else None,
    )


def _rung(rung: RungTrial, incumbent: Incumbent) -> Rung:
    by = rung.rule.by if isinstance(rung.rule, Compression) else None
    return Rung(setting(rung.rule), candidate_of(rung.found, incumbent), by, rung.found.input_ratio)


def setting(rule: Rule) -> float:
    """What is bolder from rung to rung: the share of tokens, the items, or the likeness."""
    match rule:
        case Compression():
            return rule.ratio
        case Batching():
            return rule.items
        case Caching():
            return rule.near or 1.0


def _template(before: str, after: str) -> Template:
    was, now = (len(text.encode(errors="replace")) // BYTES_A_TOKEN for text in (before, after))
    return Template(was, now, difference(before, after))


def cascades(trial: TaskTrial) -> list[Cascade]:
    """Every cascade of a task."""
    return [_cascade(found) for found in trial.cascades]


def _cascade(found: CascadeTrial) -> Cascade:
    p50, p95 = quantiles(found.latencies_ms)
    return Cascade(
        models=list(found.labels),
        last=found.last,
        grader=found.grader,
        verdict=found.decision,
        reason=found.reason,
        margin=found.margin,
        n=found.n,
        tiers=[_tier(tier) for tier in found.tiers],
        escalated=found.escalated,
        cost_ratio=found.cost_ratio.value if found.cost_ratio else None,
        cost_ratio_interval=interval(found.cost_ratio),
        grading_share=found.grading,
        wasted_share=found.wasted,
        latency_p50_ms=p50,
        latency_p95_ms=p95,
        frontier=[_point(point) for point in found.frontier],
    )


def interval(ratio: Ratio | None) -> list[float] | None:
    """The interval of a cost ratio; None if it is not known."""
    return None if ratio is None or ratio.low is None or ratio.high is None else [ratio.low, ratio.high]


def _tier(tier: ScoredTier) -> CascadeTier:
    return CascadeTier(
        model=tier.label,
        keep_from=_finite(tier.keep_from),
        kept=tier.kept,
        reached=tier.reached,
        auc=tier.auc.value,
        auc_lower=tier.auc.lower,
        failed_checks=tier.failed_checks,
        unread=tier.unread,
    )


def _point(point: FrontierTrial) -> FrontierPoint:
    thresholds = [_finite(threshold) for threshold in point.thresholds]
    return FrontierPoint(thresholds, point.escalated, point.cost_ratio, point.difference, point.lower_bound)


def _finite(threshold: float) -> float | None:
    return threshold if isfinite(threshold) else None


def not_tried(task: str, left_out: Mapping[str, Mapping[str, str]]) -> list[NotTried]:
    """What was not tried on a task, and why."""
    found = sorted(left_out.get(task, {}).items())
    return [NotTried(CALLED.get(name, name), reason) for name, reason in found]
