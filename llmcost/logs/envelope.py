"""What stands around the exchange in a record: ids, times, users, tags, cost. Declared once for every format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from llmcost.answers import Usage
from llmcost.config import DEFAULT_EXPECTED_FIELDS
from llmcost.fingerprints import canonical
from llmcost.logs.decode import embedded
from llmcost.logs.model import ReadOptions, Record
from llmcost.logs.paths import FieldMap, lookup
from llmcost.logs.usage import usage_of
from llmcost.logs.values import count, duration_ms, instant_us, number, text

# Unit of each name in milliseconds; None: the name does not say (see values.duration_ms).
LATENCY_UNITS: dict[str, float | None] = {
    "latency_ms": 1, "duration_ms": 1, "elapsed_ms": 1, "response_time_ms": 1, "request_duration_ms": 1,
    "response_ms": 1, "execution_time_ms": 1, "execution_duration_ms": 1, "delay_ms": 1, "total_time_ms": 1,
    "latencyMs": 1, "durationMs": 1, "latency_s": 1e3, "latency_seconds": 1e3, "latency_sec": 1e3,
    "duration_s": 1e3, "duration_seconds": 1e3, "duration_sec": 1e3, "elapsed_s": 1e3, "elapsed_seconds": 1e3,
    "response_time_s": 1e3, "latency_us": 1e-3, "duration_us": 1e-3, "latency_ns": 1e-6, "duration_ns": 1e-6,
    "latency": None, "duration": None, "elapsed": None, "response_time": None,
}  # fmt: skip
FIRST_CHUNK_UNITS: dict[str, float | None] = {
    "time_to_first_token_ms": 1, "ttft_ms": 1, "time_to_first_chunk_ms": 1, "first_token_ms": 1,
    "time_to_first_token_s": 1e3, "ttft_s": 1e3, "time_to_first_token": None, "ttft": None,
}  # fmt: skip
INSIDE = ("", "metadata.", "meta.", "metrics.", "timing.")

# The share of the traffic that a log holds: a tag as well, so that a fraction which is none can be seen.
SAMPLING = ("sampling_fraction", "sampling_rate")

FACTS = FieldMap(
    {
        "expected": (*DEFAULT_EXPECTED_FIELDS, *(f"request.{path}" for path in DEFAULT_EXPECTED_FIELDS)),
        **{name: tuple(prefix + name for prefix in INSIDE) for name in (*LATENCY_UNITS, *FIRST_CHUNK_UNITS)},
        "id": ("id", "request_id", "requestId", "call_id", "completion_id", "log_id", "custom_id", "uuid"),
        "model": ("model", "model_name", "model_id", "modelId", "request_model", "ai_model", "metadata.model"),
        "response_model": ("response_model", "served_model", "model_served", "metadata.response_model"),
        "provider": ("provider", "provider_name", "custom_llm_provider", "metadata.provider"),
        "start": (
            "start_time", "startTime", "started_at", "start", "request_time", "request_timestamp", "requested_at",
            "request_created_at", "timestamp", "@timestamp", "ts", "time", "datetime", "created_at", "createdAt",
            "logged_at", "timestamp_ms", "created", "date", "metadata.timestamp", "metadata.created_at",
            "meta.timestamp", "request.timestamp", "timing.start",
        ),
        "end": (
            "end_time", "endTime", "ended_at", "end", "completed_at", "finished_at", "response_timestamp",
            "response_created_at", "timing.end",
        ),
        "first_chunk": ("completionStartTime", "completion_start_time", "first_token_time"),
        "user": (
            "user", "user_id", "userId", "end_user", "request_user_id", "customer_id", "tenant_id", "tenant",
            "metadata.user_id", "metadata.user", "metadata.tenant_id", "metadata.tenant", "metadata.customer_id",
            "meta.user_id", "request.user", "request.metadata.user_id",
        ),
        "session": (
            "session_id", "sessionId", "session", "conversation_id", "conversationId", "thread_id", "chat_id",
            "metadata.session_id", "metadata.conversation_id", "metadata.thread_id", "meta.session_id",
            "request.metadata.session_id", "request.metadata.conversation_id",
        ),
        "status": ("status_code", "statusCode", "http_status", "response_status", "response_status_code", "status"),
        "error": ("error", "error_type", "error_code", "exception", "error_str", "error_message"),
        "finish_reason": ("finish_reason", "finishReason", "stop_reason"),
        "cost": (
            "cost_usd", "cost", "total_cost", "response_cost", "spend", "total_cost_usd", "metadata.cost_usd",
        ),
        "service_tier": ("service_tier",),
        "stream": ("stream", "streaming", "is_streaming"),
        "usage": ("usage", "token_usage", "tokens", "usage_details", "metadata.usage", "meta.usage"),
        "input_tokens": (
            "input_tokens", "prompt_tokens", "tokens_in", "tokens_prompt", "promptTokens", "num_input_tokens",
            "metadata.input_tokens", "metadata.prompt_tokens", "metrics.input_tokens", "metrics.prompt_tokens",
        ),
        "output_tokens": (
            "output_tokens", "completion_tokens", "tokens_out", "tokens_completion", "completionTokens",
            "num_output_tokens", "metadata.output_tokens", "metadata.completion_tokens", "metrics.output_tokens",
            "metrics.completion_tokens",
        ),
        "cache_read_tokens": (
            "cache_read_tokens", "cached_tokens", "prompt_cache_hit_tokens", "prompt_cache_read_tokens",
            "cached_input_tokens", "metadata.cached_tokens", "metrics.cached_tokens",
        ),
        "cache_write_tokens": ("cache_write_tokens", "prompt_cache_write_tokens"),
        "reasoning_tokens": ("reasoning_tokens", "metadata.reasoning_tokens", "metrics.reasoning_tokens"),
        "sampling_fraction": SAMPLING,
    }
)  # fmt: skip

USER_FIELDS = {"timestamp": "start", "cost_usd": "cost"}
CONTAINERS = (
    "metadata", "meta", "tags", "properties", "labels", "request_tags", "request_properties", "request_metadata",
    "requestMetadata",
    "custom_metadata", "attributes", "dimensions", "extra", "custom",
)  # fmt: skip
PRIVATE_WORDS = (
    "api_key", "apikey", "api-key", "authorization", "secret", "password", "bearer", "access_token", "email",
    "ip_address",
)  # fmt: skip
NOT_TAGS = frozenset(
    {
        "object", "system_fingerprint", "uri", "url", "api_base", "headers", "body", "text", "content", "question",
        "query", "instruction", "instructions", "gold", "target", "reference", "ground_truth", "total_tokens",
        "total_cost", "trace_id", "span_id", "parent_id", "cache_key", "role", "refusal",
    }
)  # fmt: skip
NOT_TAGS_INSIDE = frozenset(
    path.rpartition(".")[2]
    for name in ("start", "end", "user", "session", "usage", "input_tokens", "output_tokens", "cache_read_tokens",
                 "reasoning_tokens", "cost")
    for path in (".".join(segments) for segments in FACTS.candidates[name])
    if path.startswith(("metadata.", "meta."))
) | frozenset(LATENCY_UNITS) | frozenset(FIRST_CHUNK_UNITS)  # fmt: skip
TEXT_INSIDE = frozenset(
    {
        "message", "messages", "input", "output", "prompt", "completion", "response", "answer", "text", "content",
        "question", "query", "expected", "expected_output", "body",
    }
)  # fmt: skip
NEVER_INSIDE = NOT_TAGS_INSIDE | TEXT_INSIDE
MAX_TAG_LENGTH = 128
SMALLEST_FRACTION = 1e-9  # what is less says that a call stands for all that were ever made
MAX_TAG_DEPTH = 3


def facts_of(record: Record, options: ReadOptions) -> dict[str, Any]:
    """Everything known about the call but its body; the user's own mappings win."""
    return mapped_facts(FACTS.find(record), record, options)


