"""Gemini generateContent bodies → chat completions: the request that asks the same, the answer that says the same.

Field names are read in both spellings, `usageMetadata` as the interface has it and `usage_metadata` as SDKs and log
tables write it. Thoughts and safety settings are dropped. Calls without ids get some, in order. Not translated, and so
kept for their costs only: files by address, audio and video, tools that run at the provider, cached contents, answers
that are no text, and an answer begun for the model.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

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
from llmcost.logs.values import count, text

PARAMETERS = {
    "temperature": "temperature", "topP": "top_p", "maxOutputTokens": "max_tokens", "stopSequences": "stop",
    "seed": "seed", "presencePenalty": "presence_penalty", "frequencyPenalty": "frequency_penalty",
    "candidateCount": "n",
}  # fmt: skip
FINISH_REASONS = {
    "STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "content_filter", "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter", "PROHIBITED_CONTENT": "content_filter", "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
}  # fmt: skip
TIERS = {"ON_DEMAND": "default", "ON_DEMAND_FLEX": "flex", "ON_DEMAND_PRIORITY": "priority"}
TOOL_CHOICES = {"AUTO": "auto", "ANY": "required", "NONE": "none"}
JSON_TYPE = "application/json"
HEAD = 4096  # characters: a stream is told by its beginning
CAPITAL = re.compile("([A-Z])")


def is_request(body: Mapping[str, Any]) -> bool:
    """Whether this is a generateContent request."""
    contents = body.get("contents")
    first = contents[0] if isinstance(contents, list) and contents else contents
    return isinstance(first, dict) and isinstance(first.get("parts"), list | dict)


def is_response(value: Any) -> bool:
    """Whether this is a generateContent response, an error of its interface, or a stream of responses."""
    if isinstance(value, dict):
        return isinstance(value.get("candidates"), list) or isinstance(field(value, "usageMetadata"), dict)
    if isinstance(value, str):
        return "candidates" in value[:HEAD] and any(map(is_response, events_of(value)[:1]))
    return isinstance(value, list) and any(map(is_response, events_of(value[:1])))


def field(body: Mapping[str, Any], name: str) -> Any:
    """The value of a field in either spelling."""
    found = body.get(name)
    return body.get(_snake(name)) if found is None else found


def model_name(path: Any) -> str | None:
    """The model's own name in `projects/…/publishers/google/models/gemini-2.5-pro`; tuned ones keep their endpoint."""
    name = text(path)
    return name if name is None or "/models/" not in f"/{name}" else name.rpartition("/")[2]


def to_chat(request: Mapping[str, Any]) -> Chat:
    """The chat request that asks the same. Raises Untranslatable."""
    if field(request, "cachedContent"):
        raise Untranslatable("server_side_history")
    given = request["contents"]
    contents = given if isinstance(given, list) else [given]
    if not contents or contents[-1].get("role") == "model":
        raise Untranslatable
    config = field(request, "generationConfig") or {}
    calls = _Calls()
    settings = ((ours, field(config, theirs)) for theirs, ours in PARAMETERS.items())
    return known(
        [
            ("model", model_name(request.get("model"))),
            ("messages", [*_system(request), *(m for content in contents for m in _messages(content, calls))]),
            *((name, value) for name, value in settings if value != []),
            ("tools", [_function(item) for tool in request.get("tools") or () for item in _functions(tool)] or None),
            ("tool_choice", _tool_choice(field(field(request, "toolConfig") or {}, "functionCallingConfig"))),
            ("response_format", _response_format(config)),
        ]
    )


def to_answer(response: Any) -> Chat:
    """The chat completion that says the same as a response or a stream of them; empty for anything else."""
    bodies = [response] if isinstance(response, dict) else events_of(response)
    candidates = [found[0] for body in bodies if (found := body.get("candidates")) and isinstance(found[0], dict)]
    last: Chat = {key: value for body in bodies for key, value in body.items() if value is not None}
    usage = field(last, "usageMetadata") or {}
    error = last.get("error")
    status = error.get("status") if isinstance(error, dict) else None
    facts = {
        "id": field(last, "responseId"), "model": model_name(field(last, "modelVersion")), "service_tier": _tier(usage),
        "created": field(last, "createTime"), "error": status or error,
    }  # fmt: skip
    message, reason = _answer(candidates, last)
    return answer_body(message, reason, usage_of(usage), facts)


def usage_of(block: Mapping[str, Any]) -> Usage:
    """Our counts: thoughts are added to the output, which leaves them out; zero counts may be missing from a block."""
    given, total = count(field(block, "promptTokenCount")), count(field(block, "totalTokenCount"))
    tools = count(field(block, "toolUsePromptTokenCount")) or 0
    said, thought = count(field(block, "candidatesTokenCount")), count(field(block, "thoughtsTokenCount"))
    into = None if given is None else given + tools
    if said is None and thought is None:
        output = None if total is None or into is None else max(total - into, 0)
    else:
        output = (said or 0) + (thought or 0)
    return Usage(into, count(field(block, "cachedContentTokenCount")), None, output, thought)


