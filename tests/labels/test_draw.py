"""Pairs are drawn with the probabilities that are kept with them, packet after packet."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.graded_run import answer_key

from llmcost.errors import ConfigError, InputError
from llmcost.labelling.draw import FEW, Draw, Wish, cells_of, draw, probabilities, spread
from llmcost.trial.record import RecordedArm, RecordedPair, RunRecord


def arm(task: str, size: int, model: str = "m", basis: str = "judge") -> RecordedArm:
    """Every third pair is one on which the judge saw a difference."""
    pairs = [RecordedPair(n, answer_key(task, model, n), [-0.5 if n % 3 == 0 else 0.0], [basis]) for n in range(size)]
    return RecordedArm(task, f"{model}@low", model, 0.05, "INCONCLUSIVE", ["j"], pairs)


def record(*arms: RecordedArm) -> RunRecord:
    return RunRecord("r", 7, 0.05, "https://h/v1", ["t"] * 99, [1.0] * 99, list(range(99)), list(arms))


def drawn(found: RunRecord, wish: Wish, labelled: frozenset[bytes] = frozenset()) -> Draw:
    return draw(found, cells_of(found, wish), labelled, wish)


def answers(found: Draw) -> list[bytes]:
    return [bytes.fromhex(item.pair.answer) for item in found.packet.items]


@given(st.integers(1, 400), st.lists(st.integers(0, 120), min_size=1, max_size=8))
def test_the_packet_is_spread_over_the_cells(count: int, sizes: list[int]) -> None:
    given_ = spread(count, sizes)
    assert sum(given_) == min(count, sum(sizes))
    assert all(0 <= part <= size for part, size in zip(given_, sizes, strict=True))
    if count >= FEW * len(sizes):
        assert all(part >= min(FEW, size) for part, size in zip(given_, sizes, strict=True))


def test_beyond_a_few_the_spread_follows_size() -> None:
    assert spread(120, [1000, 500, 20]) == [77, 38, 5]
    assert spread(3, [50, 50, 50]) == [1, 1, 1]


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 80))
def test_half_of_the_chance_is_alike_and_half_is_for_what_tells(telling: list[bool], count: int) -> None:
    chances = probabilities(telling, count)
    assert chances.sum() == pytest.approx(min(count, len(telling)))
    assert np.all((chances > 0) & (chances <= 1))
    most = 0.5 * count / len(telling) + (0.5 * count / sum(telling) if any(telling) else 0)
    if any(telling) and most <= 1:
        assert chances[telling.index(True)] == pytest.approx(most)
    if any(telling) and not all(telling):
        assert chances[telling.index(True)] >= chances[telling.index(False)]


def test_a_pair_is_drawn_as_often_as_its_probability_says() -> None:
    found, times, rounds = record(arm("t", 45)), Counter[bytes](), 1500
    chances: dict[bytes, float] = {}
    for seed in range(rounds):
        packet = drawn(found, Wish(count=12, seed=seed))
        times.update(answers(packet))
        chances |= {bytes.fromhex(item.pair.answer): item.pair.probability for item in packet.packet.items}
    assert len(chances) == 45 and sum(chances.values()) == pytest.approx(12)
    for answer, chance in chances.items():
        assert times[answer] / rounds == pytest.approx(chance, abs=4.5 * (chance * (1 - chance) / rounds) ** 0.5 + 0.01)


def test_packets_one_after_the_other_are_one_larger_sample() -> None:
    """Of the first packet only some get a verdict; the second goes on, and both have the probability of the whole."""
    found, times, rounds, luck = record(arm("t", 45)), Counter[bytes](), 1200, random.Random(3)
    chances: dict[bytes, float] = {}
    for seed in range(rounds):
        first = answers(drawn(found, Wish(count=10, seed=seed)))
        labelled = frozenset(answer for answer in first if luck.random() < 0.6)
        second = drawn(found, Wish(count=18 - len(labelled), seed=seed), labelled)
        assert not labelled & set(answers(second)), "never a pair that has a label"
        assert {bytes.fromhex(pair.answer) for pair in second.packet.earlier} == labelled
        times.update([*labelled, *answers(second)])
        pairs = [*second.packet.earlier, *(item.pair for item in second.packet.items)]
        chances |= {bytes.fromhex(pair.answer): pair.probability for pair in pairs}
    for answer, chance in chances.items():
        assert times[answer] / rounds == pytest.approx(chance, abs=4.5 * (chance * (1 - chance) / rounds) ** 0.5 + 0.01)


def test_the_same_seed_draws_the_same_in_the_same_order_however_the_run_was_kept() -> None:
    one, other = arm("t", 40), arm("t", 40)
    other.pairs.reverse()
    wish = Wish(count=15, seed=1)
    assert drawn(record(one), wish) == drawn(record(other), wish)
    assert answers(drawn(record(one), wish)) != answers(drawn(record(one), Wish(count=15, seed=2)))


def test_the_order_of_the_answers_is_a_coin_toss_that_no_name_tells() -> None:
    found = drawn(record(arm("t", 99), arm("u", 99), arm("v", 99)), Wish(count=290, seed=5))
    first = [item.candidate_first for item in found.packet.items]
    assert 110 < sum(first) < 180
    assert 45 < sum(first[::2]) < 100 and 45 < sum(first[1::2]) < 100
    assert [item.id for item in found.packet.items[:2]] == [f"{found.packet.id}-001", f"{found.packet.id}-002"]
    tasks = [item.pair.task for item in found.packet.items]
    assert {"t", "u", "v"} == set(tasks[:20]), "whoever stops early has labelled a part of every cell"


def test_judged_pairs_only_unless_all_are_asked_for() -> None:
    found = record(arm("t", 30), arm("c", 30, basis="json"), arm("i", 30, basis="identical"))
    assert {cell.arm.task for cell in cells_of(found, Wish(count=9, seed=1))} == {"t"}
    assert {cell.arm.task for cell in cells_of(found, Wish(count=9, seed=1, checked=True))} == {"t", "c"}
    with pytest.raises(InputError, match="decided by a judge"):
        cells_of(found, Wish(count=9, seed=1, tasks=["c"]))
    with pytest.raises(InputError, match="could compare"):
        cells_of(found, Wish(count=9, seed=1, tasks=["i"], checked=True))


def test_one_judge_of_several_is_enough() -> None:
    pair = RecordedPair(0, b"k" * 32, [0.0, 1.0], ["identical", "judge"])
    found = record(RecordedArm("t", "m", "m", 0.05, "KEEP", ["a", "b"], [pair]))
    assert len(drawn(found, Wish(count=5, seed=1)).packet.items) == 1


def test_tasks_and_candidates_are_chosen_by_name() -> None:
    found = record(arm("t", 20), arm("t", 20, "n"), arm("u", 20))
    wanted = cells_of(found, Wish(count=9, seed=1, tasks=["t"], candidate="n"))
    assert [(cell.arm.task, cell.arm.label) for cell in wanted] == [("t", "n@low")]
    assert cells_of(found, Wish(count=9, seed=1, tasks=["t"], candidate="n@low")) == wanted
    for wish in (Wish(count=9, seed=1, tasks=["x"]), Wish(count=9, seed=1, candidate="x"), Wish(count=0, seed=1)):
        with pytest.raises(ConfigError):
            cells_of(found, wish)


def test_nothing_is_left_when_all_have_a_label() -> None:
    found = record(arm("t", 4))
    with pytest.raises(InputError, match="label already"):
        drawn(found, Wish(count=9, seed=1), frozenset(pair.answer for pair in found.arms[0].pairs))
