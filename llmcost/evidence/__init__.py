"""The statistics: is a candidate not worse than the incumbent? numpy and scipy only."""

from llmcost.evidence.looks import boundaries, fractions
from llmcost.evidence.outcomes import Decision, EvidenceGrade, HumanVerdicts, Outcomes, Rule, Verdict
from llmcost.evidence.survey import Ratio, cost_ratio
from llmcost.evidence.tango import lower_bound, tango_statistic, upper_bound
from llmcost.evidence.verdict import (
    MIN_RELIABILITY,
    critical_value,
    decide,
    prompts_floor,
    prompts_needed,
)

__all__ = [
    "MIN_RELIABILITY",
    "Decision",
    "EvidenceGrade",
    "HumanVerdicts",
    "Outcomes",
    "Ratio",
    "Rule",
    "Verdict",
    "boundaries",
    "cost_ratio",
    "critical_value",
    "decide",
    "fractions",
    "lower_bound",
    "prompts_floor",
    "prompts_needed",
    "tango_statistic",
    "upper_bound",
]
