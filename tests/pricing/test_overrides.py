"""The user's own prices win, and are part of what the stamp vouches for."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcost import pricing
from llmcost.answers import Usage
from llmcost.config import ModelPriceOverride, ModelSettings
from llmcost.errors import ConfigError, InputError

MILLION = Usage(input_tokens=1_000_000, output_tokens=0)


def book(**models: ModelSettings) -> pricing.PriceBook:
    return pricing.load({name.replace("__", "/").replace("_", "-"): chosen for name, chosen in models.items()})


def priced(**figures: float) -> ModelSettings:
    return ModelSettings(price=ModelPriceOverride(**figures))


def test_a_users_price_wins_over_the_catalogue_and_the_answering_model() -> None:
    own = book(gpt_4o=priced(input=7, output=8))
    assert pricing.price_usage(own, "gpt-4o", MILLION) == 7
    asked = pricing.priced_model(own, "GPT-4o", "gpt-4o-2024-08-06")
    assert asked is not None
    assert asked.source == "override"
    dated = pricing.priced_model(own, "gpt-4o-2024-08-06")
    assert dated is not None
    assert dated.id == "openai/gpt-4o-2024-08-06"


def test_a_price_changes_the_stamp_and_the_same_price_gives_the_same_stamp() -> None:
    plain, one, other = pricing.load(), book(mine=priced(input=1, output=2)), book(mine=priced(input=1, output=3))
    assert len({plain.stamp.sha256, one.stamp.sha256, other.stamp.sha256}) == 3
    assert one.stamp == book(mine=priced(input=1, output=2)).stamp
    assert plain.stamp == pricing.load({"gpt-4o": ModelSettings(base_url="http://here")}).stamp
    assert plain.as_of == "2026-11-24"


def test_the_order_of_the_overrides_does_not_matter() -> None:
    a, b = priced(input=1, output=2), priced(input=3, output=4)
    assert pricing.load({"a": a, "b": b}).stamp == pricing.load({"b": b, "a": a}).stamp


def test_batch_is_discounted_as_the_override_says() -> None:
    own = book(mine=priced(input=4, output=2, batch_discount=0.25), plain=priced(input=4, output=2))
    assert pricing.price_usage(own, "mine", MILLION, service_tier="batch") == 3
    assert pricing.price_usage(own, "plain", MILLION, service_tier="batch") == 4


def test_a_free_model_may_be_free_by_the_users_word() -> None:
    assert pricing.price_usage(book(mine=priced(input=0, output=0)), "mine", MILLION) == 0


def test_a_deployment_is_priced_as_the_model_it_stands_for() -> None:
    own = book(
        prod=ModelSettings(price_as="azure/gpt-4o"),
        mine=priced(input=9, output=9),
        other=ModelSettings(price_as="mine"),
    )
    assert pricing.price_usage(own, "prod", MILLION) == pytest.approx(2.5)
    assert pricing.price_usage(own, "other", MILLION) == 9


@pytest.mark.parametrize(
    "chosen",
    [
        ModelSettings(price_as="gpt-4o-super"),
        priced(input=-1, output=1),
        priced(input=float("inf"), output=1),
        priced(input=1, output=1, batch_discount=50),
    ],
)
def test_a_price_that_cannot_be_is_refused_by_name(chosen: ModelSettings) -> None:
    with pytest.raises(ConfigError, match="mine"):
        book(mine=chosen)


def test_a_file_that_is_no_price_book_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "prices.json.gz"
    for content in (b"", b"no gzip", b"\x1f\x8b\x08\x00"):
        broken.write_bytes(content)
        with pytest.raises(InputError, match="not a price book"):
            pricing.load(path=broken)
    with pytest.raises(InputError):
        pricing.load(path=tmp_path / "absent")
