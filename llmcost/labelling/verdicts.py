"""People's choices and the packets' keys → labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import fmean

import msgspec

from llmcost.errors import InputError
from llmcost.grading.labels import HumanLabel
from llmcost.labelling.packet import Packet, PacketItem
from llmcost.labelling.read import Choice, Reading
from llmcost.labelling.result import LabelledCell
from llmcost.trial.record import RecordedArm, RunRecord

Labels = dict[bytes, HumanLabel]


def labels_of(packets: Mapping[str, Packet], readings: Sequence[Reading]) -> Labels:
    """One label an item that anybody gave a verdict on: where several people did, the mean of their verdicts.

    The mean is not rounded. Rounding it toward "no difference" would take losses that most people see for ties, and so
    make it easier for a worse model to pass. Raises InputError, naming the row, for an item of none of the packets.
    """
    items = {item.id: (item, packet.id) for packet in packets.values() for item in packet.items}
    said: defaultdict[str, list[float]] = defaultdict(list)
    for reading in readings:
        for name, verdict in reading.said.items():
            if name not in items:
                raise InputError(f"{verdict.place}: the packet has no item {name!r}", "was the column item changed?")
            said[name].append(_difference(items[name][0], verdict.choice))
    return {bytes.fromhex(items[name][0].pair.answer): _label(*items[name], said[name]) for name in said}


def merged(before: Labels, new: Labels, packets: Iterable[Packet]) -> Labels:
    """The labels with the new ones in place of all that these packets brought before.

    A packet that was drawn beside earlier labels makes one larger sample with them, so theirs are the probabilities of
    that; a probability never falls, in whatever order packets come in.
    """
    packets = list(packets)
    names = {packet.id for packet in packets}
    chances = {bytes.fromhex(pair.answer): pair.probability for packet in packets for pair in packet.earlier}
    kept = {key: label for key, label in before.items() if label.packet not in names}
    joined = {key: _at_least(label, chances.get(key, 0.0)) for key, label in kept.items()}
    return joined | {key: _at_least(label, _chance(before, key)) for key, label in new.items()}


def agreement(readings: Sequence[Reading]) -> tuple[int, float | None]:
    """How many items several people labelled, and how often two of them chose alike; None if none were."""
    said: defaultdict[str, list[Choice]] = defaultdict(list)
    for reading in readings:
        for name, verdict in reading.said.items():
            said[name].append(verdict.choice)
    pairs = [first == second for choices in said.values() for first, second in combinations(choices, 2)]
    return sum(len(choices) > 1 for choices in said.values()), fmean(pairs) if pairs else None


def tallied(record: RunRecord, labels: Labels) -> list[LabelledCell]:
    """What people said of each candidate on each task of the run, where they said anything."""
    cells = (_tally(arm, [labels[pair.answer] for pair in arm.pairs if pair.answer in labels]) for arm in record.arms)
    return [cell for cell in cells if cell.labels]


def _tally(arm: RecordedArm, labels: Sequence[HumanLabel]) -> LabelledCell:
    better, same, worse = (sum(label.difference == value for label in labels) for value in (1, 0, -1))
    split = len(labels) - better - same - worse
    return LabelledCell(arm.task, arm.label, len(labels), better, same, worse, split)


def _difference(item: PacketItem, choice: Choice) -> float:
    if choice == "tie":
        return 0.0
    return 1.0 if (choice == "first") == item.candidate_first else -1.0


def _label(item: PacketItem, packet: str, differences: Sequence[float]) -> HumanLabel:
    return HumanLabel(item.pair.answer, fmean(differences), item.pair.probability, packet)


def _at_least(label: HumanLabel, chance: float) -> HumanLabel:
    return msgspec.structs.replace(label, probability=max(label.probability, chance))


def _chance(labels: Labels, key: bytes) -> float:
    return labels[key].probability if key in labels else 0.0
