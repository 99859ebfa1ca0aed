"""Verdicts and strategies → the plan: a model map and one before/after bill."""

from llmcost.recommend.assemble import RunFacts, assemble
from llmcost.recommend.bill import billed_log
from llmcost.recommend.result import ReplayEstimate, ReplayReport, Spend

__all__ = ["ReplayEstimate", "ReplayReport", "RunFacts", "Spend", "assemble", "billed_log"]
