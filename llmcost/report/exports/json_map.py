"""JSON: the model map, and the bill it was recommended for."""

from __future__ import annotations

from llmcost.recommend.result import ReplayReport
from llmcost.report.exports.mapping import model_map, without_credentials
from llmcost.report.json_text import to_json


def export_json(report: ReplayReport, base_url: str | None = None) -> str:
    """An object with model_map, bill (before, after, change) and where the figures come from."""
    bill = report.bill
    content = {
        "model_map": model_map(report),
        "base_url": None if base_url is None else without_credentials(base_url),
        "bill": {"before": bill.before, "after": bill.after, "change": bill.change, "quality": bill.quality},
        "run": report.run,
        "prices": report.prices,
        "llmcost_version": report.llmcost_version,
    }
    return to_json(content)
