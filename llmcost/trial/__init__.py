"""One experiment: sample, replay, grade, decide, for every candidate on every task."""

from llmcost.trial.controls import judged
from llmcost.trial.cost import Tariff
from llmcost.trial.design import Design, design
from llmcost.trial.estimate import ModelCost, estimate
from llmcost.trial.means import Means
from llmcost.trial.reach import Reach, reach
from llmcost.trial.result import CandidateTrial, TaskTrial, Trial
from llmcost.trial.run import run

__all__ = [
    "CandidateTrial",
    "Design",
    "Means",
    "ModelCost",
    "Reach",
    "Tariff",
    "TaskTrial",
    "Trial",
    "design",
    "estimate",
    "judged",
    "reach",
    "run",
]
