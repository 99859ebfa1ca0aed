"""prompt-cache-unused and prompt-cache-broken: the same beginning of prompts, computed and paid for again and again."""

from __future__ import annotations

from collections.abc import Iterator

from llmcost.audit.findings.scene import Scene, share, usd
from llmcost.audit.ledger import Labels
from llmcost.audit.prefixes import Prefix
from llmcost.audit.prompt_caching import CacheSaving, most_frequent
from llmcost.audit.result import Finding
from llmcost.strategies import CacheRule, cache_rule

KINDS = {
    "time": "a date or time",
    "id": "an id",
    "name": "a name",
    "number": "a number",
    "url": "a web address",
    "email": "an e-mail address",
    "text": "text that is not the same in every call",
}
NOT_LOGGED = "the log does not say whether the cache was hit: counted as if it never was"
ASK = (
    "mark the end of what stays the same: cache_control (Anthropic), cachePoint (Bedrock) or prompt_cache_breakpoint "
    "(OpenAI from GPT-5.6)"
)
ROUTE = (
    "nothing in these prompts breaks the prefix: send one prompt_cache_key, keep tools and pictures in one order, "
    "and look for calls spread over regions, keys or projects"
)


def prompt_cache_unused(scene: Scene) -> Iterator[Finding]:
    """Beginnings that stay the same, and are read from the provider's cache much less than they could be."""
    rules = keepers(scene)
    for site, saving in scene.stack.caching.unused.items():
        prefix, rule = scene.stack.caching.prefixes[site], rules[site]
        yield scene.finding(
            "prompt-cache-unused",
            saving.usd,
            **where(scene, site),
            basis="no_answer_change" if saving.logged else "potential",
            title="Every turn pays in full for the conversation before it"
            if prefix.grows
            else f"{_tokens(prefix.shared)} that every prompt begins with are paid in full again and again",
            calls=saving.calls,
            evidence=_reads(prefix, saving, rule),
            remedy=ROUTE if rule.automatic else ASK + _breakpoint(prefix),
        )


def prompt_cache_broken(scene: Scene) -> Iterator[Finding]:
    """Beginnings that would stay the same, were it not for a few bytes that a program fills in."""
    rules = keepers(scene)
    for site, saving in scene.stack.caching.broken.items():
        prefix, rule = scene.stack.caching.prefixes[site], rules[site]
        if (at := prefix.at) is not None:
            what = KINDS[at.kind]
            yield scene.finding(
                "prompt-cache-broken",
                saving.usd,
                **where(scene, site),
                title=f"{what[0].upper()}{what[1:]} at byte {at.byte:,} of the prompt ({at.place}) breaks the cache",
                calls=saving.calls,
                evidence=f"prompts part at byte {at.byte:,}: {at.place}, character {at.character:,} (byte "
                f"{at.byte_in_place:,} of it), in {share(prefix.broken, 1)} of the pairs compared; "
                f"{_tokens(prefix.shared)} are the same before it, {_tokens(prefix.static)} would be; "
                + _reads(prefix, saving, rule),
                remedy=f"move {what} behind all that stays the same, to the end of the last message"
                + ("" if rule.automatic else f"; then {ASK}"),
            )


def _breakpoint(prefix: Prefix) -> str:
    """Where the mark belongs: before what differs from call to call, or behind each turn of a conversation."""
    if prefix.grows:
        return "; in a conversation, at the end of its last message, again with every turn"
    if prefix.at is None:
        return ""
    at = f"{prefix.at.place}, character {prefix.at.character:,}"
    return f"; prompts part in {at}: the mark belongs to the end of what is before that"


def where(scene: Scene, site: str) -> dict[str, str | None]:
    """Task and call site of a finding about this call site; the site is None where it is the task's only one."""
    task = scene.stack.caching.tasks[site]
    return {"task": task, "site": site if scene.places.tasks.count(task) > 1 else None}


def keepers(scene: Scene) -> dict[str, CacheRule]:
    """By call site how the provider of most of its calls keeps prefixes."""
    sites, models = scene.stack.caching.sites, scene.entries.models
    providers = most_frequent(sites, Labels(*scene.entries.calls.codes("provider")))
    return {site: cache_rule(model, providers.get(site)) for site, model in most_frequent(sites, models).items()}


def _reads(prefix: Prefix, saving: CacheSaving, rule: CacheRule) -> str:
    """How it was counted, in a sentence."""
    said = [
        f"estimated from {prefix.compared} pairs of prompts",
        f"{saving.read:,} more tokens read from the cache by {saving.calls:,} calls within {_minutes(rule)} of the one "
        f"before: {usd(saving.before)} today, {usd(saving.after)} then, writes counted",
    ]
    return "; ".join(said if saving.logged else [*said, NOT_LOGGED])


def _tokens(tokens: float) -> str:
    return f"~{round(tokens):,} tokens"


def _minutes(rule: CacheRule) -> str:
    return f"{rule.ttl_s / 60:,.0f} minutes"
