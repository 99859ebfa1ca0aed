"""Exact response cache: an identical request within the time to live is answered from the cache.

Identical: same model asked for, same fingerprint of all that shapes the answer, same end user.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.calls import SCHEMA, Calls
from llmcost.strategies.timeline import (
    TOKENS,
    Ints,
    Mask,
    can_fill,
    chronological,
    dense,
    is_true,
    key_codes,
    served_by,
    times,
    ttl_us,
)

__all__ = ["TOKENS", "CachePolicy", "ResponseCache", "answered_from_cache", "entries", "hits", "same_requests"]

MOST_NUMBERS = 2**62  # that a product of codes may reach


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """How long an answer may be reused, in seconds: for all tasks, or by task (a task not named is not cached)."""

    ttl_s: Mapping[str, float] | float


@dataclass(frozen=True, slots=True)
class ResponseCache:
    """The strategy `response_cache`; its evidence is a CachePolicy."""

    name: str = "response_cache"

    def apply(self, calls: Calls, evidence: CachePolicy) -> Calls:
        """The calls with every hit turned into a row without tokens and without latency, in its place."""
        return answered_from_cache(calls, hits(calls, evidence))


def hits(calls: Calls, policy: CachePolicy, requests: Ints | None = None) -> Mask:
    """True for every call that the cache would have answered."""
    return entries(calls, policy, requests) >= 0


def entries(calls: Calls, policy: CachePolicy, requests: Ints | None = None) -> Ints:
    """For every call the row of the earlier one whose answer the cache would have given; −1: none.

    `requests` are the calls' `same_requests`, where they are known already.

    Failed calls and calls without fingerprint, model or time neither hit nor fill; refused and truncated ones never
    fill.
    """
    entry = np.full(len(calls), -1)
    groups, moments = same_requests(calls) if requests is None else requests, times(calls)
    ttl = ttl_us(calls, policy.ttl_s)
    usable = (groups >= 0) & (ttl > 0)
    usable &= is_true(pc.is_null(calls.column("error_type"))) & is_true(pc.is_valid(calls.column("start_time")))
    repeated = np.bincount(groups[usable], minlength=groups.max(initial=0) + 1) > 1
    rows = np.flatnonzero(usable & repeated[groups])
    if rows.size:
        order = rows[chronological(calls, rows, groups[rows], moments[rows])]
        index = served_by(groups[order], moments[order], ttl[order], can_fill(calls)[order])
        entry[order[index >= 0]] = order[index[index >= 0]]
    return entry


def answered_from_cache(calls: Calls, hit: Mask) -> Calls:
    """The calls with those of `hit` answered at no cost of tokens or time; the very same calls if there are none."""
    if not hit.any():
        return calls
    mask = pa.array(hit)
    zeros = dict.fromkeys((*TOKENS, "latency_ms", "time_to_first_chunk_ms"), 0) | {"tokens_estimated": False}
    for name, zero in zeros.items():
        values = pc.if_else(mask, pa.scalar(zero, SCHEMA.field(name).type), calls.column(name))
        calls = calls.with_column(name, values)
    return calls


def same_requests(calls: Calls) -> Ints:
    """A number for every distinct (model asked for, prompt, user); −1 where model or prompt is unknown."""
    models, _ = calls.codes("request_model")
    prompts, users = key_codes(calls, "prompt_key"), key_codes(calls, "user_key")
    known, many = (models >= 0) & (prompts >= 0), [int(codes.max(initial=0)) + 2 for codes in (prompts, users, models)]
    pairs = prompts * many[1] + users + 1
    if math.prod(many) > MOST_NUMBERS:
        pairs = dense(pairs)
    return np.where(known, dense(pairs * many[2] + models + 1), -1)
