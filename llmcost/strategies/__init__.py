"""Calls → Calls: what the log would have been had a saving been in place. Never a cost; that is `price`'s alone."""

from __future__ import annotations

from llmcost.plugins import load
from llmcost.strategies.batch_api import BatchApi, CanWait
from llmcost.strategies.batching import Batched, Batches, Batching
from llmcost.strategies.cascade import Cascade, CascadePlan, Grader, Tier
from llmcost.strategies.compression import Compressed, Compression, Compressor
from llmcost.strategies.near_duplicates import NearDuplicateCache, NearPolicy
from llmcost.strategies.prompt_cache import CacheRule, PrefixEvidence, PromptCache, cache_rule
from llmcost.strategies.response_cache import CachePolicy, ResponseCache
from llmcost.strategies.route import Route, Swap
from llmcost.strategies.stack import (
    STACK,
    Basis,
    Bills,
    Change,
    Fall,
    Step,
    alone,
    bills,
    changes,
    shapley,
    stacked,
    waterfall,
)
from llmcost.strategies.strategy import Strategy

BUILTINS: dict[str, Strategy] = {
    "response_cache": ResponseCache(),
    "near_duplicates": NearDuplicateCache(),
    "prompt_cache": PromptCache(),
    "route": Route(),
    "cascade": Cascade(),
    "compression": Compression(),
    "batching": Batching(),
    "batch_api": BatchApi(),
}

__all__ = [
    "BUILTINS",
    "STACK",
    "Basis",
    "BatchApi",
    "Batched",
    "Batches",
    "Batching",
    "Bills",
    "CachePolicy",
    "CacheRule",
    "CanWait",
    "Cascade",
    "CascadePlan",
    "Change",
    "Compressed",
    "Compression",
    "Compressor",
    "Fall",
    "Grader",
    "NearDuplicateCache",
    "NearPolicy",
    "PrefixEvidence",
    "PromptCache",
    "ResponseCache",
    "Route",
    "Step",
    "Strategy",
    "Swap",
    "Tier",
    "alone",
    "bills",
    "cache_rule",
    "changes",
    "shapley",
    "stacked",
    "strategies",
    "waterfall",
]


def strategies() -> dict[str, Strategy]:
    """Every strategy by name: the built-ins, then entry points of the group `llmcost.strategies`."""
    return load("strategies", BUILTINS)
