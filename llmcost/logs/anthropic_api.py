"""Anthropic Messages bodies → chat completions: the request that asks the same, the answer that says the same.

Thinking is dropped, both its budget and its text: it is no part of the conversation that another model can be given.
Not translated, and so kept for their costs only: tools that run at the provider, files by id, search results and
citations' documents, images in tool results, and an answer begun for the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llmcost.answers import Usage
from llmcost.logs.streams import events_of
from llmcost.logs.translated import (
    Chat,
    Untranslatable,
    answer_body,
    assistant_message,
    known,
    text_or_parts,
    tool_call,
)  # fmt: skip
from llmcost.logs.usage import written_for_an_hour
from llmcost.logs.values import count, text

SAME = ("model", "temperature", "top_p", "stream", "max_tokens")
FINISH_REASONS = {
    "end_turn": "stop", "stop_sequence": "stop", "pause_turn": "stop", "max_tokens": "length",
    "model_context_window_exceeded": "length", "tool_use": "tool_calls", "refusal": "content_filter",
}  # fmt: skip
TIERS = {"standard": "default"}
TOOL_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
THOUGHTS = ("thinking", "redacted_thinking")
AT_THE_PROVIDER = ("container", "mcp_servers", "context_management")
USAGE = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation",
         "output_tokens_details", "service_tier")  # fmt: skip
OWN_BLOCKS = ("tool_use", "tool_result", *THOUGHTS)
HEAD, FIRST = 4096, 3  # a stream is told by its beginning: in characters, in events
STREAM_EVENTS = ("message_start", "content_block_start", "content_block_delta", "message_delta")


def is_request(body: Mapping[str, Any]) -> bool:
    """Whether this request can only be Anthropic's: marks that chat completions does not have."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return False
    if "anthropic_version" in body or "stop_sequences" in body or _typed(body.get("system")):
        return True
    if any(isinstance(tool, dict) and "input_schema" in tool for tool in _list(body.get("tools"))):
        return True
    if str(body.get("model")).startswith("claude") and "max_tokens" in body:
        return True
    blocks = (block for message in messages if isinstance(message, dict) for block in _list(message.get("content")))
    return any(isinstance(block, dict) and block.get("type") in OWN_BLOCKS for block in blocks)


def is_response(value: Any) -> bool:
    """Whether this is a message, an error or a stream of Anthropic's."""
    if isinstance(value, dict):
        if value.get("type") == "error":
            return isinstance(value.get("error"), dict)
        return isinstance(value.get("content"), list) and (value.get("type") == "message" or "stop_reason" in value)
    if isinstance(value, str):
        return "message_start" in value[:HEAD] and bool(events_of(value[:HEAD]))
    return isinstance(value, list) and any(event.get("type") in STREAM_EVENTS for event in events_of(value[:FIRST]))


def to_chat(request: Mapping[str, Any]) -> Chat:
    """The chat request that asks the same. Raises Untranslatable."""
    messages = request["messages"]
    if any(request.get(key) for key in AT_THE_PROVIDER) or not messages or messages[-1].get("role") == "assistant":
        raise Untranslatable
    choice = request.get("tool_choice") or {}
    return known(
        [
            *((key, request.get(key)) for key in SAME),
            ("messages", [*_system(request.get("system")), *(m for given in messages for m in _messages(given))]),
            ("stop", request.get("stop_sequences") or None),
            ("tools", [_tool(tool) for tool in request.get("tools") or ()] or None),
            ("tool_choice", _tool_choice(choice) if choice else None),
            ("parallel_tool_calls", False if choice.get("disable_parallel_tool_use") else None),
            ("user", text((request.get("metadata") or {}).get("user_id"))),
            *_output_config(request.get("output_config") or {}),
        ]
    )


def to_answer(response: Any) -> Chat:
    """The chat completion that says the same as a message, an error or a stream; empty for anything else."""
    body = response if isinstance(response, dict) else _assembled(events_of(response))
    given = body.get("usage")
    usage = given if isinstance(given, dict) else {}
    facts = {
        "id": body.get("id"), "model": body.get("model"), "error": body.get("error"),
        "service_tier": TIERS.get(str(usage.get("service_tier")), usage.get("service_tier")),
    }  # fmt: skip
    reason = body.get("stop_reason")
    message = _answer(body["content"]) if isinstance(body.get("content"), list) else None
    return answer_body(message, FINISH_REASONS.get(str(reason), reason), usage_of(usage), facts)


def usage_of(block: Mapping[str, Any]) -> Usage:
    """Our counts: `input_tokens` plus what was read from and written to the cache, which it leaves out."""
    read, written = count(block.get("cache_read_input_tokens")), count(block.get("cache_creation_input_tokens"))
    lifetimes = block.get("cache_creation")
    if written is None and isinstance(lifetimes, dict):
        written = sum(count(tokens) or 0 for tokens in lifetimes.values())
    given = count(block.get("input_tokens"))
    details = block.get("output_tokens_details")
    thought = count(details.get("thinking_tokens")) if isinstance(details, dict) else None
    total = None if given is None else given + (read or 0) + (written or 0)
    return Usage(total, read, written, count(block.get("output_tokens")), thought, written_for_an_hour(lifetimes))


