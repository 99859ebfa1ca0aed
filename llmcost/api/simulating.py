"""A log behind savings that need no endpoint: from what was asked for to the result."""

from __future__ import annotations

from collections.abc import Mapping

from llmcost import logs, pricing
from llmcost.api.traffic import Traffic
from llmcost.audit.exemplars import Exemplars
from llmcost.audit.ledger import ledger
from llmcost.audit.result import SourceSummary
from llmcost.audit.savings import Stack
from llmcost.audit.ttl import ttl_seconds
from llmcost.errors import ConfigError
from llmcost.pricing import price
from llmcost.recommend.simulate import Scenario, SimulationFacts, simulate
from llmcost.recommend.simulated import SimulateResult
from llmcost.version import VERSION

TASKS_NAMED = 8


def scenario(
    traffic: Traffic,
    cache_ttl: str | None,
    prompt_cache: bool,
    batch_api: bool,
    model_map: Mapping[str, str],
    sweep: bool,
) -> Scenario:
    """What is simulated; where no step is named, all that change no answer.

    Raises ConfigError for a task that the log does not have, and for a model without a price.
    """
    for task, model in model_map.items():
        _refuse_unknown(traffic, task, model)
    every = not (cache_ttl or prompt_cache or batch_api or model_map)
    return Scenario(
        response_cache=every or cache_ttl is not None,
        prompt_cache=every or prompt_cache,
        batch_api=every or batch_api,
        model_map=model_map,
        cache_ttl=cache_ttl or traffic.settings.audit.cache_ttl,
        sweep=sweep,
    )


def simulated(traffic: Traffic, scenario: Scenario, source: SourceSummary) -> SimulateResult:
    """The result of a scenario on this log."""
    mode = traffic.settings.audit.cost_mode
    facts = SimulationFacts(VERSION, source, mode)
    return simulate(stack_of(traffic, scenario.cache_ttl), scenario, facts)


def stack_of(traffic: Traffic, cache_ttl: str) -> Stack:
    """The savings of this log on one timeline, answers kept for so long ("1h")."""
    calls, book = traffic.calls, traffic.book
    listed = None if traffic.settings.audit.cost_mode == "computed" else price(calls, book)
    entries = ledger(calls, traffic.costs, listed)
    return Stack(entries, book, ttl_seconds(cache_ttl), (), Exemplars(calls, entries.costs, logs.bodies))


def _refuse_unknown(traffic: Traffic, task: str, model: str) -> None:
    tasks = sorted(traffic.calls.codes("task")[1])
    if task not in tasks:
        more = f" and {len(tasks) - TASKS_NAMED} more" if len(tasks) > TASKS_NAMED else ""
        raise ConfigError(f"no task is called {task!r} in this log", f"it has {', '.join(tasks[:TASKS_NAMED])}{more}")
    if traffic.book.find(model) is None:
        near = pricing.suggest(traffic.book, model)
        also = f"; did you mean {', '.join(near)}?" if near else ""
        raise ConfigError(
            f"no price is known for {model!r}",
            f'give it one: [models."{model}"] price = {{input = …, output = …}}{also}',
        )
