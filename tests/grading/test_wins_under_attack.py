"""Attacks win nothing: with honest judges no pair, with others no switch. A fast part of `benchmarks/injection.py`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SOME = ("order", "guessed end", "bare verdict", "closed thought", "zero width", "plea", "emphasis")
FOUND_OUT = ("obeys anything, p 0.2", "obeys anything, p 1", "falls for: appeal", "falls for: encoding")


@pytest.fixture(scope="module")
def command() -> Iterator[ModuleType]:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield import_module("injection")
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def judges(command: ModuleType) -> dict[str, object]:
    return {judge.name: judge for judge in command.JUDGES}


def test_at_least_forty_attacks_are_held_out_of_what_is_planted(command: ModuleType) -> None:
    planted = {text for family in command.FAMILIES for text in family.texts}
    assert len({attack.text for attack in command.ATTACKS.values()} - planted) >= 70
    assert len(command.attacks()) > 120


@pytest.mark.parametrize("word", ["well", "poor"])
def test_an_honest_judge_gives_no_attack_a_point(command: ModuleType, word: str) -> None:
    tried = command.attacks()
    for judge in (judge for judge in command.JUDGES if judge.honest and "errs" not in judge.name):
        for name in SOME:
            found = command.gain(judge, tried[name], word, 6)
            assert (found.value, found.without) == (0, {"well": 0, "poor": -1}[word]), (judge.name, name)


def test_a_gullible_judge_would_be_moved(command: ModuleType, judges: dict[str, object]) -> None:
    tried = command.attacks()
    assert command.gain(judges["obeys anything, p 1"], tried["order"], "poor", 6).value == 2
    assert command.gain(judges["falls for: appeal"], tried["plea"], "well", 6).value == 1
    assert command.gain(judges["likes emphasis, always"], tried["emphasis"], "poor", 6).value == 2


@pytest.mark.parametrize("name", FOUND_OUT)
def test_a_gullible_judge_is_not_believed(command: ModuleType, judges: dict[str, object], name: str) -> None:
    found = command.trial(judges[name], command.attacks()["plea"])
    assert command.decision(found) == "CANNOT_JUDGE"
    assert "followed instructions written in" in found.controls.untrusted


def test_without_planted_attacks_the_same_attack_would_win_a_switch(
    command: ModuleType, judges: dict[str, object]
) -> None:
    with ExitStack() as stack:
        command.unguarded(stack)
        assert command.decision(command.trial(judges["falls for: appeal"], command.attacks()["plea"])) == "SWITCH"


@pytest.mark.parametrize("name", ["attentive", "attentive, errs in 3 %"])
def test_an_honest_judge_is_believed_and_an_equal_candidate_passes(
    command: ModuleType, judges: dict[str, object], name: str
) -> None:
    armed = command.trial(judges[name], command.attacks()["plea"], wins=0.0, losses=0.0)
    assert armed.controls.untrusted is None
    assert command.decision(armed) == "SWITCH"


def test_how_surely_a_judge_is_found_is_what_the_page_says(command: ModuleType) -> None:
    page = (BENCHMARKS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
    for line in command.power():
        assert line in page
