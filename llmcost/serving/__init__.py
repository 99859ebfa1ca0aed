"""How a request is answered in production: by which models, shortened, batched, checked. Who sends is not known here.

A replay measures these very steps and `llmcost.runtime` runs them, so that what was measured is what runs. Nothing here
imports a table, a log or a statistic.
"""

from __future__ import annotations

from llmcost.serving.cascade import refuse_self_grading
from llmcost.serving.plan import Batching, Caching, Compression, Plan, TaskPlan, Tier
from llmcost.serving.scoring import RunTimeGrader, Scored, scored
from llmcost.serving.serve import Server, serve
from llmcost.serving.steps import Attempt, Question, Role, Served, Steps, ask_now, ask_together, gather, plainly
from llmcost.serving.translation import CandidateModel, parse_candidate, translate

__all__ = [
    "Attempt",
    "Batching",
    "Caching",
    "CandidateModel",
    "Compression",
    "Plan",
    "Question",
    "Role",
    "RunTimeGrader",
    "Scored",
    "Served",
    "Server",
    "Steps",
    "TaskPlan",
    "Tier",
    "ask_now",
    "ask_together",
    "gather",
    "parse_candidate",
    "plainly",
    "refuse_self_grading",
    "scored",
    "serve",
    "translate",
]
