"""Plain rows: fields at the usual places, the user's own mappings, tags, and what must never become one."""

from __future__ import annotations

import pytest

from llmcost import logs
from llmcost.answers import Usage
from llmcost.errors import ConfigError

ROW = {"model": "gpt-4o", "prompt": "Where is my order?", "response": "On its way."}


@pytest.mark.parametrize(
    "row",
    [
        ROW,
        {"model": "gpt-4o", "input": "Where is my order?", "output": "On its way."},
        {"model_name": "gpt-4o", "question": "Where is my order?",
         "answer": {"role": "assistant", "content": "On its way."}},
        {"model": "gpt-4o", "messages": [{"role": "user", "content": "Where is my order?"}],
         "completion": "On its way."},
        {"data": {"model": "gpt-4o", "prompt": "Where is my order?", "completion": "On its way."}},
        {"model": "gpt-4o", "messages": [{"role": "user", "content": "Where is my order?"},
                                         {"role": "assistant", "content": "On its way."}]},
    ],
)  # fmt: skip
def test_the_exchange_is_found_under_its_many_names(row, read_records) -> None:
    _, (call,) = read_records(row)
    assert call.request == {"model": "gpt-4o", "messages": [{"role": "user", "content": "Where is my order?"}]}
    assert call.answer.text == "On its way."
    assert call.request_model == "gpt-4o"


def test_an_answer_that_is_json_stays_text(read_records) -> None:
    _, (call,) = read_records({**ROW, "prompt": '{"classify": "this"}', "response": '{"label": "spam"}'})
    assert call.answer.text == '{"label": "spam"}'
    assert call.request["messages"][0]["content"] == '{"classify": "this"}'


@pytest.mark.parametrize(
    ("fields", "usage"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 2}, Usage(10, None, None, 2, None)),
        ({"usage": {"input_tokens": "10", "output_tokens": 2.0}}, Usage(10, None, None, 2, None)),
        ({"metrics": {"input_tokens": 10}, "tokens_out": 0}, Usage(10, None, None, 0, None)),
        ({"usage": {"input_tokens": 10, "output_tokens": 2, "cache_read_input_tokens": 90,
                    "cache_creation_input_tokens": 5}}, Usage(105, 90, 5, 2, None)),
        ({"prompt_tokens": -1, "completion_tokens": None}, Usage()),
    ],
)  # fmt: skip
def test_tokens_from_anywhere_and_null_when_unknown(fields, usage, read_records) -> None:
    _, (call,) = read_records({**ROW, **fields})
    assert call.usage == usage
    assert not call.tokens_estimated


@pytest.mark.parametrize(
    ("fields", "latency_ms"),
    [
        ({"latency_ms": 812.5}, 812.5),
        ({"latency_s": "1.5"}, 1500.0),
        ({"duration_ns": 2_000_000}, 2.0),
        ({"metrics": {"latency_ms": 7}}, 7.0),
        ({"latency": "340ms"}, 340.0),
        ({"latency": 1.25}, 1250.0),
        ({"latency": 900}, 900.0),
        ({"start_time": "2026-10-01T10:00:00Z", "end_time": "2026-10-01T10:00:02.5Z"}, 2500.0),
        ({"latency_ms": -4}, None),
        ({}, None),
    ],
)
def test_latency_by_the_unit_in_its_name_or_from_two_instants(fields, latency_ms, read_records) -> None:
    _, (call,) = read_records({**ROW, **fields})
    assert call.latency_ms == latency_ms


@pytest.mark.parametrize(
    "instant",
    ["2026-10-01T10:00:00Z", "2026-10-01 10:00:00", "2026-10-01T12:00:00+02:00", "2026-10-01 10:00:00 UTC",
     1_790_848_800, 1_790_848_800_000, 1_790_848_800_000_000, 1_790_848_800_000_000_000, "1790848800.0"],
)  # fmt: skip
def test_one_instant_in_many_spellings(instant, read_records) -> None:
    _, (call,) = read_records({**ROW, "timestamp": instant})
    assert call.start_time_us == 1_790_848_800_000_000


