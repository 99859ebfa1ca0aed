"""Response bodies → Answer: chat completions, legacy completions, Responses, a bare message, or text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from llmcost.answers import Answer, ToolCall

TEXT_PARTS = ("text", "output_text", "input_text")
TEXT_KEYS = ("content", "text", "output_text", "completion", "response", "answer", "output", "message")
INCOMPLETE = {"max_output_tokens": "length", "content_filter": "content_filter"}


def answer_of(body: Any) -> Answer | None:
    """The answer in a response body of any known shape; None if there is none."""
    if isinstance(body, str):
        return Answer(body)
    if isinstance(body, list):
        return _last_of(body)
    if not isinstance(body, dict):
        return None
    choices = body.get("choices")
    if isinstance(choices, list):
        return _of_choice(choices[0]) if choices and isinstance(choices[0], dict) else None
    if isinstance(body.get("output"), list):
        return _of_output(body)
    return _of_message(body, body.get("finish_reason"))


def text_of(content: Any) -> str | None:
    """The text of a message's content: a string, or the text parts of a list, joined."""
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    texts = [part if isinstance(part, str) else _part_text(part) for part in content]
    known = [text for text in texts if text is not None]
    return "".join(known) if known else None


def _of_choice(choice: Mapping[str, Any]) -> Answer | None:
    reason = _word(choice.get("finish_reason"))
    message = choice.get("message")
    if isinstance(message, dict):
        return _of_message(message, reason)
    text = text_of(choice.get("text"))
    return None if text is None and reason is None else Answer(text, finish_reason=reason)


def _of_message(message: Mapping[str, Any], reason: Any) -> Answer | None:
    if "content" in message:
        text = text_of(message["content"])
    else:
        text = next((found for key in TEXT_KEYS if isinstance(found := message.get(key), str)), None)
    calls = tool_calls_of(message)
    refusal = message.get("refusal") if isinstance(message.get("refusal"), str) else _refusal_part(message)
    if text is None and not calls and refusal is None and "role" not in message:
        nested = message.get("message")
        return _of_message(nested, reason) if isinstance(nested, dict) else None
    return Answer(text, calls, refusal, _word(reason))


def tool_calls_of(message: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    """The tool calls of a message, or its legacy function call."""
    calls = message.get("tool_calls")
    if isinstance(calls, list) and calls:
        return tuple(_tool_call(call) for call in calls if isinstance(call, dict))
    legacy = message.get("function_call")
    return (_tool_call({"function": legacy}),) if isinstance(legacy, dict) else ()


def _tool_call(call: Mapping[str, Any]) -> ToolCall:
    inner = next((found for kind in ("function", "custom") if isinstance(found := call.get(kind), dict)), call)
    return ToolCall(str(inner.get("name") or ""), _as_text(inner.get("arguments", inner.get("input"))))


def _of_output(body: Mapping[str, Any]) -> Answer | None:
    items = [item for item in body["output"] if isinstance(item, dict)]
    messages = [item for item in items if item.get("type", "message") == "message"]
    texts = [text for item in messages if (text := text_of(item.get("content"))) is not None]
    calls = tuple(_tool_call(item) for item in items if item.get("type") in ("function_call", "custom_tool_call"))
    refusal = next((found for item in messages if (found := _refusal_part(item)) is not None), None)
    if not items:
        return None
    return Answer("".join(texts) if texts else None, calls, refusal, _finish_of_output(body, bool(calls)))


def _finish_of_output(body: Mapping[str, Any], called: bool) -> str | None:
    details = body.get("incomplete_details")
    if isinstance(details, dict) and (why := _word(details.get("reason"))):
        return INCOMPLETE.get(why, why)
    if body.get("status") in (None, "completed"):
        return "tool_calls" if called else "stop" if body.get("status") else None
    return _word(body.get("status"))


def _last_of(items: Sequence[Any]) -> Answer | None:
    messages = [item for item in items if isinstance(item, dict) and "role" in item]
    if messages:
        answers = [item for item in messages if item["role"] == "assistant"]
        return _of_message(answers[-1], None) if answers else None
    if any(isinstance(item, dict) and item.get("type") in ("function_call", "message") for item in items):
        return _of_output({"output": items})
    text = text_of(items)
    return None if text is None else Answer(text)


def _part_text(part: Any) -> str | None:
    if not isinstance(part, dict) or part.get("type", "text") not in TEXT_PARTS:
        return None
    text = part.get("text")
    return text if isinstance(text, str) else None


def _refusal_part(message: Mapping[str, Any]) -> str | None:
    content = message.get("content")
    parts = content if isinstance(content, list) else ()
    refusals = (part.get("refusal") for part in parts if isinstance(part, dict) and part.get("type") == "refusal")
    return next((found for found in refusals if isinstance(found, str)), None)


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _as_text(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else msgspec.json.encode(arguments).decode()
