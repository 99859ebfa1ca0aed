"""Scenarios: the distinct prompts of the sample traffic, with their good answers, rewordings and visible flaws."""

from __future__ import annotations

import hashlib
import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from llmcost.answers import ToolCall

T = TypeVar("T")
Message = Mapping[str, Any]


class Dice:
    """Seeded chance built on `random.random()` alone, the one stream Python promises never to change."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed).random

    def chance(self, share: float) -> bool:
        """True in `share` of the throws."""
        return self._random() < share

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self._random() * (high - low + 1))

    def uniform(self, low: float, high: float) -> float:
        """A number from low up to high."""
        return low + self._random() * (high - low)

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[int(self._random() * len(options))]

    def several(self, options: Sequence[T], count: int) -> list[T]:
        """`count` different options in random order (all of them if there are fewer)."""
        pool = list(options)
        return [pool.pop(int(self._random() * len(pool))) for _ in range(min(count, len(pool)))]

    def weighted(self, weights: Sequence[float]) -> int:
        """An index, drawn in proportion to its weight."""
        rest = self._random() * sum(weights)
        for index, weight in enumerate(weights):
            rest -= weight
            if rest < 0:
                return index
        return len(weights) - 1

    def lognormal(self, sigma: float) -> float:
        """A heavy-tailed factor with median 1."""
        angle = 2 * math.pi * self._random()
        return math.exp(sigma * math.sqrt(-2 * math.log(1 - self._random())) * math.cos(angle))


def share(*content: str) -> float:
    """A number in [0, 1) that depends on nothing but the content: the same on every machine."""
    digest = hashlib.blake2b("\x1f".join(content).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer a model may give. `odds`: what its first token could have been and how likely, where that is told."""

    text: str | None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    odds: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One distinct prompt. `good` and `reworded` are of equal quality; every one of `flawed` is visibly worse.

    The system prompt may hold `{now}`, filled in when the call is made: it does not tell scenarios apart.
    """

    id: str
    task: str
    model: str
    messages: tuple[Message, ...]
    good: Reply
    flawed: tuple[Reply, ...]
    reworded: tuple[Reply, ...] = ()
    expected: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    session: str | None = None
    tagged: bool = True
    popular: bool = False


_CLOCK = re.compile(rb"Current time: (?:\{now\}|[0-9TZ:-]{20})")


def prompt_key(messages: Sequence[Message]) -> bytes:
    """What tells scenarios apart: a 16-byte hash of the messages, the clock in a system prompt left out."""
    content = _CLOCK.sub(b"", msgspec.json.encode(messages, order="deterministic"), count=1)
    return hashlib.blake2b(content, digest_size=16).digest()


def conversation(system: str, *turns: str) -> tuple[Message, ...]:
    """Chat messages: a system prompt, then user and assistant in turn."""
    roles = ("user", "assistant")
    spoken = ({"role": roles[index % 2], "content": text} for index, text in enumerate(turns))
    return ({"role": "system", "content": system}, *spoken)


def cut_off(text: str, kept: float = 0.6) -> Reply:
    """The first part of an answer, as a model leaves it that ran out of tokens."""
    return Reply(text[: max(1, int(len(text) * kept))].rstrip(), finish_reason="length")


@dataclass(frozen=True, slots=True)
class Point:
    """One thing a good answer must say: two ways to say it, and one way to get it wrong."""

    plain: str
    reworded: str
    wrong: str


def replies(points: Sequence[Point], opening: tuple[str, str] = ("", ""), joint: str = " ") -> tuple[Reply, ...]:
    """(good, reworded, then flawed replies: one for each point got wrong, one for each left out, one cut off)."""
    plain = [point.plain for point in points]
    good = joint.join(filter(None, [opening[0], *plain]))
    reworded = joint.join(filter(None, [opening[1], *(point.reworded for point in points)]))
    wrong = [joint.join(filter(None, [opening[0], *plain[:i], p.wrong, *plain[i + 1 :]])) for i, p in enumerate(points)]
    short = [joint.join(filter(None, [opening[1], *plain[:i], *plain[i + 1 :]])) for i in range(len(points))]
    return (Reply(good), Reply(reworded), *map(Reply, wrong), *map(Reply, short[1:]), cut_off(good))
