"""Responses-API request bodies → the chat-completions request that asks the same, where there is one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from llmcost.calls import BodyState

SAME = (
    "model", "temperature", "top_p", "parallel_tool_calls", "user", "metadata", "service_tier", "store", "stream",
    "top_logprobs", "safety_identifier", "prompt_cache_key",
)  # fmt: skip
HISTORY = ("previous_response_id", "conversation")
TEXT_PARTS = ("input_text", "output_text", "text")
SKIPPED = ("reasoning",)

Chat = dict[str, Any]


class _Untranslatable(Exception):  # noqa: N818 - carries the state of the body, is no failure
    def __init__(self, state: BodyState) -> None:
        super().__init__(state)
        self.state: BodyState = state


def to_chat(request: Mapping[str, Any]) -> tuple[Chat | None, BodyState]:
    """The chat request and "full"; or None and why: the history is with the provider, or chat has no such thing."""
    if any(request.get(key) for key in HISTORY):
        return None, "server_side_history"
    try:
        return _translated(request), "full"
    except _Untranslatable as reason:
        return None, reason.state


def _translated(request: Mapping[str, Any]) -> Chat:
    if request.get("prompt") is not None or request.get("background"):
        raise _Untranslatable("unsupported")
    chat: Chat = {key: request[key] for key in SAME if request.get(key) is not None}
    chat["messages"] = _messages(request)
    if tools := request.get("tools"):
        chat["tools"] = [_tool(tool) for tool in tools]
    if (choice := request.get("tool_choice")) is not None:
        chat["tool_choice"] = _tool_choice(choice)
    if request.get("max_output_tokens") is not None:
        chat["max_completion_tokens"] = request["max_output_tokens"]
    chat.update(_reasoning(request.get("reasoning")))
    chat.update(_text(request.get("text")))
    return chat


def _messages(request: Mapping[str, Any]) -> list[Chat]:
    messages: list[Chat] = []
    if isinstance(instructions := request.get("instructions"), str) and instructions:
        messages.append({"role": "system", "content": instructions})
    given = request.get("input")
    if isinstance(given, str):
        return [*messages, {"role": "user", "content": given}]
    if not isinstance(given, list):
        raise _Untranslatable("unsupported")
    for item in given:
        _add_item(messages, item)
    return messages


def _add_item(messages: list[Chat], item: Any) -> None:
    kind = item.get("type", "message") if isinstance(item, dict) else None
    if kind == "message" and "role" in item:
        messages.append({"role": item["role"], "content": _content(item.get("content"), item["role"])})
    elif kind == "function_call":
        _add_call(messages, item)
    elif kind == "function_call_output":
        output = item.get("output")
        content = output if isinstance(output, str) else _content(output, "tool")
        messages.append({"role": "tool", "tool_call_id": item.get("call_id"), "content": content})
    elif kind == "item_reference":
        raise _Untranslatable("server_side_history")
    elif kind not in SKIPPED:
        raise _Untranslatable("unsupported")


def _add_call(messages: list[Chat], item: Mapping[str, Any]) -> None:
    """Calls that were made together belong to one assistant message."""
    function = {"name": item.get("name"), "arguments": item.get("arguments")}
    call = {"id": item.get("call_id"), "type": "function", "function": function}
    if messages and messages[-1].get("tool_calls"):
        messages[-1]["tool_calls"].append(call)
    elif messages and messages[-1]["role"] == "assistant":
        messages[-1]["tool_calls"] = [call]
    else:
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})


def _content(content: Any, role: str) -> Any:
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise _Untranslatable("unsupported")
    parts = [_part(part) for part in content]
    if role in ("assistant", "tool") or len(parts) == 1:
        texts = [part["text"] for part in parts if part["type"] == "text"]
        if len(texts) == len(parts):
            return "".join(texts)
    return parts


def _part(part: Any) -> Chat:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in TEXT_PARTS and isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]}
    if kind == "refusal" and isinstance(part.get("refusal"), str):
        return {"type": "text", "text": part["refusal"]}
    if kind == "input_image" and isinstance(part.get("image_url"), str):
        detail = {"detail": part["detail"]} if part.get("detail") else {}
        return {"type": "image_url", "image_url": {"url": part["image_url"], **detail}}
    if kind == "input_file" and part.get("file_data"):
        return {"type": "file", "file": {key: part[key] for key in ("filename", "file_data") if key in part}}
    raise _Untranslatable("unsupported")


def _tool(tool: Any) -> Chat:
    if not isinstance(tool, dict) or tool.get("type") != "function":
        raise _Untranslatable("unsupported")
    if isinstance(tool.get("function"), dict):
        return tool
    return {"type": "function", "function": {k: v for k, v in tool.items() if k != "type" and v is not None}}


def _tool_choice(choice: Any) -> Any:
    if isinstance(choice, dict) and choice.get("type") == "function" and "name" in choice:
        return {"type": "function", "function": {"name": choice["name"]}}
    if isinstance(choice, str):
        return choice
    raise _Untranslatable("unsupported")


def _reasoning(reasoning: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(reasoning, dict) and reasoning.get("effort"):
        yield "reasoning_effort", reasoning["effort"]


def _text(text: Any) -> Iterable[tuple[str, Any]]:
    if not isinstance(text, dict):
        return
    if text.get("verbosity"):
        yield "verbosity", text["verbosity"]
    form = text.get("format")
    if isinstance(form, dict) and form.get("type") == "json_schema":
        schema = {key: value for key, value in form.items() if key != "type" and value is not None}
        yield "response_format", {"type": "json_schema", "json_schema": schema}
    elif isinstance(form, dict) and form.get("type") == "json_object":
        yield "response_format", {"type": "json_object"}
