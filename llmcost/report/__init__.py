"""Results → Document → terminal, markdown, HTML, CSV; exports for other tools."""

from __future__ import annotations

from llmcost.report.document import Document
from llmcost.report.exports import Exporter, exporters
from llmcost.report.json_text import to_json
from llmcost.report.renderers import Renderer, html_fragment, renderers
from llmcost.report.screens import (
    audit_document,
    check_document,
    estimate_document,
    explain_document,
    kinds_document,
    label_export_document,
    label_import_document,
    monitor_document,
    prices_document,
    replay_document,
    simulate_document,
)

__all__ = [
    "Document",
    "Exporter",
    "Renderer",
    "audit_document",
    "check_document",
    "estimate_document",
    "explain_document",
    "exporters",
    "html_fragment",
    "kinds_document",
    "label_export_document",
    "label_import_document",
    "monitor_document",
    "prices_document",
    "renderers",
    "replay_document",
    "simulate_document",
    "to_json",
]
