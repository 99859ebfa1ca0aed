"""What moved the bill, in parts that add up to the whole: exact Shapley values of six factors.

The bill is N · Σ_task s · Σ_model m · Σ_kind q·p with calls N, shares of tasks s and of models in a task m, tokens a
call q and dollars a token p by kind. A factor's part is its mean effect over every order in which the factors could
have changed (Shapley 1953), so that no part depends on an order that somebody chose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import msgspec
import numpy as np
import numpy.typing as npt

from llmcost.gate.result import BaselineFile, BaselineTask, Factor, FactorName, ModelUse

FACTORS: tuple[FactorName, ...] = ("volume", "task_mix", "model_mix", "input_tokens", "output_tokens", "price")
INPUTS = ("input", "cache_read", "cache_write")
OUTPUTS = ("output",)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Side:
    """One side in cells, a task asked of a model: US dollars are `calls · share · model · Σ tokens · price`.

    tokens, price  (cells, kinds), the kinds INPUTS and OUTPUTS; `other`: dollars a call that no tokens explain
    """

    calls: float
    share: Floats
    model: Floats
    tokens: Floats
    price: Floats
    other: Floats


def decompose(past: BaselineFile, now: BaselineFile) -> list[Factor]:
    """Volume, task mix, model mix, input tokens, output tokens, price: together the change of what priced calls cost.

    input_tokens holds the part that a prompt cache had; price is dollars per token: list prices, tiers, hours, batches.
    What one side does not know (a new task, another model in it) has the other's tokens and price, so that it belongs
    to the mix. Empty if a side has no priced call.
    """
    return _parts(past.tasks, now.tasks)


def of_task(past: BaselineTask, now: BaselineTask) -> dict[FactorName, float]:
    """The same of one task, whatever it is called by now."""
    return {part.factor: part.usd for part in _parts([past], [msgspec.structs.replace(now, task=past.task)])}


def _parts(past: Sequence[BaselineTask], now: Sequence[BaselineTask]) -> list[Factor]:
    cells = sorted({(task.task, use.model) for side in (past, now) for task in side for use in task.usage})
    before, after = (_side(side, cells) for side in (past, now))
    if not before.calls or not after.calls:
        return []
    before, after = _completed(before, after), _completed(after, before)
    bills = {chosen: _bill(before, after, frozenset(chosen)) for size in range(7) for chosen in _subsets(size)}
    return [Factor(factor, _shapley(factor, bills)) for factor in FACTORS]


def _subsets(size: int) -> Sequence[tuple[FactorName, ...]]:
    return list(combinations(FACTORS, size))


def _shapley(factor: FactorName, bills: dict[tuple[FactorName, ...], float]) -> float:
    """The mean over all orders of what the factor adds to those before it."""
    number, total = len(FACTORS), 0.0
    for chosen, bill in bills.items():
        if factor not in chosen:
            joined = tuple(name for name in FACTORS if name in chosen or name == factor)
            weight = factorial(len(chosen)) * factorial(number - len(chosen) - 1) / factorial(number)
            total += weight * (bills[joined] - bill)
    return total


def _bill(before: _Side, after: _Side, changed: frozenset[FactorName]) -> float:
    """US dollars with the factors that have changed as they are now, and the others as they were."""
    side = {factor: after if factor in changed else before for factor in FACTORS}
    size = len(INPUTS)
    tokens = np.hstack([side["input_tokens"].tokens[:, :size], side["output_tokens"].tokens[:, size:]])
    per_call = (tokens * side["price"].price).sum(axis=1) + side["price"].other
    return float(side["volume"].calls * (side["task_mix"].share * side["model_mix"].model * per_call).sum())


def _side(of: Sequence[BaselineTask], cells: Sequence[tuple[str, str]]) -> _Side:
    """The cells of one side; a cell, or a kind of token, that it does not have is NaN where it is not nothing."""
    tasks = {task.task: task for task in of}
    uses = {(task.task, use.model): use for task in of for use in task.usage}
    calls = np.array([_calls(uses.get(cell)) for cell in cells])
    of_task = np.array([_calls_of(tasks.get(task)) for task, _ in cells])
    total = float(sum(map(_calls_of, tasks.values())))
    tokens = np.array([_numbers(uses.get(cell), "tokens") for cell in cells]).reshape(len(cells), 4)
    dollars = np.array([_numbers(uses.get(cell), "usd") for cell in cells]).reshape(len(cells), 4)
    other = np.array([float(uses[cell].other_usd) if cell in uses else 0.0 for cell in cells])
    return _Side(
        calls=total,
        share=of_task / max(total, 1.0),
        model=_ratio(calls, of_task),
        tokens=_ratio(tokens, calls[:, None]),
        price=_ratio(dollars, tokens),
        other=_ratio(other, calls),
    )


def _completed(side: _Side, other: _Side) -> _Side:
    """The side with the other's figures where it has none."""
    return _Side(
        calls=side.calls,
        share=side.share,
        model=_filled(side.model, other.model),
        tokens=_filled(side.tokens, other.tokens),
        price=_filled(side.price, other.price),
        other=_filled(side.other, other.other),
    )


def _filled(values: Floats, others: Floats) -> Floats:
    return np.nan_to_num(np.where(np.isnan(values), others, values))


def _ratio(above: Floats, below: Floats) -> Floats:
    """NaN where there is nothing to divide by."""
    shape = np.broadcast_shapes(above.shape, below.shape)
    found: Floats = np.divide(above, below, out=np.full(shape, np.nan), where=np.broadcast_to(below, shape) > 0)
    return found


def _calls(use: ModelUse | None) -> float:
    return 0.0 if use is None else use.calls


def _calls_of(task: BaselineTask | None) -> float:
    return 0.0 if task is None else float(sum(use.calls for use in task.usage))


def _numbers(use: ModelUse | None, what: str) -> list[float]:
    return [0.0 if use is None else float(getattr(use, f"{kind}_{what}")) for kind in (*INPUTS, *OUTPUTS)]
