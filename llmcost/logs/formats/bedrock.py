"""AWS Bedrock model invocation logs, from S3 or CloudWatch: Converse, and InvokeModel in the model's own shape.

| ours               | the log                                                                             |
|--------------------|-------------------------------------------------------------------------------------|
| input_tokens       | input.inputTokenCount + cacheReadInputTokenCount + cacheWriteInputTokenCount        |
| cache_read_tokens  | input.cacheReadInputTokenCount                                                      |
| cache_write_tokens | input.cacheWriteInputTokenCount                                                     |
| output_tokens      | output.outputTokenCount, reasoning included                                         |
| reasoning_tokens   | only what an Anthropic body says                                                    |

`inputTokenCount` leaves the cache out, so the three are added; what the log lacks, the usage of the response body
says. Bodies over 100 KB are in another object (`inputBodyS3Path`), images too: such calls keep their costs only.
Failed calls are logged with an `errorCode` and no bodies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from llmcost.answers import Usage
from llmcost.calls import Call
from llmcost.logs import anthropic_api, converse_api
from llmcost.logs.decode import embedded
from llmcost.logs.envelope import Tags, mapped_facts
from llmcost.logs.exchange import NOT_A_CALL
from llmcost.logs.model import NotACall, ReadOptions, Record
from llmcost.logs.paths import FieldMap, lookup
from llmcost.logs.translated import Chat, Untranslatable, answer_body, assistant_message, translated_call
from llmcost.logs.values import count, text

SCHEMA_TYPE = "ModelInvocationLog"
FIELDS = FieldMap(
    {
        "id": ("requestId",),
        "start": ("timestamp",),
        "error": ("errorCode",),
        "latency_ms": ("output.outputBodyJson.metrics.latencyMs",),
        "session": ("requestMetadata.session_id", "requestMetadata.sessionId"),
        "user": ("requestMetadata.user_id", "requestMetadata.userId", "requestMetadata.tenant_id"),
    }
)  # fmt: skip
TAGS = Tags((*FIELDS.keys, "schemaType", "schemaVersion", "accountId", "identity", "modelId", "input", "output"))
EMBEDS = ("embedding", "embeddings", "embeddingsByType")

# Where the models that have an interface of their own put the text they answer, and why they stopped.
PLAIN_ANSWERS = (
    ("results[0].outputText", "results[0].completionReason"),  # Amazon Titan
    ("[0].outputText", "[-1].completionReason"),
    ("generation", "stop_reason"),  # Meta Llama
    ("outputs[0].text", "outputs[0].stop_reason"),  # Mistral
    ("text", "finish_reason"),  # Cohere
)
TITAN_PARAMETERS = {"maxTokenCount": "max_tokens", "temperature": "temperature", "topP": "top_p",
                    "stopSequences": "stop"}  # fmt: skip
FINISH_REASONS = {"finish": "stop", "complete": "stop", "finished": "stop", "max_tokens": "length"}


class BedrockInvocations:
    """Reads model invocation logs; also wrapped in a message of CloudWatch."""

    name: ClassVar[str] = "bedrock"
    title: ClassVar[str] = "AWS Bedrock invocation log"

    def detect(self, rows: Sequence[Record]) -> float:
        """The share of records that say they are an invocation log."""
        return sum(_log(row) is not None for row in rows) / len(rows) if rows else 0.0

    def parse(self, record: Record, options: ReadOptions) -> Iterable[Call]:
        """The one call of the record."""
        log = _log(record)
        if log is None:
            raise NotACall(NOT_A_CALL)
        asked, answered = _body(log, "input"), _body(log, "output")
        facts = {**FIELDS.find(log), "provider": "bedrock"}
        request = {**asked, "model": _model(log)} if isinstance(asked, dict) else {"model": _model(log)}
        if text(log.get("operation")) in ("ConverseStream", "InvokeModelWithResponseStream"):
            facts["stream"] = True
        response = _answer(answered)
        tags = TAGS.read(log, options)
        to_chat = _to_chat if isinstance(asked, dict) else dict
        call = translated_call(log, request, to_chat, response, tags, options, mapped_facts(facts, log, options))
        return (replace(call, usage=_usage(log, call.usage)),)


def _log(record: Record) -> Record | None:
    if record.get("schemaType") == SCHEMA_TYPE:
        return record
    wrapped = record.get("@message", record.get("message"))
    if isinstance(wrapped, str) and SCHEMA_TYPE in wrapped:
        wrapped = embedded(wrapped)
    return wrapped if isinstance(wrapped, dict) and wrapped.get("schemaType") == SCHEMA_TYPE else None


def _body(log: Record, side: str) -> Any:
    body = (log.get(side) or {}).get(f"{side}BodyJson")
    return embedded(body) if isinstance(body, str) else body


def _model(log: Record) -> str | None:
    """The model, or what stands in its place, without the account: the last part of an ARN."""
    name = text(log.get("modelId"))
    if name is None or not name.startswith("arn:"):
        return name
    resource = name.split(":", 5)[-1]
    return resource.rpartition("/")[2] if resource.startswith(("foundation-model/", "inference-profile/")) else resource


def _to_chat(request: Mapping[str, Any]) -> Chat:
    if converse_api.is_request(request):
        return converse_api.to_chat(request)
    if anthropic_api.is_request(request):
        return anthropic_api.to_chat(request)
    if isinstance(request.get("messages"), list):
        return dict(request)
    if isinstance(request.get("inputText"), str) and "embed" not in str(request["model"]):
        settings = request.get("textGenerationConfig") or {}
        return {
            "model": request["model"],
            "messages": [{"role": "user", "content": request["inputText"]}],
            **{
                ours: settings[theirs]
                for theirs, ours in TITAN_PARAMETERS.items()
                if settings.get(theirs) not in (None, [])
            },
        }
    raise Untranslatable


def _answer(body: Any) -> Chat:
    if converse_api.is_response(body):
        return converse_api.to_answer(body)
    if anthropic_api.is_response(body):
        return anthropic_api.to_answer(body)
    if isinstance(body, dict) and isinstance(body.get("choices"), list):
        return body
    if isinstance(body, dict) and any(key in body for key in EMBEDS):
        return {"data": [{"embedding": []}]}
    for path, reason_path in PLAIN_ANSWERS if isinstance(body, dict | list) else ():
        said = lookup(body, path)
        if isinstance(said, str):
            if isinstance(body, list):
                said = "".join(text(lookup(chunk, "outputText")) or "" for chunk in body)
            reason = str(lookup(body, reason_path)).lower()
            return answer_body(assistant_message([said], ()), FINISH_REASONS.get(reason, reason), Usage(), {})
    return {}


def _usage(log: Record, of_body: Usage) -> Usage:
    """The counts of the log; those that it lacks, of the body. Both leave the cache out of the input."""
    into, out = log.get("input") or {}, log.get("output") or {}
    given, answered = count(into.get("inputTokenCount")), count(out.get("outputTokenCount"))
    read, written = count(into.get("cacheReadInputTokenCount")), count(into.get("cacheWriteInputTokenCount"))
    read = of_body.cache_read_tokens if read is None else read
    written = of_body.cache_write_tokens if written is None else written
    return Usage(
        of_body.input_tokens if given is None else given + (read or 0) + (written or 0),
        read,
        written,
        of_body.output_tokens if answered is None else answered,
        of_body.reasoning_tokens,
    )
