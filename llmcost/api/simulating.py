"""A log behind savings that need no endpoint: from what was asked for to the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from llmcost import logs, pricing
from llmcost.api.traffic import Traffic
from llmcost.audit.exemplars import Exemplars
from llmcost.audit.ledger import ledger
from llmcost.audit.result import SourceSummary
from llmcost.audit.savings import Stack
from llmcost.audit.ttl import ttl_seconds
from llmcost.config import CacheSettings, Settings
from llmcost.errors import ConfigError
from llmcost.pricing import price
from llmcost.recommend.simulate import Scenario, SimulationFacts, simulate
from llmcost.recommend.simulated import SimulateResult
from llmcost.strategies import CachePolicy
from llmcost.version import VERSION

TASKS_NAMED = 8


def asked_cache(ttl: str | None, tasks: Mapping[str, str], capacity: int | None) -> CacheSettings | None:
    """What is asked of a response cache; None: nothing is. Raises ConfigError for a cache without a place."""
    if capacity is not None and capacity < 1:
        raise ConfigError("a cache of no entries answers nothing", "give it a capacity of 1 or more, or none")
    asked = CacheSettings(ttl=ttl, tasks=dict(tasks), capacity=capacity)
    return None if asked == CacheSettings() else asked


def scenario(
    traffic: Traffic,
    cache: CacheSettings | None,
    prompt_cache: bool,
    batch_api: bool,
    model_map: Mapping[str, str],
    sweep: bool,
    near: Sequence[float],
) -> Scenario:
    """What is simulated; where no step is named, all that change no answer.

    `cache` is what was asked of a response cache; what it does not say is as configured. None: it was not named.
    Raises ConfigError for a task that the log does not have, a model without a price, and a threshold that cannot be.
    """
    for task, model in model_map.items():
        _refuse_unknown_task(traffic, task)
        _refuse_unknown_model(traffic, model)
    for task in cache.tasks if cache else ():
        _refuse_unknown_task(traffic, task)
    if not all(0 < threshold <= 1 for threshold in near):
        raise ConfigError("a near-duplicate threshold is above 0 and at most 1", "for example --near 0.9")
    every = not (cache or prompt_cache or batch_api or model_map)
    return Scenario(
        response_cache=every or cache is not None,
        prompt_cache=every or prompt_cache,
        batch_api=every or batch_api,
        model_map=model_map,
        cache=_over(cache or CacheSettings(), cache_settings(traffic.settings)),
        sweep=sweep,
        near=tuple(near),
    )


def simulated(traffic: Traffic, scenario: Scenario, source: SourceSummary) -> SimulateResult:
    """The result of a scenario on this log."""
    mode = traffic.settings.audit.cost_mode
    facts = SimulationFacts(VERSION, source, mode)
    return simulate(stack_of(traffic, scenario.cache), scenario, facts)


def cache_settings(settings: Settings) -> CacheSettings:
    """The response cache as it is configured: what `[cache]` does not say of the time to live, the audit's does."""
    return replace(settings.cache, ttl=settings.cache.ttl or settings.audit.cache_ttl)


def stack_of(traffic: Traffic, cache: CacheSettings) -> Stack:
    """The savings of this log on one timeline, behind this response cache."""
    calls, book = traffic.calls, traffic.book
    listed = None if traffic.settings.audit.cost_mode == "computed" else price(calls, book)
    entries = ledger(calls, traffic.costs, listed)
    policy = cache_policy(cache, entries.tasks.names)
    return Stack(entries, book, policy, (), Exemplars(calls, entries.costs, logs.bodies))


def cache_policy(cache: CacheSettings, tasks: Sequence[str]) -> CachePolicy:
    """What a cache of these settings keeps of a log with these tasks. Raises ConfigError for what is no duration."""
    general = ttl_seconds(cache.ttl or "")
    own = {task: ttl_seconds(ttl, f"the time to live of {task!r}") for task, ttl in cache.tasks.items()}
    by_task = {task: own.get(task, general) for task in tasks}
    return CachePolicy(by_task if own.keys() & by_task.keys() else general, cache.capacity, cache.single_flight)


def _over(asked: CacheSettings, configured: CacheSettings) -> CacheSettings:
    """What was asked for, and where that says nothing, what is configured."""
    return replace(
        configured,
        ttl=asked.ttl or configured.ttl,
        tasks={**configured.tasks, **asked.tasks},
        capacity=asked.capacity or configured.capacity,
    )


def _refuse_unknown_task(traffic: Traffic, task: str) -> None:
    tasks = sorted(traffic.calls.codes("task")[1])
    if task not in tasks:
        more = f" and {len(tasks) - TASKS_NAMED} more" if len(tasks) > TASKS_NAMED else ""
        raise ConfigError(f"no task is called {task!r} in this log", f"it has {', '.join(tasks[:TASKS_NAMED])}{more}")


def _refuse_unknown_model(traffic: Traffic, model: str) -> None:
    if traffic.book.find(model) is None:
        near = pricing.suggest(traffic.book, model)
        also = f"; did you mean {', '.join(near)}?" if near else ""
        raise ConfigError(
            f"no price is known for {model!r}",
            f'give it one: [models."{model}"] price = {{input = …, output = …}}{also}',
        )
