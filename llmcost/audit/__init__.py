"""Where the money goes, what is wasted, what could be saved: from the log alone."""

from llmcost.audit.audit import audit
from llmcost.audit.findings import ttl_seconds
from llmcost.audit.groups import exact_sum, latency_quantiles, quantiles
from llmcost.audit.ledger import monthly, span_days
from llmcost.audit.result import AuditResult

__all__ = [
    "AuditResult",
    "audit",
    "exact_sum",
    "latency_quantiles",
    "monthly",
    "quantiles",
    "span_days",
    "ttl_seconds",
]
