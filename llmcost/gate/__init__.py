"""This log against a committed baseline: has the cost per call got worse than allowed?"""

from __future__ import annotations

from llmcost.gate.baseline import baseline, read, to_text, write
from llmcost.gate.check import check
from llmcost.gate.result import BaselineFile, CheckResult

__all__ = ["BaselineFile", "CheckResult", "baseline", "check", "read", "to_text", "write"]
