"""A check as continuous integration reads it: JUnit XML, GitHub's annotations, outputs and summary, a comment."""

from __future__ import annotations

from llmcost.report.ci.comment import COMMENT_MARK, comment
from llmcost.report.ci.github import outputs, summary, verdict, workflow_commands
from llmcost.report.ci.junit import junit

__all__ = ["COMMENT_MARK", "comment", "junit", "outputs", "summary", "verdict", "workflow_commands"]
