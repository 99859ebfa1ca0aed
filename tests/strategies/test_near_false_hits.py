"""Pairs of known truth in the near-duplicate cache, by the benchmark of the same name: likeness is not sameness."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def benchmark_command() -> Iterator[ModuleType]:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield import_module("near_false_hits")
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def pairs(benchmark_command) -> list:
    return list(benchmark_command.made())


def shares(benchmark_command, pairs, layout: str, threshold: float) -> dict[str, float]:
    found = benchmark_command.answered(pairs, benchmark_command.LAYOUTS[layout], threshold)
    return {name: float(found[chosen].mean()) for name, chosen in benchmark_command.kinds(pairs)}


def test_a_pair_is_two_questions_of_which_some_have_one_answer(pairs):
    assert all(pair.one != pair.other for pair in pairs)
    assert {pair.kind for pair in pairs if not pair.same} == {"opposite", "another thing", "another number"}


def test_beside_a_passage_opposites_are_as_near_as_rewordings(benchmark_command, pairs):
    found = shares(benchmark_command, pairs, "about a passage", 0.95)
    assert found["opposite"] > 0.9
    assert found["opposite"] > found["reworded"]


def test_alone_likeness_tells_opposites_apart_only_where_it_finds_no_rewording(benchmark_command, pairs):
    loose, strict = (shares(benchmark_command, pairs, "alone", threshold) for threshold in (0.8, 0.95))
    assert loose["opposite"] > loose["reworded"]
    assert strict["opposite"] == strict["reworded"] == 0


def test_the_same_words_in_other_case_are_a_hit(benchmark_command, pairs):
    assert shares(benchmark_command, pairs, "alone", 0.95)["case and marks"] == 1
