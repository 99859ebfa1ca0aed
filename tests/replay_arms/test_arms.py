"""A candidate's request is the logged one but for what is told, and nobody's identity or key goes along."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.calls import Call, Source, from_rows
from llmcost.config import ModelSettings
from llmcost.errors import ConfigError, InputError
from llmcost.replay.arms import replayable, requests
from llmcost.serving.translation import EFFORTS, LEFT_BEHIND, CandidateModel, parse_candidate, translate

MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "hi"}]},
    {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "1", "content": "42"},
]
SHAPING: dict[str, Any] = {
    "messages": MESSAGES,
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "response_format": {"type": "json_object"},
    "temperature": 0.2,
    "top_p": 0.9,
    "seed": 7,
    "stop": ["END"],
    "max_tokens": 300,
    "presence_penalty": 0.5,
    "some_vendor_parameter": {"a": [1, 2]},
}


def told(model: str, settings: ModelSettings | None = None, **body: Any) -> tuple[dict[str, Any], list[str]]:
    return translate({"model": "gpt-4o", **body}, parse_candidate(model), settings)


@pytest.mark.parametrize(
    "model", ["gpt-4o-mini", "deepseek-v4-flash", "Qwen/Qwen3-8B", "openai/gpt-oss-20b", "gpt-5-chat"]
)
def test_what_shapes_the_answer_is_sent_verbatim(model: str) -> None:
    assert told(model, **SHAPING) == ({**SHAPING, "model": model}, [])


def test_what_does_not_shape_the_answer_stays_behind() -> None:
    planted = {name: f"secret-{name}" for name in LEFT_BEHIND}
    body, adjustments = told("qwen3-8b", **SHAPING, **planted)
    assert body == {**SHAPING, "model": "qwen3-8b"}
    about = {line.partition(" left out: ")[0] for line in adjustments}
    assert {"user", "safety_identifier", "metadata", "store"} <= about <= LEFT_BEHIND.keys()
    assert not about & {"stream", "api_key", "timeout", "logprobs"}
    assert all("secret" not in line for line in adjustments)
    assert all(LEFT_BEHIND.values())


@pytest.mark.parametrize(
    ("model", "logged", "sent", "adjustments"),
    [
        ("o4-mini", {"max_tokens": 9}, {"max_completion_tokens": 9}, ["max_tokens → max_completion_tokens"]),
        ("openai/gpt-5-mini", {"max_tokens": 9}, {"max_completion_tokens": 9}, ["max_tokens → max_completion_tokens"]),
        ("qwen3-8b", {"max_completion_tokens": 9}, {"max_tokens": 9}, ["max_completion_tokens → max_tokens"]),
        ("gpt-4o-mini", {"max_completion_tokens": 9}, {"max_completion_tokens": 9}, []),
        ("o3", {"temperature": 0.2}, {}, ["temperature dropped: OpenAI's reasoning models take none"]),
        ("o3", {"temperature": 1}, {}, []),
        ("qwen3-8b", {"n": 3}, {}, ["n 3 → 1"]),
        ("qwen3-8b", {"n": 1}, {}, []),
        ("qwen3-8b", {"temperature": None, "stop": None}, {}, []),
        ("qwen3-8b@low", {}, {"reasoning_effort": "low"}, ["reasoning_effort set to low"]),
        ("o3@high", {"reasoning_effort": "high"}, {"reasoning_effort": "high"}, []),
        ("gpt-4o-mini", {"reasoning_effort": "low"}, {}, ["reasoning_effort dropped: the model does not reason"]),
        ("qwen3-8b", {"logit_bias": {"1": 2}}, {}, ["logit_bias dropped: its token ids are of another tokenizer"]),
        ("gpt-4o-mini", {"verbosity": "low"}, {}, ["verbosity dropped: only gpt-5 takes it"]),
        (
            "qwen3-8b",
            {"messages": [{"role": "developer", "content": "x"}]},
            {"messages": [{"role": "system", "content": "x"}]},
            ["role developer → system"],
        ),
    ],
)
def test_what_a_family_does_not_take_is_translated_and_told(
    model: str, logged: dict[str, Any], sent: dict[str, Any], adjustments: list[str]
) -> None:
    assert told(model, **logged) == ({"model": parse_candidate(model).model, **sent}, adjustments)


def test_the_configuration_of_a_model_has_the_last_word() -> None:
    settings = ModelSettings(params={"temperature": 0.6, "seed": None, "top_k": 20}, max_output_tokens=100)
    body, adjustments = told("qwen3-8b", settings, temperature=0.2, seed=1, max_tokens=300)
    assert body == {"model": "qwen3-8b", "temperature": 0.6, "top_k": 20, "max_tokens": 100}
    assert adjustments == [
        "max_tokens lowered to 100, the most that the model gives",
        "temperature set by the configuration",
        "seed dropped by the configuration",
        "top_k set by the configuration",
    ]


def test_the_configuration_cannot_smuggle_in_another_model() -> None:
    with pytest.raises(ConfigError):
        told("qwen3-8b", ModelSettings(params={"model": "gpt-4o"}))


def test_requests_are_parallel_and_adjustments_counted() -> None:
    calls = [Call(request={"model": "gpt-4o", "messages": [], "n": n}) for n in (1, 2, 2, 3)]
    asked, adjustments = requests(calls, CandidateModel("o3", "low"), ModelSettings())
    assert [request.model for request in asked] == ["o3"] * 4
    assert adjustments == {"reasoning_effort set to low": 4, "n 2 → 1": 2, "n 3 → 1": 1}
    with pytest.raises(InputError):
        requests([Call(id="c1")], CandidateModel("o3"))


bodies = st.dictionaries(
    st.sampled_from([*SHAPING, *LEFT_BEHIND, "n", "logit_bias", "reasoning_effort", "max_completion_tokens"]),
    st.none() | st.integers() | st.text() | st.lists(st.integers()),
)
models = st.sampled_from(["o3", "gpt-5", "gpt-4o", "qwen3-8b", "claude-3-haiku", "gpt-oss-20b"])


@given(bodies, models, st.none() | st.sampled_from(EFFORTS))
def test_asking_again_changes_nothing_and_touches_no_log(body: dict[str, Any], model: str, effort: str | None) -> None:
    before, candidate = copy.deepcopy(body), CandidateModel(model, effort)
    once, _ = translate(body, candidate)
    assert body == before
    again, adjustments = translate(once, candidate)
    assert again == once
    assert [item for item in adjustments if not item.startswith("reasoning_effort")] == []
    assert not LEFT_BEHIND.keys() & once.keys()


@pytest.mark.parametrize(
    "text", ["gpt-4o", "qwen3-8b@low", "Qwen/Qwen3-8B@none", "claude-3-5-sonnet@20240620", "m@1@high"]
)
def test_candidates_read_back_as_written(text: str) -> None:
    assert parse_candidate(f" {text} ").label() == text


@pytest.mark.parametrize("text", ["", " ", "@low", "gpt-4o@", "gpt-4o@hard", "a b", "a,b", "a@low@high", "@20240620"])
def test_nonsense_is_no_candidate(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_candidate(text)
    assert caught.value.hint


def test_only_chats_can_be_asked() -> None:
    operations = ["chat", "responses", "completion", None, "moderation", "embeddings"]
    calls = from_rows([{"operation": name, "source": 0} for name in operations], [Source("x", "plain", "jsonl")])
    assert replayable(calls) == [None, None, None, None, "moderation calls cannot be asked as a chat", None]


@pytest.mark.parametrize(
    "name", ["user_id", "userId", "end_user_email", "customer-id", "tenant_id", "session_id", "account_uuid", "email"]
)
def test_what_an_application_adds_about_a_person_stays_behind(name: str) -> None:
    body, adjustments = told("qwen3-8b", **SHAPING, **{name: "ada@example.com"})
    assert name not in body
    [line] = adjustments
    assert line.startswith(f"{name} left out: identifies a person") and "ada" not in line


@pytest.mark.parametrize("name", ["user_prompt_template", "top_k", "thinking", "guided_json", "session_window"])
def test_what_is_not_about_a_person_is_sent(name: str) -> None:
    assert told("qwen3-8b", **SHAPING, **{name: 1})[0][name] == 1


def test_no_configuration_has_answers_stored_at_the_provider() -> None:
    with pytest.raises(ConfigError, match="stored at the provider"):
        translate(SHAPING, CandidateModel("m"), ModelSettings(params={"store": True}))
    assert translate(SHAPING, CandidateModel("m"), ModelSettings(params={"store": False}))[0]["store"] is False
