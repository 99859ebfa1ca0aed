"""Verdicts in words, and what is certain of a candidate's quality on the user's scale."""

from __future__ import annotations

from llmcost.evidence import Decision
from llmcost.recommend.result import Candidate
from llmcost.report import figures
from llmcost.report.document import Cell, Role

SWITCHES: frozenset[Decision] = frozenset({"SWITCH", "SWITCH_AT"})
WORDS: dict[Decision, tuple[str, Role]] = {
    "SWITCH": ("SWITCH", "good"),
    "SWITCH_AT": ("SWITCH", "good"),
    "KEEP": ("KEEP", "strong"),
    "INCONCLUSIVE": ("INCONCLUSIVE", "warn"),
    "CANNOT_JUDGE": ("CANNOT JUDGE", "warn"),
}


def lowest(item: Candidate) -> float | None:
    """The least that its quality can be against today's, on the user's scale: what was certified, where it passed."""
    if item.verdict in SWITCHES:
        return None if item.certified_margin is None else -item.certified_margin
    bound = item.lower_bound
    return None if bound is None else max(bound / item.reliability if bound < 0 else bound, -1.0)


def highest(item: Candidate) -> float | None:
    """The most that it can be, on the user's scale: a grader may have shrunk a gain, but it does not make one up."""
    bound = item.upper_bound
    return None if bound is None else min(bound / item.reliability if bound > 0 else bound, 1.0)


def verdict(item: Candidate) -> Cell:
    """The verdict in words: "SWITCH at 5 %" where it holds only at a looser margin."""
    word, role = WORDS[item.verdict]
    return Cell(word + looser(item), role, item.verdict)


def looser(item: Candidate) -> str:
    """ " at 8 %" where it holds only at a looser margin."""
    return f" at {figures.at_most(item.certified_margin)}" if item.verdict == "SWITCH_AT" else ""


def verdict_cell(decision: Decision) -> Cell:
    """A bare verdict in words."""
    word, role = WORDS[decision]
    return Cell(word, role, decision)
