"""A log against its baseline: what `llmcost check` says of traffic whose cost per call is known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from llmcost import gate
from llmcost.calls import from_rows
from llmcost.config import GateSettings
from llmcost.evidence.cost_change import at_past_mix, group_means
from llmcost.pricing.result import PriceStamp
from worlds.draws import Floats
from worlds.rows import Row, within_alpha

STAMP = PriceStamp("2026-01-01", "worlds")
COSTS = {"chat": 0.01, "code": 0.2, "faq": 0.001}
MANY = {f"task {n}": 0.01 for n in range(30)}
MIX_ERROR = 0.065  # what is allowed where the weights of tasks are themselves drawn
SPREAD = 1.0  # σ of log-normal costs within a task
RISE = 1.1


def rows(worlds: int) -> Iterator[Row]:
    some = max(worlds // 4, 1)
    yield from unchanged_rows(some)
    yield mix_row(some)
    yield cluster_row(some)
    yield from rise_rows(some)
    yield from parts_rows(max(worlds // 20, 1))


def log(costs: Mapping[str, Floats], paired: bool = False, calls_each: int = 1) -> gate.Log:
    """A log of these costs by task; `calls_each` neighbours are of one conversation."""
    tasks = [name for name, each in costs.items() for _ in each]
    rows = [
        {"task": name, "request_model": "model", "session_key": _key(at // calls_each) if calls_each > 1 else None}
        for at, name in enumerate(tasks)
    ]
    cases = [f"{at:x}" for at in range(len(tasks))] if paired else None
    return gate.Log(from_rows(rows, []), np.concatenate(list(costs.values())), cases=cases)


def checked(before: gate.Log, after: gate.Log, allowed: float) -> gate.CheckResult:
    base = gate.baseline(before, stamp=STAMP, version="0")
    return gate.check(after, base, GateSettings(max_increase=allowed), STAMP, "0")


def drawn(rng: np.random.Generator, counts: Mapping[str, int], times: float = 1.0) -> dict[str, Floats]:
    costs = {**COSTS, **MANY}
    return {name: times * costs[name] * rng.lognormal(0, SPREAD, count) for name, count in counts.items()}


def answered_again(
    rng: np.random.Generator, before: Mapping[str, Floats], noise: float, times: float
) -> dict[str, Floats]:
    """The same prompts once more: answers of another length, costs that are unbiased around `times` those before."""
    again = {name: rng.lognormal(-(noise**2) / 2, noise, len(each)) for name, each in before.items()}
    return {name: times * each * again[name] for name, each in before.items()}


def unchanged_rows(worlds: int) -> Iterator[Row]:
    """No change, and none allowed. The guards are the bound, and the one error that all tasks share."""
    for counts in ({"chat": 500, "code": 500, "faq": 500}, dict.fromkeys(MANY, 60)):
        rng, alarms, points, apart = np.random.default_rng(27), 0, 0, 0
        for _ in range(worlds):
            before, after = drawn(rng, counts), drawn(rng, counts)
            found = checked(log(before), log(after), 0.0)
            alarms += not found.passed
            points += (found.diff.change or 0.0) > 0
            apart += any(_rose(before[name], after[name]) for name in counts)
        many = len(counts) > len(COSTS)
        guard = ("one error for all tasks", apart) if many else ("an interval", points)
        what = f"log against log, no change, none allowed, {len(counts)} tasks of {min(counts.values())}, σ 1: alarm"
        yield within_alpha(what, alarms / worlds, guard[0], guard[1] / worlds)
    rng, alarms = np.random.default_rng(28), 0
    for _ in range(worlds):
        before = drawn(rng, {"chat": 500})
        after = answered_again(rng, before, 0.3, 1.0)
        alarms += not checked(log(before, paired=True), log(after, paired=True), 0.0).passed
    yield within_alpha("a suite of 500 cases, no change, none allowed, σ 1: alarm", alarms / worlds)


def mix_row(worlds: int) -> Row:
    """Dear tasks have become more frequent, none has become dearer. The guard is the baseline's mix of tasks."""
    rng, alarms, naive = np.random.default_rng(25), 0, 0
    for _ in range(worlds):
        before = drawn(rng, {"chat": 900, "code": 150, "faq": 450})
        after = drawn(rng, {"chat": 750, "code": 360, "faq": 390})
        alarms += not checked(log(before), log(after), 0.0).passed
        naive += _rose(*(np.concatenate(list(side.values())) for side in (before, after)))
    what = "only the mix of tasks moved, σ 1: alarm"
    return Row(what, alarms / worlds, 0, MIX_ERROR, "the baseline's mix", naive / worlds)


