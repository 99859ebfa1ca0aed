"""The statistics: is a candidate not worse than the incumbent? numpy and scipy only."""

from llmcost.evidence.outcomes import Decision, EvidenceGrade, Outcomes, Rule, Verdict
from llmcost.evidence.survey import Ratio, cost_ratio
from llmcost.evidence.tango import lower_bound, tango_statistic, upper_bound
from llmcost.evidence.verdict import (
    MIN_RELIABILITY,
    UNCALIBRATED_RELIABILITY,
    critical_value,
    decide,
    prompts_floor,
    prompts_needed,
)

__all__ = [
    "MIN_RELIABILITY",
    "UNCALIBRATED_RELIABILITY",
    "Decision",
    "EvidenceGrade",
    "Outcomes",
    "Ratio",
    "Rule",
    "Verdict",
    "cost_ratio",
    "critical_value",
    "decide",
    "lower_bound",
    "prompts_floor",
    "prompts_needed",
    "tango_statistic",
    "upper_bound",
]
