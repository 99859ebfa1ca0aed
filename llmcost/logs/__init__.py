"""Log files → (Calls, rejects); bodies on demand. One file a format family."""

from __future__ import annotations

from llmcost.logs.bodies import bodies
from llmcost.logs.files import expand, states
from llmcost.logs.index import Index
from llmcost.logs.model import MAPPABLE, Log, LogFormat, NotACall, ReadOptions, Reject
from llmcost.logs.parser import known_formats
from llmcost.logs.places import places
from llmcost.logs.reading import Progress, Readers, no_progress, raw_records, read

__all__ = [
    "MAPPABLE",
    "Index",
    "Log",
    "LogFormat",
    "NotACall",
    "Progress",
    "ReadOptions",
    "Readers",
    "Reject",
    "bodies",
    "expand",
    "known_formats",
    "no_progress",
    "places",
    "raw_records",
    "read",
    "states",
]
