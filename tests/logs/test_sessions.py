"""Agents' sessions: a message that is written down several times counts once, and earlier lines tell of later ones."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from llmcost import logs

FIXTURES = Path(__file__).parent / "fixtures"


def lines(name: str) -> list[str]:
    return (FIXTURES / name / "in.jsonl").read_text().splitlines(keepends=True)


def read(*files: Path) -> logs.Log:
    return logs.read([str(file) for file in files], call_site=lambda call: None)


def total(log: logs.Log, *names: str) -> list[int]:
    return [sum(filter(None, log.calls.column(name).to_pylist())) for name in names]


def test_a_message_counts_once_with_its_final_usage_whatever_the_order(tmp_path: Path) -> None:
    file = tmp_path / "session.jsonl"
    for seed in range(5):
        shuffled = lines("claude-code")
        random.Random(seed).shuffle(shuffled)
        file.write_text("".join(shuffled))
        log = read(file)
        assert sorted(log.calls.labels("id")) == ["msg_1", "msg_2", "msg_3", "msg_4"]
        assert total(log, "input_tokens", "cache_read_tokens", "output_tokens") == [50117, 47700, 164]


def test_a_resumed_session_and_its_original_count_each_message_once(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text("".join(lines("claude-code")))
    resumed = [json.loads(line) for line in lines("claude-code")]
    more = {**resumed[10], "uuid": "u20", "message": {**resumed[10]["message"], "id": "msg_9"}}
    renamed = [{**record, "sessionId": "new"} if "sessionId" in record else record for record in [*resumed, more]]
    second.write_text("".join(json.dumps(record) + "\n" for record in renamed))
    log = read(first, second)
    assert sorted(log.calls.labels("id")) == ["msg_1", "msg_2", "msg_3", "msg_4", "msg_9"]
    assert (log.records, log.rejected, log.passed_over) == (25, 0, 20)
    assert len(logs.bodies(log.calls)) == 5


def test_ids_of_other_logs_may_repeat(tmp_path: Path) -> None:
    row = {"id": "same", "model": "gpt-4o", "prompt": "Where?", "response": "Here."}
    file = tmp_path / "rows.jsonl"
    file.write_text((json.dumps(row) + "\n") * 3)
    assert len(read(file).calls) == 3


def test_a_call_read_again_alone_knows_what_earlier_lines_said_of_it() -> None:
    log = read(FIXTURES / "codex" / "in.jsonl")
    for row in range(len(log.calls)):
        one = log.calls.take([row])
        (call,) = logs.bodies(one)
        assert [call.request_model] == one.labels("request_model")
        assert [call.usage.input_tokens] == one.column("input_tokens").to_pylist()
    assert log.calls.labels("request_model") == ["gpt-5-codex", "gpt-5-codex", "gpt-5-mini"]


def test_the_calls_of_a_session_add_up_to_its_own_total() -> None:
    log = read(FIXTURES / "codex" / "in.jsonl")
    events = [json.loads(line)["payload"] for line in lines("codex")]
    last: dict[str, Any] = [event["info"] for event in events if event.get("info")][-1]["total_token_usage"]
    names = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")
    ours = ("input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens")
    assert total(log, *ours) == [last[name] for name in names]


def test_a_fork_counts_only_what_its_ancestors_did_not(tmp_path: Path) -> None:
    parent = [json.loads(line) for line in lines("codex")]
    meta = {**parent[0], "payload": {**parent[0]["payload"], "id": "0200-bb", "forked_from_id": "0199-aa"}}
    stamped = [{**record, "timestamp": "2026-10-02T08:00:00.000Z"} for record in parent]
    own = json.loads(json.dumps(parent[9]))
    own["payload"]["info"]["total_token_usage"]["input_tokens"] += 700
    again = {**meta, "payload": {**meta["payload"], "id": "0201-cc", "forked_from_id": "0200-bb"}}
    for number, records in enumerate((parent, [meta, *stamped, own], [again, meta, *stamped, own])):
        (tmp_path / f"{number}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    log = read(*sorted(tmp_path.iterdir()))
    assert log.calls.column("input_tokens").to_pylist() == [1000, 1300, 500, 700]
    assert log.calls.column("source").to_pylist() == [0, 0, 0, 1]
    assert [call.session for call in logs.bodies(log.calls)] == ["0199-aa"] * 3 + ["0200-bb"]


def test_sessions_that_happen_to_count_alike_are_not_copies(tmp_path: Path) -> None:
    for name in ("a", "b"):
        meta, *rest = (json.loads(line) for line in lines("codex"))
        meta["payload"]["id"] = name
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in (meta, *rest)))
    assert len(read(tmp_path / "a.jsonl", tmp_path / "b.jsonl").calls) == 6


@pytest.mark.parametrize("name", ["codex", "claude-code"])
def test_sessions_in_one_folder_do_not_leak_into_each_other(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.jsonl").write_text("".join(lines("codex")))
    (tmp_path / "b.jsonl").write_text("".join(lines("codex")[4:5]))
    (tmp_path / "c.jsonl").write_text("".join(lines(name)))
    log = read(tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "c.jsonl")
    sources = log.calls.column("source").to_pylist()
    (alone,) = [row for row, source in enumerate(sources) if source == 1]
    assert log.calls.labels("request_model")[alone] is None
    assert log.rejected == 0
