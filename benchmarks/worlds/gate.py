"""A log against its baseline: what `llmcost check` says of traffic whose cost per call is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np

from llmcost import gate
from llmcost.calls import from_rows
from llmcost.config import GateSettings
from llmcost.gate.decomposition import decompose
from llmcost.pricing import KINDS
from llmcost.pricing.result import PriceStamp
from worlds.draws import Floats
from worlds.rows import Row, within_alpha

STAMP = PriceStamp("2026-01-01", "worlds")
TASKS = {"chat": 0.01, "code": 0.2, "draft": 0.05, "extract": 0.004, "faq": 0.001}  # US dollars a call
COUNTS = {"chat": 200, "code": 60, "draft": 100, "extract": 120, "faq": 250}
MIX_BEFORE, MIX_AFTER = {"chat": 300, "code": 50, "faq": 150}, {"chat": 260, "code": 105, "faq": 135}
SPREAD = 1.0  # σ of the logarithm of what the calls of a task cost
AGAIN = 0.15  # the same of one prompt that is asked twice: half of its cost is an answer of σ 0.3, the other half stays
UNSTEADY = 0.3  # the same where all of the cost is the answer
CASES, RISE, POWER = 500, 1.1, 0.85
CALLS = (500, 3_000, 12_000)  # how many it takes until two logs show what a suite does
TOGETHER, CORRELATION = 20, 0.3  # calls a conversation, their ICC
ALLOWED = 0.065  # alarms in worlds of clusters, and of other mixes
PRICES = {"big": (10.0, 5.0, 12.5, 30.0), "small": (1.0, 0.5, 1.25, 3.0)}  # US dollars per million tokens by kind


@dataclass(frozen=True, slots=True)
class World:
    """Calls with their task and cost and, where it matters, conversation, case and latency; all parallel."""

    task: list[str]
    costs: Floats
    sessions: list[bytes] | None = None
    cases: list[str | None] | None = None
    latency: Floats | None = None

    def log(self) -> gate.Log:
        more = {"session_key": self.sessions, "latency_ms": None if self.latency is None else self.latency.tolist()}
        rows = [
            {"task": task, "request_model": "model", **{name: each[row] for name, each in more.items() if each}}
            for row, task in enumerate(self.task)
        ]
        return gate.Log(from_rows(rows, []), self.costs, cases=self.cases)


Sides = tuple[World, World]
Draw = Callable[[np.random.Generator], Sides]


def rows(worlds: int) -> Iterator[Row]:
    yield from level_rows(worlds)
    yield from power_rows(max(worlds // 4, 1))
    yield from log_rows(max(worlds // 10, 1))
    yield mix_row(max(worlds // 2, 1))
    yield cluster_row(max(worlds // 2, 1))
    yield latency_row(max(worlds // 2, 1))
    yield from parts_rows(max(worlds // 10, 1))


def level_rows(worlds: int) -> Iterator[Row]:
    """No call is dearer than is allowed, but as dear as may be. The guard is the bound."""
    for allowed in (0.0, 0.05):
        results = checks(worlds, 27, _same(1 + allowed), max_increase=allowed)
        what = f"gate, 5 tasks, each {allowed:.0%} dearer, which is allowed: alarm of the whole check"
        yield within_alpha(what, _failed(results), "the bound", np.mean([_above(each, allowed) for each in results]))
    results = checks(worlds // 2, 28, _same(), max_increase=0.05)
    yield within_alpha("gate, 5 tasks, no change, 5% allowed: alarm of the whole check", _failed(results))
    for allowed in (0.0, 0.05):
        results = checks(worlds // 2, 29, _suite(1 + allowed), max_increase=allowed)
        what = f"gate, suite of {CASES} cases, {allowed:.0%} dearer, which is allowed: alarm"
        yield within_alpha(what, _failed(results))


def power_rows(worlds: int) -> Iterator[Row]:
    for again, allowed, demand in (
        (AGAIN, 0.0, POWER),
        (AGAIN, 0.05, POWER),
        (UNSTEADY, 0.0, POWER),
        (UNSTEADY, 0.05, 0),
    ):
        results = checks(worlds, 30, _suite(RISE, again), max_increase=allowed)
        what = (
            f"gate, suite of {CASES} cases, σ {SPREAD:g} between, {again} within, +10 %, {allowed:.0%} allowed: alarm"
        )
        yield Row(what, _failed(results), demand or -inf)


def log_rows(worlds: int) -> Iterator[Row]:
    """The same rise between two logs, for the record: other prompts, and so other costs, before and after."""
    for allowed in (0.0, 0.05):
        for calls in CALLS:
            results = checks(worlds, 31, _logs(calls), max_increase=allowed)
            what = f"gate, log against log, {calls:,} calls, σ {SPREAD:g}, +10 %, {allowed:.0%} allowed: alarm"
            yield Row(what, _failed(results))
            if _failed(results) >= POWER:
                break


def mix_row(worlds: int) -> Row:
    """Dear tasks have become more frequent, none has become dearer. The guard is the baseline's mix of tasks."""

    def draw(rng: np.random.Generator) -> Sides:
        return drawn(rng, MIX_BEFORE), drawn(rng, MIX_AFTER)

    found = _failed(checks(worlds, 25, draw, max_increase=0.0))
    mixed = _failed(checks(worlds, 25, lambda rng: _both(_mixed, draw(rng)), max_increase=0.0))
    return Row("gate, only the mix of tasks moved: alarm", found, 0, ALLOWED, "the baseline's mix", mixed)


