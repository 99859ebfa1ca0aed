"""What the user may say about a log, what reading one gives back, and what a log format is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Protocol, runtime_checkable

from llmcost.calls import Call, Calls
from llmcost.errors import ConfigError

Record = dict[str, Any]

MAPPABLE = (
    "model", "messages", "prompt", "response", "input_tokens", "output_tokens", "cache_read_tokens",
    "reasoning_tokens", "timestamp", "latency_ms", "task", "user", "session", "id", "error", "cost_usd", "expected",
    "sampling_fraction",
)  # fmt: skip


class NotACall(Exception):  # noqa: N818 - an answer to "which call is this?", not a failure of the program
    """Raised by a format for a record that holds no LLM call; its text is the reason that the user reads."""


class PassedOver(NotACall):
    """Raised for a record that belongs to such a log and is rightly no call: an agent's span, a user's turn."""


Side = Literal["call", "request", "answer"]
CALL_FIELDS = tuple(item.name for item in fields(Call))
SIDES: tuple[Side, ...] = ("call", "request", "answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPart(Call):
    """One of several records of a call; those with one `key` are joined once all files are read (llmcost.logs.joins).

    side   call: what it cost and how it ended, and so the call itself; request: what was asked; answer: what was said
    """

    key: str
    side: Side

    @classmethod
    def of(cls, call: Call, form: str, key: Any, side: Side) -> Call:
        """The same call, as one side of the call that this key has in a log of this format; itself without a key."""
        if key is None or key == "":
            return call
        return cls(**{name: getattr(call, name) for name in CALL_FIELDS}, key=f"{form}:{key}", side=side)

    def alone(self, **changed: Any) -> Call:
        """The call without what makes it a part, and with these fields changed."""
        return Call(**{name: getattr(self, name) for name in CALL_FIELDS} | changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How to read a log whose shape is not recognised.

    fields           field name → dotted path in the record, as in `--map user=ctx.tenant`; of sampling_fraction also
                     the fraction itself, for a log that does not say that it is a sample
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
    """What was read: records = those with calls + passed over + rejected; `rejects` holds the first few rejected.

    Passed over are records that hold no call of their own, and copies and parts of a call that is counted elsewhere.
    """

    calls: Calls
    records: int
    rejected: int
    rejects: list[Reject]
    formats: list[str]
    files: list[str]
    passed_over: int = 0


class LogFormat(Protocol):
    """A shape of log record: recognises it, and reads the calls in it."""

    @property
    def name(self) -> str:
        """The short name, as in `--input-format` and in the table's sources."""

    @property
    def title(self) -> str:
        """The name a reader knows it by."""

    def detect(self, rows: Sequence[Record]) -> float:
        """The share of these records that surely have this shape, 0 to 1."""

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The calls of one record alone; raises NotACall with the reason if it holds none, PassedOver if rightly so."""


class RecordReader(Protocol):
    """Reads the records of one file in their order, and remembers what the later ones need of the earlier."""

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The calls of the next record; raises as `LogFormat.parse` does."""


@runtime_checkable
class SequentialFormat(LogFormat, Protocol):
    """A log format whose records lean on earlier ones, such as a session that names its model once.

    A file of it is read from its start and never in pieces; for its bodies it is read from the start again.
    """

    def reader(self) -> RecordReader:
        """What reads one file: asked for anew for each."""


@runtime_checkable
class RepeatingFormat(LogFormat, Protocol):
    """A log format that writes a call down several times under one id, in one file or in several.

    The fullest of the copies counts: most output tokens, then one that has its body, then the first one read.
    """

    @property
    def copies(self) -> bool:
        """Whether calls of one id are copies of one call."""
