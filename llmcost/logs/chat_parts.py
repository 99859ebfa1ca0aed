"""Messages made of parts, as traces and other vendors write them → messages of a chat-completions request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from llmcost.logs.spans import decoded

TEXTS = frozenset({"text", "input_text", "output_text"})
CALLS = frozenset({"tool_call", "tool-call", "tool_use", "function_call"})
RESULTS = frozenset({"tool_call_response", "tool-result", "tool_result", "function_call_output"})
SKIPPED = frozenset({"reasoning", "thinking", "redacted_thinking"})
TEXT_KEYS = ("text", "content")
ID_KEYS = ("id", "toolCallId", "tool_call_id", "tool_use_id", "call_id")
NAME_KEYS = ("name", "toolName")
ARGUMENT_KEYS = ("arguments", "args", "input")
RESULT_KEYS = ("response", "result", "output", "content")
SCHEMA_KEYS = ("parameters", "inputSchema", "input_schema")
ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "function": "tool"}

Message = dict[str, Any]


class Untold(Exception):  # noqa: N818 - a finding about data, not a failure of the program
    """Raised for messages that a chat request cannot say."""


def chat_messages(items: Iterable[Any]) -> list[Message]:
    """The chat messages that say the same. Raises Untold for what chat has no words for."""
    return [message for item in items for message in _messages(item)]


def chat_tools(items: Iterable[Any]) -> list[Message]:
    """Tool definitions of any vendor as chat tools, in order. Raises Untold for tools that are no functions."""
    return [_tool(decoded(item)) for item in items]


def has_calls(messages: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a tool was called in these messages."""
    return any(message.get("tool_calls") for message in messages)


def _messages(item: Any) -> Iterator[Message]:
    given = item.get("role") if isinstance(item, dict) else None
    if not isinstance(given, str):
        raise Untold
    role = ROLES.get(given, given)
    content = next((item[key] for key in ("parts", "content") if item.get(key) is not None), None)
    parts = decoded(content) if isinstance(content, str) and content[:2] == "[{" else content
    if not isinstance(parts, list):
        yield _message(role, content, item.get("tool_calls"), item)
        return
    kinds = [(part.get("type", "text") if isinstance(part, dict) else "text", part) for part in parts]
    for _, part in (pair for pair in kinds if pair[0] in RESULTS):
        yield {"role": "tool", "tool_call_id": _first(part, ID_KEYS), "content": _result(_first(part, RESULT_KEYS))}
    said = [_part(kind, part) for kind, part in kinds if kind not in RESULTS | CALLS | SKIPPED]
    calls = [part for kind, part in kinds if kind in CALLS] or item.get("tool_calls")
    if said or calls:
        yield _message(role, _content(said, role), calls, item)


def _message(role: str, content: Any, calls: Any, item: Mapping[str, Any]) -> Message:
    message = {"role": role, "content": content if content is None or isinstance(content, list) else _result(content)}
    if called := decoded(calls):
        message["tool_calls"] = [_call(call) for call in called]
    if role == "tool" and (found := _first(item, ("tool_call_id", "id"))) is not None:
        message["tool_call_id"] = found
    return message


def _call(call: Any) -> Message:
    if not isinstance(call, dict):
        raise Untold
    inner = call.get("function")
    source = inner if isinstance(inner, dict) else call
    arguments = _first(source, ARGUMENT_KEYS)
    function = {"name": _first(source, NAME_KEYS), "arguments": "{}" if arguments is None else _result(arguments)}
    return {"id": _first(call, ID_KEYS), "type": "function", "function": function}


def _content(parts: list[Message], role: str) -> Any:
    texts = [part["text"] for part in parts if part["type"] == "text"]
    if len(texts) == len(parts) and (role != "user" or len(parts) <= 1):
        return "".join(texts) if texts else None
    return parts


def _part(kind: str, part: Any) -> Message:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if kind in TEXTS and isinstance(text := _first(part, TEXT_KEYS), str):
        return {"type": "text", "text": text}
    if kind == "image_url" and isinstance(part.get("image_url"), dict):
        return {"type": "image_url", "image_url": part["image_url"]}
    if (address := _image(kind, part)) is not None:
        return {"type": "image_url", "image_url": {"url": address}}
    raise Untold


def _image(kind: str, part: Mapping[str, Any]) -> str | None:
    """The address of an image, as data where it was sent along; None for what is no image."""
    mime = str(_first(part, ("mime_type", "mediaType", "mimeType")) or "")
    if kind != "image" and part.get("modality") != "image" and not mime.startswith("image/"):
        return None
    inner = part.get("image")
    if isinstance(inner, dict):
        return _image("image", {"url": _first(inner, ("url", "image"))})
    data = _first(part, ("uri", "url", "image", "content", "data"))
    if isinstance(data, dict):
        data = data.get("url")
    if not isinstance(data, str) or data.startswith(("http:", "https:", "data:")):
        return data if isinstance(data, str) else None
    return f"data:{mime};base64,{data}" if mime else None


def _result(value: Any) -> str:
    """A tool's result as text; a list of text parts as their text."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and "value" in value and "type" in value:
        return _result(value["value"])
    if isinstance(value, list) and value and all(isinstance(item, dict) and "text" in item for item in value):
        return "".join(str(item["text"]) for item in value)
    return msgspec.json.encode(value).decode()


def _tool(tool: Any) -> Message:
    if not isinstance(tool, dict):
        raise Untold
    if isinstance(tool.get("function"), dict):
        return {"type": "function", "function": tool["function"]}
    name = tool.get("name")
    if not isinstance(name, str) or tool.get("type", "function") not in ("function", "custom"):
        raise Untold
    function = {"name": name, "description": tool.get("description"), "parameters": _schema(tool)}
    return {"type": "function", "function": {key: value for key, value in function.items() if value is not None}}


def _schema(tool: Mapping[str, Any]) -> Any:
    schema = decoded(_first(tool, SCHEMA_KEYS))
    return schema.get("jsonSchema", schema) if isinstance(schema, dict) else None


def _first(holder: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((found for name in names if (found := holder.get(name)) is not None), None)
