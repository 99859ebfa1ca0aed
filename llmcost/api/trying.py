"""What a replay tries besides other models: from what was asked for and what the log shows to a design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf

import numpy as np

from llmcost.api.traffic import Traffic
from llmcost.audit import money_sums, ttl_seconds
from llmcost.audit.savings import Stack
from llmcost.config import ReplaySettings, Settings, StrategyName
from llmcost.errors import ConfigError
from llmcost.serving import Batching, Caching, Compression
from llmcost.serving.compression import EXTRACTIVE
from llmcost.strategies import Route, Swap
from llmcost.trial import Design, Tariff
from llmcost.trial.design import Tried
from llmcost.trial.near import NearWalks, near_walks
from llmcost.trial.worth import Facts, worth_trying

DAYS_OF_A_MONTH = 30
SHORTENED = 500  # tokens that are left of a page


@dataclass(frozen=True, slots=True)
class Tries:
    """A design with all that is tried, and why what was asked for is not, by task and strategy."""

    design: Design
    near: NearWalks = field(default_factory=NearWalks)
    left_out: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def with_strategies(traffic: Traffic, design: Design, tariff: Tariff, stack: Stack) -> Tries:
    """The design with the strategies that the configuration asks for, or with those that may pay for their evidence."""
    settings, replay = traffic.settings, design.replay
    wanted = _wanted(replay)
    if not wanted:
        return Tries(design)
    bare = replace(design, tried=_rules(settings, design, tariff))
    near = _near(traffic, bare, stack) if "cache" in wanted else NearWalks()
    facts = _facts(bare, stack, near)
    worth = worth_trying(bare, tariff, replay.graders, facts, wanted, must_pay=replay.strategies == "auto")
    return Tries(replace(bare, tried=replace(bare.tried, tasks=worth.tried)), near, worth.left_out)


def asked_besides(design: Design) -> list[str]:
    """The models that are asked for something else than answers: who shortens, and who scores."""
    named = [rule.by for rule in design.tried.compressions if rule.by != EXTRACTIVE]
    named += [design.tried.grader] if design.tried.grader else []
    return list(dict.fromkeys(name.partition("@")[0] for name in named))


def _wanted(replay: ReplaySettings) -> frozenset[StrategyName]:
    every: tuple[StrategyName, ...] = ("cascade", "cache", "compress", "batch")
    asked = every if replay.strategies == "auto" else replay.strategies
    return frozenset(asked) - {"map"}


def _rules(settings: Settings, design: Design, tariff: Tariff) -> Tried:
    """What would be tried on every task, from careful to bold."""
    compress, batch, cache = settings.compress, settings.batch, settings.cache
    by = compress.by or tariff.cheapest((arm.candidate.label() for arm in design.arms), SHORTENED)
    ttl = ttl_seconds(cache.ttl or settings.audit.cache_ttl)
    if not all(0 < ratio < 1 for ratio in compress.ratios):
        raise ConfigError(f"[compress] ratios = {list(compress.ratios)}: shares are between 0 and 1", "such as 0.6")
    if not all(items > 1 for items in batch.items):
        raise ConfigError(f"[batch] items = {list(batch.items)}: a batch has 2 items or more", "such as [4, 16]")
    return Tried(
        compressions=tuple(
            Compression(by, ratio, compress.min_tokens, compress.last_user_turn)
            for ratio in sorted(compress.ratios, reverse=True)
            if by is not None
        ),
        batchings=tuple(Batching(items, ttl_seconds(batch.wait, "[batch] wait")) for items in sorted(batch.items)),
        likenesses=tuple(Caching(ttl, near) for near in sorted(cache.near, reverse=True)),
        grader=settings.cascade.grader,
    )


def _near(traffic: Traffic, design: Design, stack: Stack) -> NearWalks:
    rules = design.tried.likenesses
    return near_walks(traffic.calls, traffic.costs, design, rules, stack.hits, design.tasks())


def _facts(design: Design, stack: Stack, near: NearWalks) -> Facts:
    entries, tasks = stack.entries, stack.entries.tasks
    waiting = np.where(stack.waiting.rows, entries.costs, np.nan)
    days = entries.span.days
    return Facts(
        month=DAYS_OF_A_MONTH / days if days else 1.0,
        cost=_by_task(tasks.names, money_sums(tasks.codes, len(tasks.names), entries.costs)),
        can_wait=_by_task(tasks.names, money_sums(tasks.codes, len(tasks.names), waiting)),
        near=near,
        cheapest=_ratios(design, stack),
    )


def _ratios(design: Design, stack: Stack) -> dict[str, float]:
    """By task what the cheapest candidate would cost for the same tokens, over what is known to be paid today."""
    entries, tasks = stack.entries, stack.entries.tasks
    found = dict.fromkeys(tasks.names, inf)
    for model in sorted({arm.candidate.model for arm in design.arms}):
        if stack.book.find(model) is None:
            continue
        costs = stack.priced(Route().apply(entries.calls, dict.fromkeys(tasks.names, Swap(model))))
        both = np.isfinite(costs) & np.isfinite(entries.costs)
        after, before = (
            _by_task(tasks.names, money_sums(tasks.codes, len(tasks.names), np.where(both, usd, np.nan)))
            for usd in (costs, entries.costs)
        )
        found |= {task: min(found[task], after[task] / usd) for task, usd in before.items() if usd > 0}
    return {task: ratio for task, ratio in found.items() if ratio < inf}


def _by_task(names: Sequence[str], usd: Sequence[float | None]) -> dict[str, float]:
    return {name: dollars or 0.0 for name, dollars in zip(names, usd, strict=True)}
