"""OpenInference spans (Phoenix, Arize): only those of kind LLM or EMBEDDING are calls.

| ours               | attribute                                                                                   |
|--------------------|---------------------------------------------------------------------------------------------|
| input_tokens       | llm.token_count.prompt: cache included                                                      |
| cache_read_tokens  | llm.token_count.prompt_details.cache_read, or ….cache_input                                 |
| cache_write_tokens | llm.token_count.prompt_details.cache_write                                                  |
| output_tokens      | llm.token_count.completion: reasoning included                                              |
| reasoning_tokens   | llm.token_count.completion_details.reasoning                                                |

A prompt count smaller than its cached part left that out, and it is added. The request is `input.value` where that
is one, else it is put together from llm.input_messages, llm.tools and llm.invocation_parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from llmcost.calls import Call
from llmcost.logs.dialects.openinference import DIALECT
from llmcost.logs.model import ReadOptions, Record
from llmcost.logs.span_calls import calls_in, share


class OpenInference:
    """Reads spans with OpenInference attributes, one a record or many."""

    name: ClassVar[str] = "openinference"
    title: ClassVar[str] = "OpenInference spans"

    def detect(self, rows: Sequence[Record]) -> float:
        """The share of records whose spans all name their OpenInference kind."""
        return share(rows, DIALECT.claims)

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The LLM spans of the record."""
        return calls_in(record, (DIALECT,), options)