def cluster_row(worlds: int) -> Row:
    """Conversations whose calls are alike, nothing has changed. The guard is that conversations are counted."""
    found = _failed(checks(worlds, 32, _talks, max_increase=0.0))
    alone = _failed(checks(worlds, 32, lambda rng: _both(_alone, _talks(rng)), max_increase=0.0))
    what = f"gate, 60 conversations of {TOGETHER} calls, ICC {CORRELATION}, no change: alarm"
    return Row(what, found, 0, ALLOWED, "conversations counted", alone)


def latency_row(worlds: int) -> Row:
    """Cost and 95th percentile are held together: they share the chance of a false alarm."""

    def draw(rng: np.random.Generator) -> Sides:
        before, after = _same()(rng)
        first, second = (1_000 * rng.lognormal(0, SPREAD, len(side.costs)) for side in (before, after))
        return replace(before, latency=first), replace(after, latency=second)

    results = checks(worlds, 33, draw, max_increase=0.0, max_latency_increase=0.0)
    return within_alpha("gate, 5 tasks, no change, cost and p95 held: alarm of the whole check", _failed(results))


def parts_rows(worlds: int) -> Iterator[Row]:
    error = max(map(_parts_error, range(worlds)))
    yield Row("parts of a change of the bill against the change: relative error", error, 0, 1e-9, percent=False)
    stray = max(map(_stray, range(worlds)))
    yield Row("another price list alone: largest part that is not price, US dollars", stray, 0, 0, percent=False)


def checked(before: World, after: World, **limits: Any) -> gate.CheckResult:
    base = gate.baseline(before.log(), stamp=STAMP, version="0")
    return gate.check(after.log(), base, GateSettings(**limits), STAMP, "0")


def checks(worlds: int, seed: int, draw: Draw, **limits: Any) -> list[gate.CheckResult]:
    rng = np.random.default_rng(seed)
    return [checked(*draw(rng), **limits) for _ in range(max(worlds, 1))]


def drawn(rng: np.random.Generator, counts: Mapping[str, int], spread: float = SPREAD, times: float = 1.0) -> World:
    costs = [times * TASKS[name] * rng.lognormal(0, spread, count) for name, count in counts.items()]
    return World([name for name, count in counts.items() for _ in range(count)], np.concatenate(costs))


