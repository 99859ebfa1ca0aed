"""People's verdicts on pairs of answers: the ground truth that outranks every judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from llmcost.errors import StoreError


class HumanLabel(msgspec.Struct, frozen=True):
    """People's blind verdict on one pair.

    answer       key of the candidate's completion in the store of answers, as hexadecimal: it names prompt and model
    difference   candidate − logged answer: 1 better, 0 no material difference, −1 worse; the mean, where several people
                 gave one (not rounded: that would hide losses)
    probability  with which the pair was chosen to be labelled, in (0, 1], by its packet or those drawn on top of it
    packet       the packet that it came with
    """

    answer: str
    difference: float
    probability: float
    packet: str


def by_answer(labels: Iterable[HumanLabel]) -> dict[bytes, HumanLabel]:
    """The labels by the key of the candidate's completion; of two on one pair the later counts."""
    return {bytes.fromhex(label.answer): label for label in labels}


def encode(labels: Mapping[bytes, HumanLabel]) -> bytes:
    """The labels as the workspace keeps them."""
    return msgspec.json.encode([labels[key] for key in sorted(labels)])


def decode(content: bytes | None) -> dict[bytes, HumanLabel]:
    """What `encode` encoded; none of nothing. Raises StoreError if it is damaged."""
    try:
        return by_answer(msgspec.json.decode(content, type=list[HumanLabel])) if content else {}
    except (msgspec.DecodeError, ValueError) as error:
        raise StoreError(f"the human labels cannot be read: {error}", "import the packets again") from error
