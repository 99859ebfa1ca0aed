"""Spans → calls: each model call once, however many spans around it repeat its tokens. Shared by the trace formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from llmcost.answers import Usage
from llmcost.calls import BodyState, Call
from llmcost.logs.chat_parts import Message, Untold, chat_messages, chat_tools, has_calls
from llmcost.logs.decode import embedded
from llmcost.logs.envelope import Tags, mapped_facts
from llmcost.logs.exchange import Exchange, call_of
from llmcost.logs.model import PassedOver, ReadOptions, Record
from llmcost.logs.parameters import parameters_of
from llmcost.logs.spans import Span, spans_of
from llmcost.logs.values import text

NO_CALL = "spans of a trace, none of them a model call of its own"
MARKS = ("gen_ai.", "ai.operationId", "openinference.span.kind", "llm.", "traceloop.")
UNMARKED = 0.65

FINISH_REASONS = {"tool-calls": "tool_calls", "tool_call": "tool_calls", "content-filter": "content_filter"}
RESOURCE_TAGS = ("service.name", "deployment.environment", "deployment.environment.name")
# What spans say of the exchange, of the SDK and of the network; the rest may tell one feature from another.
SPOKEN_FOR = (
    "gen_ai.", "llm.", "ai.", "input.", "output.", "openinference.", "embedding.", "openai.", "aws.", "server.",
    "net.", "http.", "url.", "peer.", "error.", "exception.", "telemetry.", "otel.", "thread.", "code.", "logfire.",
    "user.", "enduser.", "session.", "events", "operation.name", "resource.name", "traceloop.entity.", "azure.",
)  # fmt: skip
TAGGED = (
    "ai.telemetry.", "gen_ai.agent.name", "gen_ai.workflow.name", "gen_ai.prompt.name", "traceloop.entity.name",
    "llm.prompt_template.version",
)  # fmt: skip
IDENTITIES = (".user_id", ".session_id", ".userId", ".sessionId")
TAGS = Tags(())


@dataclass(frozen=True, slots=True)
class Said:
    """The exchange as a span has it: messages and tools in parts, or whole bodies. `cut`: a part of it is missing."""

    messages: Sequence[Any] | None = None
    answer: Any = None
    tools: Sequence[Any] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    request: Mapping[str, Any] | None = None
    response: Any = None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Dialect:
    """One family of attribute names: whose spans it claims, which of them are model calls, and what those say."""

    claims: Callable[[Span], bool]
    is_call: Callable[[Span], bool]
    operation: Callable[[Span], str]
    facts: Callable[[Span], dict[str, Any]]
    said: Callable[[Span], Said]


def share(rows: Sequence[Record], claims: Callable[[Span], bool]) -> float:
    """The share of records whose spans are all of one dialect; spans without the mark of any say little."""
    return sum(one_dialect(spans_of(row), claims) for row in rows) / len(rows) if rows else 0.0


def one_dialect(spans: Sequence[Span], claims: Callable[[Span], bool]) -> float:
    """1 if all marked spans are claimed, 0 if not; in between where none is marked."""
    marked = [span for span in spans if any(key.startswith(MARKS) for key in span.attributes)]
    if not marked:
        return UNMARKED if spans else 0.0
    return float(all(map(claims, marked)))


def calls_in(record: Record, dialects: Sequence[Dialect], options: ReadOptions) -> list[Call]:
    """The model calls of a record, in its order. Raises PassedOver if it is a piece of a trace without any."""
    spans = spans_of(record)
    chosen = ((span, next((dialect for dialect in dialects if dialect.claims(span)), None)) for span in spans)
    calling = [(span, dialect) for span, dialect in chosen if dialect is not None and dialect.is_call(span)]
    above = _ancestors([span for span, _ in calling], spans)
    calls = [_call(span, dialect, options) for span, dialect in calling if span.id is None or span.id not in above]
    if not calls:
        raise PassedOver(NO_CALL)
    return calls


def found(span: Span, fields: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Field → value by the first of its attributes that the span has, or that its resource has."""
    facts = {}
    for name, keys in fields.items():
        value = next((hit for key in keys if (hit := span.attributes.get(key)) not in (None, "")), None)
        if value is not None:
            facts[name] = value
    return facts


