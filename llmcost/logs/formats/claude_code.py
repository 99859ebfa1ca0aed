"""Claude Code sessions (projects/*/*.jsonl): a line an event; an assistant's line with a usage block is a call.

| ours               | the line                                                                                    |
|--------------------|---------------------------------------------------------------------------------------------|
| input_tokens       | message.usage.input_tokens, to which both kinds of cached input are added                   |
| cache_read_tokens  | message.usage.cache_read_input_tokens                                                       |
| cache_write_tokens | message.usage.cache_creation_input_tokens                                                   |
| cache_write_1h_…   | message.usage.cache_creation.ephemeral_1h_input_tokens, a part of those                     |
| output_tokens      | message.usage.output_tokens: thinking included                                              |

A message is written once for each of its blocks, with the output counted so far; a resumed session or a subagent's
file may hold it again. Copies share `message.id`: the fullest counts. Lines of subagents (`isSidechain`) are calls of
their own. A session holds neither system prompt nor tools, so that its calls have no body to replay.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from llmcost.calls import Call
from llmcost.logs.envelope import Tags, mapped_facts
from llmcost.logs.exchange import Exchange, call_of
from llmcost.logs.model import PassedOver, ReadOptions, Record
from llmcost.logs.paths import FieldMap

NO_CALL = "an event of a session that is no model call"
SYNTHETIC = "<synthetic>"
KINDS = frozenset({"user", "assistant", "system", "progress", "attachment"})
# Lines that name no session, by a second key that tells them from other logs.
ASIDE = {"summary": "leafUuid", "file-history-snapshot": "snapshot", "queue-operation": "operation"}
FIELDS = FieldMap(
    {
        "id": ("message.id",),
        "model": ("message.model",),
        "response_model": ("message.model",),
        "start": ("timestamp",),
        "session": ("sessionId",),
        "usage": ("message.usage",),
        "service_tier": ("message.usage.service_tier",),
        "finish_reason": ("message.stop_reason",),
        "cost": ("costUSD",),
    }
)
TAGGED = ("cwd", "gitBranch", "isSidechain", "version")
TAGS = Tags(())


class ClaudeCode:
    """Reads the sessions that Claude Code keeps; copies of one message count once."""

    name: ClassVar[str] = "claude-code"
    title: ClassVar[str] = "Claude Code sessions"
    copies: ClassVar[bool] = True

    def detect(self, rows: Sequence[Record]) -> float:
        """The share of records that only such a session has."""
        return sum(map(_is_event, rows)) / len(rows) if rows else 0.0

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The one call of an assistant's line; any other line is passed over."""
        message = record.get("message")
        if record.get("type") != "assistant" or not isinstance(message, dict):
            raise PassedOver(NO_CALL)
        if not isinstance(message.get("usage"), dict) or message.get("model") == SYNTHETIC:
            raise PassedOver(NO_CALL)
        tags = TAGS.read({key: record[key] for key in TAGGED if key in record}, options)
        facts: dict[str, Any] = {"provider": "anthropic", "stream": True, **FIELDS.find(record)}
        said = Exchange(None, {"role": "assistant"})
        return (call_of(record, said, tags, options, mapped_facts(facts, record, options)),)


def _is_event(record: Record) -> bool:
    kind = record.get("type")
    if kind in ASIDE:
        return ASIDE[kind] in record
    return isinstance(record.get("sessionId"), str) and (kind in KINDS or "uuid" in record or "leafUuid" in record)
