"""Usage blocks → Usage, by one table of paths.

| ours                | OpenAI chat, DeepSeek, OpenRouter                | OpenAI Responses                       |
|---------------------|--------------------------------------------------|----------------------------------------|
| input_tokens        | prompt_tokens (cache included)                   | input_tokens (cache included)          |
| cache_read_tokens   | prompt_tokens_details.cached_tokens, or          | input_tokens_details.cached_tokens     |
|                     | prompt_cache_hit_tokens                          |                                        |
| cache_write_tokens  | prompt_tokens_details.cache_write_tokens,        | input_tokens_details.cache_write_tokens|
|                     | or LiteLLM's ….cache_creation_tokens             |                                        |
| output_tokens       | completion_tokens (reasoning included)           | output_tokens (reasoning included)     |
| reasoning_tokens    | completion_tokens_details.reasoning_tokens       | output_tokens_details.reasoning_tokens |

Anthropic's block is told by its `cache_read_input_tokens` or `cache_creation_input_tokens` beside `input_tokens`, and
leaves both out of it: they are added. What it writes for an hour, `cache_creation.ephemeral_1h_input_tokens` (LiteLLM:
prompt_tokens_details.cache_creation_token_details.…), is a part of what it writes: cache_write_1h_tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmcost.answers import Usage
from llmcost.logs.values import count

INPUT = ("prompt_tokens", "input_tokens", "promptTokens", "inputTokens", "input", "prompt")
OUTPUT = ("completion_tokens", "output_tokens", "completionTokens", "outputTokens", "output", "completion")
INPUT_DETAILS = ("prompt_tokens_details", "input_tokens_details")
OUTPUT_DETAILS = ("completion_tokens_details", "output_tokens_details")
CACHE_READ = ("prompt_cache_hit_tokens", "cached_tokens", "cache_read_tokens", "cache_read_input_tokens")
CACHE_WRITE = ("cache_write_tokens", "cache_creation_input_tokens")
REASONING = ("reasoning_tokens",)
ANTHROPIC = ("cache_read_input_tokens", "cache_creation_input_tokens")


def usage_of(block: Mapping[str, Any]) -> Usage:
    """The tokens of a usage block, in this project's meaning."""
    given = _first(block, INPUT)
    into, out = _details(block, INPUT_DETAILS), _details(block, OUTPUT_DETAILS)
    return Usage(
        _plus_cache(given, block) if "prompt_tokens" not in block else given,
        _either(into, ("cached_tokens",), block, CACHE_READ),
        _either(into, ("cache_write_tokens", "cache_creation_tokens"), block, CACHE_WRITE),
        _first(block, OUTPUT),
        _either(out, REASONING, block, REASONING),
        written_for_an_hour(block.get("cache_creation") or (into or {}).get("cache_creation_token_details")),
    )


def written_for_an_hour(lifetimes: Any) -> int | None:
    """What was written to the cache for an hour, of what was written by lifetime; None if that is not told."""
    return count(lifetimes.get("ephemeral_1h_input_tokens")) if isinstance(lifetimes, dict) else None


def _first(block: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        if name in block and (found := count(block[name])) is not None:
            return found
    return None


def _details(block: Mapping[str, Any], names: tuple[str, ...]) -> Mapping[str, Any] | None:
    for name in names:
        if isinstance(found := block.get(name), dict):
            return found
    return None


def _either(
    details: Mapping[str, Any] | None, detail: tuple[str, ...], block: Mapping[str, Any], flat: tuple[str, ...]
) -> int | None:
    found = None if details is None else _first(details, detail)
    return _first(block, flat) if found is None else found


def _plus_cache(given: int | None, block: Mapping[str, Any]) -> int | None:
    if given is None:
        return None
    return given + sum(count(block.get(name)) or 0 for name in ANTHROPIC)
