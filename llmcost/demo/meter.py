"""Tokens and seconds of the recorded models: about one token in four bytes, latency by length, both with jitter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from llmcost.demo.scenario import Message, Reply, share

BYTES_PER_TOKEN = 4
MESSAGE_TOKENS = 4
CACHE_MINIMUM = 1024
CACHE_BLOCK = 128


@dataclass(frozen=True, slots=True)
class Speed:
    """How a model counts and how fast it is: milliseconds to begin, and for each token read and written."""

    tokens: float  # against OpenAI's tokenizer
    begin: float
    read: float
    write: float
    spread: float = 0.3


SPEEDS = {
    "gpt-4o": Speed(1.0, 420, 0.06, 13.0, 0.38),
    "gpt-4o-mini": Speed(1.0, 300, 0.03, 9.0, 0.35),
    "qwen3-8b": Speed(1.15, 140, 0.02, 6.5),
    "deepseek-v4-flash": Speed(1.04, 330, 0.03, 9.5),
    "gpt-4.1-nano": Speed(1.0, 210, 0.02, 5.5),
    "gemini-2.5-flash": Speed(1.0, 320, 0.03, 8.0),
    "claude-haiku-4-5": Speed(1.12, 380, 0.03, 7.5),
}


def text_tokens(text: str) -> int:
    """About how many tokens a text has: bytes over four, give or take 2.5 %, the same for the same text."""
    size = len(text.encode())
    return max(1, round(size / BYTES_PER_TOKEN * (0.975 + 0.05 * share(text)))) if size else 0


def prompt_tokens(model: str, messages: Sequence[Message], params: Mapping[str, Any]) -> int:
    """About how many tokens a model reads of a request: messages, tools and the demanded format."""
    extras = [params[name] for name in ("tools", "response_format") if name in params]
    spoken = sum(text_tokens(str(message.get("content") or "")) + MESSAGE_TOKENS for message in messages)
    declared = sum(text_tokens(msgspec.json.encode(extra).decode()) for extra in extras)
    return round((spoken + declared) * SPEEDS[model].tokens)


def reply_tokens(model: str, reply: Reply) -> int:
    """About how many tokens a model writes for a reply, tool calls included."""
    called = sum(text_tokens(call.name + call.arguments) + MESSAGE_TOKENS for call in reply.tool_calls)
    return max(1, round((text_tokens(reply.text or "") + called) * SPEEDS[model].tokens))


def cacheable_tokens(tokens: int) -> int:
    """How much of a repeated prefix a provider's prompt cache serves: whole blocks, nothing below the minimum."""
    return tokens // CACHE_BLOCK * CACHE_BLOCK if tokens >= CACHE_MINIMUM else 0


def latency_ms(model: str, read: int, written: int, *seed: str) -> int:
    """A plausible latency, log-normal around what length and model let expect."""
    speed = SPEEDS[model]
    angle, size = share(*seed, "angle"), share(*seed, "size")
    jitter = math.exp(speed.spread * math.sqrt(-2 * math.log(1 - size)) * math.cos(2 * math.pi * angle))
    return round((speed.begin + speed.read * read + speed.write * written) * jitter)


def usage(read: int, written: int, cached: int = 0) -> dict[str, Any]:
    """A usage block in OpenAI's shape; `read` includes `cached`."""
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
