"""oversized-static-prompt: most of what is sent is the same in every call, and paid for in every call."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from llmcost.audit.findings.prompt_cache import NOT_LOGGED, where
from llmcost.audit.findings.scene import Scene, share
from llmcost.audit.groups import Floats, money_sums
from llmcost.audit.result import Finding
from llmcost.calls import Calls

LEAST_TOKENS = 2_000
LEAST_SHARE = 0.6


def oversized_static_prompt(scene: Scene) -> Iterator[Finding]:
    """Call sites whose instructions and tools outweigh what is asked."""
    entries, sites = scene.entries, scene.stack.caching.sites
    prefixes, size = scene.stack.caching.prefixes, len(sites.names)
    long = {site: prefix.static for site, prefix in prefixes.items() if prefix.static >= LEAST_TOKENS}
    if not long:
        return
    static = np.array([*(long.get(site, 0.0) for site in sites.names), 0.0])[sites.codes]
    total = np.nan_to_num(entries.calls.floats("input_tokens"))
    rows = (static > 0) & (total > 0) & entries.priced & ~entries.failed
    sent = np.minimum(static, total) * entries.weights
    fixed, whole = (
        np.bincount(sites.codes[rows], weights=each[rows], minlength=size) for each in (sent, total * entries.weights)
    )
    after = scene.stack.priced(without(entries.calls, np.where(rows, static, 0.0)))
    dollars = money_sums(sites.codes[rows], size, (entries.costs - after)[rows])
    calls = entries.counts(sites, rows)
    for number, site in enumerate(sites.names):
        part, paid = fixed[number] / max(whole[number], 1.0), dollars[number]
        if site in long and part >= LEAST_SHARE and scene.stack.worth_saying(paid):
            yield scene.finding(
                "oversized-static-prompt",
                paid,
                **where(scene, site),
                title=f"{share(part, 1)} of the input is the same in every call: ~{round(long[site]):,} tokens",
                calls=calls[number],
                evidence=f"~{round(long[site]):,} tokens of tools and instructions, estimated from "
                f"{prefixes[site].compared} pairs of prompts; the dollars are all that is paid for them, less what was "
                "read from the provider's cache; what a prompt cache would save of it is counted there as well"
                + ("" if site in scene.stack.caching.logged else f"; {NOT_LOGGED}"),
                remedy="shorten it: leave out tools and examples that are not used, and measure on your own calls that "
                "answers hold; what is left belongs in the prompt cache",
            )


def without(calls: Calls, static: Floats) -> Calls:
    """The calls without so many tokens of each prompt; those that were read from the cache stay."""
    read, written = (np.nan_to_num(calls.floats(name)) for name in ("cache_read_tokens", "cache_write_tokens"))
    total = calls.floats("input_tokens")
    gone = np.clip(np.minimum(static, total) - read, 0.0, None)
    unwritten = np.clip(total - read - written, 0.0, None)
    left = written - np.clip(gone - unwritten, 0.0, written)
    shorter = calls.with_column("input_tokens", pa.array(np.rint(total - gone), from_pandas=True))
    return shorter.with_column("cache_write_tokens", pa.array(np.rint(left), from_pandas=True))
