"""Which calls are asked again, of whom, and how: sample design, arms, the durable and budgeted runner."""

from llmcost.replay.arms import replayable, requests
from llmcost.replay.budget import Budget
from llmcost.replay.runner import Progress, Runner, Silent, open_store
from llmcost.replay.runner import Spend as PurposeSpend
from llmcost.replay.sample import Sample, draw

__all__ = [
    "Budget",
    "Progress",
    "PurposeSpend",
    "Runner",
    "Sample",
    "Silent",
    "draw",
    "open_store",
    "replayable",
    "requests",
]