def test_the_users_mapping_reads_a_shape_of_its_own(read_records) -> None:
    row = {"llm": {"name": "gpt-4o"}, "q.text": "Where?", "out": [{"said": "Here."}], "t": 1_790_000_000,
           "ctx": {"route": "chat", "who": "ann"}, "n": "12", "gold": "Here."}  # fmt: skip
    fields = {"model": "llm.name", "prompt": "q.text", "response": "out[0].said", "timestamp": "t", "task": "ctx.route",
              "user": "ctx.who", "input_tokens": "n", "expected": "gold"}  # fmt: skip
    log, (call,) = read_records(row, fields=fields)
    assert call.request == {"model": "gpt-4o", "messages": [{"role": "user", "content": "Where?"}]}
    assert (call.request_model, call.answer.text, call.user, call.expected) == ("gpt-4o", "Here.", "ann", "Here.")
    assert (call.usage.input_tokens, call.start_time_us) == (12, 1_790_000_000_000_000)
    assert call.tags == {"task": "chat"}
    assert log.calls.column("has_expected").to_pylist() == [True]


def test_an_unknown_field_name_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError) as caught:
        logs.ReadOptions(fields={"modle": "x"})
    assert "model" in (caught.value.hint or "")


def test_tags_are_short_scalars_and_never_text_secrets_or_people(read_records) -> None:
    row = {
        **ROW, "feature": "search", "retries": 2, "cached": True, "note": "long " * 40, "api_key": "sk-1",
        "tags": ["a", "b"], "expected": "On its way.", "user_id": "ann", "system": "Be brief.",
        "metadata": {"task": "chat", "user_id": "ann", "team": {"name": "x"}, "expected": "yes", "prompt": "Where?",
                     "authorization": "Bearer sk-2", "session_id": "s"},
    }  # fmt: skip
    log, (call,) = read_records(row)
    assert call.tags == {
        "feature": "search", "retries": "2", "cached": "true", "tags": "a,b", "metadata.task": "chat",
        "metadata.team.name": "x",
    }  # fmt: skip
    assert call.expected == "yes"
    (stored,) = log.calls.table.to_pylist()
    assert stored["user_key"] and stored["session_key"]
    assert not any(word in str(stored) for word in ("sk-1", "sk-2", "ann'", "On its way", "Where"))


def test_metadata_of_a_nested_request_keeps_its_path(read_records) -> None:
    request = {"model": "m", "messages": [{"role": "user", "content": "x"}], "metadata": {"feature": "f"}}
    _, (call,) = read_records({"request": request, "response": "y"})
    assert call.tags == {"request.metadata.feature": "f"}


def test_estimates_are_made_only_when_asked_and_say_so(read_records) -> None:
    log, _ = read_records(ROW, {**ROW, "prompt_tokens": 9}, estimate_tokens=True)
    assert log.calls.column("input_tokens").to_pylist() == [5, 9]
    assert log.calls.column("output_tokens").to_pylist() == [3, None]
    assert log.calls.column("tokens_estimated").to_pylist() == [True, False]


def test_what_is_no_call_is_rejected_with_the_reason(read_records) -> None:
    log, _ = read_records(ROW, {"level": "info", "msg": "started"}, [1], "x", None)
    assert [(reject.line, reject.reason) for reject in log.rejects] == [
        (2, "no model and no messages: not an LLM call"),
        (3, "not an object: a call is a JSON object"),
        (4, "not an object: a call is a JSON object"),
        (5, "not an object: a call is a JSON object"),
    ]


def test_a_mixed_file_is_read_record_by_record(read_records) -> None:
    pair = {"request": {"model": "m", "messages": [{"role": "user", "content": "x"}]},
            "response": {"choices": [{"message": {"content": "paired"}}]}}  # fmt: skip
    for records in ([ROW, ROW, pair], [pair, pair, ROW]):
        log, calls = read_records(*records)
        assert log.rejected == 0
        assert sorted(call.answer.text for call in calls) == sorted(
            "On its way." if record is ROW else "paired" for record in records
        )
