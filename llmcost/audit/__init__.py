"""Where the money goes, what is wasted, what could be saved: from the log alone."""

from llmcost.audit.audit import audit
from llmcost.audit.groups import latency_quantiles, money_sum, money_sums, quantiles
from llmcost.audit.ledger import monthly, span_days
from llmcost.audit.result import AuditResult
from llmcost.audit.ttl import ttl_seconds

__all__ = [
    "AuditResult",
    "audit",
    "latency_quantiles",
    "money_sum",
    "money_sums",
    "monthly",
    "quantiles",
    "span_days",
    "ttl_seconds",
]
