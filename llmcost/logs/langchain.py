"""LangChain messages, in any of the ways they are written down → chat-completions messages.

| written down as                                          | by                                |
|----------------------------------------------------------|-----------------------------------|
| {"role": "user", "content": …}                           | OpenAI's own clients: kept as is  |
| {"type": "human", "content": …}                          | `message.model_dump()`            |
| {"type": "human", "data": {"content": …}}                | `messages_to_dict`                |
| {"lc": 1, "id": […, "HumanMessage"], "kwargs": {…}}      | `dumpd`, as LangSmith stores it   |

Messages made of other vendors' parts are left to llmcost.logs.chat_parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from llmcost.logs import chat_parts

ROLES = {
    "human": "user", "user": "user", "ai": "assistant", "assistant": "assistant", "system": "system",
    "developer": "developer", "tool": "tool", "function": "function",
}  # fmt: skip
PARTS = frozenset({"text", "image_url", "input_audio", "file", "refusal"})
KEPT = ("name", "tool_call_id", "refusal")

Message = dict[str, Any]


def chat_messages(items: Any) -> list[Message] | None:
    """The same conversation as an endpoint takes it; None if chat has no words for it."""
    if not isinstance(items, list) or not items:
        return None
    if len(items) == 1 and isinstance(items[0], list):  # LangSmith keeps batches; a call is a batch of one
        items = items[0]
    try:
        found = [message for item in items for message in _messages(item)]
    except chat_parts.Untold:
        return None
    unanswerable = any(message["role"] == "tool" and not message.get("tool_call_id") for message in found)
    return None if unanswerable else found


def _messages(item: Any) -> Sequence[Message]:
    message = chat_message(item)
    return chat_parts.chat_messages([item]) if message is None else [message]


def chat_message(item: Any) -> Message | None:
    """One message as an endpoint takes it; None if it is neither OpenAI's nor LangChain's."""
    if not isinstance(item, dict):
        return None
    inner, role = _inner(item)
    content = inner.get("content")
    if role == "tool" and "parts" not in inner and not _is_content(content):
        content = msgspec.json.encode(content).decode()
    if role is None or "parts" in inner or not _is_content(content):
        return None
    calls = _tool_calls(inner)
    if (
        inner is item
        and item.get("role") == role
        and "additional_kwargs" not in item
        and calls is item.get("tool_calls")
    ):
        return item
    message = {"role": role, "content": content, **{key: inner[key] for key in KEPT if inner.get(key) is not None}}
    return {**message, "tool_calls": calls} if calls else message


def _inner(item: Message) -> tuple[Message, str | None]:
    """What holds the content, and the role."""
    if "lc" in item and isinstance(kwargs := item.get("kwargs"), dict):
        name = item["id"][-1] if isinstance(item.get("id"), list) and item["id"] else ""
        kind = str(name).removesuffix("Chunk").removesuffix("Message").casefold()
        return kwargs, ROLES.get(kind)
    if isinstance(data := item.get("data"), dict) and "content" in data:
        return data, ROLES.get(str(item.get("type")))
    return item, ROLES.get(str(item.get("role") or item.get("type")))


def _is_content(content: Any) -> bool:
    if isinstance(content, list):
        return all(isinstance(part, str) or (isinstance(part, dict) and part.get("type") in PARTS) for part in content)
    return content is None or isinstance(content, str)


def _tool_calls(inner: Message) -> Sequence[Any] | None:
    """The tool calls in OpenAI's shape, the very same list if it is that already."""
    calls = inner.get("tool_calls")
    if not calls and isinstance(extra := inner.get("additional_kwargs"), dict):
        calls = extra.get("tool_calls")
    if not isinstance(calls, list) or all(map(_is_openai, calls)):
        return calls
    return [_tool_call(call) for call in calls if isinstance(call, dict)]


def _is_openai(call: Any) -> bool:
    function = call.get("function") if isinstance(call, dict) else None
    return isinstance(function, dict) and isinstance(function.get("arguments"), str)


def _tool_call(call: Message) -> Message:
    inner = call.get("function")
    function = inner if isinstance(inner, dict) else call
    arguments = function.get("arguments", function.get("args"))
    text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments or {}).decode()
    return {
        "id": call.get("id"),
        "type": "function",
        "function": {"name": function.get("name"), "arguments": text},
    }
