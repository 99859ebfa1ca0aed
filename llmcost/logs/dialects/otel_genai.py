"""Attributes of OpenTelemetry's GenAI conventions; the tokens are mapped as llmcost.logs.formats.otel_genai tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmcost.logs.decode import embedded
from llmcost.logs.span_calls import Dialect, Said, found, parameters
from llmcost.logs.spans import Span, decoded, tree

OWN_MARKS = ("gen_ai.", "traceloop.", "llm.")
OPERATIONS = {
    "chat": "chat", "generate_content": "chat", "text_completion": "completion", "completion": "completion",
    "embeddings": "embeddings", "embedding": "embeddings",
}  # fmt: skip
OPERATION = ("gen_ai.operation.name", "llm.request.type", "traceloop.span.kind")
AGENT = "gen_ai.agent.name"
FIELDS = {
    "id": ("gen_ai.response.id",),
    "model": ("gen_ai.request.model", "llm.request.model"),
    "response_model": ("gen_ai.response.model", "llm.response.model"),
    "provider": ("gen_ai.provider.name", "gen_ai.system", "llm.vendor"),
    "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens"),
    "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens"),
    "cache_read_tokens": (
        "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.details.cache_read_tokens", "gen_ai.usage.cache_read_tokens",
    ),
    "cache_write_tokens": (
        "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.cache_write_input_tokens",
        "gen_ai.usage.details.cache_write_tokens", "gen_ai.usage.cache_write_tokens",
    ),
    "reasoning_tokens": (
        "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.details.reasoning_tokens",
        "gen_ai.usage.reasoning_tokens",
    ),
    "finish_reason": ("gen_ai.response.finish_reasons", "gen_ai.completion.0.finish_reason"),
    "ttft_s": ("gen_ai.response.time_to_first_chunk",),
    "service_tier": ("openai.response.service_tier", "gen_ai.openai.response.service_tier"),
    "stream": ("gen_ai.request.stream", "llm.is_streaming"),
    "error": ("error.type",),
    "session": ("gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id"),
    "user": ("user.id", "enduser.id", "traceloop.association.properties.user_id"),
}  # fmt: skip
PARAMETERS = {
    "gen_ai.request.temperature": "temperature",
    "gen_ai.request.top_p": "top_p",
    "gen_ai.request.max_tokens": "max_tokens",
    "gen_ai.request.frequency_penalty": "frequency_penalty",
    "gen_ai.request.presence_penalty": "presence_penalty",
    "gen_ai.request.seed": "seed",
    "gen_ai.request.choice.count": "n",
    "gen_ai.request.stop_sequences": "stop",
}
MESSAGE_EVENTS = {f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool")}
CHOICE, DETAILS = "gen_ai.choice", "gen_ai.client.inference.operation.details"
# Attribute of a whole side of the exchange, on the span or on the event that names it.
INPUTS = ("gen_ai.input.messages", "gen_ai.prompt")
OUTPUTS = ("gen_ai.output.messages", "gen_ai.completion")
FLATTENED = ("gen_ai.prompt", "llm.prompts"), ("gen_ai.completion", "llm.completions")


def _claims(span: Span) -> bool:
    return any(key.startswith(OWN_MARKS) for key in span.attributes)


def _word(span: Span) -> Any:
    return next((word for key in OPERATION if (word := span.attributes.get(key)) not in (None, "unknown")), None)


def _is_call(span: Span) -> bool:
    """By the operation that the span names; one that names none must name a model, and count or quote the exchange.

    One that names an agent instead of an operation is the agent's, which sums its calls up.
    """
    word = _word(span)
    if word is not None:
        return str(word).casefold() in OPERATIONS
    names = found(span, FIELDS)
    if AGENT in span.attributes or ("model" not in names and "response_model" not in names):
        return False
    return not {"input_tokens", "output_tokens"}.isdisjoint(names) or any(
        key.startswith(("gen_ai.prompt", "gen_ai.completion", *INPUTS)) for key in span.attributes
    )


def _operation(span: Span) -> str:
    return OPERATIONS.get(str(_word(span)).casefold(), "chat")


def _facts(span: Span) -> dict[str, Any]:
    facts = found(span, FIELDS)
    for event in span.events:
        if event.name == CHOICE and "finish_reason" in event.attributes:
            facts.setdefault("finish_reason", event.attributes["finish_reason"])
    if "finish_reason" not in facts and (answers := _side(span, OUTPUTS, FLATTENED[1])[0]):
        facts["finish_reason"] = answers[0].get("finish_reason") if isinstance(answers[0], dict) else None
    return facts


def _said(span: Span) -> Said:
    messages, cut = _side(span, INPUTS, FLATTENED[0])
    answers, answer_cut = _side(span, OUTPUTS, FLATTENED[1])
    messages = messages or list(_from_events(span))
    system = _system(span)
    tools = decoded(span.attributes.get("gen_ai.tool.definitions")) or tree(span.attributes, "llm.request.functions")
    return Said(
        [*system, *messages] if messages else None,
        (answers[0] if answers else None) or _choice(span),
        tools if isinstance(tools, list) else None,
        parameters(span, PARAMETERS),
        cut=cut or answer_cut,
    )


def _side(span: Span, names: tuple[str, ...], flattened: tuple[str, ...]) -> tuple[list[Any], bool]:
    """The messages of one side, and whether text was there that is no longer JSON: an exporter cut it off."""
    holders = [span.attributes, *(event.attributes for event in span.events)]
    for name in names:
        for value in (holder[name] for holder in holders if name in holder):
            if isinstance(messages := decoded(value), list):
                return messages, False
            if isinstance(messages, dict):
                return [messages], False
            return [], isinstance(value, str) and value[:1] in ("[", "{")
    for prefix in flattened:
        if isinstance(messages := tree(span.attributes, prefix), list):
            return [_with_role(message, prefix) for message in messages], False
    return [], False


def _with_role(message: Any, prefix: str) -> Any:
    role = "assistant" if "completion" in prefix else "user"
    return {"role": role, **message} if isinstance(message, dict) else message


def _system(span: Span) -> list[Any]:
    parts = span.attributes.get("gen_ai.system_instructions")
    if parts is None:
        return []
    found_parts = decoded(parts)
    return [{"role": "system", "content": parts if found_parts is None else found_parts}]


def _from_events(span: Span) -> Iterator[dict[str, Any]]:
    for event in span.events:
        if event.name in MESSAGE_EVENTS:
            yield {"role": MESSAGE_EVENTS[event.name], **_nested(event.attributes)}


def _choice(span: Span) -> Any:
    """The first choice that an event tells; its message is JSON, an object, or the text itself."""
    for event in span.events:
        if event.name == CHOICE:
            inner = _nested(event.attributes)
            message = inner.get("message", inner)
            if isinstance(message, str):
                message = embedded(message) or message
            return {"content": message} if isinstance(message, str | list) else message
    return None


def _nested(attributes: Any) -> dict[str, Any]:
    nested = tree({f"event.{key}": value for key, value in attributes.items()}, "event")
    return nested if isinstance(nested, dict) else {}


DIALECT = Dialect(_claims, _is_call, _operation, _facts, _said)
