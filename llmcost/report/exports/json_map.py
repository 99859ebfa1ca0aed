"""JSON: the model map, and the bill it was recommended for."""

from __future__ import annotations

from llmcost.report.exports.mapping import model_map, without_credentials
from llmcost.report.exports.source import Source
from llmcost.report.json_text import to_json


def export_json(source: Source) -> str:
    """An object with model_map, bill (before, after, change) and where the figures come from."""
    report, bill = source.report, source.report.bill
    content = {
        "model_map": model_map(report),
        "base_url": None if source.base_url is None else without_credentials(source.base_url),
        "bill": {"before": bill.before, "after": bill.after, "change": bill.change, "quality": bill.quality},
        "run": report.run,
        "prices": report.prices,
        "llmcost_version": report.llmcost_version,
    }
    return to_json(content)
