"""One experiment: sample, replay, grade, decide, for every candidate on every task."""

from llmcost.trial.cost import Tariff
from llmcost.trial.design import Design, design
from llmcost.trial.estimate import ModelCost, estimate
from llmcost.trial.result import CandidateTrial, TaskTrial
from llmcost.trial.run import run

__all__ = ["CandidateTrial", "Design", "ModelCost", "Tariff", "TaskTrial", "design", "estimate", "run"]
