"""JSON: results are their own contract, written as they are."""

from __future__ import annotations

from typing import Any

import msgspec

from llmcost.report.untrusted import escape_json


def to_json(result: msgspec.Struct | dict[str, Any]) -> str:
    """The result as indented JSON with a final newline; harmless to print, the same to a parser."""
    return escape_json(msgspec.json.format(msgspec.json.encode(result), indent=2).decode()) + "\n"
