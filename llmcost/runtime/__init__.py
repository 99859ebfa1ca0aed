"""A client that executes a plan in production: the steps that a replay measured, behind a cache, on one endpoint.

    from llmcost.runtime import Router

    router = Router.load("llmcost-plan.json", base_url="https://…/v1")
    reply = router.chat("classify", messages, temperature=0)

Importing it is light: no table, no statistics, and no HTTP before the first request.
"""

from __future__ import annotations

from llmcost.runtime.caches import Cache, CacheError, MemoryCache
from llmcost.runtime.redis_cache import RedisCache
from llmcost.runtime.reply import BatchError, Reply, Stats
from llmcost.runtime.router import Router

__all__ = ["BatchError", "Cache", "CacheError", "MemoryCache", "RedisCache", "Reply", "Router", "Stats"]
