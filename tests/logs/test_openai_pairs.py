"""OpenAI pairs: where the halves stand, which interface they are of, and how the answer came."""

from __future__ import annotations

import json

import pytest

from llmcost.answers import ToolCall, Usage

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is my order?"}]
REQUEST = {"model": "gpt-4o", "messages": MESSAGES, "temperature": 0}
USAGE = {"prompt_tokens": 20, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}}
RESPONSE = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1_790_000_000, "model": "gpt-4o-2024-08-06",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "On its way."}, "finish_reason": "stop"}],
    "usage": USAGE,
}  # fmt: skip


def sse(*events: object) -> str:
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"


def chunk(delta: dict[str, object], **more: object) -> dict[str, object]:
    return {"object": "chat.completion.chunk", "model": "m", "choices": [{"index": 0, "delta": delta, **more}]}


@pytest.mark.parametrize(
    "record",
    [
        {"request": REQUEST, "response": RESPONSE},
        {"request_body": REQUEST, "response_body": RESPONSE},
        {"input": REQUEST, "output": RESPONSE},
        {"request": json.dumps(REQUEST), "response": json.dumps(RESPONSE)},
        {"request": {"method": "POST", "body": REQUEST}, "response": {"status_code": 200, "body": RESPONSE}},
        {**REQUEST, "response": RESPONSE},
        {**RESPONSE, **REQUEST},
    ],
)
def test_the_halves_are_found_where_loggers_put_them(record, read_records) -> None:
    log, (call,) = read_records(record)
    assert log.formats == ["OpenAI request/response pairs"]
    assert call.request == {**REQUEST, "model": call.request_model}
    assert (call.answer.text, call.answer.finish_reason) == ("On its way.", "stop")
    assert call.usage == Usage(20, 4, None, 5, None)
    assert call.start_time_us == 1_790_000_000_000_000


def test_a_stream_of_tool_call_pieces_becomes_whole_calls(read_records) -> None:
    pieces = [
        {"index": 0, "id": "a", "function": {"name": "look", "arguments": ""}},
        {"index": 1, "id": "b", "function": {"name": "send", "arguments": '{"to":'}},
        {"index": 0, "function": {"arguments": '{"id":1}'}},
        {"index": 1, "function": {"arguments": '"ann"}'}},
    ]
    stream = sse(*(chunk({"tool_calls": [piece]}) for piece in pieces), chunk({}, finish_reason="tool_calls"))
    _, (call,) = read_records({"request": {**REQUEST, "stream": True}, "response": stream})
    assert call.answer.tool_calls == (ToolCall("look", '{"id":1}'), ToolCall("send", '{"to":"ann"}'))
    assert (call.answer.finish_reason, call.stream, call.usage) == ("tool_calls", True, Usage())


def test_azures_first_chunk_names_no_model_and_the_usage_comes_last(read_records) -> None:
    events = [
        {"choices": [], "model": "", "object": "", "id": ""},
        chunk({"content": "On "}), chunk({"content": "it."}, finish_reason="stop"),
        {"choices": [], "usage": USAGE, "model": "m"},
    ]  # fmt: skip
    for response in (sse(*events), events, [json.dumps(event) for event in events], {"chunks": events}):
        _, (call,) = read_records({"request": REQUEST, "response": response})
        assert (call.answer.text, call.response_model, call.usage.input_tokens) == ("On it.", "m", 20)


def test_a_responses_pair_becomes_the_chat_request_that_asks_the_same(read_records) -> None:
    request = {
        "model": "gpt-5", "instructions": "Be brief.", "max_output_tokens": 99, "reasoning": {"effort": "low"},
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Where?"}]},
            {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "Bonn"},
        ],
        "tools": [{"type": "function", "name": "look", "parameters": {"type": "object"}}],
        "text": {"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}}},
    }  # fmt: skip
    output = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "In Bonn."}]}]
    usage = {"input_tokens": 9, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 2},
             "output_tokens_details": {"reasoning_tokens": 1}}  # fmt: skip
    response = {"id": "resp_1", "object": "response", "status": "completed", "output": output, "usage": usage}
    for record in ({"request": request, "response": response}, {**request, **response}):
        _, (call,) = read_records(record)
        assert call.operation == "responses"
        assert call.usage == Usage(9, 2, None, 3, 1)
        assert (call.answer.text, call.answer.finish_reason) == ("In Bonn.", "stop")
        assert call.request == {
            "model": "gpt-5",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Where?"},
                {"role": "assistant", "content": None, "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "c", "content": "Bonn"},
            ],
            "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
            "max_completion_tokens": 99,
            "reasoning_effort": "low",
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
        }  # fmt: skip


def test_a_responses_event_stream(read_records) -> None:
    done = {"object": "response", "model": "gpt-5", "status": "completed",
            "output": [{"type": "function_call", "name": "look", "arguments": "{}"}],
            "usage": {"input_tokens": 3}}  # fmt: skip
    events = [{"type": "response.created", "response": {"model": "gpt-5"}},
              {"type": "response.completed", "response": done}]  # fmt: skip
    _, (call,) = read_records({"request": {"model": "gpt-5", "input": "hi"}, "response": sse(*events)})
    assert call.answer.tool_calls == (ToolCall("look", "{}"),)
    assert (call.answer.finish_reason, call.usage.input_tokens, call.response_model) == ("tool_calls", 3, "gpt-5")
    cut = sse(events[0], {"type": "response.output_text.delta", "delta": "Hel"})
    _, (call,) = read_records({"request": {"model": "gpt-5", "input": "hi"}, "response": cut})
    assert (call.answer.text, call.answer.finish_reason) == ("Hel", None)


