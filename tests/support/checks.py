"""Checks of the gate, one of each kind of outcome, made by the gate itself from small logs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from llmcost import gate
from llmcost.calls import from_rows
from llmcost.config import GateSettings
from llmcost.gate import CheckResult, RunFacts, Shown
from llmcost.pricing.result import PriceStamp

STAMP = PriceStamp("2026-11-20", "0123456789abcdef" * 4)
PRICES = {"gpt-4o": (2.5e-6, 1e-5), "gpt-5.2": (1.75e-6, 1.4e-5), "gpt-4o-mini": (1.5e-7, 6e-7)}
Rows = list[tuple[str, str, int, int]]  # task, model, input tokens, output tokens


def rows(task: str, model: str, calls: int, tokens: int, answer: int) -> Rows:
    """Calls of one task whose lengths differ as much as those of real traffic do."""
    chance = np.random.default_rng(len(task) + calls)
    lengths = zip(chance.lognormal(0, 0.5, calls), chance.lognormal(0, 0.3, calls), strict=True)
    return [(task, model, round(tokens * a), round(answer * b)) for a, b in lengths]


def log(calls: Rows) -> gate.Log:
    table = from_rows(
        [
            {"task": t, "request_model": m, "input_tokens": i, "output_tokens": o, "latency_ms": 900.0 + o}
            for t, m, i, o in calls
        ],
        [],
    )
    prices = np.array([PRICES.get(model, (np.nan, np.nan)) for _, model, _, _ in calls])
    tokens = np.array([(i, o) for *_, i, o in calls], dtype=float)
    dollars = tokens * prices
    nothing = np.zeros(len(calls))
    by_kind = {"input": dollars[:, 0], "cache_read": nothing, "cache_write": nothing, "output": dollars[:, 1]}
    return gate.Log(table, dollars.sum(axis=1), by_kind)


MONTH = (
    rows("summarize", "gpt-4o", 600, 4_000, 300)
    + rows("support chat", "gpt-4o", 900, 800, 200)
    + rows("classify", "gpt-4o-mini", 700, 300, 5)
)


def checked(now: Rows, before: Rows = MONTH, run: RunFacts | None = None, **limits: object) -> CheckResult:
    base = gate.baseline(log(before), stamp=STAMP, version="0.1.0")
    return gate.check(log(now), base, GateSettings(**limits), STAMP, "0.1.0", run)  # type: ignore[arg-type]


def longer(task: str, times: float) -> Rows:
    return [(t, m, i, round(o * times) if t == task else o) for t, m, i, o in MONTH]


def moved(task: str, model: str) -> Rows:
    return [(t, model if t == task else m, i, o) for t, m, i, o in MONTH]


HOSTILE = "::error::x]]>\x1b[2J<script>alert(1)</script>\n::set-output name=a::b|=cmd() ##[add-mask]a @all"
RUN = RunFacts("3f9a", [Shown("support chat", "gpt-4o-mini", "INCONCLUSIVE", None, 0.05)], 0.012)

_MAKERS: dict[str, Callable[[], CheckResult]] = {
    "unchanged": lambda: checked(MONTH),
    "warned": lambda: checked([*moved("classify", "gpt-5.2")[:0], *MONTH, *rows("search", "gpt-4o-mini", 512, 90, 20)]),
    "total": lambda: checked(longer("summarize", 4)),
    "quality": lambda: checked(
        longer("summarize", 1.6)[:600] + moved("support chat", "gpt-4o-mini")[600:], run=RUN, quality=0.02
    ),
    "unsure": lambda: checked(longer("summarize", 1.3)[:300] + longer("summarize", 1.3)[600:], max_increase=0.0),
    "hostile": lambda: checked(
        [(HOSTILE if t == "classify" else t, HOSTILE if t == "summarize" else m, i, o) for t, m, i, o in MONTH]
    ),
}

CHECKS = {name: cache(make) for name, make in _MAKERS.items()}
