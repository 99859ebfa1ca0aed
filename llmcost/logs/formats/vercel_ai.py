"""Vercel AI SDK spans: the `do…` span of each step is the call; the span of the function around it repeats the sum.

| ours               | attribute, the newest name first                                                            |
|--------------------|---------------------------------------------------------------------------------------------|
| input_tokens       | ai.usage.inputTokens, ai.usage.promptTokens, ai.usage.tokens (embeddings): cache included,  |
|                    | but for Anthropic's models in versions before 6, where it is added                          |
| cache_read_tokens  | ai.usage.inputTokenDetails.cacheReadTokens, ai.usage.cachedInputTokens                      |
| cache_write_tokens | ai.usage.inputTokenDetails.cacheWriteTokens, else Anthropic's provider metadata             |
| output_tokens      | ai.usage.outputTokens, ai.usage.completionTokens: reasoning included                        |
| reasoning_tokens   | ai.usage.outputTokenDetails.reasoningTokens, ai.usage.reasoningTokens                       |

Version 6 is told by ai.usage.inputTokenDetails.*, which no older one writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from llmcost.calls import Call
from llmcost.logs.dialects.vercel_ai import DIALECT
from llmcost.logs.model import ReadOptions, Record
from llmcost.logs.span_calls import calls_in, share


class VercelAI:
    """Reads spans with ai.* attributes, one a record or many."""

    name: ClassVar[str] = "vercel-ai-sdk"
    title: ClassVar[str] = "Vercel AI SDK spans"

    def detect(self, rows: Sequence[Record]) -> float:
        """The share of records whose spans all name an operation of this SDK."""
        return share(rows, DIALECT.claims)

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The model calls among the spans of the record."""
        return calls_in(record, (DIALECT,), options)
