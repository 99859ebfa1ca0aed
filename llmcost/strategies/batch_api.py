"""Batch API: calls that nobody waits for are handed in together and answered within a day, at the batch price.

The answers are the same model's; they only come later. What a batch costs is the price book's to say: a model without a
batch price costs there what it costs at once, and nothing is saved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.calls import Calls
from llmcost.pricing.cost import SERVICE_TIERS, from_app_cache
from llmcost.pricing.rates import BATCH, STANDARD
from llmcost.strategies.attempts import lone, per_row

Mask = npt.NDArray[np.bool_]

AT_ONCE = frozenset(tier for tier, sold in SERVICE_TIERS.items() if tier and sold == STANDARD)
TOOL_CALLS = frozenset({"tool_calls", "function_call", "tool_use"})
EMBEDDINGS = frozenset({"embeddings"})
SINGLE_TURN = 2  # messages: a system prompt and a question


@dataclass(frozen=True, slots=True)
class CanWait:
    """Which calls can wait for a day: True, one value a request."""

    rows: Mask

    def take(self, rows: npt.NDArray[np.int64]) -> CanWait:
        """The same of these requests alone."""
        return CanWait(self.rows[rows])


@dataclass(frozen=True, slots=True)
class BatchApi:
    """The strategy `batch_api`; its evidence is CanWait."""

    name: str = "batch_api"

    def apply(self, calls: Calls, evidence: CanWait) -> Calls:
        """The calls with the service tier "batch" where they can wait and a batch may hold them.

        How long they would take is not known, so their latencies are not. A request of several attempts would wait a
        day for each, and stays as it is.
        """
        if not evidence.rows.any():
            return calls
        chosen = per_row(calls, evidence.rows) & batchable(calls) & lone(calls)
        if not chosen.any():
            return calls
        waiting = calls.relabelled("service_tier", np.where(chosen, 0, -1), [BATCH])
        for name in ("latency_ms", "time_to_first_chunk_ms"):
            later = pc.if_else(pa.array(chosen), pa.scalar(None, pa.float64()), calls.column(name))
            waiting = waiting.with_column(name, later)
        return waiting


def batchable(calls: Calls) -> Mask:
    """True for calls that a batch may hold: answered whole and in one turn, by a provider, at the standard tier.

    Streams, conversations, sessions and steps that call tools are not among them, nor what no provider was asked for.
    """
    answered = np.asarray(pc.is_null(calls.column("error_type")), dtype=bool) & ~from_app_cache(calls)
    at_once = (calls.codes("service_tier")[0] < 0) | calls.says("service_tier", AT_ONCE)
    sent = (calls.floats("input_tokens") > 0) | (calls.floats("output_tokens") > 0)
    one_turn = (calls.floats("messages") <= SINGLE_TURN) | calls.says("operation", EMBEDDINGS)
    fits: Mask = answered & at_once & sent & one_turn & ~accompanied(calls) & ~calls.says("finish_reason", TOOL_CALLS)
    return fits


def accompanied(calls: Calls) -> Mask:
    """True for calls that somebody looks on at: streamed, or part of a session."""
    first_chunk = np.asarray(pc.is_valid(calls.column("time_to_first_chunk_ms")), dtype=bool)
    session = np.asarray(pc.is_valid(calls.column("session_key")), dtype=bool)
    watched: Mask = (calls.floats("stream") == 1) | first_chunk | session
    return watched
