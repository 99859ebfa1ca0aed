"""Anthropic Messages pairs: request and response nested under two keys, or merged; answers also as streams.

| ours               | Anthropic                                                                           |
|--------------------|-------------------------------------------------------------------------------------|
| input_tokens       | usage.input_tokens + cache_read_input_tokens + cache_creation_input_tokens          |
| cache_read_tokens  | usage.cache_read_input_tokens                                                       |
| cache_write_tokens | usage.cache_creation_input_tokens, or the sum of usage.cache_creation               |
| cache_write_1h_…   | usage.cache_creation.ephemeral_1h_input_tokens, a part of those                     |
| output_tokens      | usage.output_tokens, thinking included                                              |
| reasoning_tokens   | usage.output_tokens_details.thinking_tokens                                         |

`input_tokens` is what comes after the last cache breakpoint: it leaves the cache out, so the three are added. In a
stream, `message_start` has the counts of the prompt and `message_delta` the cumulative ones; the last ones hold.
The bodies are translated to chat completions (llmcost.logs.anthropic_api).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from llmcost.calls import Call
from llmcost.logs.anthropic_api import is_request, is_response, to_answer, to_chat
from llmcost.logs.envelope import Tags, facts_of
from llmcost.logs.exchange import NOT_A_CALL
from llmcost.logs.halves import REQUEST_KEYS, RESPONSE_KEYS, Halves, halves
from llmcost.logs.model import NotACall, ReadOptions, Record
from llmcost.logs.parameters import PARAMETERS
from llmcost.logs.translated import translated_call

OWN = (
    "messages", "system", "content", "type", "stop_reason", "stop_sequence", "stop_sequences", "max_tokens", "thinking",
    "top_k", "container", "output_config", "anthropic_version", "mcp_servers",
)  # fmt: skip
TAGS = Tags((*REQUEST_KEYS, *RESPONSE_KEYS, *PARAMETERS, *OWN, "method"))


class AnthropicMessages:
    """Reads records that hold an Anthropic request, its response, or both."""

    name: ClassVar[str] = "anthropic-messages"
    title: ClassVar[str] = "Anthropic Messages"

    def detect(self, rows: Sequence[Record]) -> float:
        """The share of records with a half that only Anthropic's interface has."""
        return sum(_is_anthropic(halves(row, is_request, is_response)) for row in rows) / len(rows) if rows else 0.0

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The one call of the record."""
        found = halves(record, _asks, is_response)
        if found.request is None and found.response is None:
            raise NotACall(NOT_A_CALL)
        facts = {
            key: value for key, value in facts_of(record, options).items() if key not in ("usage", "finish_reason")
        }
        if isinstance(found.response, str | list):
            facts["stream"] = True
        nested = (found.request_path, found.request) if found.request_path else ("", None)
        tags = TAGS.read(record, options, nested)
        return (translated_call(record, found.request, to_chat, to_answer(found.response), tags, options, facts),)


def _asks(body: Record) -> bool:
    return bool(body.get("messages"))


def _is_anthropic(found: Halves) -> bool:
    return found.request is not None or found.response is not None
