"""Spend tables: the log by task, by model, by day, by any tag, and in one row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from llmcost.audit import dimensions
from llmcost.audit.groups import Ints, group_quantiles, money_sum, money_sums, quantiles, whole_sums
from llmcost.audit.ledger import NO_TAG, Labels, Ledger, days
from llmcost.audit.result import SpendRow, Totals, UnpricedModel
from llmcost.strategies.timeline import ranked

OTHER = "(other)"


def totals(ledger: Ledger) -> Totals:
    """The log in one row."""
    cost = money_sum(ledger.costs)
    answered, failed = ledger.parts(~ledger.failed, ledger.failed)
    priced, unpriced, unmetered = ledger.parts(ledger.priced, ledger.unpriced, ledger.unmetered)
    one = np.zeros(len(ledger.calls), dtype=np.int64)
    p50, p95 = quantiles(ledger.latency_ms)
    return Totals(
        calls=answered + failed,
        answered_calls=answered,
        failed_calls=failed,
        priced_calls=priced,
        unpriced_calls=unpriced,
        unmetered_calls=unmetered,
        **{name: whole_sums(one, 1, values)[0] for name, values in ledger.tokens.items()},
        cost_usd=cost,
        failed_cost_usd=money_sum(ledger.costs[ledger.failed]),
        logged_cost_usd=money_sum(ledger.calls.floats("logged_cost_usd") * ledger.weights),
        monthly_usd=ledger.monthly(cost),
        cost_per_call_usd=ratio(cost, float(ledger.weights[ledger.priced].sum())),
        latency_p50_ms=p50,
        latency_p95_ms=p95,
        estimated_token_calls=ledger.count(ledger.calls.floats("tokens_estimated") == 1),
        logged_calls=len(ledger.calls),
        sampled_calls=int((ledger.weights != 1).sum()),
    )


def by_task(ledger: Ledger) -> list[SpendRow]:
    """A row for every task, dearest first, with the models asked for, dearest first."""
    models = _models_of(ledger)
    return _ranked(_rows(ledger, ledger.tasks, lambda name: {"task": name, "models": models[name]}))


def by_model(ledger: Ledger) -> list[SpendRow]:
    """A row for every model asked for (where the log does not say: the one that answered), dearest first."""
    return _ranked(_rows(ledger, ledger.models, lambda name: {"model": name}))


def by_day(ledger: Ledger) -> list[SpendRow]:
    """A row for every UTC date with calls, in order; calls without a time come last."""
    return _rows(ledger, days(ledger.calls), lambda name: {"day": name})


def by_field(ledger: Ledger, field: str, top: int, kinds: Mapping[str, str]) -> list[SpendRow]:
    """A row for each of the `top` dearest values of a tag or a built-in dimension, the rest in one row "(other)".

    Calls of which it is not known are in "(none)"; parts of time stand in order, all of them. Raises ConfigError,
    naming what there is, for a field that is neither.
    """
    grouped = dimensions.grouping(ledger, field, kinds)
    if field in dimensions.PERIODS:
        return _rows(ledger, grouped, lambda name: {"tag": name})
    return _ranked(_rows(ledger, _folded(ledger, grouped, top), lambda name: {"tag": name}))


def unpriced_models(ledger: Ledger) -> list[UnpricedModel]:
    """Every model whose tokens are known and whose price is not, most calls first."""
    found = zip(ledger.models.names, ledger.sums_of_weights(ledger.models, ledger.unpriced).tolist(), strict=True)
    total = float(ledger.weights.sum())
    rows = [UnpricedModel(name, round(calls), calls / total) for name, calls in found if calls]
    return sorted(rows, key=lambda row: (-row.calls, row.model))


def ratio(part: float | None, whole: float | None) -> float | None:
    """part / whole; None where either is unknown or the whole is nothing."""
    return part / whole if part is not None and whole else None


def _rows(ledger: Ledger, grouped: Labels, name_fields: Callable[[str], dict[str, Any]]) -> list[SpendRow]:
    codes, size = grouped.codes, len(grouped.names)
    total = money_sum(ledger.costs)
    p50, p95 = group_quantiles(codes, size, ledger.latency_ms, (0.50, 0.95))
    columns: dict[str, list[Any]] = {
        "calls": ledger.counts(grouped),
        "priced_calls": ledger.sums_of_weights(grouped, ledger.priced).tolist(),
        "failed_calls": ledger.counts(grouped, ledger.failed),
        "cost_usd": money_sums(codes, size, ledger.costs),
        "latency_p50_ms": p50,
        "latency_p95_ms": p95,
        **{name: whole_sums(codes, size, values) for name, values in ledger.tokens.items()},
    }
    return [
        _row(dict(zip(columns, values, strict=True)) | name_fields(name), total)
        for name, *values in zip(grouped.names, *columns.values(), strict=True)
    ]


def _row(fields: dict[str, Any], total: float | None) -> SpendRow:
    cost = fields["cost_usd"]
    per_call = ratio(cost, fields["priced_calls"])
    fields["priced_calls"] = round(fields["priced_calls"])
    return SpendRow(**fields, share=ratio(cost, total), cost_per_call_usd=per_call)


def _ranked(rows: list[SpendRow]) -> list[SpendRow]:
    return sorted(rows, key=lambda row: (*_dearest(row.cost_usd, row.calls), str((row.task, row.model, row.tag))))


def _dearest(cost: float | None, calls: int) -> tuple[float, int]:
    return (float("inf") if cost is None else -cost, -calls)


def _models_of(ledger: Ledger) -> dict[str, list[str]]:
    """For every task the models asked for, the one of most spend first."""
    names = ledger.models.names
    pairs, codes = ranked(ledger.tasks.codes * max(1, len(names)) + ledger.models.codes)
    both = Labels(codes, [""] * len(pairs))
    cost, calls = money_sums(codes, len(pairs), ledger.costs), ledger.counts(both)
    found: dict[str, list[tuple[tuple[float, int], str]]] = {name: [] for name in ledger.tasks.names}
    for pair, usd, n in zip(pairs.tolist(), cost, calls, strict=True):
        task, model = divmod(pair, len(names))
        found[ledger.tasks.names[task]].append((_dearest(usd, n), names[model]))
    return {task: [model for _, model in sorted(models)] for task, models in found.items()}


def _folded(ledger: Ledger, grouped: Labels, top: int) -> Labels:
    """The grouping with all but the `top` dearest groups in one; calls without the tag keep their own row."""
    ranked = sorted(zip(_dearest_of(ledger, grouped), grouped.names, strict=True))
    kept = [name for _, name in ranked if name != NO_TAG][:top]
    if len(kept) == sum(name != NO_TAG for name in grouped.names):
        return grouped
    names = [*kept, OTHER, *([NO_TAG] if NO_TAG in grouped.names else [])]
    position = {name: index for index, name in enumerate(names)}
    recoded: Ints = np.array([position.get(name, len(kept)) for name in grouped.names], dtype=np.int64)
    return Labels(recoded[grouped.codes], names)


def _dearest_of(ledger: Ledger, grouped: Labels) -> list[tuple[float, int]]:
    costs = money_sums(grouped.codes, len(grouped.names), ledger.costs)
    return [_dearest(cost, calls) for cost, calls in zip(costs, ledger.counts(grouped), strict=True)]
