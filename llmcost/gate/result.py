"""Baseline file and CheckResult: the contracts `llmcost.baseline/1` and `llmcost.check/1`."""

from __future__ import annotations

from typing import Literal

import msgspec

from llmcost.pricing.result import PriceStamp


class ModelUse(msgspec.Struct, frozen=True):
    """What the priced calls of one task to one model used and cost, by kind of token; US dollars as decimal strings.

    Each token is of one kind: `input` is what no cache had. `other_usd` is the cost of calls that no tokens explain.
    """

    model: str
    calls: int
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    input_usd: str
    cache_read_usd: str
    cache_write_usd: str
    output_usd: str
    other_usd: str


class BaselineTask(msgspec.Struct, frozen=True):
    """One task of a baseline. Money is a decimal string, so that a diff in git reads well.

    task      the user's own name for it; of a task that is known by its call site, the site's fingerprint alone
    cost_usd  what the priced calls cost together; cost_per_call_usd is None where no call has a known cost
    units     independent units among the priced calls (conversations, distinct prompts), of which cost_error_usd and
              tokens_error, the standard errors of the means, are made; None: too few for one
    latency_error   standard error of the logarithm of the 95th percentile
    models    every model asked for ("gpt-5@low": and how hard it was to think), without a known cost as well
    cases     of a suite: key of a case → what asking it once costs, all of its steps
    """

    task: str
    calls: int
    failed_calls: int
    unknown_calls: int
    priced_calls: int
    cost_usd: str
    cost_per_call_usd: str | None
    cost_error_usd: str | None
    units: int
    tokens_per_call: str | None
    tokens_error: str | None
    latency_p95_ms: str | None
    latency_error: str | None
    models: list[str]
    usage: list[ModelUse]
    cases: dict[str, str] = {}


class BaselineFile(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.baseline/2"):
    """What was normal: small, committed, no prompt text."""

    llmcost_version: str
    prices: PriceStamp
    calls: int
    cost_usd: str
    tasks: list[BaselineTask]


class CheckTotals(msgspec.Struct, frozen=True):
    """One side of a comparison: costs at the baseline's task mix."""

    calls: int
    priced_calls: int
    cost_usd: float | None
    cost_per_call_usd: float | None


class CheckDiff(msgspec.Struct, frozen=True):
    """current against past at the baseline's task mix; `change` is relative."""

    cost_per_call_usd: float | None
    change: float | None


class TaskCheck(msgspec.Struct, frozen=True):
    """One task then and now. lower_bound: the least `change` that is certain, as the check counts; None: unknown."""

    task: str
    past_calls: int
    current_calls: int
    past_cost_per_call_usd: float | None
    current_cost_per_call_usd: float | None
    change: float | None
    lower_bound: float | None
    regressed: bool
    new_models: list[str]


Held = Literal[
    "comparable",
    "cost_per_call",
    "cost_usd",
    "task_cost_per_call",
    "tokens_per_call",
    "latency_p95",
    "unknown_cost",
    "new_model",
    "unpriced_model",
    "unknown_task",
    "quality",
]
Unit = Literal["usd", "tokens", "ms", "share", "calls"]


class Rule(msgspec.Struct, frozen=True):
    """One threshold that was held against the log, of a task or (task None) of all calls together.

    past, current  in the rule's unit; None: unknown, or nothing to compare
    change         relative to the past      lower_bound  the least change that is certain at the check's confidence
    allowed        the largest change (a share), or amount in the rule's unit, that passes; None: none is set
    outcome        "failed" fails the check; "warned" is said and fails nothing; "unsure" is more than allowed, but
                   not certainly: it passes
    said           all of it in a sentence
    """

    rule: Held
    task: str | None
    outcome: Literal["passed", "failed", "warned", "unsure"]
    said: str
    unit: Unit = "usd"
    past: float | None = None
    current: float | None = None
    change: float | None = None
    lower_bound: float | None = None
    allowed: float | None = None


FactorName = Literal["volume", "task_mix", "model_mix", "input_tokens", "output_tokens", "price"]


class Factor(msgspec.Struct, frozen=True):
    """A part of the change of the bill."""

    factor: FactorName
    usd: float


class CheckResult(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.check/1"):
    """Whether the bill got worse than allowed, and where. `reasons` say why it failed; `notes` what else changed."""

    llmcost_version: str
    prices: PriceStamp
    passed: bool
    reasons: list[str]
    max_increase: float
    past: CheckTotals
    current: CheckTotals
    diff: CheckDiff
    tasks: list[TaskCheck]
    decomposition: list[Factor]
    notes: list[str]
    paired: bool = False  # the same prompts before and after, instead of two logs at the baseline's mix
    pair_by: str | None = None  # the tag that names a case; None: what the user said in it does
    confidence: float = 0.95  # that no rule fails by chance
    rules: list[Rule] = []  # every threshold that was held, those that failed first
    changed: bool = True  # False: nothing is worth a line; a comment may stay away
