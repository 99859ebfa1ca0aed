"""Personal data and keys in texts → placeholders such as <EMAIL_1>, and back again.

hidden = hide(body, finder())        # what is sent
answer = reveal(answer, hidden.names)  # what is graded
"""

from __future__ import annotations

from llmcost.redaction.answers import conceal, reveal
from llmcost.redaction.bodies import Hidden, hide, hide_json, hide_text
from llmcost.redaction.detectors import KINDS
from llmcost.redaction.finder import Finder, finder
from llmcost.redaction.found import Detector, Found
from llmcost.redaction.names import Names

__all__ = [
    "KINDS",
    "Detector",
    "Finder",
    "Found",
    "Hidden",
    "Names",
    "conceal",
    "finder",
    "hide",
    "hide_json",
    "hide_text",
    "reveal",
]
