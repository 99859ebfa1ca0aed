"""Which calls are asked again, of whom, and how: sample design, arms, the durable and budgeted runner."""

from llmcost.replay.arms import replayable, requests
from llmcost.replay.budget import Budget
from llmcost.replay.hiding import Asked, Hiding, readable
from llmcost.replay.runner import Progress, Runner, Silent, open_store
from llmcost.replay.runner import Spend as PurposeSpend
from llmcost.replay.sample import Sample, draw

__all__ = [
    "Asked",
    "Budget",
    "Hiding",
    "Progress",
    "PurposeSpend",
    "Runner",
    "Sample",
    "Silent",
    "draw",
    "open_store",
    "readable",
    "replayable",
    "requests",
]
