"""Bedrock Converse bodies → chat completions: the request that asks the same, the answer that says the same.

Reasoning and cache points are dropped; guardrails are the account's, not the request's. Not translated, and so kept
for their costs only: images, documents and video, prompts kept at the provider, and an answer begun for the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from llmcost.answers import Usage
from llmcost.logs.translated import Chat, Untranslatable, answer_body, assistant_message, known, tool_call
from llmcost.logs.values import count

PARAMETERS = {"maxTokens": "max_tokens", "temperature": "temperature", "topP": "top_p", "stopSequences": "stop"}
FINISH_REASONS = {
    "end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "model_context_window_exceeded": "length",
    "tool_use": "tool_calls", "guardrail_intervened": "content_filter", "content_filtered": "content_filter",
}  # fmt: skip
DROPPED = ("reasoningContent", "cachePoint")
TOOL_CHOICES = {"auto": "auto", "any": "required"}
MARKS = ("inferenceConfig", "toolConfig", "additionalModelRequestFields", "guardrailConfig")


def is_request(body: Mapping[str, Any]) -> bool:
    """Whether this is a Converse request, or one of Amazon's models in its shape: blocks that carry no type."""
    if any(mark in body for mark in MARKS):
        return "messages" in body
    messages = body.get("messages")
    blocks = messages[0].get("content") if isinstance(messages, list) and messages else None
    return isinstance(blocks, list) and bool(blocks) and "type" not in blocks[0]


def is_response(body: Any) -> bool:
    """Whether this is a Converse response."""
    output = body.get("output") if isinstance(body, dict) else None
    return isinstance(output, dict) and isinstance(output.get("message"), dict)


def to_chat(request: Mapping[str, Any]) -> Chat:
    """The chat request that asks the same. Raises Untranslatable."""
    messages = request["messages"]
    if request.get("promptVariables") or not messages or messages[-1]["role"] == "assistant":
        raise Untranslatable
    settings, tools = request.get("inferenceConfig") or {}, request.get("toolConfig") or {}
    specifications = [tool["toolSpec"] for tool in tools.get("tools") or () if "cachePoint" not in tool]
    return known(
        [
            ("model", request.get("model")),
            ("messages", [*_system(request.get("system")), *(m for given in messages for m in _messages(given))]),
            *((ours, value) for theirs, ours in PARAMETERS.items() if (value := settings.get(theirs)) != []),
            ("tools", [_tool(tool) for tool in specifications] or None),
            ("tool_choice", _tool_choice(tools.get("toolChoice"))),
        ]
    )


def to_answer(body: Mapping[str, Any]) -> Chat:
    """The chat completion that says the same as a Converse response."""
    blocks = [block for block in body["output"]["message"].get("content") or () if isinstance(block, dict)]
    texts = [block["text"] for block in blocks if isinstance(block.get("text"), str)]
    uses = [block["toolUse"] for block in blocks if isinstance(block.get("toolUse"), dict)]
    calls = [tool_call(use.get("toolUseId"), use.get("name"), use.get("input")) for use in uses]
    reason = body.get("stopReason")
    usage = body.get("usage")
    counted = usage_of(usage) if isinstance(usage, dict) else Usage()
    return answer_body(assistant_message(texts, calls), FINISH_REASONS.get(str(reason), reason), counted, {})


def usage_of(block: Mapping[str, Any]) -> Usage:
    """Our counts: `inputTokens` plus what was read from and written to the cache, which it leaves out."""
    read, written = count(block.get("cacheReadInputTokens")), count(block.get("cacheWriteInputTokens"))
    given = count(block.get("inputTokens"))
    total = None if given is None else given + (read or 0) + (written or 0)
    return Usage(total, read, written, count(block.get("outputTokens")))


def _system(system: Any) -> Iterable[Chat]:
    texts = _texts(system or ())
    if texts:
        yield {"role": "system", "content": "\n\n".join(texts)}


def _messages(message: Mapping[str, Any]) -> Iterable[Chat]:
    """The chat messages of one of Converse's: results of tools become messages of their own, before the rest."""
    blocks = [block for block in message["content"] if not any(key in block for key in DROPPED)]
    if message["role"] == "assistant":
        uses = [block["toolUse"] for block in blocks if "toolUse" in block]
        calls = [tool_call(use["toolUseId"], use["name"], use.get("input")) for use in uses]
        yield assistant_message(_texts(block for block in blocks if "toolUse" not in block), calls)
        return
    for result in (block["toolResult"] for block in blocks if "toolResult" in block):
        yield {"role": "tool", "tool_call_id": result["toolUseId"], "content": _result(result.get("content") or ())}
    if texts := _texts(block for block in blocks if "toolResult" not in block):
        yield {"role": message["role"], "content": _content(texts)}


def _content(texts: Sequence[str]) -> Any:
    return texts[0] if len(texts) == 1 else [{"type": "text", "text": text} for text in texts]


def _texts(blocks: Iterable[Mapping[str, Any]]) -> list[str]:
    texts = [block.get("text") for block in blocks if not any(key in block for key in DROPPED)]
    if not all(isinstance(text, str) for text in texts):
        raise Untranslatable
    return [text for text in texts if text is not None]


def _result(blocks: Iterable[Mapping[str, Any]]) -> str:
    return "".join(
        msgspec.json.encode(block["json"]).decode() if "json" in block else _texts([block])[0] for block in blocks
    )


def _tool(tool: Mapping[str, Any]) -> Chat:
    schema = (tool.get("inputSchema") or {}).get("json")
    function = known([("name", tool["name"]), ("description", tool.get("description")), ("parameters", schema)])
    return {"type": "function", "function": function}


def _tool_choice(choice: Mapping[str, Any] | None) -> Any:
    if not choice:
        return None
    if "tool" in choice:
        return {"type": "function", "function": {"name": choice["tool"]["name"]}}
    return TOOL_CHOICES[next(iter(choice))]
