"""Planted values in six languages: how many are found, how much of what is found was planted. See docs/redaction.md."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from support.pii import KINDS, LANGUAGES, corpus, hard

from llmcost.redaction import finder

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "redaction.py"


def _loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("redaction_benchmark", BENCHMARK)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


benchmark = _loaded()
Table = dict[tuple[str, str], Counter[str]]


@pytest.fixture(scope="module")
def table() -> Table:
    found: Table = benchmark.measured(list(corpus(12, seed=11)), finder())[0]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_almost_every_planted_value_is_found_whole_in_every_language(kind: str, table: Table) -> None:
    for language in LANGUAGES:
        assert benchmark.share(table, kind, language, "caught", "planted") >= (0.95 if kind == "PHONE" else 0.99)


@pytest.mark.parametrize("kind", KINDS)
def test_almost_all_that_is_found_was_planted(kind: str, table: Table) -> None:
    assert benchmark.share(table, kind, None, "right", "found") >= 0.95


def test_most_of_what_people_spell_in_their_own_way_is_found(table: Table) -> None:
    spelt = benchmark.measured(list(corpus(20, seed=11, forms=(hard,))), finder())[0]
    for kind, least in {"EMAIL": 0.9, "CARD": 0.9, "IBAN": 0.9, "IP": 0.9, "SECRET": 0.9, "PHONE": 0.6}.items():
        assert benchmark.share(spelt, kind, None, "caught", "planted") >= least


def test_kinds_that_are_not_asked_for_are_left(table: Table) -> None:
    few = benchmark.measured(list(corpus(2)), finder(("IBAN",)))[0]
    assert {kind for (kind, _), row in few.items() if row["found"]} == {"IBAN"}
