"""Where the requests of a job go, and what is in them: said host by host before anything is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from llmcost.api.endpoints import Endpoints
from llmcost.api.routes import Route
from llmcost.endpoint import ChatRequest
from llmcost.endpoint.address import host_of
from llmcost.endpoint.hosts import another_owner, owner_of
from llmcost.endpoint.proxy import proxy_shown
from llmcost.prompts import ATTACHMENTS, SYSTEM_ROLES
from llmcost.recommend.result import Destination, SentField
from llmcost.trial import ModelCost

# Parameters: they shape an answer and say nothing of anybody.
PARAMETERS = frozenset(
    {
        "model", "temperature", "top_p", "top_k", "min_p", "max_tokens", "max_completion_tokens", "n", "seed",
        "frequency_penalty", "presence_penalty", "repetition_penalty", "logit_bias", "logprobs", "top_logprobs",
        "reasoning_effort", "reasoning", "thinking", "verbosity", "parallel_tool_calls", "tool_choice",
        "function_call", "stream", "modalities", "enable_thinking", "chat_template_kwargs", "ignore_eos",
    }
)  # fmt: skip
TOOL_ROLES = frozenset({"tool", "function"})
GRADED = "prompts with both answers"


def destinations(
    endpoints: Endpoints, requests: Iterable[ChatRequest], lines: Sequence[ModelCost]
) -> list[Destination]:
    """Every host of the job, those that are sent most first.

    requests  those that are planned and not answered yet, but for graders' and those of other strategies
    lines     of the estimate; what strategies ask is counted wherever a model is that answers, as it may go there
    """
    by_host: dict[str, list[str]] = {}
    for model in endpoints.models:
        by_host.setdefault(urlsplit(endpoints.url_of(model)).netloc, []).append(model)
    planned: dict[str, list[ChatRequest]] = {host: [] for host in by_host}
    for request in requests:
        planned[urlsplit(endpoints.url_of(request.model)).netloc].append(request)
    found = [_destination(endpoints, models, planned[host], lines) for host, models in by_host.items()]
    return sorted(found, key=lambda each: (-each.calls, each.host))


def fields_of(body: Mapping[str, Any]) -> set[str]:
    """What a request holds besides parameters, in the words of its fields."""
    found = {name for name in body if name not in PARAMETERS}
    messages = body.get("messages")
    for message in messages if isinstance(messages, list | tuple) else ():
        if isinstance(message, Mapping):
            found.update(_in_message(message))
    return found


def _in_message(message: Mapping[str, Any]) -> Iterator[str]:
    role, content = message.get("role"), message.get("content")
    if role in SYSTEM_ROLES:
        yield "system"
    if role in TOOL_ROLES or message.get("tool_calls") or message.get("function_call"):
        yield "tool calls and results"
    if message.get("name") and role not in TOOL_ROLES:
        yield "names of speakers"
    for part in content if isinstance(content, list | tuple) else ():
        if isinstance(part, Mapping) and str(part.get("type")) in ATTACHMENTS:
            yield ATTACHMENTS[str(part["type"])]


def _destination(
    endpoints: Endpoints, models: Sequence[str], requests: Sequence[ChatRequest], lines: Sequence[ModelCost]
) -> Destination:
    graded = sum(line.calls for line in lines if line.role == "grader" and line.model in models)
    answering = set(models) - set(endpoints.replay.graders)
    tried = sum(line.calls for line in lines if line.role == "strategy") if answering else 0
    routes = {endpoints.route(model) for model in models}
    return destination(routes, models, len(requests) + graded + tried, _counted(requests, graded))


def destination(routes: Iterable[Route], models: Sequence[str], calls: int, fields: list[SentField]) -> Destination:
    """What is known of the one host of these routes."""
    urls, keys = {route.url for route in routes}, sorted({route.variable for route in routes} - {""})
    url = min(urls)
    owner = owner_of(host_of(url))
    others = [f"{key} is named after {other}" for key in keys if (other := another_owner(key, owner))]
    return Destination(
        host=urlsplit(url).netloc,
        provider=owner.provider,
        country=owner.country,
        region=owner.region,
        note="; ".join([*([owner.note] if owner.note else []), *others]) or None,
        models=list(models),
        calls=calls,
        fields=fields,
        keys=keys,
        encrypted=url.startswith("https://"),
        proxy=proxy_shown(url),
    )


def _counted(requests: Sequence[ChatRequest], graded: int) -> list[SentField]:
    """Fields and in how many requests they are, most first."""
    found = Counter(name for request in requests for name in fields_of(request.body))
    found.update({GRADED: graded} if graded else {})
    return [SentField(name, count) for name, count in sorted(found.items(), key=lambda item: (-item[1], item[0]))]
