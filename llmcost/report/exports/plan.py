"""The whole plan, for `llmcost.runtime` to run: models, cascades, caches, shorter prompts, batches."""

from __future__ import annotations

from llmcost.recommend.result import ReplayReport
from llmcost.report.json_text import to_json
from llmcost.serving.plan import Plan


def export_plan(report: ReplayReport, base_url: str | None = None) -> str:
    """`llmcost.plan/1`. It holds no key and no address; system prompts that were shortened are in it, and no others."""
    tasks = [task.choice.plan for task in report.tasks if task.choice.plan is not None]
    return to_json(Plan(report.llmcost_version, report.run, tasks))
