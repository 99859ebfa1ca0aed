"""With how many examples a law is tried that takes long: the same 25 every time, or as many others as are asked for.

    LLMCOST_TEST_EXAMPLES=1000 python -m pytest tests/strategies

A fault that shows in one example of ten escapes 25 of them with a chance of 0.9²⁵ = 7 %, one of four with 0.08 %. Laws
that cost nothing keep more; odd input, where what is wrong may be rare, is tried with four times as many.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

ASKED_FOR = os.environ.get("LLMCOST_TEST_EXAMPLES")
EXAMPLES = int(ASKED_FOR or 25)

costly = settings(max_examples=EXAMPLES, deadline=None, derandomize=ASKED_FOR is None)
odd = settings(costly, max_examples=4 * EXAMPLES, suppress_health_check=list(HealthCheck))
