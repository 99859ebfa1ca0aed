"""The statistics: is a candidate not worse than the incumbent? numpy and scipy only.

What is named here is imported when it is first used: results hold verdicts, and an audit that only shows results has no
use for scipy, which takes longer to import than a small log to audit.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmcost.evidence.looks import boundaries, fractions
    from llmcost.evidence.outcomes import Decision, EvidenceGrade, HumanVerdicts, Outcomes, Rule, Verdict
    from llmcost.evidence.survey import Ratio, cost_ratio
    from llmcost.evidence.tango import lower_bound, tango_statistic, upper_bound
    from llmcost.evidence.verdict import MIN_RELIABILITY, critical_value, decide, prompts_floor, prompts_needed

_MODULES = {
    "looks": ("boundaries", "fractions"),
    "outcomes": ("Decision", "EvidenceGrade", "HumanVerdicts", "Outcomes", "Rule", "Verdict"),
    "survey": ("Ratio", "cost_ratio"),
    "tango": ("lower_bound", "tango_statistic", "upper_bound"),
    "verdict": ("MIN_RELIABILITY", "critical_value", "decide", "prompts_floor", "prompts_needed"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

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


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'llmcost.evidence' has no attribute {name!r}")
    return getattr(import_module(f"llmcost.evidence.{_HOME[name]}"), name)
