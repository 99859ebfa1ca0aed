"""The whole plan, for `llmcost.runtime` to run: models, cascades, caches, shorter prompts, batches."""

from __future__ import annotations

from llmcost.report.exports.source import Source
from llmcost.report.json_text import to_json
from llmcost.serving.plan import Plan


def export_plan(source: Source) -> str:
    """`llmcost.plan/1`. It holds no key and no address; system prompts that were shortened are in it, and no others."""
    report = source.report
    tasks = [task.choice.plan for task in report.tasks if task.choice.plan is not None]
    return to_json(Plan(report.llmcost_version, report.run, tasks))
