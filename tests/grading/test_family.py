"""Families of models: what a name tells of its maker, and that no judge grades its own kind."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.errors import ConfigError
from llmcost.grading import families, panel, refuse_related_judges
from llmcost.grading.family import FIRST_PARTY, MAKERS, bare_name
from llmcost.pricing import load

KNOWN = {maker for maker, _ in MAKERS} | set(FIRST_PARTY.values())


@pytest.mark.parametrize(
    ("model", "makers"),
    [
        ("gpt-4o-2024-08-06", {"openai"}),
        ("o3", {"openai"}),
        ("openrouter/openai/o3:batch", {"openai"}),
        ("o4-mini@high", {"openai"}),
        ("openai/gpt-oss-120b", {"openai"}),
        ("openai.gpt-oss-20b-1:0", {"openai"}),
        ("ft:gpt-4o-mini:claude-fans::x1", {"openai"}),
        ("openai/ft:o4-mini:org::id", {"openai"}),
        ("davinci:ft-llama-farm-2023", {"openai"}),
        ("azure/my-deployment", {"openai", "my-deployment"}),
        ("claude-haiku-4-5@20251001", {"anthropic"}),
        ("us.anthropic.claude-3-5-sonnet-20240620-v1:0", {"anthropic"}),
        ("vertex_ai/gemini-2.5-pro", {"google"}),
        ("google/gemma-3-27b-it", {"google"}),
        ("ollama/qwen3:8b", {"alibaba"}),
        ("Qwen/QwQ-32B", {"alibaba"}),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", {"meta"}),
        ("deepseek-r1-distill-llama-70b", {"deepseek", "meta"}),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", {"deepseek", "alibaba"}),
        ("novita/deepseek/deepseek-v3/community", {"deepseek"}),
        ("nvidia/llama-3.1-nemotron-70b-instruct", {"nvidia", "meta"}),
        ("nvidia/nemotron-4-340b", {"nvidia"}),
        ("open-mistral-nemo", {"mistral"}),
        ("nous-hermes-2-mixtral-8x7b-dpo", {"nous", "mistral"}),
        ("llama-3.1-sonar-large-128k-online", {"perplexity", "meta"}),
        ("mistral-large-latest", {"mistral"}),
        ("cohere.command-r-plus-v1:0", {"cohere"}),
        ("amazon.nova-pro-v1:0", {"amazon"}),
        ("Phi-4", {"microsoft"}),
        ("z-ai/glm-4.6", {"zhipu"}),
        ("kimi-k2-0905", {"moonshot"}),
        ("my-model", {"my-model"}),
        ("someone/My-Model@low", {"my-model"}),
        ("dolphin-mixtral-8x7b", {"cognitive computations", "mistral"}),
        ("gpt-j-6b", {"eleuther ai"}),
        ("palmyra-x5", {"writer"}),
    ],
)
def test_a_name_tells_its_makers(model: str, makers: set[str]) -> None:
    assert families(model) == makers


def test_a_provider_tells_the_maker_where_the_name_does_not() -> None:
    assert families("support-bot", {"azure.ai.openai"}) == {"openai", "support-bot"}
    assert families("support-bot", {"openai"}) == {"support-bot"}, "every client of a compatible endpoint says so"
    assert families("claude-haiku-4-5", {"azure"}) == {"anthropic"}
    assert families("support-bot") & families("support-bot", {"azure"}), "a model is related to itself"


@given(st.text())
def test_every_model_has_a_family_and_is_related_to_itself(model: str) -> None:
    assert families(model)
    assert families(model) & families(f" {model.lower()}\n")


def test_of_the_bundled_price_book_nearly_every_model_has_a_known_maker() -> None:
    """What is left was looked through by hand: small makers, image models, and sizes without a name."""
    models = [model.id for model in load().models if not model.embedding]
    unknown = [model for model in models if not families(model) & KNOWN]
    assert len(models) > 4000
    assert len(unknown) <= 0.02 * len(models), unknown


def test_distilled_models_of_the_price_book_belong_to_all_they_come_from() -> None:
    models = [model.id for model in load().models if "distill" in model.id]
    assert len(models) > 20
    assert all(len(families(model)) > 1 for model in models)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("openai/gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-3.5-turbo-0125", "gpt-3.5-turbo"),
        ("claude-3-haiku-20240307", "claude-3-haiku"),
        ("claude-3-5-sonnet@20240620", "claude-3-5-sonnet"),
        ("chatgpt-4o-latest", "chatgpt-4o"),
        ("Qwen/Qwen3-8B@low", "qwen3-8b"),
        ("meta-llama/llama-3.1-8b-instruct:free", "llama-3.1-8b-instruct"),
        ("gpt-4o-mini", "gpt-4o-mini"),
    ],
)
def test_a_model_is_known_under_its_dates_and_prefixes(model: str, name: str) -> None:
    assert bare_name(model) == name


def test_a_judge_of_another_family_is_welcome() -> None:
    refuse_related_judges(["claude-haiku-4-5"], ["qwen3-8b@low", "gpt-4.1-mini"], ["gpt-4o-2024-08-06"])
    refuse_related_judges([], ["gpt-4.1-mini"], ["gpt-4o"])


def test_a_related_judge_is_refused_with_the_reason() -> None:
    with pytest.raises(ConfigError) as refused:
        refuse_related_judges(["gpt-4.1-mini"], ["qwen3-8b"], ["gpt-4o"])
    assert str(refused.value) == (
        "grader gpt-4.1-mini is related to gpt-4o, which answered in the log (both openai): "
        "a judge favours its own kind"
    )
    assert "--grader" in (refused.value.hint or "")
    assert "--allow-related-judge" in (refused.value.hint or "")


def test_all_related_models_are_named() -> None:
    with pytest.raises(ConfigError) as refused:
        refuse_related_judges(
            ["qwen-max", "claude-4", "support-bot"], ["deepseek-r1-distill-qwen-32b", "support-bot"], ["claude-3", "o3"]
        )
    said = str(refused.value)
    assert "qwen-max is related to deepseek-r1-distill-qwen-32b, a candidate (both alibaba)" in said
    assert "claude-4 is related to claude-3, which answered in the log (both anthropic)" in said
    assert "support-bot is related to support-bot, a candidate (the same model)" in said
    assert "o3" not in said


@pytest.mark.parametrize("grader", ["openai/gpt-4o", "judge:gpt-4.1", "gpt-4o@low", "ft:gpt-4o:org::id"])
def test_neither_prefix_nor_effort_nor_tuning_hides_a_relation(grader: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"grader {grader} is related to gpt-4o")):
        refuse_related_judges([grader], [], ["gpt-4o"])
    refuse_related_judges([grader], [], ["gpt-4o"], allow=True)


def test_a_plugin_is_judged_by_the_model_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel, "GRADERS", {"judge": panel.Judge, "claude-panel": panel.Judge})
    refuse_related_judges(["claude-panel:gpt-4o"], [], ["claude-3"])
    with pytest.raises(ConfigError, match="both openai"):
        refuse_related_judges(["claude-panel:gpt-4o-mini"], [], ["gpt-4.1"])
