"""What must hold for any log: no line is lost; container, compression and splitting do not change what is read."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.examples import odd

from llmcost import logs

BOOKKEEPING = ("source", "position", "part", "call_site")
COLUMNS = ("model", "messages", "response", "prompt_tokens", "completion_tokens", "temperature", "timestamp",
           "latency_ms", "metadata", "task", "stream")  # fmt: skip

words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30).map(lambda s: f"q {s} q")
counts = st.integers(0, 10**6)
messages = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": words}),
    min_size=1, max_size=3,
)  # fmt: skip
rows = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["gpt-4o", "deepseek-v4-flash", "Qwen/Qwen3-8B"]),
        "messages": messages,
        "response": words,
        "prompt_tokens": counts,
        "completion_tokens": counts,
        "temperature": st.sampled_from([0, 0.5, 1]),
        "timestamp": st.integers(1_700_000_000, 1_800_000_000),
        "latency_ms": st.floats(1, 1e5, allow_nan=False),
        "metadata": st.fixed_dictionaries({"feature": words, "user_id": st.sampled_from(["ann", "bob"])}),
        "task": st.sampled_from(["chat", "code"]),
        "stream": st.booleans(),
    }
)
logs_of_rows = st.lists(rows, min_size=1, max_size=6)
relaxed = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read_bytes(name: str, content: bytes) -> tuple[logs.Log, list[Any]]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(content)
        log = logs.read([str(file)], call_site=lambda call: None)
        return log, logs.bodies(log.calls)


def facts(log: logs.Log) -> list[dict[str, Any]]:
    table = log.calls.table.drop_columns(list(BOOKKEEPING))
    return [{**row, "tags": sorted(row["tags"])} for row in table.to_pylist()]


def jsonl(records: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def as_csv(records: list[dict[str, Any]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for record in records:
        cells = (record[name] for name in COLUMNS)
        writer.writerow([json.dumps(cell) if isinstance(cell, dict | list | bool) else cell for cell in cells])
    return out.getvalue().encode()


def as_parquet(records: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    table = pa.Table.from_pylist([{**r, "temperature": float(r["temperature"])} for r in records])
    pq.write_table(table, out, row_group_size=2)
    return out.getvalue()


def nested(record: dict[str, Any]) -> dict[str, Any]:
    usage = {"prompt_tokens": record["prompt_tokens"], "completion_tokens": record["completion_tokens"]}
    choice = {"index": 0, "message": {"role": "assistant", "content": record["response"]}, "finish_reason": "stop"}
    request = {key: record[key] for key in ("model", "messages", "temperature", "stream")}
    return {
        **{key: record[key] for key in ("timestamp", "latency_ms", "metadata", "task")},
        "request": request,
        "response": {"object": "chat.completion", "model": record["model"], "choices": [choice], "usage": usage},
    }


@relaxed
@given(logs_of_rows)
def test_containers_and_compression_do_not_change_what_is_read(records: list[dict[str, Any]]) -> None:
    lines = jsonl(records)
    log, calls = read_bytes("log.jsonl", lines)
    forms = {
        "log.json": json.dumps(records, indent=1).encode(),
        "wrapped.json": json.dumps({"data": records}).encode(),
        "log.csv": as_csv(records),
        "log.parquet": as_parquet(records),
        "log.jsonl.gz": gzip.compress(lines),
        "mislabelled.jsonl": zstandard.compress(lines),
    }
    for name, content in forms.items():
        other, other_calls = read_bytes(name, content)
        assert (other.records, other.rejected) == (len(records), 0), name
        assert facts(other) == facts(log), name
        assert [call.answer for call in other_calls] == [call.answer for call in calls], name


@relaxed
@given(logs_of_rows)
def test_nested_flat_and_plain_records_of_one_request_have_one_key(records: list[dict[str, Any]]) -> None:
    plain, _ = read_bytes("plain.jsonl", jsonl(records))
    pairs = [nested(record) for record in records]
    paired, _ = read_bytes("nested.jsonl", jsonl(pairs))
    merged, _ = read_bytes("flat.jsonl", jsonl([{**p["response"], **p["request"], **p["metadata"]} for p in pairs]))
    assert column(paired) == column(merged) == column(plain)


def column(log: logs.Log, name: str = "prompt_key") -> list[Any]:
    return log.calls.column(name).to_pylist()


@relaxed
@given(logs_of_rows, st.integers(0, 6))
def test_splitting_a_file_changes_nothing(records: list[dict[str, Any]], cut: int) -> None:
    whole, _ = read_bytes("whole.jsonl", jsonl(records))
    with TemporaryDirectory() as folder:
        for number, part in enumerate((records[:cut], records[cut:])):
            (Path(folder) / f"{number}.jsonl").write_bytes(jsonl(part))
        split = logs.read([folder], call_site=lambda call: None)
    assert facts(split) == facts(whole)
    assert split.records == whole.records


@relaxed
@given(logs_of_rows)
def test_bodies_give_the_record_back(records: list[dict[str, Any]]) -> None:
    _, calls = read_bytes("log.jsonl.zst", zstandard.compress(jsonl(records)))
    for record, call in zip(records, calls, strict=True):
        assert call.request is not None and call.answer is not None
        assert call.request["messages"] == record["messages"]
        assert call.request["temperature"] == record["temperature"]
        assert call.answer.text == record["response"]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_crash_and_no_line_is_lost(content: bytes) -> None:
    log, _ = read_bytes("any.jsonl", b"x" + content)
    assert log.records == sum(bool(line.strip()) for line in (b"x" + content).split(b"\n"))
    assert log.records == len(log.calls) + log.rejected


names = st.sampled_from(
    ["model", "messages", "prompt", "input", "output", "request", "response", "choices", "message", "content", "role",
     "usage", "prompt_tokens", "error", "status", "timestamp", "latency", "metadata", "tools", "type", "delta", "text",
     "tool_calls", "function", "created", "id", "object", "instructions", "data", "body", "chunks"]
)  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("data: {}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@odd
@given(st.lists(st.dictionaries(names, anything, max_size=6), min_size=1, max_size=4))
def test_odd_types_anywhere_are_calls_or_rejects(records: list[dict[str, Any]]) -> None:
    log, calls = read_bytes("odd.jsonl", jsonl(records))
    assert log.records == len(records) == len(log.calls) + log.rejected
    assert len(calls) == len(log.calls)
