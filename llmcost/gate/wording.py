"""Why a check failed, and what else changed, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from llmcost.gate.compared import Compared, exceeds, relative
from llmcost.gate.measure import TaskCost
from llmcost.gate.result import CheckTotals
from llmcost.pricing.result import PriceStamp

MATERIAL_SHARE = 0.01  # of the cost: a task below it is named, but fails only with the total
MODELS_NAMED = 3


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a check has found: tasks of the baseline worst first, tasks it did not know, both totals."""

    compared: list[Compared]
    added: list[TaskCost]
    past: CheckTotals
    current: CheckTotals
    max_increase: float
    past_prices: PriceStamp
    prices: PriceStamp

    def material(self, task: Compared) -> bool:
        """Whether the task carries enough of the cost, then or now, to fail the check by itself."""
        return task.past_usd + max(task.effect_usd, 0.0) >= MATERIAL_SHARE * (self.past.cost_usd or 0.0)


def reasons(facts: Facts) -> Iterator[str]:
    """Why the check fails; nothing if it passes."""
    yield from _nothing_to_compare(facts)
    yield from _total(facts)
    for task in facts.compared:
        if task.regressed(facts.max_increase) and facts.material(task):
            yield _dearer(task)
    for task in facts.compared:
        if task.hidden(facts.max_increase):
            yield _unseen(task)


def notes(facts: Facts) -> Iterator[str]:
    """What changed without failing the check."""
    for task in facts.compared:
        dearer = task.regressed(facts.max_increase)
        if dearer and not facts.material(task):
            yield f"{_dearer(task)}; under {_percent(MATERIAL_SHARE)} of the cost, so it does not fail the check"
        elif not dearer and (models := _models(task)):
            yield f"{task.past.task}: {models}"
        if task.now is None:
            yield f'no call of task "{task.past.task}" in this log: its cost per call is taken as unchanged'
    for new in facts.added:
        yield _added(new)
    yield from _unknown(facts)
    if facts.prices != facts.past_prices:
        yield f"prices are of {facts.prices.as_of}, the baseline's of {facts.past_prices.as_of} or otherwise overridden"


def _nothing_to_compare(facts: Facts) -> Iterator[str]:
    if not facts.past.priced_calls:
        yield "the baseline knows the cost of no call: nothing can be compared"
    elif not facts.current.calls:
        yield "the log holds no call: nothing can be compared"
    elif all(task.now is None for task in facts.compared):
        yield "the log has no task of the baseline: nothing can be compared; were its tasks named in the same way?"


def _total(facts: Facts) -> Iterator[str]:
    past, now = facts.past.cost_usd, facts.current.cost_usd
    if past is not None and now is not None and exceeds(now, past, facts.max_increase):
        rise = _rise(relative(past, now))
        yield f"cost per call {rise} at the baseline's task mix, {_percent(facts.max_increase)} allowed"


def _dearer(task: Compared) -> str:
    moved = f"{_usd(task.past_per_call)} → {_usd(task.now_per_call)} per call, {_rise(task.change)}"
    models = _models(task)
    return f"{task.past.task}: {moved}{f'; {models}' if models else ''}"


def _unseen(task: Compared) -> str:
    now = task.now
    unknown, answered = (now.unknown_calls, now.unknown_calls + now.priced_calls) if now else (0, 0)
    models = _models(task)
    what = f"{task.past.task}: what {unknown:,} of {answered:,} calls cost is no longer known"
    return f"{what}; {models or 'the log lacks their token counts'}"


def _models(task: Compared) -> str:
    if task.now is None or not task.new_models:
        return ""
    named = [f"{model} in {task.now.models[model]:,} calls" for model in task.new_models[:MODELS_NAMED]]
    more = len(task.new_models) - MODELS_NAMED
    return f"new model {', '.join(named)}{f' and {more} more' if more > 0 else ''}"


def _added(task: TaskCost) -> str:
    cost = "of unknown cost" if task.cost_per_call_usd is None else f"at {_usd(task.cost_per_call_usd)}"
    return f'new task "{task.task}", not in the baseline and not in the comparison: {task.calls:,} calls {cost}'


def _unknown(facts: Facts) -> Iterator[str]:
    unknown = sum(task.now.unknown_calls for task in facts.compared if task.now is not None)
    unknown += sum(task.unknown_calls for task in facts.added)
    if unknown:
        yield f"{unknown:,} calls ({_percent(unknown / facts.current.calls)}) of unknown cost are in no figure"


def _rise(change: float | None) -> str:
    return "from nothing" if change is None else f"{change * 100:+.1f} %".replace("-", "−")


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _usd(amount: float | None) -> str:
    if amount is None:
        return "unknown"
    return f"${amount:,.4f}" if amount == 0 or amount >= 0.001 else f"${Decimal(f'{amount:.2g}'):f}"
