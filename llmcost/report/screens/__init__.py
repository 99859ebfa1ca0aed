"""Results → Document: what each screen says, in which order. Nothing here knows how it will be drawn."""

from __future__ import annotations

from llmcost.report.screens.audit import audit_document
from llmcost.report.screens.check import check_document
from llmcost.report.screens.estimate import estimate_document
from llmcost.report.screens.explain import explain_document, kinds_document
from llmcost.report.screens.label import label_export_document, label_import_document
from llmcost.report.screens.monitor import monitor_document
from llmcost.report.screens.prices import prices_document
from llmcost.report.screens.purge import purge_document
from llmcost.report.screens.redact import redact_document
from llmcost.report.screens.replay import replay_document
from llmcost.report.screens.simulate import simulate_document

__all__ = [
    "audit_document",
    "check_document",
    "estimate_document",
    "explain_document",
    "kinds_document",
    "label_export_document",
    "label_import_document",
    "monitor_document",
    "prices_document",
    "purge_document",
    "redact_document",
    "replay_document",
    "simulate_document",
]
