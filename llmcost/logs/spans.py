"""Records of a trace → spans, whatever exported them: OTLP JSON, the SDKs' own JSON, or a table of Phoenix.

A record of OTLP's logs is read like a span without a duration: an event that tells a whole call has the same
attributes, or has them in its body.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmcost.logs.decode import embedded
from llmcost.logs.model import Record
from llmcost.logs.values import count, instant_us

# OTLP's JSON names, beside those that a protobuf dump keeps and those of the SDKs' own exporters.
BATCHES = ("resourceSpans", "resource_spans")
LOGS = ("resourceLogs", "resource_logs")
LOG_SCOPES, LOG_RECORDS = ("scopeLogs", "scope_logs"), ("logRecords", "log_records")
SCOPES = ("scopeSpans", "scope_spans", "instrumentationLibrarySpans")
ID = ("spanId", "span_id", "context.span_id")
PARENT = ("parentSpanId", "parent_span_id", "parent_id", "parentId")
NAME = ("name", "eventName", "event_name")
START = ("startTimeUnixNano", "start_time_unix_nano", "startTime", "start_time", "timeUnixNano", "time_unix_nano")
END = ("endTimeUnixNano", "end_time_unix_nano", "endTime", "end_time")
CONTEXTS = ("spanContext", "context")
COLUMN = "attributes."
FAILED = frozenset({2, "2", "ERROR", "STATUS_CODE_ERROR", "StatusCode.ERROR"})

Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a span."""

    name: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Span:
    """One span: what it says of itself in flat attributes, and where it stands in its trace."""

    id: str | None
    parent: str | None
    name: str
    start_us: int | None
    latency_ms: float | None
    attributes: Attributes
    resource: Attributes
    events: tuple[Event, ...]
    failed: bool


def spans_of(record: Record) -> list[Span]:
    """The spans of a record: of a whole OTLP batch, or the one that it is; empty if it is no piece of a trace."""
    if _last.record is not record:
        _last.spans, _last.record = _read(record), record
    return _last.spans


class _Last(threading.local):
    """The record read last: each format that might read a record asks for its spans, then the one that does."""

    record: Record | None = None
    spans: list[Span]


_last = _Last()


def _read(record: Record) -> list[Span]:
    batch = _first(record, BATCHES)
    if isinstance(batch, list):
        return [span for group in _objects(batch) for span in _of_resource(group)]
    events = _first(record, LOGS)
    if isinstance(events, list):
        return [event for group in _objects(events) for event in _events_of_resource(group)]
    if _is_span(record):
        return [_span(record, _resource(record))]
    return []


def tree(attributes: Attributes, prefix: str) -> Any:
    """What stands below a prefix as nested lists and objects, be it flattened with indices, nested, or JSON text."""
    if prefix in attributes:
        return _expanded(attributes[prefix])
    below: dict[str, Any] = {}
    start = prefix + "."
    for key, value in attributes.items():
        if key.startswith(start):
            _put(below, key[len(start) :].split("."), value)
    return _listed(below) if below else None


def decoded(value: Any) -> Any:
    """A list or an object, also from JSON text; None for anything else."""
    found = embedded(value) if isinstance(value, str) else value
    return found if isinstance(found, list | dict) else None


def _is_span(record: Record) -> bool:
    if _first(record, ID) is None and not isinstance(_first(record, CONTEXTS), dict):
        return False
    return isinstance(record.get("attributes"), dict | list) or any(key.startswith(COLUMN) for key in record)


def _of_resource(group: Record) -> Iterator[Span]:
    resource = _resource(group)
    for scope in _objects(_first(group, SCOPES)):
        for span in _objects(scope.get("spans")):
            yield _span(span, resource)


def _events_of_resource(group: Record) -> Iterator[Span]:
    resource = _resource(group)
    for scope in _objects(_first(group, LOG_SCOPES)):
        for event in _objects(_first(scope, LOG_RECORDS)):
            yield _span(event, resource)


def _resource(holder: Record) -> Attributes:
    resource = holder.get("resource")
    return _flat(resource.get("attributes")) if isinstance(resource, dict) else {}


def _span(span: Record, resource: Attributes) -> Span:
    context = _first(span, CONTEXTS)
    inner: Record = context if isinstance(context, dict) else {}
    start, end = _instant(_first(span, START)), _instant(_first(span, END))
    return Span(
        _text(_first(span, ID) or _first(inner, ID)),
        _text(_first(span, PARENT) or _parent_context(span)),
        _text(_first(span, NAME)) or "",
        start,
        (end - start) / 1000 if start is not None and end is not None and end >= start else None,
        _attributes(span),
        resource,
        tuple(Event(_text(event.get("name")) or "", _flat(event.get("attributes"))) for event in _events(span)),
        _failed(span),
    )


