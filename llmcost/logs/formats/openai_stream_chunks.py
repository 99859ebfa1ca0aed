"""Chunks of OpenAI's streamed answers, one a record: those of one `id` are one call.

| ours              | the chunk that counts, the last one where `stream_options.include_usage` was asked for        |
|-------------------|----------------------------------------------------------------------------------------------|
| input_tokens      | usage.prompt_tokens: cache included                                                          |
| cache_read_tokens | usage.prompt_tokens_details.cached_tokens                                                    |
| output_tokens     | usage.completion_tokens: reasoning included                                                  |
| reasoning_tokens  | usage.completion_tokens_details.reasoning_tokens                                             |

Every chunk is read as a copy of the call, and the fullest copy counts: of counts that grow the last, and of a stream
that was never counted any chunk, with its tokens unknown. What was asked is not in such a log: there is no body. In a
file of another format a chunk is no call, for there nothing would hold it together with its like.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from llmcost.calls import Call
from llmcost.logs.envelope import Tags, facts_of
from llmcost.logs.exchange import Exchange, call_of
from llmcost.logs.model import NotACall, ReadOptions, Record, RecordReader
from llmcost.logs.streams import ONE_CHUNK
from llmcost.logs.values import text

OBJECT = "chat.completion.chunk"
HALVES = frozenset({"request", "messages", "input", "prompt"})
SAID = ("id", "object", "model", "created", "service_tier", "usage", "error")
TAGS = Tags((*SAID, "choices", "obfuscation"))


class OpenAIStreamChunks:
    """Reads files of loose chunks; the chunks of one stream count once."""

    name: ClassVar[str] = "openai-stream-chunks"
    title: ClassVar[str] = "OpenAI stream chunks"
    copies: ClassVar[bool] = True

    def detect(self, rows: Sequence[Record]) -> float:
        """The share of records that are a chunk, and nothing else."""
        return sum(map(_is_loose, rows)) / len(rows) if rows else 0.0

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """No call: a chunk alone says little."""
        raise NotACall(ONE_CHUNK)

    def reader(self) -> RecordReader:
        """What reads a file of chunks."""
        return _Chunks()


class _Chunks:
    """Reads each chunk as a copy of its call."""

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The call, as far as this chunk tells of it."""
        if not _is_loose(record) or text(record.get("id")) is None:
            raise NotACall(ONE_CHUNK)
        said = {key: record[key] for key in SAID if record.get(key) is not None}
        facts = {"stream": True, **facts_of(record, options)}
        facts.pop("finish_reason", None)
        return (call_of(record, Exchange(None, said), TAGS.read(record, options), options, facts),)


def _is_loose(record: Record) -> bool:
    return record.get("object") == OBJECT and HALVES.isdisjoint(record)
