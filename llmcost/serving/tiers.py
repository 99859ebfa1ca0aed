"""One model asked, as it takes requests."""

from __future__ import annotations

from llmcost.config import ModelSettings
from llmcost.endpoint.messages import ChatRequest
from llmcost.serving.plan import Tier
from llmcost.serving.steps import Question, Served, Steps, plainly
from llmcost.serving.translation import CandidateModel, translate


def ask_tier(request: ChatRequest, tier: Tier) -> Steps[Served]:
    """The answer of one model."""
    asked = for_tier(request, tier)
    [completion] = yield [Question("answer", asked)]
    return plainly(asked, completion)


def for_tier(request: ChatRequest, tier: Tier) -> ChatRequest:
    """The request as this model takes it."""
    settings = ModelSettings(params=tier.params, max_output_tokens=tier.max_output_tokens)
    body, _ = translate(request.body, CandidateModel(tier.model, tier.effort), settings)
    return ChatRequest(body, request.replicate)
