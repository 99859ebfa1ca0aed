"""The audit: calls and what they cost → AuditResult."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from llmcost.audit import findings, spend
from llmcost.audit.call_sites import call_sites
from llmcost.audit.drift import cost_drift
from llmcost.audit.exemplars import Bodies, Exemplars
from llmcost.audit.findings.scene import Scene
from llmcost.audit.groups import Floats
from llmcost.audit.ledger import ledger
from llmcost.audit.result import AuditResult, SourceSummary
from llmcost.audit.savings import Stack
from llmcost.audit.ttl import ttl_seconds
from llmcost.calls import Calls
from llmcost.config import AuditSettings, Kind
from llmcost.pricing import PriceBook, price
from llmcost.strategies import CachePolicy

NO_KINDS: Mapping[str, Kind] = MappingProxyType({})


def audit(  # noqa: PLR0913  one parameter a choice
    calls: Calls,
    *,
    book: PriceBook,
    costs: Floats,
    source: SourceSummary,
    settings: AuditSettings,
    version: str,
    bodies: Bodies,
    by: Sequence[str] = (),
    kinds: Mapping[str, Kind] = NO_KINDS,
) -> AuditResult:
    """Where the money of these calls went and what could be saved.

    `costs` are dollars a call from `pricing.costs` in the settings' `cost_mode` (NaN: unknown), `by` what to break the
    bill down by as well: tag keys and built-in dimensions (`dimensions.BUILTIN`).
    `kinds` are kinds of call sites or tasks that the configuration fixes, by name or glob.
    `bodies` reads the bodies of calls (`logs.bodies`), of which a few a call site are looked at.
    Latencies are of answered calls, quantiles interpolated linearly; a month is 30.4375 days. Raises ConfigError for a
    field that is neither a dimension nor a tag of the log, and for a `settings.cache_ttl` that is no duration.
    """
    listed = None if settings.cost_mode == "computed" else price(calls, book)
    entries = ledger(calls, costs, listed)
    exemplars = Exemplars(calls, entries.costs, bodies)
    stack = Stack(entries, book, CachePolicy(ttl_seconds(settings.cache_ttl)), settings.compare, exemplars)
    scene = Scene(entries, book, settings, stack, exemplars)
    found, potential = findings.find(scene)
    sites = call_sites(entries, exemplars, stack, kinds)
    kind_of = {site.call_site: site.kind for site in sites}
    return AuditResult(
        llmcost_version=version,
        prices=book.stamp,
        source=source,
        span=entries.span,
        totals=spend.totals(entries),
        by_task=spend.by_task(entries),
        by_model=spend.by_model(entries),
        by_day=spend.by_day(entries),
        by_tag={field: spend.by_field(entries, field, settings.top_tag_values, kind_of) for field in by},
        unpriced_models=spend.unpriced_models(entries),
        findings=found,
        potential=potential,
        cost_mode=settings.cost_mode,
        cost_drift=cost_drift(entries),
        call_sites=sites,
    )
