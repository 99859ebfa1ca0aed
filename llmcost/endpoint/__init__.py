"""One OpenAI-compatible endpoint: requests go out, answers come back, nothing is sent that nobody asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcost.endpoint.messages import Ask, ChatRequest, Completion, Status

if TYPE_CHECKING:
    from llmcost.endpoint.client import Endpoint
    from llmcost.endpoint.download import fetch

__all__ = ["Ask", "ChatRequest", "Completion", "Endpoint", "Status", "fetch"]


def __getattr__(name: str) -> object:
    """`Endpoint` and `fetch` on first use: who only needs the messages does not import httpx."""
    if name == "Endpoint":
        from llmcost.endpoint.client import Endpoint

        return Endpoint
    if name == "fetch":
        from llmcost.endpoint.download import fetch

        return fetch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
