"""OpenTelemetry GenAI spans of every name generation, and traces whose spans are of several dialects.

| ours               | attributes, the newest name first                                                           |
|--------------------|---------------------------------------------------------------------------------------------|
| input_tokens       | gen_ai.usage.input_tokens, gen_ai.usage.prompt_tokens, llm.usage.prompt_tokens: cache incl. |
| cache_read_tokens  | gen_ai.usage.cache_read.input_tokens, ….cache_read_input_tokens, ….details.cache_read_…     |
| cache_write_tokens | gen_ai.usage.cache_write.input_tokens, ….cache_creation.input_tokens, …_creation_input_…    |
| output_tokens      | gen_ai.usage.output_tokens, gen_ai.usage.completion_tokens: reasoning included              |
| reasoning_tokens   | gen_ai.usage.reasoning.output_tokens, ….details.reasoning_tokens, ….reasoning_tokens        |

The conventions ask for inclusive counts; a sender whose input is smaller than its cached part left that out, and it
is added. A call is a span whose operation is one; spans of agents, workflows and tools are not, and neither is a span
with a call below it in the same record. The event `gen_ai.client.inference.operation.details` of OTLP logs tells a call
as a span does, without its latency; events of single messages (`gen_ai.user.message`, `gen_ai.choice`) are passed over.
A call whose span and whose event are both read counts twice: audit the traces or the logs, not both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from llmcost.calls import Call
from llmcost.logs.dialects import openinference, otel_genai, vercel_ai
from llmcost.logs.model import ReadOptions, Record
from llmcost.logs.span_calls import calls_in, one_dialect
from llmcost.logs.spans import Span, spans_of

OTHERS = (vercel_ai.DIALECT, openinference.DIALECT)
DIALECTS = (*OTHERS, otel_genai.DIALECT)


class OTelGenAI:
    """Reads spans with gen_ai.* attributes, one a record or many."""

    name: ClassVar[str] = "otel-genai"
    title: ClassVar[str] = "OpenTelemetry GenAI spans"

    def detect(self, rows: Sequence[Record]) -> float:
        """The share of records with spans of these conventions, or with spans of several dialects."""
        return sum(_confidence(spans_of(row)) for row in rows) / len(rows) if rows else 0.0

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The model calls among the spans of the record."""
        return calls_in(record, DIALECTS, options)


def _confidence(spans: Sequence[Span]) -> float:
    """Sure of marked spans, unless all of them are of one other dialect."""
    others = [one_dialect(spans, dialect.claims) for dialect in OTHERS]
    return 0.0 if 1.0 in others else 1.0 if others == [0.0, 0.0] and spans else max(others)
