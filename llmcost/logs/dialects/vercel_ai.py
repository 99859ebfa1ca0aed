"""Attributes of the Vercel AI SDK (`ai.*`); the tokens are mapped as llmcost.logs.formats.vercel_ai tells."""

from __future__ import annotations

from typing import Any

from llmcost.logs.span_calls import Dialect, Said, found, parameters
from llmcost.logs.spans import Span, decoded
from llmcost.logs.values import count

ID = "ai.operationId"
# The last word of an operation → ours; any other operation is the function around the steps, or a tool.
STEPS = {"doGenerate": "chat", "doStream": "chat", "doEmbed": "embeddings"}
OBJECTS = ("ai.generateObject.", "ai.streamObject.")
DETAILS = "ai.usage.inputTokenDetails."
EXCLUSIVE_PROVIDERS = ("anthropic", "bedrock")
FIELDS = {
    "id": ("ai.response.id", "gen_ai.response.id"),
    "model": ("gen_ai.request.model", "ai.model.id"),
    "response_model": ("ai.response.model", "gen_ai.response.model"),
    "provider": ("gen_ai.system", "ai.model.provider"),
    "input_tokens": ("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens", "gen_ai.usage.input_tokens"),
    "output_tokens": ("ai.usage.outputTokens", "ai.usage.completionTokens", "gen_ai.usage.output_tokens"),
    "cache_read_tokens": (f"{DETAILS}cacheReadTokens", "ai.usage.cachedInputTokens"),
    "cache_write_tokens": (f"{DETAILS}cacheWriteTokens",),
    "reasoning_tokens": ("ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens"),
    "finish_reason": ("ai.response.finishReason", "gen_ai.response.finish_reasons"),
    "ttft_ms": ("ai.response.msToFirstChunk",),
    "session": ("ai.telemetry.metadata.sessionId", "session.id"),
    "user": ("ai.telemetry.metadata.userId", "user.id"),
    "error": ("error.type",),
}
PARAMETERS = {
    "gen_ai.request.temperature": "temperature",
    "gen_ai.request.top_p": "top_p",
    "gen_ai.request.max_tokens": "max_tokens",
    "gen_ai.request.frequency_penalty": "frequency_penalty",
    "gen_ai.request.presence_penalty": "presence_penalty",
    "gen_ai.request.stop_sequences": "stop",
}


def _claims(span: Span) -> bool:
    return ID in span.attributes


def _step(span: Span) -> str:
    return str(span.attributes[ID]).rpartition(".")[2]


def _is_call(span: Span) -> bool:
    return _step(span) in STEPS


def _facts(span: Span) -> dict[str, Any]:
    facts = found(span, FIELDS)
    metadata = decoded(span.attributes.get("ai.response.providerMetadata"))
    told: dict[str, Any] = metadata if isinstance(metadata, dict) else {}
    openai, anthropic = (inner if isinstance(inner := told.get(name), dict) else {} for name in ("openai", "anthropic"))
    facts.setdefault("service_tier", openai.get("serviceTier"))
    facts.setdefault("cache_write_tokens", anthropic.get("cacheCreationInputTokens"))
    facts["stream"] = _step(span) == "doStream"
    if _is_exclusive(span, facts):
        cached = (count(facts.get(name)) or 0 for name in ("cache_read_tokens", "cache_write_tokens"))
        facts["input_tokens"] = (count(facts.get("input_tokens")) or 0) + sum(cached)
    return facts


def _is_exclusive(span: Span, facts: dict[str, Any]) -> bool:
    provider = str(facts.get("provider", ""))
    new = any(key.startswith(DETAILS) for key in span.attributes)
    return "input_tokens" in facts and not new and any(name in provider for name in EXCLUSIVE_PROVIDERS)


def _said(span: Span) -> Said:
    own = span.attributes
    messages, schema = decoded(own.get("ai.prompt.messages")), decoded(own.get("ai.schema"))
    tools = decoded(own.get("ai.prompt.tools"))
    given = parameters(span, PARAMETERS) | _tool_choice(decoded(own.get("ai.prompt.toolChoice")))
    if isinstance(schema, dict):
        name = str(own.get("ai.schema.name") or "output")
        given["response_format"] = {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}
    return Said(
        messages if isinstance(messages, list) else None,
        _answer(span),
        tools if isinstance(tools, list) else None,
        given,
        cut=(messages is None and "ai.prompt.messages" in own) or (schema is None and str(own[ID]).startswith(OBJECTS)),
    )


def _tool_choice(choice: Any) -> dict[str, Any]:
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind == "tool":
        return {"tool_choice": {"type": "function", "function": {"name": choice.get("toolName")}}}
    return {"tool_choice": kind} if kind in ("required", "none") else {}


def _answer(span: Span) -> dict[str, Any] | None:
    own = span.attributes
    text = own.get("ai.response.text", own.get("ai.response.object"))
    calls = decoded(own.get("ai.response.toolCalls"))
    return None if text is None and calls is None else {"content": text, "tool_calls": calls}


DIALECT = Dialect(_claims, _is_call, lambda span: STEPS[_step(span)], _facts, _said)
