"""This log against a committed baseline: is a call certainly dearer, or its answer worse, than is allowed?"""

from __future__ import annotations

from llmcost.gate.baseline import baseline, read, to_text, write
from llmcost.gate.certified import RunFacts, Shown
from llmcost.gate.check import check
from llmcost.gate.measure import Log
from llmcost.gate.result import BaselineFile, CheckResult

__all__ = ["BaselineFile", "CheckResult", "Log", "RunFacts", "Shown", "baseline", "check", "read", "to_text", "write"]
