"""The snapshot: the same bytes from the same catalogues, facts as the catalogues state them, broken ones refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from llmcost import pricing
from llmcost.errors import InputError
from llmcost.pricing import build
from llmcost.pricing.rates import ModelPrice

FIXTURES = Path(__file__).parent / "fixtures"
LITELLM = (FIXTURES / "litellm_extract.json").read_bytes()
GENAI = (FIXTURES / "genai_extract.json").read_bytes()
DAY = date(2026, 11, 24)
MODELS = {model.id: model for model in build.build(LITELLM, GENAI, DAY).models}


def test_the_same_catalogues_give_the_same_bytes(tmp_path: Path) -> None:
    one, other = (build.encode(build.build(LITELLM, GENAI, DAY)) for _ in range(2))
    assert one == other
    written = tmp_path / "snapshot.json.gz"
    catalogues = ["--litellm", FIXTURES / "litellm_extract.json", "--genai-prices", FIXTURES / "genai_extract.json"]
    command = [sys.executable, "-m", "llmcost.pricing.build", *catalogues, "--date", "2026-11-24", "-o", written]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert written.read_bytes() == one


def test_a_built_snapshot_is_a_price_book(tmp_path: Path) -> None:
    path = tmp_path / "prices.json.gz"
    path.write_bytes(build.encode(build.build(LITELLM, GENAI, DAY)))
    book = pricing.load(path=path)
    assert book.as_of == "2026-11-24"
    assert [(source.name, source.licence, len(source.sha256)) for source in book.sources] == [
        ("litellm", "MIT", 64),
        ("genai-prices", "MIT", 64),
    ]


def test_the_bundled_snapshot_states_the_facts_of_the_extracts() -> None:
    book = pricing.load()
    compared = [
        (model, held) for model in MODELS.values() if (held := book.find(model.id)) and held.source == model.source
    ]
    assert len(compared) > 20
    assert [model.id for model, held in compared if model != held] == []


def starts(model: ModelPrice) -> list[str | None]:
    return [period.start and period.start.isoformat() for period in model.periods]


def test_dated_prices_stand_before_and_after_todays() -> None:
    flash = MODELS["deepseek/deepseek-v4-flash"]
    assert starts(flash) == [None, "2026-08-17", "2026-09-10"]
    assert [period.rates[0].input for period in flash.periods] == [0.14, 0.22, 0.3]
    assert starts(MODELS["gemini/gemini-4-argon"]) == [None, "2026-12-01"]


def test_a_price_announced_for_later_is_not_todays_at_any_tier() -> None:
    argon = MODELS["gemini/gemini-4-argon"]
    assert {rate.input for rate in argon.period_at(DAY).rates if rate.tier == "standard"} == {2.0}
    assert {rate.input for rate in argon.period_at(DAY).rates if rate.tier == "batch"} <= {1.0}


def test_a_zero_of_the_catalogue_is_no_price() -> None:
    assert "vertex_ai/meta/llama-3.1-70b-instruct-maas" not in MODELS
    assert all(rate.cache_write != 0 for model in MODELS.values() for period in model.periods for rate in period.rates)


@pytest.mark.parametrize("absent", ["sample_spec", "openai/gpt-image-1", "perplexity/pplx-70b-online"])
def test_what_is_not_sold_by_the_token_alone_is_left_out(absent: str) -> None:
    assert absent not in MODELS


def test_limits_and_end_of_life_are_kept() -> None:
    view = pricing.describe(pricing.load(), "gpt-4o-2024-08-06")
    assert view is not None
    assert (view.max_input_tokens, view.max_output_tokens) == (128_000, 16_384)
    assert view.deprecation_date == date(2027, 1, 14)
    assert (view.input, view.cached_input, view.output, view.batch_input, view.family) == (
        2.5,
        1.25,
        10,
        1.25,
        "gpt-4o",
    )
    assert view.source == "litellm + genai-prices"


def fetcher(litellm: bytes, genai: bytes) -> Callable[[str], bytes]:
    return {build.LITELLM_URL: litellm, build.GENAI_URL: genai}.__getitem__


@pytest.fixture
def held(tmp_path: Path) -> Path:
    path = tmp_path / "deeper" / "prices.json.gz"
    path.parent.mkdir()
    path.write_bytes(build.encode(build.build(LITELLM, GENAI, DAY)))
    return path


def test_an_update_replaces_the_snapshot_and_returns_its_stamp(held: Path) -> None:
    stamp = pricing.update(fetcher(LITELLM, GENAI), held, date(2026, 12, 1))
    assert stamp.as_of == "2026-12-01"
    assert pricing.load(path=held).stamp == stamp


def without(content: bytes, drop: Callable[[str], bool]) -> bytes:
    kept: dict[str, Any] = {key: entry for key, entry in json.loads(content).items() if not drop(key)}
    return json.dumps(kept).encode()


@pytest.mark.parametrize(
    ("litellm", "genai", "reason"),
    [
        (b"<html>not found</html>", GENAI, "cannot be read"),
        (b"[]", GENAI, "cannot be read"),
        (LITELLM, b"{}", "cannot be read"),
        (LITELLM, b'[{"id": "openai"}]', "cannot be read"),
        (b"{}", GENAI, "shrunk"),
        (LITELLM, b"[]", "shrunk"),
        (without(LITELLM, lambda key: "claude" in key), b"", "cannot be read"),
        (
            without(LITELLM, lambda key: key == "gpt-4o-mini"),
            GENAI.replace(b"gpt-4o-mini", b"gone"),
            "lack gpt-4o-mini",
        ),
    ],
)
def test_a_broken_catalogue_is_refused_and_nothing_is_written(
    held: Path, litellm: bytes, genai: bytes, reason: str
) -> None:
    before = held.read_bytes()
    with pytest.raises(InputError, match=reason):
        pricing.update(fetcher(litellm, genai), held, date(2026, 12, 1))
    assert held.read_bytes() == before
    assert list(held.parent.iterdir()) == [held]


def test_pricing_is_imported_without_pandas() -> None:
    program = "import sys, llmcost.pricing; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
