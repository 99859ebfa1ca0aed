"""Gemini generateContent pairs, and rows of Vertex AI's request-response log, also those of Claude on Vertex.

| ours              | Gemini                                                                               |
|-------------------|--------------------------------------------------------------------------------------|
| input_tokens      | usageMetadata.promptTokenCount (cache included) + toolUsePromptTokenCount            |
| cache_read_tokens | usageMetadata.cachedContentTokenCount                                                |
| output_tokens     | usageMetadata.candidatesTokenCount + thoughtsTokenCount                              |
| reasoning_tokens  | usageMetadata.thoughtsTokenCount                                                     |

Thoughts lie outside of the candidates' count, so the two are added. A row of the log has `full_request` and
`full_response` (JSON), `model`, `logging_time`, `request_id` and `metadata.request_latency` in milliseconds; the
answer's `createTime` is when the request came. A log that is a sample does not say so: unless a column
`sampling_rate` was added, its totals are a sample's (`--map sampling_fraction=0.1` scales them).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from llmcost.calls import Call
from llmcost.logs import anthropic_api, gemini_api
from llmcost.logs.decode import embedded
from llmcost.logs.envelope import SAMPLING, Tags, facts_of, mapped_facts
from llmcost.logs.exchange import NOT_A_CALL
from llmcost.logs.halves import REQUEST_KEYS, RESPONSE_KEYS, Halves, halves
from llmcost.logs.model import NotACall, ReadOptions, Record
from llmcost.logs.parameters import PARAMETERS
from llmcost.logs.paths import FieldMap
from llmcost.logs.translated import translated_call

ROW = ("full_request", "full_response")
ROW_FIELDS = FieldMap(
    {
        "id": ("request_id",),
        "start": ("logging_time",),
        "latency_ms": ("metadata.request_latency",),
        "model": ("model",),
        "sampling_fraction": SAMPLING,
    }
)
ROW_TAGS = Tags(
    (*ROW, *ROW_FIELDS.keys, "metadata", "model_version", "request_payload", "response_payload", "otel_log")
)
OWN = (
    "contents", "candidates", "generationConfig", "systemInstruction", "usageMetadata", "safetySettings", "toolConfig",
    "modelVersion", "responseId", "createTime", "promptFeedback", "cachedContent",
)  # fmt: skip
PAIR_TAGS = Tags((*REQUEST_KEYS, *RESPONSE_KEYS, *PARAMETERS, *OWN, "method"))


class Gemini:
    """Reads pairs of generateContent bodies, and the rows in which Vertex AI logs them."""

    name: ClassVar[str] = "gemini"
    title: ClassVar[str] = "Gemini and Vertex AI"

    def detect(self, rows: Sequence[Record]) -> float:
        """The share of records with a half that only Gemini's interface has, or with Vertex AI's columns."""
        return sum(_found(row) is not None for row in rows) / len(rows) if rows else 0.0

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The one call of the record."""
        found = _found(record)
        if found is None:
            raise NotACall(NOT_A_CALL)
        row = any(key in record for key in ROW)
        facts = _row_facts(record, found, options) if row else facts_of(record, options)
        if isinstance(found.response, str | list):
            facts["stream"] = True
        request = None if found.request is None else {"model": facts.get("model"), **found.request}
        labels = (found.request or {}).get("labels")
        tags = (ROW_TAGS if row else PAIR_TAGS).read({**record, "labels": labels}, options)
        if anthropic_api.is_response(found.response) or (request and anthropic_api.is_request(request)):
            answer = anthropic_api.to_answer(found.response)
            return (translated_call(record, request, anthropic_api.to_chat, answer, tags, options, facts),)
        answer = gemini_api.to_answer(found.response)
        if row and "created" in answer:
            facts["start"] = answer["created"]
        return (translated_call(record, request, gemini_api.to_chat, answer, tags, options, facts),)


def _found(record: Record) -> Halves | None:
    if any(key in record for key in ROW):
        request, response = (_opened(record.get(key)) for key in ROW)
        return Halves(request if isinstance(request, dict) else None, ROW[0], response)
    found = halves(record, gemini_api.is_request, gemini_api.is_response)
    if found.request is None and found.response is None:
        return None
    return found if found.response is not None else _with_error(found, record)


def _with_error(found: Halves, record: Record) -> Halves:
    """The same with the error that the response half is: told only beside a request."""
    failed = halves(record, gemini_api.is_request, lambda body: isinstance(body, dict) and "error" in body)
    return Halves(found.request, found.request_path, failed.response)


def _row_facts(record: Record, found: Halves, options: ReadOptions) -> dict[str, Any]:
    facts = ROW_FIELDS.find(record)
    facts["model"] = gemini_api.model_name(facts.get("model") or (found.request or {}).get("model"))
    facts["provider"] = "vertex_ai"
    if str(record.get("api_method")).startswith("stream"):
        facts["stream"] = True
    return mapped_facts({name: value for name, value in facts.items() if value is not None}, record, options)


def _opened(value: Any) -> Any:
    return embedded(value) if isinstance(value, str) and value[:1] in ("{", "[") else value