def _attributes(span: Record) -> Attributes:
    """Those of a span, and what the body of an event holds besides."""
    own = _columns(span) if "attributes" not in span else _flat(span["attributes"])
    body = _typed(span.get("body"))
    return {**_flat(body), **own} if isinstance(body, dict) else own


def _parent_context(span: Record) -> Any:
    parent = span.get("parentSpanContext")
    return _first(parent, ID) if isinstance(parent, dict) else None


def _events(span: Record) -> Iterator[Record]:
    yield from _objects(decoded(span.get("events")))


def _failed(span: Record) -> bool:
    status = span.get("status")
    code = (
        _first(status, ("code", "status_code", "statusCode")) if isinstance(status, dict) else span.get("status_code")
    )
    return isinstance(code, int | str) and code in FAILED


def _instant(value: Any) -> int | None:
    """Microseconds; from [seconds, nanoseconds] as JavaScript's SDK has it, else as any instant."""
    if isinstance(value, list) and len(value) == 2:
        seconds, nanoseconds = count(value[0]), count(value[1])
        return None if seconds is None or nanoseconds is None else seconds * 1_000_000 + nanoseconds // 1000
    return instant_us(int(value) if isinstance(value, str) and value.isdecimal() else value)


def _columns(record: Record) -> Attributes:
    """The attributes of a record that has a column for each."""
    return _flat({key[len(COLUMN) :]: value for key, value in record.items() if key.startswith(COLUMN)})


def _flat(attributes: Any) -> dict[str, Any]:
    """Dotted key → value: OTLP's list of typed pairs, a dict, or nested dicts."""
    if isinstance(attributes, str):
        attributes = embedded(attributes)
    if isinstance(attributes, list):
        attributes = _pairs(attributes)
    return dict(_leaves("", attributes)) if isinstance(attributes, dict) else {}


def _pairs(items: Any) -> dict[str, Any]:
    return {key: _typed(pair.get("value")) for pair in _objects(items) if isinstance(key := pair.get("key"), str)}


def _leaves(path: str, value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield from _leaves(f"{path}{key}.", item)
        elif item is not None:
            yield f"{path}{key}", item


def _typed(value: Any) -> Any:
    """The value of OTLP's {"stringValue": …}, in either spelling of its names."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((kind, inner),) = value.items()
    convert = TYPED.get(kind)
    return value if convert is None else convert(inner)


def _values(holder: Any) -> list[Any]:
    return holder["values"] if isinstance(holder, dict) and isinstance(holder.get("values"), list) else []


def _same(value: Any) -> Any:
    return value


CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "string": _same,
    "bool": _same,
    "bytes": _same,
    "double": _same,
    "int": lambda value: found if (found := count(value)) is not None else value,
    "array": lambda value: [_typed(item) for item in _values(value)],
    "kvlist": lambda value: _pairs(_values(value)),
}
TYPED = {kind + suffix: convert for kind, convert in CONVERTERS.items() for suffix in ("Value", "_value")}


def _expanded(value: Any) -> Any:
    """A structured value whose objects may have dotted keys themselves."""
    if isinstance(value, str):
        found = embedded(value)
        return value if found is None else _expanded(found)
    if isinstance(value, list):
        return [_expanded(item) for item in value]
    if not isinstance(value, dict):
        return value
    below: dict[str, Any] = {}
    for key, item in value.items():
        _put(below, key.split("."), item if isinstance(item, str) else _expanded(item))
    return _listed(below)


def _put(below: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        inner = below.setdefault(key, {})
        if not isinstance(inner, dict):
            return
        below = inner
    below.setdefault(path[-1], value)


def _listed(value: Any) -> Any:
    """The same with objects whose keys are indices made lists, in the order of the indices."""
    if not isinstance(value, dict):
        return value
    if value and all(key.isdecimal() for key in value):
        return [_listed(value[key]) for key in sorted(value, key=int)]
    return {key: _listed(item) for key, item in value.items()}


def _first(holder: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((found for name in names if (found := holder.get(name)) is not None), None)


def _objects(items: Any) -> Iterator[Record]:
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            yield item


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
