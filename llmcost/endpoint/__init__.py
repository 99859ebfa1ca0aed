"""One OpenAI-compatible endpoint: requests go out, answers come back, nothing is sent that nobody asked for."""

from llmcost.endpoint.messages import Ask, ChatRequest, Completion, Status

__all__ = ["Ask", "ChatRequest", "Completion", "Status"]
