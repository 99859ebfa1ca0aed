"""A packet of pairs for people to compare, and its key: which answer is whose. The key never leaves the workspace."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from llmcost.errors import StoreError


class Drawn(msgspec.Struct, frozen=True):
    """One pair that was drawn.

    answer       key of the candidate's completion in the store of answers, as hexadecimal
    probability  with which it was chosen, by this packet or an earlier one
    """

    task: str
    candidate: str
    answer: str
    probability: float


class PacketItem(msgspec.Struct, frozen=True):
    """A pair under the name by which people know it, which says nothing of the order of the two answers."""

    id: str
    candidate_first: bool
    pair: Drawn


class Packet(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.packet/1"):
    """The key of a packet.

    earlier  the pairs of the same tasks and candidates that were labelled before, with the probability that they have
             now: this packet and the earlier ones together are one larger sample
    """

    id: str
    run: str
    seed: int
    items: list[PacketItem]
    earlier: list[Drawn]


class ShownItem(msgspec.Struct, frozen=True):
    """What people see of a pair."""

    id: str
    question: str
    first: str
    second: str


def shown(item: PacketItem, question: str, logged: str, candidate: str) -> ShownItem:
    """The pair with its answers in the order of the key."""
    first, second = (candidate, logged) if item.candidate_first else (logged, candidate)
    return ShownItem(item.id, question, first, second)


def packet_of(item_id: str) -> str:
    """The packet that an item of this name belongs to."""
    return item_id.rpartition("-")[0]


def item_id(packet: str, number: int, of: Sequence[object]) -> str:
    """The name of a packet's item: numbers are as wide as the last one, so that sorted rows keep the order."""
    return f"{packet}-{number:0{len(str(len(of)))}d}"


def encode(packet: Packet) -> bytes:
    """The key as the workspace keeps it."""
    return msgspec.json.encode(packet)


def decode(content: bytes) -> Packet:
    """What `encode` encoded. Raises StoreError if it is damaged."""
    try:
        return msgspec.json.decode(content, type=Packet)
    except msgspec.DecodeError as error:
        raise StoreError(f"the key of the packet cannot be read: {error}", "export the packet again") from error
