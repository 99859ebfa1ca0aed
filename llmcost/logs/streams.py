"""Streamed responses (an SSE text, or a list of chunks) → the body that the same call would have had unstreamed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from llmcost.logs.decode import Undecodable, decode

SSE_STARTS = ("data:", "event:", "id:", ":")
WRAPPERS = ("chunks", "events", "stream")
ONE_CHUNK = "one chunk of a streamed answer: put the chunks of a call in one record, as a list or as SSE text"
FINAL = ("response.completed", "response.incomplete", "response.failed")

Event = dict[str, Any]


def is_chunk(value: Any) -> bool:
    """Whether this is one chunk of a streamed response."""
    if not isinstance(value, dict):
        return False
    kind = value.get("object")
    if kind == "chat.completion.chunk":
        return True
    if isinstance(value.get("type"), str) and value["type"].startswith("response."):
        return True
    choices = value.get("choices")
    return isinstance(choices, list) and any(isinstance(c, dict) and isinstance(c.get("delta"), dict) for c in choices)


def events_of(value: Any) -> list[Event]:
    """The JSON events of an SSE text, or of a list of events or SSE texts; none of anything else."""
    if isinstance(value, str):
        return list(_of_sse(value)) if value.lstrip().startswith(SSE_STARTS) and "data:" in value else []
    return list(_of_list(value)) if isinstance(value, list) else []


def unstreamed(value: Any) -> dict[str, Any] | None:
    """The response body that a streamed response amounts to; None if the value is no stream."""
    if isinstance(value, dict):
        if "choices" in value:
            return None
        wrapped = next((value[key] for key in WRAPPERS if isinstance(value.get(key), list | str)), None)
        return None if wrapped is None else unstreamed(wrapped)
    events = events_of(value)
    if isinstance(value, list) and not any(map(is_chunk, events)):
        return None
    return _assembled(events) if events else None


def _of_sse(text: str) -> Iterator[Event]:
    """The JSON of each event; data may go on over several `data:` lines, and blank lines may have been lost."""
    pending = ""
    for line in text.splitlines():
        if not line.startswith("data:"):
            continue
        pending += line[5:].strip()
        if pending == "[DONE]":
            pending = ""
        elif (event := _event(pending)) is not None:
            pending = ""
            yield event


def _of_list(items: Iterable[Any]) -> Iterator[Event]:
    for item in items:
        if isinstance(item, dict):
            inner = item.get("data")
            yield inner if isinstance(inner, dict) and "choices" not in item else item
        elif isinstance(item, str):
            if item.lstrip().startswith(SSE_STARTS):
                yield from _of_sse(item)
            elif (event := _event(item)) is not None:
                yield event


def _event(text: str) -> Event | None:
    try:
        found = decode(text.encode("utf-8", "surrogatepass"))
    except Undecodable:
        return None
    return found if isinstance(found, dict) else None


def _assembled(events: list[Event]) -> dict[str, Any]:
    if any(str(event.get("type", "")).startswith("response.") for event in events):
        return _of_responses(events)
    return _of_chunks(events)


def _of_chunks(events: list[Event]) -> dict[str, Any]:
    """A chat (or legacy) completion: what the chunks say together. Azure's first chunk names no model."""
    body: dict[str, Any] = {}
    message: dict[str, Any] = {}
    calls: dict[Any, dict[str, Any]] = {}
    finish, heard = None, False
    for event in events:
        for key in ("id", "model", "created", "service_tier", "usage", "error"):
            if event.get(key):
                body[key] = event[key]
        for choice in _first_choices(event):
            heard = True
            finish = choice.get("finish_reason") or finish
            _add_delta(message, calls, choice)
    if calls:
        message["tool_calls"] = list(calls.values())
    if heard:
        body["choices"] = [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}]
    return body


def _first_choices(event: Event) -> Iterator[Mapping[str, Any]]:
    choices = event.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and choice.get("index", 0) in (0, None):
            yield choice


def _add_delta(message: dict[str, Any], calls: dict[Any, dict[str, Any]], choice: Mapping[str, Any]) -> None:
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        _append(message, "content", choice.get("text"))
        return
    for key in ("content", "refusal"):
        _append(message, key, delta.get(key))
    pieces = delta.get("tool_calls")
    for place, piece in enumerate(pieces if isinstance(pieces, list) else ()):
        if isinstance(piece, dict):
            _add_call(calls.setdefault(_slot(piece, place), {"function": {}}), piece.get("function"))
    if isinstance(delta.get("function_call"), dict):
        _add_call(calls.setdefault("legacy", {"function": {}}), delta["function_call"])


def _slot(piece: Mapping[str, Any], place: int) -> int:
    index = piece.get("index")
    return index if isinstance(index, int) else place


def _add_call(call: dict[str, Any], function: Any) -> None:
    if isinstance(function, dict):
        _append(call["function"], "name", function.get("name"))
        _append(call["function"], "arguments", function.get("arguments"))


def _append(target: dict[str, Any], key: str, piece: Any) -> None:
    if isinstance(piece, str):
        target[key] = target.get(key, "") + piece


def _of_responses(events: list[Event]) -> dict[str, Any]:
    """The `response` of the closing event; if the stream was cut, what had arrived by then."""
    body: dict[str, Any] = {}
    items: list[Any] = []
    text = ""
    for event in events:
        kind, inner = event.get("type"), event.get("response")
        if kind in FINAL and isinstance(inner, dict):
            return {**inner, "output": inner.get("output") or items}
        if isinstance(inner, dict):
            body = dict(inner)
        elif kind == "response.output_item.done" and isinstance(event.get("item"), dict):
            items.append(event["item"])
        elif kind == "response.output_text.delta" and isinstance(event.get("delta"), str):
            text += event["delta"]
        elif kind == "error" or event.get("error"):
            body["error"] = event.get("error") or {key: event.get(key) for key in ("code", "message")}
    heard = [{"type": "message", "content": [{"type": "output_text", "text": text}]}] if text else []
    return {**body, "output": items or heard}
