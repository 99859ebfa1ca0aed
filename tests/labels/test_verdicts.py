"""People's choices become labels on the candidate's side, whichever answer was shown first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.errors import InputError
from llmcost.grading.labels import HumanLabel
from llmcost.labelling.packet import Drawn, Packet, PacketItem
from llmcost.labelling.read import Choice, Reading, Said
from llmcost.labelling.verdicts import agreement, labels_of, merged

KEYS = [bytes([number]) * 32 for number in range(6)]
WORTH: dict[Choice, int] = {"first": 1, "second": -1, "tie": 0}
choices = st.sampled_from(sorted(WORTH))


def packet(*first: bool, name: str = "p1", earlier: dict[bytes, float] | None = None, chance: float = 0.25) -> Packet:
    items = [
        PacketItem(f"{name}-{number}", side, Drawn("t", "m", KEYS[number].hex(), chance))
        for number, side in enumerate(first)
    ]
    return Packet(name, "r", 7, items, [Drawn("t", "m", key.hex(), p) for key, p in (earlier or {}).items()])


def person(*said: Choice | None, name: str = "p1") -> Reading:
    return Reading(
        {f"{name}-{n}": Said(choice, f"f.csv:{n + 2}") for n, choice in enumerate(said) if choice is not None}
    )


@given(st.lists(st.tuples(st.booleans(), choices), min_size=1, max_size=6))
def test_the_difference_is_the_candidates(said: list[tuple[bool, Choice]]) -> None:
    found = labels_of({"p1": packet(*(side for side, _ in said))}, [person(*(choice for _, choice in said))])
    expected = [WORTH[choice] * (1 if side else -1) for side, choice in said]
    assert [found[KEYS[number]].difference for number in range(len(said))] == expected
    assert {(label.probability, label.packet) for label in found.values()} == {(0.25, "p1")}


def test_several_peoples_verdicts_are_averaged_and_a_loss_is_not_rounded_away() -> None:
    people = [person("first", "first", "tie"), person("second", "first", None), person("second", "tie", None)]
    found = labels_of({"p1": packet(True, True, False)}, people)
    assert [found[key].difference for key in KEYS[:3]] == pytest.approx([-1 / 3, 2 / 3, 0])
    assert agreement(people) == (2, pytest.approx(2 / 6))
    assert agreement(people[:1]) == (0, None)


def test_an_item_that_the_packet_has_not_is_named() -> None:
    with pytest.raises(InputError, match=r"f\.csv:3.*p1-1"):
        labels_of({"p1": packet(True)}, [person("tie", "tie")])


def test_a_packet_replaces_what_it_said_before_and_leaves_the_others() -> None:
    before = {key: HumanLabel(key.hex(), 1, 0.1, name) for key, name in zip(KEYS, ("p1", "p1", "p2"), strict=False)}
    new = {KEYS[0]: HumanLabel(KEYS[0].hex(), -1, 0.1, "p1")}
    after = merged(before, new, [packet(True, True)])
    assert {key: (label.difference, label.packet) for key, label in after.items()} == {
        KEYS[0]: (-1, "p1"),
        KEYS[2]: (1, "p2"),
    }
    assert merged(after, new, [packet(True, True)]) == after


def test_earlier_labels_get_the_probability_of_the_joint_sample_in_any_order_of_import() -> None:
    first, second = packet(True), packet(True, True, name="p2", earlier={KEYS[0]: 0.5}, chance=0.5)
    one = {KEYS[0]: HumanLabel(KEYS[0].hex(), 1, 0.25, "p1")}
    two = {KEYS[1]: HumanLabel(KEYS[1].hex(), 1, 0.5, "p2")}
    after = merged(merged({}, one, [first]), two, [second])
    assert [label.probability for label in after.values()] == [0.5, 0.5]
    assert merged(after, one, [first]) == after
