"""One candidate of a trial as the report tells it."""

from __future__ import annotations

from llmcost.audit import quantiles
from llmcost.recommend.result import Candidate, Incumbent
from llmcost.trial.result import CandidateTrial


def candidate_of(found: CandidateTrial, incumbent: Incumbent) -> Candidate:
    """Its verdict, and every figure that it rests on."""
    verdict, ratio = found.verdict, found.cost_ratio
    value = ratio.value if ratio else None
    interval = None if ratio is None or ratio.low is None or ratio.high is None else [ratio.low, ratio.high]
    before = incumbent.cost_per_call_usd
    p50, p95 = quantiles(found.latencies_ms)
    return Candidate(
        model=found.label,
        verdict=verdict.decision,
        reason=verdict.reason,
        n=verdict.n,
        n_effective=verdict.n_effective,
        wins=verdict.wins,
        ties=verdict.ties,
        losses=verdict.losses,
        failures=verdict.failures,
        unparsed=verdict.unparsed,
        unreachable=found.unreachable,
        basis=list(found.basis),
        difference=verdict.difference,
        lower_bound=verdict.lower_bound,
        upper_bound=verdict.upper_bound,
        certified_margin=verdict.certified_margin,
        tipping_bias=verdict.tipping_bias,
        grade=verdict.grade,
        reliability=found.reliability,
        more_prompts=verdict.more_prompts,
        more_usd=None if verdict.more_prompts is None else found.usd_per_prompt * verdict.more_prompts,
        cost_ratio=value,
        cost_ratio_interval=interval,
        cost_per_call_usd=None if value is None or before is None else value * before,
        latency_p50_ms=p50,
        latency_p95_ms=p95,
        output_token_ratio=found.output_ratio,
        adjusted_parameters=[f"{what} ({count:,}×)" for what, count in sorted(found.adjustments.items())],
        look=found.look,
        looks=found.looks,
        planned=found.planned,
        ended=found.ended,
        length_adjusted=verdict.length_adjusted,
        addressed=found.addressed,
        human_labels=verdict.human_labels,
        human_lower=verdict.human_lower,
        substitutes=dict(sorted(found.substitutes.items())),
    )