@pytest.mark.parametrize(
    ("request_body", "state"),
    [
        ({"model": "m", "input": "go on", "previous_response_id": "resp_0"}, "server_side_history"),
        ({"model": "m", "input": "go on", "conversation": "conv_0"}, "server_side_history"),
        ({"model": "m", "input": "news?", "tools": [{"type": "web_search"}]}, "unsupported"),
        ({"model": "m", "prompt": [1, 2, 3]}, "unsupported"),
        ({"model": "m", "messages": [{"role": "user", "content": "ab (litellm_truncated 9 chars) c"}]}, "truncated"),
        ({"model": "m", "messages": [{"role": "user", "content": "[REDACTED]"}]}, "redacted"),
    ],
)
def test_a_body_that_cannot_be_replayed_says_why_and_has_no_key(request_body, state, read_records) -> None:
    log, (call,) = read_records({"request": request_body, "response": RESPONSE})
    assert call.body_state == state
    assert log.calls.column("prompt_key").to_pylist() == [None]


def test_legacy_completions_and_embeddings(read_records) -> None:
    legacy = {"object": "text_completion", "choices": [{"text": " Paris", "finish_reason": "stop"}], "usage": USAGE}
    _, (call,) = read_records({"request": {"model": "m", "prompt": "Capital?"}, "response": legacy})
    assert (call.operation, call.answer.text) == ("completion", " Paris")
    assert call.request["messages"] == [{"role": "user", "content": "Capital?"}]
    vectors = {"object": "list", "data": [{"embedding": [0.1]}], "model": "e", "usage": {"prompt_tokens": 7}}
    _, (call,) = read_records({"request": {"model": "e", "input": ["a"]}, "response": vectors})
    assert (call.operation, call.body_state, call.usage.input_tokens) == ("embeddings", "unsupported", 7)


@pytest.mark.parametrize(
    ("record", "error"),
    [
        ({"request": REQUEST, "response": {"error": {"code": "rate_limit", "message": "x"}}}, "rate_limit"),
        ({"request": REQUEST, "response": {"error": {"type": "server_error", "code": None}}}, "server_error"),
        ({"request": REQUEST, "response": None, "status": 503}, "503"),
        ({"request": REQUEST, "response": None, "status_code": "429"}, "429"),
        ({"request": REQUEST, "response": None, "error": "Timeout: no answer to 'secret text'"}, "Timeout"),
        ({"request": REQUEST, "response": None, "error": "the whole text of a message"}, "error"),
        ({"request": REQUEST, "response": RESPONSE, "status": 200, "error": None}, None),
        ({"request": REQUEST, "response": RESPONSE, "status": "success", "error": ""}, None),
    ],
)  # fmt: skip
def test_failures_keep_their_kind_and_never_their_message(record, error, read_records) -> None:
    _, (call,) = read_records(record)
    assert call.error_type == error
    assert (call.answer is None) == (error is not None)


def test_multi_part_content_and_refusals(read_records) -> None:
    parts = [{"type": "text", "text": "What is "}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    message = {"role": "assistant", "content": None, "refusal": "I cannot."}
    response = {**RESPONSE, "choices": [{"message": message, "finish_reason": "stop"}]}
    _, (call,) = read_records({"request": {"model": "m", "messages": [{"role": "user", "content": parts}]},
                               "response": response})  # fmt: skip
    assert call.request["messages"][0]["content"] == parts
    assert (call.answer.text, call.answer.refusal) == (None, "I cannot.")


def test_the_key_ignores_the_model_and_bookkeeping_and_nothing_else(read_records) -> None:
    same = [REQUEST, {**REQUEST, "model": "x", "user": "ann", "stream": True, "metadata": {"a": "b"}, "tools": None}]
    other = [{**REQUEST, "temperature": 1}, {**REQUEST, "messages": MESSAGES[1:]}, {**REQUEST, "tools": [{}]}]
    log, _ = read_records(*({"request": request, "response": RESPONSE} for request in same + other))
    first, second, *rest = log.calls.column("prompt_key").to_pylist()
    assert first == second
    assert len({first, *rest}) == 4


def test_a_row_of_openpipe_is_a_pair(read_records) -> None:
    row = {
        "input": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0},
        "output": {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1790848800, "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10},
        },
        "tags": {"prompt_id": "greeting"},
    }  # fmt: skip
    log, (call,) = read_records(row)
    assert (log.formats, call.body_state, call.usage.input_tokens, call.usage.output_tokens) == (
        ["OpenAI request/response pairs"], "full", 8, 2,
    )  # fmt: skip
    assert (call.id, call.start_time_us, call.tags) == ("chatcmpl-1", 1790848800000000, {"tags.prompt_id": "greeting"})
    assert call.answer is not None and call.answer.text == "Hello"
