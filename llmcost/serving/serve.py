"""Requests → answers, as a task's plan says."""

from __future__ import annotations

from collections.abc import Sequence

from llmcost.endpoint.messages import ChatRequest
from llmcost.serving.plan import TaskPlan
from llmcost.serving.steps import Served, Steps, gather
from llmcost.serving.tiers import ask_tier


def serve(requests: Sequence[ChatRequest], plan: TaskPlan) -> Steps[list[Served]]:
    """The answers to these requests, in their order."""
    return (yield from gather([ask_tier(request, plan.tiers[-1]) for request in requests]))