def cluster_row(worlds: int, size: int = 20, shared: float = 0.3) -> Row:
    """Calls of a conversation cost alike (ICC .3). The guard is that a conversation counts once."""
    rng, alarms, alone = np.random.default_rng(31), 0, 0
    for _ in range(worlds):
        before, after = ({"chat": _clustered(rng, 40, size, shared)} for _ in range(2))
        alarms += not checked(*(log(side, calls_each=size) for side in (before, after)), 0.0).passed
        alone += not checked(log(before), log(after), 0.0).passed
    what = f"no change, conversations of {size} calls, ICC {shared}: alarm"
    return Row(what, alarms / worlds, 0, MIX_ERROR, "conversations as units", alone / worlds)


def rise_rows(worlds: int) -> Iterator[Row]:
    """A rise of 10 %: what a suite sees, and what two logs of as many calls see (no demand: for the record)."""
    for noise, allowed in ((0.3, 0.0), (0.2, 0.05)):
        rng, alarms = np.random.default_rng(29), 0
        for _ in range(worlds):
            before = drawn(rng, {"chat": 500})
            after = answered_again(rng, before, noise, RISE)
            alarms += not checked(log(before, paired=True), log(after, paired=True), allowed).passed
        what = f"a suite of 500 cases, +10 %, {100 * allowed:.0f} % allowed, answers vary by {100 * noise:.0f} %: alarm"
        yield Row(what, alarms / worlds, 0.85, 1)
    for calls in (500, 2_000, 8_000):
        rng, alarms = np.random.default_rng(30), 0
        for _ in range(max(worlds // 4, 1)):
            sides = (log(drawn(rng, {"chat": calls}, times)) for times in (1.0, RISE))
            alarms += not checked(*sides, 0.0).passed
        yield Row(f"log against log, +10 %, n {calls:,}, σ 1, none allowed: alarm", alarms / max(worlds // 4, 1))


def parts_rows(worlds: int) -> Iterator[Row]:
    errors, strays = zip(*map(_parts_error, range(worlds)), strict=True)
    yield Row(
        "six parts of a change of the bill against the change: relative error", max(errors), 0, 1e-9, percent=False
    )
    yield Row("prices alone changed: largest part of another factor", max(strays), 0, 0, percent=False)


def _parts_error(seed: int) -> tuple[float, float]:
    rng = np.random.default_rng([26, seed])
    before, after = (_tokens(rng, int(rng.integers(2, 80)), 1.0) for _ in range(2))
    base = gate.baseline(before, stamp=STAMP, version="0")
    now = gate.check(after, base, GateSettings(), STAMP, "0")
    change = math.fsum(after.costs) - math.fsum(before.costs)
    dearer = gate.Log(before.calls, before.costs * 1.3, {kind: each * 1.3 for kind, each in before.by_kind.items()})
    moved = gate.check(dearer, base, GateSettings(), STAMP, "0").decomposition
    stray = max(abs(part.usd) for part in moved if part.factor != "price")
    return abs(sum(part.usd for part in now.decomposition) - change) / max(abs(change), before.costs.sum()), stray


def _tokens(rng: np.random.Generator, calls: int, price: float) -> gate.Log:
    tokens = rng.integers(1, 9_000, (calls, 2))
    rows = [
        {
            "task": rng.choice(list(COSTS)),
            "request_model": rng.choice(["a", "b"]),
            "input_tokens": i,
            "output_tokens": o,
        }
        for i, o in tokens.tolist()
    ]
    dollars = price * tokens * np.array([1e-6, 4e-6])
    return gate.Log(from_rows(rows, []), dollars.sum(axis=1), {"input": dollars[:, 0], "output": dollars[:, 1]})


def _rose(before: Floats, after: Floats) -> bool:
    """An ordinary 5 % test of two means."""
    (past,), (now,) = (
        group_means(side, np.ones(len(side)), np.arange(len(side)), np.zeros(len(side), np.int64), 1)
        for side in (before, after)
    )
    change = None if past is None or now is None else at_past_mix([past], [now], [1.0])
    return change is not None and change.at_least(0.05) > 0


def _clustered(rng: np.random.Generator, conversations: int, size: int, shared: float) -> Floats:
    common = np.repeat(rng.normal(0, math.sqrt(shared), conversations), size)
    costs: Floats = np.exp(common + rng.normal(0, math.sqrt(1 - shared), conversations * size))
    return costs


def _key(number: int) -> bytes:
    return number.to_bytes(16, "big")