def mapped_facts(facts: dict[str, Any], record: Record, options: ReadOptions) -> dict[str, Any]:
    """The same facts, with those that the user mapped to a path taken from there."""
    for name, path in options.fields.items():
        value = lookup(record, path)
        if value is None and name == "sampling_fraction":
            value = number(path)
        if value is not None:
            facts[USER_FIELDS.get(name, name)] = value
    if options.expected_field is not None:
        facts["expected"] = lookup(record, options.expected_field)
    return facts


def weight_of(facts: Mapping[str, Any]) -> float | None:
    """Calls of the real traffic that a call of a sampled log stands for; None without a fraction that can be one."""
    fraction = number(facts.get("sampling_fraction"))
    return 1 / fraction if fraction is not None and SMALLEST_FRACTION <= fraction <= 1 else None


def expected_of(facts: Mapping[str, Any]) -> str | None:
    """The expected answer as text; what is not text, as JSON."""
    found = facts.get("expected")
    return found if found is None or isinstance(found, str) else canonical(found).decode()


EXPECTED_NAMES = frozenset(DEFAULT_EXPECTED_FIELDS)


def times_of(facts: Mapping[str, Any]) -> tuple[int | None, float | None, float | None]:
    """Start (µs since 1970), latency and time to the first chunk (ms); durations from fields, else from instants."""
    start = instant_us(facts["start"]) if "start" in facts else None
    latency, first = _duration(facts, LATENCY_UNITS), _duration(facts, FIRST_CHUNK_UNITS)
    if latency is None and "end" in facts:
        latency = between(start, facts["end"])
    if first is None and "first_chunk" in facts:
        first = between(start, facts["first_chunk"])
    return start, latency, first


