"""Names: every rule of the tables leads where it says, and nothing is matched that no rule explains."""

from __future__ import annotations

import pytest

from llmcost import pricing
from llmcost.pricing import names

BOOK = pricing.load()


def found(model: str | None, provider: str | None = None) -> str | None:
    price = BOOK.find(model, provider)
    return price and price.id


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        ("gpt-4o", "openai/gpt-4o"),
        ("GPT-4o", "openai/gpt-4o"),
        (" gpt-4o ", "openai/gpt-4o"),
        ("openai/gpt-4o", "openai/gpt-4o"),
        ("azure/gpt-4o", "azure/gpt-4o"),
        ("openrouter/openai/gpt-4o", "openrouter/openai/gpt-4o"),
        ("gpt-4o-2024-05-13", "openai/gpt-4o-2024-05-13"),
        ("gpt-4o-2031-01-01", "openai/gpt-4o"),
        ("claude-haiku-4-5@20251001", "vertex_ai/claude-haiku-4-5@20251001"),
        ("claude-haiku-4-5-20301231", "anthropic/claude-haiku-4-5"),
        ("claude-haiku-4-5@20301231", "anthropic/claude-haiku-4-5"),
        ("gpt-35-turbo", "azure/gpt-35-turbo"),
        ("gpt-35-turbo-1106", "openai/gpt-3.5-turbo-1106"),
        ("azure/gpt-35-turbo", "azure/gpt-35-turbo"),
        ("deepseek-coder", "deepseek/deepseek-coder"),
        ("deepseek-reasoner", "deepseek/deepseek-reasoner"),
        ("deepseek-v4-flash", "deepseek/deepseek-v4-flash"),
        ("deepseek-ai/deepseek-v4-flash", "deepseek/deepseek-v4-flash"),
        ("claude-haiku-4-5", "anthropic/claude-haiku-4-5"),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0"),
        ("fireworks_ai/accounts/fireworks/models/qwen3-8b", "fireworks_ai/accounts/fireworks/models/qwen3-8b"),
    ],
)
def test_a_name_is_led_to_its_entry(model: str, wanted: str) -> None:
    assert found(model) == wanted


@pytest.mark.parametrize(
    "model",
    [
        None,
        "",
        " ",
        "gpt-4o-super",
        "my/gpt-4o",
        "gpt-4o:free",
        "gpt-4o@latest",
        "gpt-4o-mini-mini",
        "gpt",
        "Qwen-MT-Turbo",
    ],
)
def test_nothing_else_is_matched(model: str | None) -> None:
    assert found(model) is None


@pytest.mark.parametrize(("name", "host"), sorted(names.HOSTS.items()))
def test_every_host_rule_leads_to_a_price(name: str, host: str) -> None:
    assert found(name) == host


@pytest.mark.parametrize(("word", "seller"), sorted(names.PROVIDERS.items()))
def test_every_provider_word_means_a_seller_of_the_book(word: str, seller: str) -> None:
    sold = next(model.name for model in BOOK.models if model.provider == seller)
    assert found(sold, word) == f"{seller}/{sold}"
    assert found(sold, word.upper()) == f"{seller}/{sold}"


@pytest.mark.parametrize(("beginning", "maker"), names.MAKERS)
def test_every_maker_rule_names_a_model_its_maker_sells(beginning: str, maker: str) -> None:
    own = [model.name for model in BOOK.models if model.provider == maker and model.name.startswith(beginning)]
    assert own
    assert all(found(name) == f"{maker}/{name}" for name in own if names.maker(name) == maker)


@pytest.mark.parametrize(("organisation", "seller"), sorted(names.ORGANISATIONS.items()))
def test_every_organisation_leads_to_its_own_price(organisation: str, seller: str) -> None:
    sold = [model.name for model in BOOK.models if model.provider == seller and "/" not in model.name]
    assert sold
    assert any(found(f"{organisation}/{name}") == f"{seller}/{name}" for name in sold)


@pytest.mark.parametrize(("old", "new"), names.SPELLINGS)
def test_every_respelling_leads_to_the_other_spelling(old: str, new: str) -> None:
    model = next(model.name for model in BOOK.models if model.provider == "openai" and model.name.startswith(new))
    assert new + model.removeprefix(new) in names.spellings(old + model.removeprefix(new))


def test_the_providers_own_entry_is_meant_where_the_log_names_one() -> None:
    assert found("gpt-4o", "azure") == "azure/gpt-4o"
    assert found("azure/gpt-4o", "azure.ai.openai") == "azure/gpt-4o"
    assert found("deepseek-v4-flash", "fireworks_ai") == "fireworks_ai/deepseek-v4-flash"


def test_a_provider_that_does_not_sell_the_model_leaves_it_unknown() -> None:
    assert found("gpt-4o", "groq") is None


def test_a_client_that_calls_itself_openai_is_a_hint_only() -> None:
    assert found("Qwen/Qwen3-8B", "openai") == "openrouter/qwen/qwen3-8b"


def test_an_unheard_of_provider_says_nothing() -> None:
    assert found("gpt-4o", "our-gateway") == "openai/gpt-4o"


def test_a_model_that_hosts_sell_at_different_prices_is_unknown() -> None:
    assert len({model.rates_at(BOOK.day) for model in BOOK._bare["qwen/qwen3-235b-a22b-instruct-2507"]}) > 1
    assert found("qwen/qwen3-235b-a22b-instruct-2507") is None


def test_a_near_spelling_is_suggested_and_not_priced() -> None:
    assert "gpt-4o" in pricing.suggest(BOOK, "gpt-4oo")
    assert found("gpt-4oo") is None


def test_a_response_without_its_host_is_looked_for_at_the_host_asked() -> None:
    asked = pricing.priced_model(BOOK, "azure/gpt-4o", "gpt-4o-2024-08-06")
    assert asked is not None
    assert asked.id == "azure/gpt-4o-2024-08-06"
