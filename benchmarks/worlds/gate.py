"""A log against its baseline: what `llmcost check` says of traffic whose cost per call is known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from llmcost import gate
from llmcost.calls import Calls, from_rows
from llmcost.pricing.result import PriceStamp
from worlds.draws import Floats
from worlds.rows import Row, within_alpha

STAMP = PriceStamp("2026-01-01", "worlds")
TASKS = ("chat", "code", "faq")
COSTS = {"chat": 0.01, "code": 0.2, "faq": 0.001}
NO_SPREAD = 0.02  # of the costs of a task, where the mix is the matter
NOT_YET = (
    "gate, no change / +10 % at n = 500, lognormal σ = 1, alarm ≤ 5.8 % / ≥ 85 %: `llmcost check` has no interval yet, "
    "it compares point estimates (`lower_bound` is null)",
    "exact Shapley over volume, task mix, model mix, input, output, price: there are three parts yet, which add up",
)


def rows(worlds: int) -> Iterator[Row]:
    few = max(worlds // 10, 1)
    yield mix_row(few)
    yield parts_row(few)
    yield from today_rows(few)


def log(costs: dict[str, Floats]) -> tuple[Calls, Floats]:
    tasks = [name for name, each in costs.items() for _ in each]
    calls = from_rows([{"task": name, "request_model": "model", "error_type": None} for name in tasks], [])
    return calls, np.concatenate(list(costs.values()))


def checked(before: dict[str, Floats], after: dict[str, Floats], allowed: float) -> gate.CheckResult:
    base = gate.baseline(*log(before), stamp=STAMP, version="0")
    return gate.check(*log(after), base, max_increase=allowed, stamp=STAMP, version="0")


def drawn(rng: np.random.Generator, counts: dict[str, int], spread: float, times: float = 1.0) -> dict[str, Floats]:
    return {name: times * COSTS[name] * rng.lognormal(0, spread, count) for name, count in counts.items()}


def mix_row(worlds: int) -> Row:
    """Dear tasks have become more frequent, none has become dearer. The guard is the baseline's mix of tasks."""
    rng = np.random.default_rng(25)
    alarms = naive = 0
    for _ in range(worlds):
        before = drawn(rng, {"chat": 300, "code": 50, "faq": 150}, NO_SPREAD)
        after = drawn(rng, {"chat": 250, "code": 120, "faq": 130}, NO_SPREAD)
        alarms += not checked(before, after, 0.05).passed
        naive += np.concatenate(list(after.values())).mean() > 1.05 * np.concatenate(list(before.values())).mean()
    return within_alpha(
        "gate, only the mix of tasks moved: alarm", alarms / worlds, "the baseline's mix", naive / worlds
    )


def parts_row(worlds: int) -> Row:
    error = max(_parts_error(seed) for seed in range(worlds))
    return Row("parts of a change of the bill against the change: relative error", error, 0, 1e-9, percent=False)


def _parts_error(seed: int) -> float:
    rng = np.random.default_rng([26, seed])
    before, after = (drawn(rng, dict(zip(TASKS, rng.integers(1, 60, 3).tolist(), strict=True)), 1.0) for _ in range(2))
    base = gate.baseline(*log(before), stamp=STAMP, version="0")
    now = gate.check(*log(after), base, max_increase=0.05, stamp=STAMP, version="0")
    past = sum(task.priced_calls * float(task.cost_per_call_usd or 0) for task in base.tasks)
    change = sum(float(each.sum()) for each in after.values()) - past
    return abs(sum(factor.usd for factor in now.decomposition) - change) / abs(change)


def today_rows(worlds: int) -> Iterator[Row]:
    """What the gate of today does in the worlds of the demand that it cannot meet yet: for the record."""
    for times, demand in ((1.0, "≤ 5.8 %"), (1.1, "≥ 85 %")):
        rng = np.random.default_rng(27)
        alarms = 0
        for _ in range(worlds):
            before, after = drawn(rng, {"chat": 500}, 1.0), drawn(rng, {"chat": 500}, 1.0, times)
            alarms += not checked(before, after, 0.0).passed
        what = (
            f"log against log, {100 * times - 100:+.0f} %, n 500, σ 1, none allowed: alarm (demand, not yet: {demand})"
        )
        yield Row(what, alarms / worlds)
