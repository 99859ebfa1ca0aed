"""Anthropic, Bedrock Converse and Gemini as chat completions: what is translated, what is not, and whose tokens."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmcost import logs
from llmcost.answers import Usage
from llmcost.logs import anthropic_api, converse_api, gemini_api
from llmcost.logs.translated import Untranslatable

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = ("anthropic-messages", "anthropic-batches", "openai-batch", "bedrock", "gemini", "azure-apim")
ODD = (None, -1, 1.5, True, "", "x", "{}", "[1]", [], {}, [1], [None], {"a": 1}, {"type": []}, "data: {}\n\n", 10**30)
USER = {"role": "user", "content": "Where is my order?"}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
SCHEMA = {"type": "object", "properties": {"state": {"type": "string"}}}


def claude(**more: Any) -> dict[str, Any]:
    return anthropic_api.to_chat({"model": "claude-x", "max_tokens": 9, "messages": [USER], **more})


def converse(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return converse_api.to_chat({"messages": list(messages) or [{"role": "user", "content": [{"text": "Hi"}]}], **more})


def gemini(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return gemini_api.to_chat({"contents": [{"role": "user", "parts": list(parts) or [{"text": "Hi"}]}], **more})


# What the documentation says of one call of each convention, added up by hand.
@pytest.mark.parametrize(
    ("read", "block", "usage"),
    [
        (anthropic_api.usage_of, {"input_tokens": 50, "cache_read_input_tokens": 100_000,
                                  "cache_creation_input_tokens": 248, "output_tokens": 503},
         Usage(100_298, 100_000, 248, 503)),
        (anthropic_api.usage_of, {"input_tokens": 1, "cache_creation": {"ephemeral_5m_input_tokens": 4,
                                                                       "ephemeral_1h_input_tokens": 9}},
         Usage(14, None, 13, None, None, 9)),
        (anthropic_api.usage_of, {"output_tokens": 7, "output_tokens_details": {"thinking_tokens": 5}},
         Usage(None, None, None, 7, 5)),
        (converse_api.usage_of, {"inputTokens": 200, "outputTokens": 20, "totalTokens": 9220,
                                 "cacheReadInputTokens": 9000, "cacheWriteInputTokens": 0}, Usage(9200, 9000, 0, 20)),
        (gemini_api.usage_of, {"prompt_token_count": 3, "candidates_token_count": 29, "thoughts_token_count": 901,
                               "total_token_count": 933}, Usage(3, None, None, 930, 901)),
        (gemini_api.usage_of, {"promptTokenCount": 12, "cachedContentTokenCount": 4, "candidatesTokenCount": 71,
                               "toolUsePromptTokenCount": 65, "thoughtsTokenCount": 89, "totalTokenCount": 237},
         Usage(77, 4, None, 160, 89)),
        (gemini_api.usage_of, {"promptTokenCount": 12, "totalTokenCount": 12}, Usage(12, None, None, 0)),
        (gemini_api.usage_of, {}, Usage()),
    ],
)  # fmt: skip
def test_tokens_in_our_meaning(read: Any, block: dict[str, Any], usage: Usage) -> None:
    assert read(block) == usage


def test_anthropic_parameters_have_their_chat_names() -> None:
    chat = claude(
        stop_sequences=["\n"], temperature=0, top_k=5, thinking={"type": "enabled", "budget_tokens": 1024},
        tool_choice={"type": "tool", "name": "find"}, tools=[{"name": "find", "input_schema": SCHEMA}],
        output_config={"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}},
    )  # fmt: skip
    assert chat == {
        "model": "claude-x", "max_tokens": 9, "messages": [USER], "stop": ["\n"], "temperature": 0,
        "tools": [{"type": "function", "function": {"name": "find", "parameters": SCHEMA}}],
        "tool_choice": {"type": "function", "function": {"name": "find"}}, "reasoning_effort": "low",
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}},
    }  # fmt: skip


def test_anthropic_images_and_results_of_tools() -> None:
    result = {"type": "tool_result", "tool_use_id": "t", "content": "rain"}
    use = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "find", "input": {}}]}
    chat = claude(messages=[use, {"role": "user", "content": [IMAGE, {"type": "text", "text": "this?"}, result]}])
    assert [message["role"] for message in chat["messages"]] == ["assistant", "tool", "user"]
    assert chat["messages"][0]["tool_calls"][0]["function"] == {"name": "find", "arguments": "{}"}
    assert chat["messages"][1] == {"role": "tool", "tool_call_id": "t", "content": "rain"}
    assert chat["messages"][2]["content"][0] == {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,AAAA"},
    }


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"messages": [USER, {"role": "assistant", "content": "On"}]},
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [IMAGE]}]}]},
        {"container": "c1"},
        {"mcp_servers": [{"url": "https://example.com"}]},
    ],
)
def test_what_only_anthropic_can_do_is_not_translated(more: dict[str, Any]) -> None:
    with pytest.raises(Untranslatable):
        claude(**more)


@pytest.mark.parametrize(
    "block", [{"image": {"format": "png", "source": {"bytes": ""}}}, {"document": {"name": "d"}}, {"video": {}}]
)
def test_what_converse_shows_is_not_translated(block: dict[str, Any]) -> None:
    with pytest.raises(Untranslatable):
        converse({"role": "user", "content": [block]})


def test_converse_settings_have_their_chat_names() -> None:
    settings = {"maxTokens": 5, "topP": 0.5, "temperature": 0, "stopSequences": ["x"]}
    tool = {"toolSpec": {"name": "find", "inputSchema": {"json": SCHEMA}}}
    chat = converse(inferenceConfig=settings, toolConfig={"tools": [tool], "toolChoice": {"any": {}}})
    assert {key: chat[key] for key in ("max_tokens", "top_p", "temperature", "stop", "tool_choice")} == {
        "max_tokens": 5, "top_p": 0.5, "temperature": 0, "stop": ["x"], "tool_choice": "required",
    }  # fmt: skip
    assert chat["tools"] == [{"type": "function", "function": {"name": "find", "parameters": SCHEMA}}]


@pytest.mark.parametrize(
    ("request_part", "state"),
    [
        ({"cachedContent": "cachedContents/1"}, "server_side_history"),
        ({"tools": [{"googleSearch": {}}]}, "unsupported"),
        ({"generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}}, "unsupported"),
        ({"contents": [{"role": "user", "parts": [{"fileData": {"fileUri": "gs://b/o"}}]}]}, "unsupported"),
        ({"contents": [{"role": "model", "parts": [{"text": "On"}]}]}, "unsupported"),
    ],
)
def test_what_only_gemini_can_do_is_not_translated(request_part: dict[str, Any], state: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        gemini(**request_part)
    assert caught.value.state == state


def test_gemini_in_the_spelling_of_its_sdks_is_the_same_request() -> None:
    image, prompt = {"data": "AAAA"}, {"parts": [{"text": "Be brief."}]}
    camel = gemini(
        {"inlineData": {"mimeType": "image/png", **image}}, {"text": "What?"},
        systemInstruction=prompt, generationConfig={"maxOutputTokens": 5},
    )  # fmt: skip
    snake = gemini(
        {"inline_data": {"mime_type": "image/png", **image}}, {"text": "What?"},
        system_instruction=prompt, generation_config={"max_output_tokens": 5},
    )  # fmt: skip
    assert camel == snake
    assert camel["messages"][1]["content"][0]["image_url"]["url"] == "data:image/png;base64,AAAA"


def test_a_blocked_prompt_is_an_answer_that_says_so() -> None:
    body = gemini_api.to_answer({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}})
    assert body["choices"][0]["finish_reason"] == "content_filter"


def test_odd_types_keep_the_costs(read_records: Any) -> None:
    response = {"type": "message", "content": [{"type": "text", "text": "ok"}], "model": "claude-x",
                "usage": {"input_tokens": 3, "output_tokens": 1}}  # fmt: skip
    odd = {"model": "claude-x", "max_tokens": 9, "messages": [7, {"role": "user"}], "system": 5}
    _, (call,) = read_records({"request": odd, "response": response})
    assert (call.body_state, call.request, call.usage.input_tokens) == ("unsupported", None, 3)


def test_a_cloudwatch_message_is_opened(read_records: Any) -> None:
    message = ('{"schemaType": "ModelInvocationLog", "modelId": "m", "requestId": "r", "input": {"inputTokenCount": 3},'
               ' "output": {"outputTokenCount": 1}}')  # fmt: skip
    log, (call,) = read_records({"@timestamp": "2026-10-01T08:00:00Z", "@message": message})
    assert (log.formats, call.id, call.usage) == (["AWS Bedrock invocation log"], "r", Usage(3, None, None, 1))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def spoilt(record: Any, path: tuple[Any, ...], odd: Any) -> Any:
    whole = holder = copy.deepcopy(record)
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = odd
    return whole


@pytest.mark.parametrize("name", NAMES)
def test_an_odd_value_anywhere_loses_no_record(name: str, tmp_path: Path) -> None:
    chosen = random.Random(7)
    lines = (FIXTURES / name / "in.jsonl").read_text().splitlines()
    records = [spoilt(r, path, chosen.choice(ODD)) for r in map(json.loads, lines) for path in places(r)]
    file = tmp_path / "odd.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    log = logs.read([str(file)], call_site=lambda call: None)
    assert log.records == len(records) == len(log.calls) + log.passed_over + log.rejected
    assert len(logs.bodies(log.calls)) == len(log.calls)
