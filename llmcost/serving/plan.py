"""Plan: which models answer each task's requests, and what is done around them. The contract `llmcost.plan/1`.

A replay certifies it, `llmcost export --to plan` writes it, `llmcost.runtime` runs it. It holds no key, and no prompt
but system prompts that were shortened once and for all.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Tier(msgspec.Struct, frozen=True):
    """A model that is asked in its turn.

    keep_from  the lowest score of the run-time grader at which its answer is kept; below, the next tier is asked.
               None: its answer is always kept, as the last tier's must be
    params     request parameters that are set for this model, or dropped where they are None
    """

    model: str
    effort: str | None = None
    keep_from: float | None = None
    params: dict[str, Any] = {}
    max_output_tokens: int | None = None


class Compression(msgspec.Struct, frozen=True):
    """Long texts are shortened before they are sent.

    by              the model that shortens, or "extractive": sentences are chosen without a model
    ratio           tokens aimed at, as a share of the text's
    min_tokens      shorter texts pass through
    last_user_turn  whether the question itself may be shortened, too
    templates       system prompts that were shortened once and for all: SHA-256 of the text → what is sent instead
    """

    by: str
    ratio: float = 0.5
    min_tokens: int = 500
    last_user_turn: bool = False
    templates: dict[str, str] = {}


class Batching(msgspec.Struct, frozen=True):
    """Requests of one template are asked in one question, so many items at a time, after at most `wait_s` seconds."""

    items: int
    wait_s: float = 60.0


class Caching(msgspec.Struct, frozen=True):
    """How long an answer may be reused, in seconds, and from which likeness of prompts on; None: equal ones only."""

    ttl_s: float
    near: float | None = None


class Predicted(msgspec.Struct, frozen=True):
    """What a request costs under the plan, in US dollars, cache hits included: estimate and 95 % interval.

    Of the traffic that was replayed. Requests of another length, or that repeat less often, cost something else.
    """

    usd_per_call: float
    low: float
    high: float


class TaskPlan(msgspec.Struct, frozen=True):
    """How requests of one task are answered.

    tiers     asked in order; one is a plain model map, more are a cascade
    grader    the model that scores the answers of all tiers but the last; None: there is one tier
    fallback  the model that is asked if no tier answers: none can be reached, or takes the request. None: nobody is
    """

    task: str
    tiers: list[Tier]
    grader: str | None = None
    compression: Compression | None = None
    batching: Batching | None = None
    caching: Caching | None = None
    fallback: str | None = None
    predicted: Predicted | None = None


class Plan(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.plan/1"):
    """What a run has shown to be no worse, and what it rests on. A task that is not in it is asked as it asks."""

    llmcost_version: str
    run: str
    tasks: list[TaskPlan]
