"""Codex sessions (sessions/**/rollout-*.jsonl): every token count that the model's answer moved is a call.

| ours              | the `token_count` event, in info.last_token_usage                                            |
|-------------------|----------------------------------------------------------------------------------------------|
| input_tokens      | input_tokens: cache included                                                                 |
| cache_read_tokens | cached_input_tokens                                                                          |
| output_tokens     | output_tokens: reasoning included                                                            |
| reasoning_tokens  | reasoning_output_tokens                                                                      |

info.total_token_usage sums up the session and is never added: an event that repeats it repeats a call, and where the
last usage is missing it is the growth of the sum. The model, the effort and the directory stand in an earlier line, so
that a session is read in order. The system prompt and the tools of a request are not logged whole: its body is absent.
A call's time is when it was counted, at its end. A forked session opens with a copy of its ancestors' events under new
times: a call is told by the root of its forks and the counts of its event, and counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from llmcost.calls import Call
from llmcost.logs.envelope import Tags, mapped_facts
from llmcost.logs.exchange import Exchange, call_of
from llmcost.logs.model import PassedOver, ReadOptions, Record, RecordReader
from llmcost.logs.values import count

NO_CALL = "an event of a session that is no model call"
KINDS = frozenset({"session_meta", "turn_context", "response_item", "event_msg", "compacted"})
COUNTS = {
    "input_tokens": "input_tokens",
    "cached_input_tokens": "cache_read_tokens",
    "output_tokens": "output_tokens",
    "reasoning_output_tokens": "reasoning_tokens",
}
# Line → what it says of the calls after it: its key → ours.
CONTEXT = {
    "session_meta": {"model_provider": "provider", "cwd": "cwd", "cli_version": "version"},
    "turn_context": {"model": "model", "effort": "effort", "cwd": "cwd"},
}
TAGGED = ("cwd", "version", "effort")
TAGS = Tags(())

Usage = Mapping[str, Any]


class Codex:
    """Reads the sessions that Codex keeps, in order."""

    name: ClassVar[str] = "codex"
    title: ClassVar[str] = "Codex sessions"
    copies: ClassVar[bool] = True

    def detect(self, rows: Sequence[Record]) -> float:
        """The share of records that only such a session has."""
        return sum(map(_is_line, rows)) / len(rows) if rows else 0.0

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The call of one line alone, without what earlier lines say of it."""
        return self.reader().parse(record, options)

    def reader(self) -> RecordReader:
        """The state of one session: its model, and what has been counted."""
        return _Session()


class _Session:
    """What the lines so far say of the calls after them."""

    def __init__(self) -> None:
        self._context: dict[str, Any] = {}
        self._session: Any = None
        self._root: Any = None
        self._total: Usage | None = None

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The one call of a token count; any other line is remembered as far as it matters, and passed over."""
        payload = record.get("payload")
        if not isinstance(payload, dict):
            raise PassedOver(NO_CALL)
        if record.get("type") == "session_meta":
            self._open(payload)
        for key, ours in CONTEXT.get(str(record.get("type")), {}).items():
            self._context[ours] = payload.get(key)
        usage = self._counted(payload)
        if usage is None:
            raise PassedOver(NO_CALL)
        context = {name: value for name, value in self._context.items() if isinstance(value, str)}
        tags = TAGS.read({key: context[key] for key in TAGGED if key in context}, options)
        facts = {"start": record.get("timestamp"), "session": self._session, "id": self._identity(usage)}
        facts |= {name: context.get(name) for name in ("model", "provider")} | _counts(usage)
        return (call_of(record, Exchange(None, None), tags, options, mapped_facts(facts, record, options)),)

    def _open(self, meta: Record) -> None:
        """The first line of a file is of its own session; those that follow are of its ancestors, the root the last."""
        self._session = self._session or meta.get("id")
        self._root = meta.get("forked_from_id") or meta.get("id")

    def _identity(self, usage: Usage) -> str | None:
        if not isinstance(self._root, str):
            return None
        counts = [str(count(block.get(key)) or 0) for block in (self._total or {}, usage) for key in COUNTS]
        return f"{self._root}:{'-'.join(counts)}"

    def _counted(self, payload: Record) -> Usage | None:
        """The usage of the call that this event counts; None if it counts none, or one that was counted."""
        info = payload.get("info")
        if payload.get("type") != "token_count" or not isinstance(info, dict):
            return None
        total, last = info.get("total_token_usage"), info.get("last_token_usage")
        before, self._total = self._total, total if isinstance(total, dict) else self._total
        if isinstance(total, dict) and total == before:
            return None
        usage = last if isinstance(last, dict) else _growth(before, total)
        return usage if usage and any(count(usage.get(key)) for key in COUNTS) else None


def _counts(usage: Usage) -> dict[str, Any]:
    return {ours: usage[key] for key, ours in COUNTS.items() if key in usage}


def _growth(before: Usage | None, total: Any) -> Usage | None:
    if not isinstance(total, dict):
        return None
    earlier = before or {}
    return {
        key: max((count(total.get(key)) or 0) - (count(earlier.get(key)) or 0), 0) for key in COUNTS if key in total
    }


def _is_line(record: Record) -> bool:
    return record.get("type") in KINDS and isinstance(record.get("payload"), dict)
