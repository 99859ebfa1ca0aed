"""What was replaced in logs: the counts, and none of the values."""

from __future__ import annotations

import msgspec


class RedactedFile(msgspec.Struct, frozen=True):
    """A log and where its copy lies; `left_out` records could not be read, and are not in the copy."""

    file: str
    output: str
    records: int
    left_out: int


class LeftOut(msgspec.Struct, frozen=True):
    """A record that could not be read."""

    file: str
    line: int
    reason: str


class RedactReport(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.redact/1"):
    """Logs that were copied with placeholders. `found`: distinct values by kind; the same value has one placeholder."""

    llmcost_version: str
    files: list[RedactedFile]
    found: dict[str, int]
    left_out: list[LeftOut] = []
