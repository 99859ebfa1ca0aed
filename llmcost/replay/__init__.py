"""Which calls are asked again, of whom, and how: sample design, arms, the durable and budgeted runner."""

from llmcost.replay.arms import CandidateModel, parse_candidate, replayable, requests
from llmcost.replay.budget import Budget
from llmcost.replay.runner import Progress, Runner, Silent, open_store
from llmcost.replay.runner import Spend as PurposeSpend
from llmcost.replay.sample import Sample, draw

__all__ = [
    "Budget",
    "CandidateModel",
    "Progress",
    "PurposeSpend",
    "Runner",
    "Sample",
    "Silent",
    "draw",
    "open_store",
    "parse_candidate",
    "replayable",
    "requests",
]
