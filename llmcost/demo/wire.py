"""Replies as OpenAI puts them on the wire: whole, or in chunks as a stream sends them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from llmcost.demo.scenario import Reply

PIECES = 3


def completion(name: str, created: int, model: str, reply: Reply, used: Mapping[str, Any]) -> dict[str, Any]:
    """A chat completion object; `name` makes its id."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.tool_calls:
        message["tool_calls"] = [
            {"id": f"call_{name}{i}", "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for i, c in enumerate(reply.tool_calls)
        ]
    return {
        "id": f"chatcmpl-{name}",
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish_reason}],
        "usage": dict(used),
        "service_tier": "default",
    }


def logprobs(reply: Reply) -> dict[str, Any]:
    """What stands in a choice about the first token of a reply whose odds are told."""
    likely = [
        {"token": token, "logprob": math.log(chance), "bytes": None}
        for token, chance in sorted(reply.odds, key=lambda item: -item[1])
    ]
    return {"content": [{**likely[0], "top_logprobs": likely}], "refusal": None}


def chunks(whole: Mapping[str, Any], *, metered: bool) -> list[dict[str, Any]]:
    """The chunks a stream of this completion consists of; the last one carries the usage, if `metered`."""
    (choice,) = whole["choices"]
    head = {
        **{key: whole[key] for key in ("id", "created", "model", "service_tier")},
        "object": "chat.completion.chunk",
    }
    calls = choice["message"].get("tool_calls", ())
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None if calls else ""}]
    deltas += [{"content": piece} for piece in _pieces(choice["message"]["content"] or "")]
    deltas += [{"tool_calls": [{"index": index, **call}]} for index, call in enumerate(calls)]
    sent = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    sent.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]})
    return [*sent, {**head, "choices": [], "usage": whole["usage"]}] if metered else sent


def events(sent: list[dict[str, Any]]) -> str:
    """Chunks as the text of a server-sent event stream."""
    return "".join(f"data: {msgspec.json.encode(chunk).decode()}\n\n" for chunk in sent) + "data: [DONE]\n\n"


def failure(status: int, message: str, kind: str, code: str | None) -> dict[str, Any]:
    """An error body in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code or str(status)}}


def _pieces(text: str) -> list[str]:
    size = max(1, -(-len(text) // PIECES))
    return [text[start : start + size] for start in range(0, len(text), size)]