def parameters(span: Span, names: Mapping[str, str]) -> dict[str, Any]:
    """Request parameters from attributes: attribute → parameter."""
    return parameters_of({ours: span.attributes[key] for key, ours in names.items() if key in span.attributes})


def _ancestors(calling: Iterable[Span], spans: Iterable[Span]) -> set[str]:
    """The ids of all spans above a call: what they count is counted below."""
    parents = {span.id: span.parent for span in spans if span.id is not None}
    above: set[str] = set()
    for span in calling:
        parent = span.parent
        while parent is not None and parent not in above and parent != span.id:
            above.add(parent)
            parent = parents.get(parent)
    return above


def _call(span: Span, dialect: Dialect, options: ReadOptions) -> Call:
    said = dialect.said(span)
    facts = _with_span(dialect.facts(span), span)
    request, state = _request(said, facts.get("model"))
    response = said.response if said.response is not None else _answer(said.answer)
    record: Record = {"name": span.name, "attributes": {**span.resource, **span.attributes}}
    tags = TAGS.read({"attributes": _taggable(span, options)}, options)
    call = call_of(record, Exchange(request, response), tags, options, mapped_facts(facts, record, options))
    operation, usage = dialect.operation(span), _inclusive(call.usage)
    if operation == "embeddings":
        return replace(call, operation=operation, usage=usage, body_state="unsupported", request=None, answer=None)
    return replace(call, operation=operation, usage=usage, body_state=state or _whole(call, said))


def _inclusive(usage: Usage) -> Usage:
    """The same, with the cached part added to an input that is smaller than it: its sender left that part out."""
    cached = (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
    if usage.input_tokens is None or usage.input_tokens >= cached:
        return usage
    return replace(usage, input_tokens=usage.input_tokens + cached)


def _with_span(facts: dict[str, Any], span: Span) -> dict[str, Any]:
    facts.setdefault("id", span.id)
    facts.update(start=span.start_us, latency_ms=span.latency_ms)
    reason = facts.get("finish_reason")
    if isinstance(reason, list):
        reason = reason[0] if reason else None
    if isinstance(reason, str):
        facts["finish_reason"] = FINISH_REASONS.get(reason, reason)
    if span.failed and "error" not in facts:
        facts["error"] = "error"
    return {name: value for name, value in facts.items() if value is not None}


def _request(said: Said, model: Any) -> tuple[Mapping[str, Any] | None, BodyState | None]:
    """The chat request, or None and the state of the body where that is known."""
    if said.request is not None:
        return said.request, None
    if not said.messages:
        return None, "truncated" if said.cut else None
    try:
        request: Message = {**said.parameters, "messages": chat_messages(said.messages)}
        if said.tools:
            request["tools"] = chat_tools(said.tools)
    except Untold:
        return None, "unsupported"
    if (name := text(model)) is not None:
        request["model"] = name
    return request, "truncated" if said.cut else None


def _answer(answer: Any) -> Any:
    """The answer as a message; None if it is none, or none that chat can say."""
    if isinstance(answer, str) or answer is None:
        return answer
    try:
        messages = chat_messages([{"role": "assistant", **answer}])
    except Untold:
        return None
    return messages[0] if messages else None


def _whole(call: Call, said: Said) -> BodyState:
    """A request that led to a tool call without showing any tool is not all there."""
    if call.request is None or call.body_state != "full" or said.request is not None:
        return call.body_state
    called = (call.answer is not None and call.answer.tool_calls) or has_calls(call.request["messages"])
    tools = call.request.get("tools", ())
    bare = [tool for tool in tools if not {"parameters", "description"} & tool["function"].keys()]
    return "truncated" if (called and not tools) or (bare and len(bare) == len(tools)) else "full"


def _taggable(span: Span, options: ReadOptions) -> dict[str, Any]:
    """Attributes that may tell one feature from another, and those that the user mapped; JSON text decoded."""
    resource = {key: span.resource[key] for key in RESOURCE_TAGS if key in span.resource}
    mapped = {path.removeprefix("attributes.") for path in options.fields.values()}
    own = {key: value for key, value in span.attributes.items() if _may_be_tag(key) or key in mapped}
    both = {**resource, **own}
    return {key: (embedded(value) or value) if isinstance(value, str) else value for key, value in both.items()}


def _may_be_tag(key: str) -> bool:
    return (key.startswith(TAGGED) or not key.startswith(SPOKEN_FOR)) and not key.endswith(IDENTITIES)
