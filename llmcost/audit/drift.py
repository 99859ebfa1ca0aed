"""What a log says its calls cost against what the price list says, by model."""

from __future__ import annotations

import numpy as np

from llmcost.audit.groups import money_sum, money_sums
from llmcost.audit.ledger import Labels, Ledger
from llmcost.audit.result import CostDrift, ModelDrift
from llmcost.pricing import logged_costs
from llmcost.strategies.timeline import ranked

SLASH = "/"


def cost_drift(ledger: Ledger) -> CostDrift | None:
    """The logged and the computed costs of the calls that have both, most dollars apart first; None if none has.

    A cost of nothing for tokens is no logged cost, and what the application's own cache answered has neither.
    """
    logged = logged_costs(ledger.calls) * ledger.weights
    both = ~np.isnan(logged) & ~np.isnan(ledger.listed) & ((logged > 0) | (ledger.listed > 0))
    claimed, computed = (money_sum(costs[both]) for costs in (logged, ledger.listed))
    if claimed is None or computed is None:
        return None
    grouped = _sold(ledger)
    size = len(grouped.names)
    sums = (money_sums(grouped.codes, size, np.where(both, costs, np.nan)) for costs in (logged, ledger.listed))
    rows = zip(grouped.names, ledger.counts(grouped, both), *sums, strict=True)
    models = [_model(name, calls, says, is_) for name, calls, says, is_ in rows if says is not None and is_ is not None]
    models.sort(key=lambda row: (-abs(row.logged_usd - row.computed_usd), row.model))
    return CostDrift(ledger.count(both), claimed, computed, models)


def _model(name: str, calls: int, logged: float, computed: float) -> ModelDrift:
    return ModelDrift(name, calls, logged, computed, logged / computed if computed else None)


def _sold(ledger: Ledger) -> Labels:
    """The calls grouped by provider and model, or by model where the log names no provider."""
    codes, names = ledger.calls.codes("provider")
    models = ledger.models.names
    pairs, found = ranked((codes + 1) * max(1, len(models)) + ledger.models.codes)
    sold = []
    for pair in pairs.tolist():
        provider, model = divmod(pair, len(models))
        sold.append(SLASH.join([*names[provider - 1 : provider], models[model]]) if provider else models[model])
    return Labels(found, sold)
