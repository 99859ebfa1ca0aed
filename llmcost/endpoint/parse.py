"""A chat completion as JSON → Answer, Usage, the odds of its first token and the model that says it answered."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from llmcost.answers import Answer, ToolCall, Usage

MOST_TOKENS = 100_000_000  # no call has more: a larger count is a fault of the counter, and a fault is no price

CACHE_READ = ("prompt_tokens_details.cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens")
CACHE_WRITE = ("prompt_tokens_details.cache_write_tokens", "cache_creation_input_tokens")
REASONING = ("completion_tokens_details.reasoning_tokens", "reasoning_tokens")

FILTERED = frozenset({"content_filter", "safety", "recitation", "blocklist", "prohibited_content", "spii"})


class _Likely(msgspec.Struct):
    token: str
    logprob: Annotated[float, msgspec.Meta(le=0)]


class _Place(msgspec.Struct):
    top_logprobs: list[_Likely]


class _Logprobs(msgspec.Struct):
    content: list[_Place]


class _Choice(msgspec.Struct):
    logprobs: _Logprobs


class _Body(msgspec.Struct):
    """The part of a chat completion that tells what each token could have been."""

    choices: list[_Choice]


def decode(content: bytes) -> Any:
    """JSON as Python values; ValueError if it is none.

    A lone surrogate, which models do emit, and a byte that is no UTF-8 become U+FFFD.
    """
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = content.decode("utf-8-sig", "replace")
        lenient = json.loads(text, parse_float=_finite, parse_constant=lambda _name: None)
        paired = json.dumps(lenient, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return msgspec.json.decode(paired)


def _finite(digits: str) -> float | None:
    return value if math.isfinite(value := float(digits)) else None


def error_of(completion: Mapping[str, Any]) -> Any:
    """What stands in the place of an answer, where gateways put an error after a 200; None: there is an answer.

    A finished answer is one, whatever stands beside it.
    """
    choices = completion.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) else {}
    reason = choice.get("finish_reason")
    if choice.get("error") or reason == "error":
        return choice.get("error") or completion.get("error") or "the answer broke off"
    if completion.get("object") == "error":
        return completion
    return completion.get("error") if not reason and completion.get("error") else None


def has_begun(completion: Mapping[str, Any]) -> bool:
    """Whether a model has said something before it failed."""
    choices = completion.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) else {}
    message = choice.get("message")
    return isinstance(message, Mapping) and any(message.get(name) for name in ("content", "refusal", "tool_calls"))


def answer_of(completion: Mapping[str, Any]) -> Answer:
    """What the first choice says; Answer(text=None) if it says nothing.

    ValueError if there is no choice, or one that is no part of a chat: nobody has answered then, and nobody has failed.
    """
    if _prompt_filtered(completion):
        return Answer(finish_reason="content_filter")
    choice = completion["choices"][0] if completion.get("choices") else None
    if not isinstance(choice, Mapping) or not (choice.get("message") or choice.get("finish_reason")):
        raise ValueError("no choices")
    message = choice.get("message") or {}
    calls = [call.get("function") or {} for call in message.get("tool_calls") or ()]
    calls += [message["function_call"]] if message.get("function_call") else []
    return Answer(
        text=_text(message.get("content")),
        tool_calls=tuple(ToolCall(str(call.get("name", "")), _arguments(call.get("arguments"))) for call in calls),
        refusal=_string(message.get("refusal")),
        finish_reason=_reason(choice.get("finish_reason")),
    )


def _prompt_filtered(completion: Mapping[str, Any]) -> bool:
    """Whether the endpoint has filtered the prompt and says so instead of an answer (Azure)."""
    results = completion.get("prompt_filter_results")
    if completion.get("choices") or not isinstance(results, list):
        return False
    named = [each.get("content_filter_results") for each in results if isinstance(each, Mapping)]
    found = [one for each in named if isinstance(each, Mapping) for one in each.values()]
    return any(isinstance(one, Mapping) and one.get("filtered") is True for one in found)


def _reason(value: Any) -> str | None:
    """The finish reason, in one word for what a filter has stopped: Gemini says which ("SAFETY")."""
    reason = _string(value)
    word = (reason or "").partition(":")[0].strip().lower()
    return "content_filter" if word in FILTERED else reason


def usage_of(completion: Mapping[str, Any]) -> Usage:
    """The tokens as `llmcost.calls` counts them: input includes cached, output includes reasoning; None if unknown.

    Some providers leave the reasoning out of `completion_tokens` and count it only in `total_tokens` (xAI, Gemini):
    what the total has more than its parts was billed as output.
    """
    usage = completion.get("usage")
    if not isinstance(usage, Mapping):
        return Usage()
    prompt, completed, total = (_count(usage, f"{name}_tokens") for name in ("prompt", "completion", "total"))
    if prompt is not None and completed is not None and total is not None:
        completed = max(completed, total - prompt)
    return Usage(
        input_tokens=prompt,
        cache_read_tokens=_part(_first(usage, CACHE_READ), prompt),
        cache_write_tokens=_part(_first(usage, CACHE_WRITE), prompt),
        output_tokens=completed,
        reasoning_tokens=_part(_first(usage, REASONING), completed),
    )


def served_model(completion: Mapping[str, Any]) -> str | None:
    """The model that says it answered."""
    return _string(completion.get("model"))


def first_token_of(completion: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    """The tokens that the answer could have begun with, and their log-probabilities; () if unknown or malformed."""
    try:
        content = msgspec.convert(completion, _Body).choices[0].logprobs.content
    except (msgspec.ValidationError, IndexError):
        return ()
    return tuple((likely.token, likely.logprob) for likely in content[0].top_logprobs) if content else ()


def _text(content: Any) -> str | None:
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, Mapping) and part.get("type") == "text"]
        return "".join(text for text in texts if isinstance(text, str)) or None
    return _string(content)


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _arguments(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value if value is not None else {}).decode()


def _first(usage: Mapping[str, Any], paths: tuple[str, ...]) -> int | None:
    return next((count for path in paths if (count := _count(usage, path)) is not None), None)


def _count(usage: Mapping[str, Any], path: str) -> int | None:
    value: Any = usage
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_TOKENS:
        return None
    return int(value) if value == int(value) else None


def _part(count: int | None, whole: int | None) -> int | None:
    """A count that must lie within another; beyond it, it is not known."""
    return None if count is None or whole is None or count > whole else count
