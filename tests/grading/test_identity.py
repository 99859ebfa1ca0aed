"""Names of one model are taken for one model; of two, for two if the price book knows both; in doubt, for one."""

from __future__ import annotations

import pytest

from llmcost.grading.identity import Identities, words
from llmcost.pricing import load

ONE = [
    ("gpt-4o", "gpt-4o-2024-08-06"),
    ("GPT-4O", "openai/gpt-4o"),
    ("gpt-35-turbo", "gpt-3.5-turbo-0125"),
    ("gpt-4-turbo-preview", "gpt-4-0125-preview"),
    ("o3-mini", "azure/o3-mini-2025-01-31"),
    ("qwen3-8b", "Qwen/Qwen3-8B"),
    ("qwen3-8b", "Qwen/Qwen3-8B-AWQ"),
    ("qwen3-8b", "qwen3-8b-q4_K_M"),
    ("qwen3-coder", "qwen/qwen3-coder-480b-a35b-instruct"),
    ("llama3.1:8b", "meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo"),
    ("accounts/fireworks/models/llama-v3p1-8b-instruct", "llama-3.1-8b-instant"),
    ("mistral-small-latest", "mistralai/mistral-small-3.2-24b-instruct"),
    ("mistralai/mistral-7b-instruct", "mistralai/Mistral-7B-Instruct-v0.3"),
    ("mistral-nemo", "open-mistral-nemo-2407"),
    ("claude-3-5-haiku-latest", "us.anthropic.claude-3-5-haiku-20241022-v1:0"),
    ("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5-20250929"),
    ("claude-sonnet-4-0", "claude-sonnet-4-20250514"),
    ("gemini-flash-latest", "gemini-2.5-flash-preview-09-2025"),
    ("gemini-2.0-flash", "models/gemini-2.0-flash-001"),
    ("deepseek-chat", "deepseek-v3.1"),
    ("grok-4-fast", "grok-4-fast-reasoning"),
    ("our-deployment", "gpt-4o-2024-08-06"),
    ("gpt-4o", "our-router"),
    ("openrouter/auto", "anthropic/claude-sonnet-4"),
    ("model-router", "gpt-4.1-mini-2025-04-14"),
    ("gpt-4o", ""),
    ("", "gpt-4o"),
]
TWO = [
    ("gpt-4o", "gpt-4o-mini-2024-07-18"),
    ("gpt-4.1-mini", "gpt-4.1-nano"),
    ("gpt-4", "gpt-4-turbo"),
    ("gpt-4.5-preview", "gpt-5.4"),
    ("o1", "o1-mini"),
    ("qwen3-8b", "Qwen/Qwen3-14B"),
    ("openai/gpt-oss-120b", "openai/gpt-oss-20b"),
    ("Qwen/Qwen3-8B", "meta-llama/llama-3.1-8b-instruct"),
    ("claude-opus-4-1", "claude-opus-4-20250514"),
    ("claude-sonnet-4-5", "claude-3-5-haiku-20241022"),
    ("gemini-2.5-pro", "gemini-2.5-flash"),
    ("mistral-small-latest", "mistral-large-2411"),
    ("mistral-small", "mistral-large"),
    ("deepseek-chat", "gpt-4o-mini"),
    ("deepseek-v3", "deepseek-r1-0528"),
]


@pytest.fixture(scope="module")
def identities() -> Identities:
    return Identities(load())


@pytest.mark.parametrize(("asked", "said"), ONE)
def test_one_model_by_two_names(identities: Identities, asked: str, said: str) -> None:
    assert not identities.another(asked, said)
    assert not identities.another(said, asked)


@pytest.mark.parametrize(("asked", "said"), TWO)
def test_two_models(identities: Identities, asked: str, said: str) -> None:
    assert identities.another(asked, said)
    assert identities.another(said, asked)


def test_the_same_name_at_every_host_is_one_model(identities: Identities) -> None:
    """Of the catalogues: a name, and that name with its provider before it, its date gone, or in capitals."""
    names = {model.name for model in load().models}
    assert not [n for n in names if identities.another(n, f"host/{n}") or identities.another(n.upper(), n)]


def test_the_words_of_a_name() -> None:
    assert words("us.anthropic.claude-3-5-haiku-20241022-v1:0") == ("3.5", "claude", "haiku")
    assert words("Qwen/Qwen2.5-1.5B-Instruct-GPTQ-Int4") == ("1·5b", "2.5", "qwen")
