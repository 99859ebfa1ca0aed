"""Server-sent events that came although no stream was asked for → the completion they spell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from llmcost.endpoint import parse

BEGINNINGS = (b"data: ", b"data:{", b"event:", b": ")
BEFORE = b"\xef\xbb\xbf \t\r\n"
SNIFFED = 1_000  # bytes
LINES = re.compile(r"\r\n|\n|\r")  # and no other: a text may hold what Python takes for the end of a line (U+2028)
LAST_WINS = ("id", "model", "usage", "service_tier", "error")


def is_stream(content_type: str, content: bytes) -> bool:
    """Whether a response is a stream of events, by its type or, where the type lies, its first bytes."""
    return content_type.startswith("text/event-stream") or content[:SNIFFED].lstrip(BEFORE).startswith(BEGINNINGS)


def assemble(content: bytes) -> dict[str, Any]:
    """One chat completion out of the chunks of a stream.

    Raises ValueError if an event is not JSON, or if the stream ended before any choice was finished.
    """
    whole: dict[str, Any] = {}
    message: dict[str, Any] = {}
    calls: dict[int, dict[str, str]] = {}
    for chunk in _chunks(content):
        whole.update({name: chunk[name] for name in LAST_WINS if chunk.get(name) is not None})
        if chunk.get("object") == "error":
            whole["error"] = chunk
        for choice in chunk.get("choices") or ():
            if choice.get("index", 0) == 0:
                _extend(message, calls, choice.get("delta") or choice.get("message") or {})
                whole["error"] = choice.get("error") or whole.get("error")
                message["finish_reason"] = choice.get("finish_reason") or message.get("finish_reason")
    reason = message.pop("finish_reason", None)
    if reason is None and not whole.get("error"):
        raise ValueError("the stream broke off")
    if calls:
        message["tool_calls"] = [{"function": calls[index]} for index in sorted(calls)]
    return {**whole, "choices": [{"index": 0, "message": message, "finish_reason": reason}]}


def _chunks(content: bytes) -> Iterator[dict[str, Any]]:
    for line in LINES.split(content.decode("utf-8-sig", "replace")):
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data and data != "[DONE]":
            chunk = parse.decode(data.encode())
            if not isinstance(chunk, dict):
                raise ValueError("an event of the stream is not an object")
            yield chunk


def _extend(message: dict[str, Any], calls: dict[int, dict[str, str]], delta: Mapping[str, Any]) -> None:
    for name in ("content", "refusal"):
        if isinstance(piece := delta.get(name), str):
            message[name] = (message.get(name) or "") + piece
    for position, piece in enumerate(delta.get("tool_calls") or ()):
        call = calls.setdefault(int(piece.get("index", position)), {"name": "", "arguments": ""})
        function = piece.get("function") or {}
        call["name"] += function.get("name") or ""
        call["arguments"] += function.get("arguments") or ""
