"""Calls that a log keeps in several records: one call each, whatever the order and the files; and none guessed."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from llmcost import logs
from llmcost.calls import Call
from llmcost.errors import InputError

ASKED = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Where is my order?"}]}


def asked(key: str, text: str = "Where is my order?") -> dict[str, Any]:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}
    return {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}


def answered(key: str, text: str = "On its way.") -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    body = {"object": "chat.completion", "model": "gpt-4o-mini-2024-07-18", "choices": [choice],
            "usage": {"prompt_tokens": 9, "completion_tokens": 4}}  # fmt: skip
    return {"id": f"batch_req_{key}", "custom_id": key, "response": {"status_code": 200, "body": body}, "error": None}


def write(file: Path, records: list[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    return file


def read(*paths: Path) -> tuple[logs.Log, list[Call]]:
    log = logs.read([str(path) for path in paths], call_site=lambda call: f"site of {call.request_model}")
    return log, logs.bodies(log.calls)


def test_requests_and_answers_of_two_files_are_one_call_each(tmp_path: Path) -> None:
    keys = [f"q{number}" for number in range(20)]
    questions = write(tmp_path / "in.jsonl", [asked(key, f"Where is {key}?") for key in keys])
    answers = write(tmp_path / "out.jsonl", [answered(key, f"{key} is on its way.") for key in reversed(keys)])
    for order in ((questions, answers), (answers, questions)):
        log, calls = read(*order)
        assert (log.records, len(log.calls), log.passed_over, log.rejected) == (40, 20, 20, 0)
        assert {call.id: call.request["messages"][0]["content"] for call in calls if call.request} == {
            key: f"Where is {key}?" for key in keys
        }
        assert all(call.answer and call.answer.text == f"{call.id} is on its way." for call in calls)
        assert {type(call) for call in calls} == {Call}
        assert set(log.calls.labels("call_site")) == {"site of gpt-4o-mini"}
        assert sum(log.calls.column("input_tokens").to_pylist()) == 20 * 9


def test_a_few_rows_of_a_joined_log_are_read_again_alone(tmp_path: Path) -> None:
    keys = [f"q{number}" for number in range(9)]
    file = write(tmp_path / "all.jsonl", [*map(asked, keys), *(answered(key, f"to {key}") for key in keys)])
    log, _ = read(file)
    chosen = logs.bodies(log.calls.take([7, 2]))
    assert [call.answer.text for call in chosen if call.answer and call.request] == ["to q7", "to q2"]


def test_the_order_of_records_does_not_matter(tmp_path: Path) -> None:
    records = [record for key in "abcdef" for record in (asked(key, key), answered(key, key))]
    seen = []
    for seed in range(5):
        random.Random(seed).shuffle(records)
        _, calls = read(write(tmp_path / "shuffled.jsonl", records))
        seen.append(sorted(json.dumps([call.id, call.request, call.answer and call.answer.text]) for call in calls))
    assert all(one == seen[0] for one in seen)


def test_an_answer_without_its_request_keeps_its_costs_only(tmp_path: Path) -> None:
    log, (call,) = read(write(tmp_path / "out.jsonl", [answered("q1")]))
    assert (call.usage.input_tokens, call.request, call.body_state) == (9, None, "absent")
    assert log.calls.labels("request_model") == ["gpt-4o-mini-2024-07-18"]


def test_a_request_without_its_answer_has_no_costs(tmp_path: Path) -> None:
    log, (call,) = read(write(tmp_path / "in.jsonl", [asked("q1")]))
    assert (call.usage.input_tokens, call.answer, call.body_state) == (None, None, "full")
    assert log.passed_over == 0


def test_a_key_used_for_two_requests_is_not_guessed_at(tmp_path: Path) -> None:
    for name, question in (("monday", "Where is my order?"), ("tuesday", "Where is my refund?")):
        write(tmp_path / f"{name}-in.jsonl", [asked("q1", question)])
        write(tmp_path / f"{name}-out.jsonl", [answered("q1", name)])
    log, calls = read(tmp_path)
    assert (len(calls), log.passed_over) == (2, 2)
    assert [(call.request, call.body_state) for call in calls] == [(None, "absent")] * 2
    assert sum(log.calls.column("input_tokens").to_pylist()) == 18


def test_a_batch_run_twice_shares_its_requests(tmp_path: Path) -> None:
    _, calls = read(write(tmp_path / "log.jsonl", [asked("q1"), answered("q1", "one"), answered("q1", "two")]))
    assert [call.answer.text for call in calls if call.answer and call.request == ASKED] == ["one", "two"]


def test_parts_that_changed_since_are_an_input_error(tmp_path: Path) -> None:
    questions = write(tmp_path / "in.jsonl", [asked("q1")])
    answers = write(tmp_path / "out.jsonl", [answered("q1")])
    log, _ = read(questions, answers)
    write(questions, [asked("q1", "Where is my refund?")])
    with pytest.raises(InputError, match=r"out\.jsonl"):
        logs.bodies(log.calls)


def test_a_body_split_over_rows_counts_as_truncated(tmp_path: Path) -> None:
    rows = [
        {"CorrelationId": "c", "SequenceNumber": 2, "RequestMessages": 'question?"}]'},
        {"CorrelationId": "c", "SequenceNumber": 0, "DeploymentName": "mini", "PromptTokens": 9, "CompletionTokens": 1},
        {"CorrelationId": "c", "SequenceNumber": 1, "RequestMessages": '[{"role": "user", "content": "A long '},
    ]
    _, (call,) = read(write(tmp_path / "rows.jsonl", rows))
    assert (call.body_state, call.request, call.usage.input_tokens) == ("truncated", None, 9)
