"""Azure API Management's log of language models: rows of ApiManagementGatewayLlmLog, joined by CorrelationId.

| ours              | the row with SequenceNumber 0                                                        |
|-------------------|--------------------------------------------------------------------------------------|
| input_tokens      | PromptTokens, cache included; of Claude models PromptTokens + PromptCachedTokens     |
| cache_read_tokens | PromptCachedTokens, where the gateway logs it                                        |
| output_tokens     | CompletionTokens, reasoning included                                                 |
| the others        | not logged                                                                           |

The rows that follow hold RequestMessages and ResponseMessages. A body that was too long for one row is split over
several, none of which is JSON: such a call keeps its costs, and its body counts as truncated. Tools and parameters of
a request are not logged, nor is what was written to a cache. Errors are in another table (ApiManagementGatewayLogs).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from llmcost.answers import Usage
from llmcost.calls import Call
from llmcost.logs.decode import embedded
from llmcost.logs.envelope import Tags, mapped_facts
from llmcost.logs.exchange import NOT_A_CALL, Exchange
from llmcost.logs.model import CallPart, NotACall, ReadOptions, Record, Side
from llmcost.logs.paths import FieldMap
from llmcost.logs.translated import fragment_of, known
from llmcost.logs.values import count, is_empty

FIELDS = FieldMap(
    {
        "id": ("CorrelationId",),
        "start": ("TimeGenerated", "TimeGenerated [UTC]"),
        "model": ("DeploymentName", "ModelName"),
        "response_model": ("ModelName",),
        "stream": ("IsStreamCompletion",),
        "input_tokens": ("PromptTokens",),
        "cache_read_tokens": ("PromptCachedTokens",),
        "output_tokens": ("CompletionTokens",),
    }
)
TAGS = Tags(
    (*FIELDS.keys, "SequenceNumber", "RequestMessages", "ResponseMessages", "TotalTokens", "RequestId", "TenantId",
     "Type", "SourceSystem", "ApiVersion", "_ResourceId", "_SubscriptionId", "_BilledSize", "_IsBillable", "Category")
)  # fmt: skip
CATEGORY = "GatewayLlmLogs"
MARKS = ("CorrelationId", "SequenceNumber")
BODIES = ("RequestMessages", "ResponseMessages", "PromptTokens")


class AzureApim:
    """Reads rows of the log, as exported from Log Analytics or to a storage account."""

    name: ClassVar[str] = "azure-apim"
    title: ClassVar[str] = "Azure API Management LLM log"

    def detect(self, rows: Sequence[Record]) -> float:
        """The share of records that are such a row."""
        return sum(_row(row) is not None for row in rows) / len(rows) if rows else 0.0

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The side of the call that the row holds."""
        row = _row(record)
        if row is None:
            raise NotACall(NOT_A_CALL)
        side = _side(row)
        facts = mapped_facts({**FIELDS.find(row), "provider": "azure"}, record, options)
        if side != "call":
            facts = {name: value for name, value in facts.items() if not name.endswith("_tokens")}
        asked, answered = row.get("RequestMessages"), _messages(row.get("ResponseMessages"))
        messages = _messages(asked)
        request = None if messages is None else known([("model", facts.get("model")), ("messages", messages)])
        call = fragment_of(record, Exchange(request, answered), TAGS.read(row, options), options, facts)
        call = replace(call, usage=_usage(call.usage, call.response_model))
        if messages is None and not is_empty(asked):
            call = replace(call, body_state="truncated")
        return (CallPart.of(call, self.name, row["CorrelationId"], side),)


def _row(record: Record) -> Record | None:
    """The row; in a storage account or an event hub its columns are the properties of a record of this category."""
    if record.get("category") == CATEGORY and isinstance(inner := record.get("properties"), dict):
        named = {"CorrelationId": record.get("correlationId"), "TimeGenerated": record.get("time")}
        return {**named, **{key[:1].upper() + key[1:]: value for key, value in inner.items()}}
    return record if all(mark in record for mark in MARKS) and any(body in record for body in BODIES) else None


def _side(row: Record) -> Side:
    if (count(row.get("SequenceNumber")) or 0) == 0:
        return "call"
    return "answer" if is_empty(row.get("RequestMessages")) else "request"


def _usage(usage: Usage, model: str | None) -> Usage:
    """The counts, with the cached part in the input: Anthropic's models leave it out."""
    given, cached = usage.input_tokens, usage.cache_read_tokens or 0
    if given is None or ("claude" not in (model or "") and given >= cached):
        return usage
    return replace(usage, input_tokens=given + cached)


def _messages(value: Any) -> list[Any] | None:
    found = embedded(value) if isinstance(value, str) else value
    return found if isinstance(found, list) and found and all(isinstance(item, dict) for item in found) else None
