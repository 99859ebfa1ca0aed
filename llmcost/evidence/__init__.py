"""The statistics: is a candidate not worse than the incumbent? numpy and scipy only."""

from llmcost.evidence.outcomes import Decision, EvidenceGrade, Outcomes, Rule, Verdict

__all__ = ["Decision", "EvidenceGrade", "Outcomes", "Rule", "Verdict"]