def row_usage(facts: Mapping[str, Any]) -> Usage:
    """Usage from a usage block of the record, completed by its own token fields."""
    block = facts.get("usage")
    if isinstance(block, str):
        block = embedded(block)
    inner = usage_of(block) if isinstance(block, dict) else UNKNOWN
    own = {name: found for name in TOKEN_FIELDS if name in facts and (found := count(facts[name])) is not None}
    return replace(inner, **own) if own else inner


TOKEN_FIELDS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
UNKNOWN = Usage()


class Tags:
    """Reads tags: short scalars in metadata-like objects, and short top-level scalars that mean nothing else to us."""

    def __init__(self, known: Iterable[str]) -> None:
        meant = frozenset(known) | NOT_TAGS | FACTS.keys | EXPECTED_NAMES
        self._meant = meant - {"date", *SAMPLING}

    def means(self, key: str) -> bool:
        """Whether a key at the top means something else, and is never a tag."""
        return key in self._meant

    def read(self, record: Record, options: ReadOptions, request: tuple[str, Any] = ("", None)) -> dict[str, str]:
        """Tag → value, keyed by dotted path as the record has it; `request` is (path, body) of a nested request."""
        tags: dict[str, str] = {}
        for key, value in record.items():
            if value is None or value == "" or key in self._meant:
                continue
            if key in CONTAINERS:
                tags.update(inside(key, value, MAX_TAG_DEPTH))
            elif (tag := _tag(key, value)) is not None:
                tags[key] = tag
        path, body = request
        if isinstance(body, dict) and body.get("metadata"):
            tags.update(inside(f"{path}.metadata", body["metadata"], MAX_TAG_DEPTH))
        return _mapped(tags, record, options) if options.fields or options.expected_field else tags


def _mapped(tags: dict[str, str], record: Record, options: ReadOptions) -> dict[str, str]:
    """What the user mapped to a field is that field, not a tag; a mapped task is the tag `task`."""
    taken = (path for name, path in options.fields.items() if name != "sampling_fraction")
    for path in (*taken, options.expected_field):
        tags.pop(path or "", None)
    if "task" in options.fields and (task := text(lookup(record, options.fields["task"]))) is not None:
        tags["task"] = task[:MAX_TAG_LENGTH]
    return tags


def inside(path: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    """The tags in a metadata-like value: (dotted path, tag), so many levels deep."""
    if isinstance(value, str):
        value = embedded(value) if value[:1] in ("{", "[") else value
    if isinstance(value, dict):
        for key, item in value.items():
            if item is None or item == "" or key in NEVER_INSIDE:
                continue
            if isinstance(item, dict | list):
                if depth > 1:
                    yield from inside(f"{path}.{key}", item, depth - 1)
            elif (tag := _tag(key, item)) is not None:
                yield f"{path}.{key}", tag
    elif isinstance(value, list):
        words = [word for item in value if (word := tag_value(item)) is not None]
        if words and len(joined := ",".join(words)) <= MAX_TAG_LENGTH:
            yield path, joined
    elif (tag := _tag(path, value)) is not None:
        yield path, tag


def _tag(key: str, value: Any) -> str | None:
    tag = tag_value(value)
    return None if tag is None or (tag is not None and is_private(key) and not isinstance(value, bool)) else tag


def tag_value(value: Any) -> str | None:
    """A value as a tag: a short scalar; None for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if type(value) is not str:
        value = text(value)
    if not value or len(value) > MAX_TAG_LENGTH or "\n" in value or value[0] in "{[":
        return None
    return str(value)


@lru_cache(maxsize=4096)
def is_private(key: str) -> bool:
    """Whether a key sounds like something that is nobody's business."""
    folded = key.casefold()
    return any(word in folded for word in PRIVATE_WORDS)


def _duration(facts: Mapping[str, Any], units: Mapping[str, float | None]) -> float | None:
    for name in facts:
        if name in units and (found := duration_ms(facts[name], units[name])) is not None:
            return found
    return None


def between(start: int | None, end: Any) -> float | None:
    """Milliseconds from a start (µs since 1970) to an end as it is logged; None if either is not known."""
    stop = instant_us(end) if end is not None else None
    return (stop - start) / 1000 if start is not None and stop is not None and stop >= start else None
