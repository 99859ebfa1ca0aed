"""Which model each task uses from now on, and where it is asked."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from llmcost.recommend.result import ReplayReport, TaskReport
from llmcost.report.screens.verdicts import switched


def model_map(report: ReplayReport) -> dict[str, str]:
    """Task → model: the candidate where one has passed, today's model everywhere else."""
    return {task.task: _model(task) for task in report.tasks}


def switches(report: ReplayReport) -> int:
    """How many tasks change their model."""
    return sum(map(switched, report.tasks))


def without_credentials(url: str) -> str:
    """The URL without user, password, query or fragment: an export may be committed."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _model(task: TaskReport) -> str:
    return task.choice.model if switched(task) else task.incumbent.model
