"""logged-cost-drift: the log's own costs and the price list do not agree, so one of them is wrong or unknown."""

from __future__ import annotations

from collections.abc import Iterator

from llmcost.audit.drift import cost_drift
from llmcost.audit.findings.scene import Scene, usd
from llmcost.audit.result import Finding, ModelDrift

TOLERATED = 0.02  # of the computed cost: rounding, and calls that straddle a change of price
LEAST_USD = 0.01
MODELS_SHOWN = 3


def logged_cost_drift(scene: Scene) -> Iterator[Finding]:
    """Models whose logged costs are not what the price list makes of their tokens."""
    drift = cost_drift(scene.entries)
    apart = [model for model in drift.by_model if _drifts(model)] if drift else []
    if drift is None or not apart:
        return
    worst = "; ".join(map(_told, apart[:MODELS_SHOWN]))
    more = f"; and {len(apart) - MODELS_SHOWN} more" if len(apart) > MODELS_SHOWN else ""
    yield scene.finding(
        "logged-cost-drift",
        None,
        title=f"The log's own costs differ from the price list for {_counted(len(apart))}",
        calls=sum(model.calls for model in apart),
        evidence=f"{worst}{more}; over {drift.calls:,} calls with both, {usd(drift.logged_usd)} logged, "
        f"{usd(drift.computed_usd)} computed; nothing is saved by it",
        remedy='if you pay other prices than the list, set them under [models."NAME".price]; '
        "if the log is right, use --cost-mode auto; if neither, fix the price table of what writes the log",
    )


def _drifts(model: ModelDrift) -> bool:
    apart = abs(model.logged_usd - model.computed_usd)
    return apart > LEAST_USD and apart > TOLERATED * model.computed_usd


def _told(model: ModelDrift) -> str:
    amounts = f"{usd(model.logged_usd)} logged, {usd(model.computed_usd)} computed"
    return f"{model.model}: {amounts}{_direction(model)}"


def _direction(model: ModelDrift) -> str:
    if model.ratio is None:
        return " (the list says it is free)"
    if model.ratio >= 2:
        return f" ({model.ratio:.1f} times as much)"
    return f" ({100 * abs(model.ratio - 1):.1f} % {'more' if model.ratio > 1 else 'less'})"


def _counted(models: int) -> str:
    return f"{models} model{'s' if models != 1 else ''}"
