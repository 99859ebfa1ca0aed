"""The audit: calls and what they cost → AuditResult."""

from __future__ import annotations

from collections.abc import Sequence

from llmcost.audit import findings, spend
from llmcost.audit.groups import Floats
from llmcost.audit.ledger import ledger
from llmcost.audit.result import AuditResult, SourceSummary
from llmcost.calls import Calls
from llmcost.config import AuditSettings
from llmcost.pricing import PriceBook


def audit(
    calls: Calls,
    *,
    book: PriceBook,
    costs: Floats,
    source: SourceSummary,
    settings: AuditSettings,
    version: str,
    tags: Sequence[str] = (),
) -> AuditResult:
    """Where the money of these calls went and what could be saved.

    `costs` are dollars a call from `pricing.price` (NaN: unknown), `tags` the tag keys to break the bill down by.
    Latencies are of answered calls, quantiles interpolated linearly; a month is 30.4375 days. Raises ConfigError for a
    tag that no call carries and for a `settings.cache_ttl` that is no duration.
    """
    entries = ledger(calls, costs)
    found, potential = findings.find(entries, book, settings)
    return AuditResult(
        llmcost_version=version,
        prices=book.stamp,
        source=source,
        span=entries.span,
        totals=spend.totals(entries),
        by_task=spend.by_task(entries),
        by_model=spend.by_model(entries),
        by_day=spend.by_day(entries),
        by_tag={tag: spend.by_tag(entries, tag, settings.top_tag_values) for tag in tags},
        unpriced_models=spend.unpriced_models(entries),
        findings=found,
        potential=potential,
    )