class _Calls:
    """The calls so far: results name their call, but rarely its id."""

    def __init__(self) -> None:
        self._open: list[tuple[str, str]] = []
        self._made = 0

    def made(self, call: Mapping[str, Any]) -> Chat:
        """The tool call of a part."""
        self._made += 1
        identity = text(call.get("id")) or f"call_{self._made}"
        self._open.append((call["name"], identity))
        return tool_call(identity, call["name"], call.get("args"))

    def answered(self, result: Mapping[str, Any]) -> Chat:
        """The tool message of a part, for the oldest open call of that name."""
        match = next((pair for pair in self._open if pair[0] == result["name"]), None)
        if match is None:
            raise Untranslatable
        self._open.remove(match)
        content = msgspec.json.encode(result.get("response")).decode()
        return {"role": "tool", "tool_call_id": text(result.get("id")) or match[1], "content": content}


@functools.cache
def _snake(name: str) -> str:
    return CAPITAL.sub(r"_\1", name).lower()


def _tier(usage: Mapping[str, Any]) -> str | None:
    kind = text(field(usage, "trafficType"))
    return None if kind is None else TIERS.get(kind, kind.lower())


def _parts(content: Any) -> list[Mapping[str, Any]]:
    parts = content.get("parts") or []
    return [part for part in (parts if isinstance(parts, list) else [parts]) if not part.get("thought")]


def _system(request: Mapping[str, Any]) -> Iterable[Chat]:
    instruction = field(request, "systemInstruction")
    texts = [part["text"] for part in _parts(instruction)] if instruction else []
    if any(texts):
        yield {"role": "system", "content": "\n\n".join(texts)}


def _messages(content: Mapping[str, Any], calls: _Calls) -> Iterable[Chat]:
    parts = _parts(content)
    if content.get("role") == "model":
        made = [calls.made(call) for part in parts if (call := field(part, "functionCall"))]
        texts = [_part(part)["text"] for part in parts if not field(part, "functionCall")]
        yield assistant_message(texts, made)
        return
    yield from [calls.answered(result) for part in parts if (result := field(part, "functionResponse"))]
    if rest := [_part(part) for part in parts if not field(part, "functionResponse")]:
        yield {"role": "user", "content": text_or_parts(rest)}


def _part(part: Mapping[str, Any]) -> Chat:
    if isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]}
    inline = field(part, "inlineData")
    kind = str(field(inline, "mimeType")) if inline else ""
    if kind.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{inline['data']}"}}
    raise Untranslatable


def _functions(tool: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    declared: Sequence[Mapping[str, Any]] | None = field(tool, "functionDeclarations")
    if declared is None or len(tool) > 1:
        raise Untranslatable
    return declared


def _function(declared: Mapping[str, Any]) -> Chat:
    schema = field(declared, "parametersJsonSchema") or _schema(declared.get("parameters"))
    named = ((key, declared.get(key)) for key in ("name", "description"))
    return {"type": "function", "function": known([*named, ("parameters", schema)])}


def _schema(schema: Any) -> Any:
    """A JSON schema: Gemini's has its types in capitals."""
    if isinstance(schema, list):
        return [_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: value.lower() if key == "type" and isinstance(value, str) else _schema(value)
        for key, value in schema.items()
    }


def _tool_choice(config: Mapping[str, Any] | None) -> Any:
    if not config or not config.get("mode"):
        return None
    allowed = field(config, "allowedFunctionNames") or []
    if len(allowed) == 1:
        return {"type": "function", "function": {"name": allowed[0]}}
    if allowed:
        raise Untranslatable
    return TOOL_CHOICES[config["mode"]]


def _response_format(config: Mapping[str, Any]) -> Any:
    if any(str(kind).upper() != "TEXT" for kind in field(config, "responseModalities") or ()):
        raise Untranslatable
    schema = field(config, "responseJsonSchema") or _schema(field(config, "responseSchema"))
    if schema:
        return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    return {"type": "json_object"} if field(config, "responseMimeType") == JSON_TYPE else None


def _answer(candidates: Sequence[Mapping[str, Any]], last: Mapping[str, Any]) -> tuple[Chat | None, str | None]:
    """The message of these chunks of one candidate, and why it ended."""
    parts = [part for item in candidates for part in _parts(item.get("content") or {})]
    texts = [part["text"] for part in parts if isinstance(part.get("text"), str)]
    made = [call for part in parts if isinstance(call := field(part, "functionCall"), dict)]
    calls = [tool_call(call.get("id"), call.get("name"), call.get("args")) for call in made]
    reasons = [str(reason) for item in candidates if (reason := field(item, "finishReason"))]
    if not candidates and field(field(last, "promptFeedback") or {}, "blockReason"):
        return assistant_message((), ()), "content_filter"
    if not candidates:
        return None, None
    reason = FINISH_REASONS.get(reasons[-1], reasons[-1].lower()) if reasons else None
    return assistant_message(texts, calls), "tool_calls" if calls and reason == "stop" else reason
