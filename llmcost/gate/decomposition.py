"""What moved the bill, in parts that add up to the whole."""

from __future__ import annotations

from llmcost.gate.compared import relative
from llmcost.gate.measure import TaskCost
from llmcost.gate.result import BaselineFile, Factor


def decompose(baseline: BaselineFile, now: dict[str, TaskCost]) -> list[Factor]:
    """Volume, task mix and cost per call: their sum is the change of what the priced calls cost, US dollars.

    With N calls, shares s and costs per call c, 0 then and 1 now (a chain of substitutions in this order):
    volume = (N1 − N0)·Σ s0·c0, task mix = N1·Σ (s1 − s0)·c0, cost per call = N1·Σ s1·(c1 − c0).
    A task that the baseline did not know enters at today's cost, so it belongs to the mix. Empty if a side has no
    priced call.
    """
    past = {task.task: (task.priced_calls, float(task.cost_per_call_usd or 0)) for task in baseline.tasks}
    current = {name: (task.priced_calls, _unrounded(task, past.get(name))) for name, task in now.items()}
    calls_then = sum(calls for calls, _ in past.values())
    calls_now = sum(calls for calls, _ in current.values())
    if not calls_then or not calls_now:
        return []
    bill_then = sum(calls * cost for calls, cost in past.values())
    bill_now = sum(calls * cost for calls, cost in current.values())
    known = {name: past[name][1] if past.get(name, (0, 0))[0] else cost for name, (_, cost) in current.items()}
    at_past_cost = sum(calls * known[name] for name, (calls, _) in current.items())
    at_past_mix = bill_then / calls_then * calls_now
    return [
        Factor("volume", at_past_mix - bill_then),
        Factor("task_mix", at_past_cost - at_past_mix),
        Factor("cost_per_call", bill_now - at_past_cost),
    ]


def _unrounded(task: TaskCost, past: tuple[int, float] | None) -> float:
    """Today's cost per call; the baseline's own where only its rounding differs."""
    now = task.cost_per_call_usd or 0.0
    return past[1] if past is not None and relative(past[1], now) == 0.0 else now
