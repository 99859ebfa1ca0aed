"""Attributes of OpenInference (`llm.*`); the tokens are mapped as llmcost.logs.formats.openinference tells."""

from __future__ import annotations

from typing import Any

from llmcost.logs.parameters import parameters_of
from llmcost.logs.span_calls import Dialect, Said, found
from llmcost.logs.spans import Span, decoded, tree

KIND = "openinference.span.kind"
FIELDS = {
    "model": ("llm.request.model_name", "llm.model_name", "embedding.model_name"),
    "response_model": ("llm.response.model_name",),
    "provider": ("llm.provider", "llm.system"),
    "input_tokens": ("llm.token_count.prompt",),
    "output_tokens": ("llm.token_count.completion",),
    "cache_read_tokens": ("llm.token_count.prompt_details.cache_read", "llm.token_count.prompt_details.cache_input"),
    "cache_write_tokens": ("llm.token_count.prompt_details.cache_write",),
    "reasoning_tokens": ("llm.token_count.completion_details.reasoning",),
    "finish_reason": ("llm.finish_reason",),
    "cost": ("llm.cost.total",),
    "session": ("session.id",),
    "user": ("user.id",),
    "error": ("error.type", "exception.type"),
}
OPERATIONS = {"LLM": "chat", "EMBEDDING": "embeddings"}
PLAIN_TEXT = "text/plain"


def _claims(span: Span) -> bool:
    return KIND in span.attributes


def _is_call(span: Span) -> bool:
    return str(span.attributes[KIND]).upper() in OPERATIONS


def _operation(span: Span) -> str:
    return OPERATIONS[str(span.attributes[KIND]).upper()]


def _facts(span: Span) -> dict[str, Any]:
    facts = found(span, FIELDS)
    for event in span.events:
        if event.name == "exception" and "exception.type" in event.attributes:
            facts.setdefault("error", event.attributes["exception.type"])
    return facts


def _said(span: Span) -> Said:
    asked, answered = decoded(span.attributes.get("input.value")), decoded(span.attributes.get("output.value"))
    invocation = parameters_of(decoded(span.attributes.get("llm.invocation_parameters")) or {})
    request = {**invocation, **asked} if isinstance(asked, dict) and _is_request(asked) else None
    answers = _unwrapped(tree(span.attributes, "llm.output_messages"))
    return Said(
        _unwrapped(tree(span.attributes, "llm.input_messages")) or _prompt(span),
        answers[0] if answers else _text(span, "output"),
        _tools(span) or invocation.pop("tools", None),
        invocation,
        request,
        answered if isinstance(answered, dict) and isinstance(answered.get("choices"), list) else None,
    )


def _is_request(body: dict[str, Any]) -> bool:
    messages = body.get("messages")
    return isinstance(messages, list) and all(isinstance(m, dict) and _plain(m) for m in messages) and bool(messages)


def _plain(message: dict[str, Any]) -> bool:
    """Whether this is a message as chat completions have it: other vendors' parts need translation."""
    content = message.get("content")
    parts = content if isinstance(content, list) else ()
    kinds = {part.get("type") for part in parts if isinstance(part, dict)}
    return isinstance(message.get("role"), str) and kinds <= {"text", "image_url", "input_audio", "file"}


def _prompt(span: Span) -> list[Any]:
    """The prompts of a completions interface, else the input where it is plain text."""
    prompts = tree(span.attributes, "llm.prompts")
    texts = [prompt.get("prompt", {}).get("text") for prompt in prompts] if isinstance(prompts, list) else []
    text = texts[0] if len(texts) == 1 else _text(span, "input")
    return [{"role": "user", "content": text}] if isinstance(text, str) else []


def _text(span: Span, side: str) -> str | None:
    """The value of a side that is text: the type is plain text where none is named."""
    value = span.attributes.get(f"{side}.value")
    plain = span.attributes.get(f"{side}.mime_type", PLAIN_TEXT) == PLAIN_TEXT
    return value if isinstance(value, str) and plain and decoded(value) is None else None


def _tools(span: Span) -> list[Any] | None:
    tools = tree(span.attributes, "llm.tools")
    if not isinstance(tools, list):
        return None
    return [decoded(tool.get("tool", {}).get("json_schema")) for tool in tools if isinstance(tool, dict)]


def _unwrapped(messages: Any) -> list[Any]:
    return (
        [_message(item.get("message", item)) for item in messages if isinstance(item, dict)]
        if isinstance(messages, list)
        else []
    )


def _message(message: dict[str, Any]) -> dict[str, Any]:
    contents = message.get("contents")
    parts = [part.get("message_content", part) for part in contents] if isinstance(contents, list) else None
    calls = message.get("tool_calls")
    unwrapped = [call.get("tool_call", call) for call in calls] if isinstance(calls, list) else None
    return {
        "role": message.get("role"),
        "content": parts if parts and message.get("content") is None else message.get("content"),
        "tool_calls": unwrapped,
        "tool_call_id": message.get("tool_call_id"),
    }


DIALECT = Dialect(_claims, _is_call, _operation, _facts, _said)