def _failed(results: list[gate.CheckResult]) -> float:
    return float(np.mean([not result.passed for result in results]))


def _above(result: gate.CheckResult, allowed: float) -> bool:
    """Whether the point estimates would have alarmed: in total, or of a task."""
    changes = [result.diff.change, *(task.change for task in result.tasks)]
    return any(change is not None and change > allowed for change in changes)


def _same(times: float = 1.0) -> Draw:
    return lambda rng: (drawn(rng, COUNTS), drawn(rng, COUNTS, times=times))


def _logs(calls: int) -> Draw:
    return lambda rng: (drawn(rng, {"chat": calls}), drawn(rng, {"chat": calls}, times=RISE))


def _suite(times: float, again: float = AGAIN) -> Draw:
    """The same cases twice: they differ much from each other, a case differs little from itself."""

    def draw(rng: np.random.Generator) -> Sides:
        level = TASKS["chat"] * rng.lognormal(0, SPREAD, CASES)
        before, after = (level * rise * rng.lognormal(0, again, CASES) for rise in (1.0, times))
        names: list[str | None] = [f"case {case}" for case in range(CASES)]
        task = ["chat"] * CASES
        return World(task, before, cases=names), World(task, after, cases=names)

    return draw


def _talks(rng: np.random.Generator, talks: int = 60) -> Sides:
    def side() -> World:
        common = np.repeat(rng.normal(0, SPREAD * np.sqrt(CORRELATION), talks), TOGETHER)
        own = rng.normal(0, SPREAD * np.sqrt(1 - CORRELATION), talks * TOGETHER)
        sessions = [talk.to_bytes(16, "big") for talk in range(talks) for _ in range(TOGETHER)]
        return World(["chat"] * len(own), TASKS["chat"] * np.exp(common + own), sessions)

    return side(), side()


def _mixed(world: World) -> World:
    """The same calls, their tasks not told apart."""
    return replace(world, task=["all"] * len(world.task))


def _alone(world: World) -> World:
    """The same calls, as if each were a conversation of its own."""
    return replace(world, sessions=None)


def _both(change: Callable[[World], World], sides: Sides) -> Sides:
    return change(sides[0]), change(sides[1])


def _parts_error(seed: int) -> float:
    rng = np.random.default_rng([26, seed])
    before, after = (_priced(rng, rise) for rise in (1.0, float(rng.lognormal(0, 0.2))))
    change = float(after.cost_usd) - float(before.cost_usd)
    return abs(sum(part.usd for part in decompose(before, after)) - change) / abs(change)


def _stray(seed: int) -> float:
    """The same calls, dearer by a third."""
    before, after = (_priced(np.random.default_rng([34, seed]), rise) for rise in (1.0, 4 / 3))
    return max(abs(part.usd) for part in decompose(before, after) if part.factor != "price")


def _priced(rng: np.random.Generator, rise: float) -> gate.BaselineFile:
    """The baseline of a random log of tasks, models and tokens of all kinds."""
    calls = int(rng.integers(5, 60))
    task, model = rng.choice(list(TASKS), calls), rng.choice(list(PRICES), calls)
    tokens = rng.integers(0, 5_000, (calls, len(KINDS)))
    dollars = tokens * np.array([PRICES[name] for name in model]) * rise / 1e6
    rows = [
        {
            "task": name, "request_model": asked, "input_tokens": int(each[:3].sum()),
            "cache_read_tokens": int(each[1]), "cache_write_tokens": int(each[2]), "output_tokens": int(each[3]),
        }
        for name, asked, each in zip(task.tolist(), model.tolist(), tokens, strict=True)
    ]  # fmt: skip
    by_kind = dict(zip(KINDS, dollars.T, strict=True))
    log = gate.Log(from_rows(rows, []), dollars.sum(axis=1), by_kind)
    return gate.baseline(log, stamp=STAMP, version="0")
