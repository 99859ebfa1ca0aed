"""AuditResult: the contract `llmcost.audit/1`. Add fields freely; rename or drop only with a new schema number.

Money is US dollars, latencies are milliseconds, rates are shares in 0–1, times ISO-8601 UTC, unknown is None.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from llmcost.config import CostMode
from llmcost.pricing.result import PriceStamp

Basis = Literal["no_answer_change", "potential", "measured"]


class Reject(msgspec.Struct, frozen=True):
    """One record that could not be read: where it stands and why."""

    file: str
    line: int
    reason: str


class SourceSummary(msgspec.Struct, frozen=True):
    """What was read: records = calls + outside + passed_over + rejected.

    outside      calls that started outside the asked time
    passed_over  records that are no call of their own: copies, parents of a call, parts joined to another record
    """

    files: list[str]
    format: list[str]
    records: int
    rejected: int
    rejects: list[Reject]
    outside: int = 0
    passed_over: int = 0


class Span(msgspec.Struct, frozen=True):
    """First and last call; days counts whole and part days between them."""

    start: str | None
    end: str | None
    days: float | None


class Totals(msgspec.Struct, frozen=True):
    """The log in one row. calls = answered_calls + failed_calls; priced + unpriced + unmetered = calls.

    logged_calls   rows that were read: fewer than the calls where the log is a sample, which all figures are scaled by
    sampled_calls  of them, those that stand for more calls than one; 0: nothing is scaled
    """

    calls: int
    answered_calls: int
    failed_calls: int
    priced_calls: int
    unpriced_calls: int  # tokens known, price not
    unmetered_calls: int  # tokens not known
    input_tokens: int | None
    cache_read_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: float | None
    failed_cost_usd: float | None
    logged_cost_usd: float | None
    monthly_usd: float | None
    cost_per_call_usd: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    estimated_token_calls: int
    logged_calls: int | None = None
    sampled_calls: int = 0


class SpendRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of a spend table; exactly one of task, model, day, tag names it."""

    calls: int
    priced_calls: int
    failed_calls: int
    input_tokens: int | None
    cache_read_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: float | None
    share: float | None
    cost_per_call_usd: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    task: str | msgspec.UnsetType = msgspec.UNSET
    model: str | msgspec.UnsetType = msgspec.UNSET
    day: str | msgspec.UnsetType = msgspec.UNSET
    tag: str | msgspec.UnsetType = msgspec.UNSET
    models: list[str] | msgspec.UnsetType = msgspec.UNSET


class UnpricedModel(msgspec.Struct, frozen=True):
    """A model no price is known for, with its calls and their share of all calls."""

    model: str
    calls: int
    share: float


class Finding(msgspec.Struct, frozen=True):
    """Something that costs money, what it costs, and what to do. usd_per_month is None for logs under 7 days."""

    id: str
    kind: str
    title: str
    task: str | None
    calls: int
    usd_per_month: float | None
    usd_logged: float | None
    basis: Basis
    evidence: str
    remedy: str


class PotentialTotal(msgspec.Struct, frozen=True):
    """What a bill could lose: `usd_logged` of the logged spend; never a sum of stand-alone findings."""

    usd_logged: float | None
    usd_per_month: float | None
    findings: list[str]


class Potential(msgspec.Struct, frozen=True):
    """Two totals that are never mixed: no answer changes; and if everything untested passed (do not quote)."""

    no_answer_change: PotentialTotal
    if_untested_passed: PotentialTotal


class CallSite(msgspec.Struct, frozen=True):
    """One place of the customer's code that makes calls: what it does, what it costs, what it sends every time.

    kind              chat, classification, extraction, code, summarization, translation, reasoning, agent step,
                      embedding or other; `kind_evidence` says why, strongest first
    share             of the bill                models   by calls, most first
    static_tokens     tokens a call of the text that all its prompts share, estimated (~); None: too few prompts seen
    static_share      of its input tokens        static_usd_per_year  what sending it costs; None: log under 7 days
    variants          different prompts seen in its log
    name              as a model named it; `named_by` says which. None: it was not asked
    """

    call_site: str
    task: str
    kind: str
    kind_evidence: list[str]
    calls: int
    cost_usd: float | None
    share: float | None
    models: list[str]
    static_tokens: int | None
    static_share: float | None
    static_usd_per_year: float | None
    variants: int | None = None
    name: str | None = None
    named_by: str | None = None


class ModelDrift(msgspec.Struct, frozen=True):
    """One model, as its provider sells it: what its log says it cost, and what the price list makes of its tokens."""

    model: str  # provider/model, or the model where the log names no provider
    calls: int
    logged_usd: float
    computed_usd: float
    ratio: float | None  # logged / computed; None: the price list says that it is free


class CostDrift(msgspec.Struct, frozen=True):
    """Logged costs against computed ones, over the calls that have both; models with most dollars apart first."""

    calls: int
    logged_usd: float
    computed_usd: float
    by_model: list[ModelDrift]


class AuditResult(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.audit/1"):
    """Where the money goes, what is wasted, what could be saved."""

    llmcost_version: str
    prices: PriceStamp
    source: SourceSummary
    span: Span
    totals: Totals
    by_task: list[SpendRow]
    by_model: list[SpendRow]
    by_day: list[SpendRow]
    by_tag: dict[str, list[SpendRow]]
    unpriced_models: list[UnpricedModel]
    findings: list[Finding]
    potential: Potential
    call_sites: list[CallSite] = []
    cost_mode: CostMode = "computed"
    cost_drift: CostDrift | None = None