def _typed(system: Any) -> bool:
    return any(isinstance(block, dict) and "type" in block for block in _list(system))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _system(system: Any) -> Iterable[Chat]:
    blocks = [{"type": "text", "text": system}] if isinstance(system, str) else system or []
    texts = [_part(block)["text"] for block in blocks]
    if any(texts):
        yield {"role": "system", "content": "\n\n".join(texts)}


def _messages(message: Mapping[str, Any]) -> Iterable[Chat]:
    """The chat messages of one of Anthropic's: results of tools become messages of their own, before the rest."""
    role, content = message["role"], message["content"]
    if isinstance(content, str):
        yield {"role": role, "content": content}
        return
    blocks = [block for block in content if block.get("type") not in THOUGHTS]
    if role == "assistant":
        yield _assistant(blocks)
        return
    for block in blocks:
        if block.get("type") == "tool_result":
            parts = _parts(block.get("content") or "")
            if any(part["type"] != "text" for part in parts):
                raise Untranslatable
            result = text_or_parts(parts, always_text=True)
            yield {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": result}
    if rest := [_part(block) for block in blocks if block.get("type") != "tool_result"]:
        yield {"role": role, "content": text_or_parts(rest)}


def _assistant(blocks: Sequence[Mapping[str, Any]]) -> Chat:
    uses = [block for block in blocks if block.get("type") == "tool_use"]
    texts = [_part(block)["text"] for block in blocks if block.get("type") != "tool_use"]
    return assistant_message(texts, [tool_call(use.get("id"), use["name"], use.get("input")) for use in uses])


def _answer(blocks: Sequence[Any]) -> Chat:
    """The message that was answered: its text and the calls of the user's own tools."""
    said = [block for block in blocks if isinstance(block, dict)]
    texts = [block["text"] for block in said if block.get("type") == "text" and isinstance(block.get("text"), str)]
    uses = [block for block in said if block.get("type") == "tool_use"]
    return assistant_message(texts, [tool_call(use.get("id"), use.get("name"), use.get("input")) for use in uses])


def _parts(content: Any) -> list[Chat]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else [_part(block) for block in content]


def _part(block: Mapping[str, Any]) -> Chat:
    kind, source = block.get("type"), block.get("source") or {}
    if kind == "text" and isinstance(block.get("text"), str):
        return {"type": "text", "text": block["text"]}
    if kind == "image" and source.get("type") in ("base64", "url"):
        return {"type": "image_url", "image_url": {"url": source.get("url") or _data_url(source)}}
    if kind == "document" and source.get("type") == "base64" and not block.get("citations"):
        return {"type": "file", "file": known([("filename", block.get("title")), ("file_data", _data_url(source))])}
    raise Untranslatable


def _data_url(source: Mapping[str, Any]) -> str:
    return f"data:{source['media_type']};base64,{source['data']}"


def _tool(tool: Mapping[str, Any]) -> Chat:
    if tool.get("type", "custom") != "custom":
        raise Untranslatable
    named = ((key, tool.get(key)) for key in ("name", "description", "strict"))
    return {"type": "function", "function": known([*named, ("parameters", tool["input_schema"])])}


def _tool_choice(choice: Mapping[str, Any]) -> Any:
    if choice.get("type") == "tool":
        return {"type": "function", "function": {"name": choice["name"]}}
    return TOOL_CHOICES[choice["type"]]


def _output_config(config: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    yield "reasoning_effort", config.get("effort")
    form = config.get("format")
    if form:
        schema = {"name": "answer", "schema": form["schema"], "strict": True}
        yield "response_format", {"type": "json_schema", "json_schema": schema}


def _assembled(events: Iterable[Mapping[str, Any]]) -> Chat:
    """The message that the events of a stream make; counts are cumulative, so the last ones hold."""
    body: Chat = {}
    blocks: dict[Any, Chat] = {}
    usage: Chat = {}
    for event in events:
        kind = event.get("type")
        started = event.get("message") if kind == "message_start" else None
        if isinstance(started, dict):
            body = {**started, "content": []}
        if kind == "content_block_start" and isinstance(event.get("content_block"), dict):
            blocks[event.get("index")] = dict(event["content_block"])
        delta = event.get("delta")
        if kind == "content_block_delta" and isinstance(delta, dict):
            _add_delta(blocks.setdefault(event.get("index"), {"type": "text"}), delta)
        if kind == "message_delta" and isinstance(delta, dict):
            body["stop_reason"] = delta.get("stop_reason")
        if kind == "error":
            body["error"] = event.get("error")
        given = (started or event).get("usage")
        usage |= {key: given[key] for key in USAGE if given.get(key) is not None} if isinstance(given, dict) else {}
    return {**body, "content": list(blocks.values()), "usage": usage} if body or blocks else {}


def _add_delta(block: Chat, delta: Mapping[str, Any]) -> None:
    if isinstance(delta.get("text"), str):
        block["text"] = (block.get("text") or "") + delta["text"]
    elif isinstance(delta.get("partial_json"), str):  # the start holds an empty object where the text will be
        so_far = block.get("input")
        block["input"] = (so_far if isinstance(so_far, str) else "") + delta["partial_json"]
