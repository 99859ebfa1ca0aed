"""Log files → (Calls, rejects); bodies on demand. One file a format family."""

from __future__ import annotations

from llmcost.logs.bodies import bodies
from llmcost.logs.model import MAPPABLE, Log, LogFormat, NotACall, ReadOptions, Reject
from llmcost.logs.reading import known_formats, read

__all__ = ["MAPPABLE", "Log", "LogFormat", "NotACall", "ReadOptions", "Reject", "bodies", "known_formats", "read"]
