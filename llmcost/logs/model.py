"""What the user may say about a log, what reading one gives back, and what a log format is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from llmcost.calls import Call, Calls
from llmcost.errors import ConfigError

Record = dict[str, Any]

MAPPABLE = (
    "model", "messages", "prompt", "response", "input_tokens", "output_tokens", "cache_read_tokens",
    "reasoning_tokens", "timestamp", "latency_ms", "task", "user", "session", "id", "error", "cost_usd", "expected",
)  # fmt: skip


class NotACall(Exception):  # noqa: N818 - an answer to "which call is this?", not a failure of the program
    """Raised by a format for a record that holds no LLM call; its text is the reason that the user reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How to read a log whose shape is not recognised.

    fields           field name → dotted path in the record, as in `--map user=ctx.tenant`
    expected_field   path of the expected answer; by default the usual places are searched
    format           read every record as this format instead of detecting it
    estimate_tokens  count calls without usage as one token per four bytes of text, marked as estimated
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    expected_field: str | None = None
    format: str | None = None
    estimate_tokens: bool = False

    def __post_init__(self) -> None:
        for name in self.fields:
            if name not in MAPPABLE:
                raise ConfigError(f"cannot map {name!r}: no such field", f"fields are: {', '.join(MAPPABLE)}")


@dataclass(frozen=True, slots=True)
class Reject:
    """One record that is no call: where it stands (line, or record number) and why."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Log:
    """What was read: records = calls + rejected; `rejects` holds the first few of the rejected."""

    calls: Calls
    records: int
    rejected: int
    rejects: list[Reject]
    formats: list[str]
    files: list[str]


class LogFormat(Protocol):
    """A shape of log record: recognises it, and reads the calls in it."""

    @property
    def name(self) -> str:
        """The short name, as in `--format-in` and in the table's sources."""

    @property
    def title(self) -> str:
        """The name a reader knows it by."""

    def detect(self, rows: Sequence[Record]) -> float:
        """The share of these records that surely have this shape, 0 to 1."""

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The calls of one record; raises NotACall with the reason if it holds none."""
