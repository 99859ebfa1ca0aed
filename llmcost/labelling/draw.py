"""Which pairs people are asked about: a seeded sample of each task and candidate, with known probabilities.

Half of the chance is alike for all pairs of a candidate on a task, half is for those on which a judge saw a difference:
they tell most about how far the judge can be believed, and where judges mostly see ties a plain sample has few of them.

Every pair has a random number of its own for each seed, so that a later packet goes on where the labels so far end: all
labels of a task and candidate are one sample of their joint size, and their probabilities are those of that size. A
pair that was shown but got no verdict comes again, for leaving it out would leave out the hard ones.

Source: B. Rosén, "On sampling with probability proportional to size", J. Statist. Plann. Inference 62 (1997), 159–191.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from llmcost.errors import ConfigError, InputError
from llmcost.labelling.packet import Drawn, Packet, PacketItem, item_id
from llmcost.labelling.result import DrawnCell
from llmcost.replay.sample import inclusion_probabilities
from llmcost.trial.record import RecordedArm, RecordedPair, RunRecord

Floats = npt.NDArray[np.float64]

JUDGED = "judge"
NOTHING_TO_COMPARE = frozenset({"identical", "failure"})  # ties and losses by rule: nobody's opinion changes them
FEW = 5  # pairs of each task and candidate, before the rest is spread by their size
BITS = 52  # of a random number: with one bit more, the last one would be rounded to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to draw: at most `count` pairs, of these tasks and this candidate (all, where none is named).

    checked  pairs whose grade checks settled may be drawn as well
    """

    count: int
    seed: int
    tasks: Sequence[str] = ()
    candidate: str | None = None
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One candidate on one task and the pairs that may be labelled, in the order of their answers' keys."""

    arm: RecordedArm
    pairs: tuple[RecordedPair, ...]

    def among(self, answers: Collection[bytes]) -> Cell:
        """The cell with the pairs of these answers alone."""
        return Cell(self.arm, tuple(pair for pair in self.pairs if pair.answer in answers))

    def labelled(self, labelled: Collection[bytes]) -> int:
        """How many of its pairs are labelled."""
        return sum(pair.answer in labelled for pair in self.pairs)


@dataclass(frozen=True, slots=True)
class Draw:
    """A packet; for each of its items the prompt that it is about (index into the run's prompts); and the counts."""

    packet: Packet
    prompts: list[int]
    cells: list[DrawnCell]


def cells_of(record: RunRecord, wish: Wish) -> list[Cell]:
    """The run's candidates on its tasks that have pairs to label, as wished.

    Raises ConfigError for a task or candidate that the run does not know, InputError if there is no such pair.
    """
    if wish.count < 1:
        raise ConfigError(f"a packet of {wish.count} pairs is none", "ask for at least 1; 200 is usual")
    _check_known("task", wish.tasks, {arm.task for arm in record.arms})
    candidates = () if wish.candidate is None else (wish.candidate,)
    _check_known("candidate", candidates, {name for arm in record.arms for name in (arm.label, arm.model)})
    cells = [_cell(arm, wish) for arm in record.arms if _wished(arm, wish)]
    if not any(cell.pairs for cell in cells):
        raise _nothing(record, wish)
    return [cell for cell in cells if cell.pairs]


def draw(record: RunRecord, cells: Sequence[Cell], labelled: Collection[bytes], wish: Wish) -> Draw:
    """A packet of these cells' pairs that have no label yet. Raises InputError if all have one."""
    counts = spread(wish.count, [len(cell.pairs) - cell.labelled(labelled) for cell in cells])
    if not any(counts):
        raise InputError("every pair that could be drawn has a label already", "run the same llmcost replay again")
    fresh: list[tuple[int, Drawn]] = []
    earlier: list[Drawn] = []
    for cell, count in zip(cells, counts, strict=True):
        new, old = _of_cell(cell, labelled, count, wish.seed)
        fresh += new
        earlier += old
    # shuffled over the cells: whoever stops half-way has labelled a part of each, and twins stand apart
    fresh.sort(key=lambda found: _luck("place", wish.seed, bytes.fromhex(found[1].answer)))
    return Draw(
        _packet(record.run, wish.seed, [pair for _, pair in fresh], earlier),
        [prompt for prompt, _ in fresh],
        [_counted(cell, labelled, count) for cell, count in zip(cells, counts, strict=True)],
    )


def spread(count: int, sizes: Sequence[int]) -> list[int]:
    """How many of `count` each cell gets: a few each, then in proportion to its size, and never more than it has."""
    given = [0] * len(sizes)

    def turn(cell: int) -> tuple[bool, float]:
        return (False, given[cell]) if given[cell] < FEW else (True, (given[cell] + 0.5) / sizes[cell])

    for _ in range(min(count, sum(sizes))):
        given[min((cell for cell, size in enumerate(sizes) if given[cell] < size), key=turn)] += 1
    return given


def probabilities(telling: Sequence[bool], count: int) -> Floats:
    """π of each pair of a cell, summing to `count`; a judge saw a difference on the `telling` ones."""
    return inclusion_probabilities(np.ones(len(telling)), np.array(telling, dtype=np.float64), count)


def _of_cell(
    cell: Cell, labelled: Collection[bytes], count: int, seed: int
) -> tuple[list[tuple[int, Drawn]], list[Drawn]]:
    """The pairs drawn from a cell, each with its prompt, and those that have a label, all at the joint probability."""
    if count == 0:
        return [], []
    chances = probabilities([any(pair.differences) for pair in cell.pairs], count + cell.labelled(labelled))
    luck = np.array([_luck("draw", seed, pair.answer) for pair in cell.pairs])
    rank = luck / (1 - luck) * (1 - chances) / chances  # 0 where certain
    drawn = [
        (pair, Drawn(cell.arm.task, cell.arm.label, pair.answer.hex(), float(chances[index])))
        for index, pair in ((index, cell.pairs[index]) for index in np.argsort(rank, kind="stable"))
    ]
    fresh = [(pair.prompt, found) for pair, found in drawn if pair.answer not in labelled]
    return fresh[:count], [found for pair, found in drawn if pair.answer in labelled]


def _packet(run: str, seed: int, pairs: Sequence[Drawn], earlier: list[Drawn]) -> Packet:
    said = "\0".join([run, str(seed), *(pair.answer for pair in pairs)])
    name = "p" + blake2b(said.encode(), digest_size=4).hexdigest()  # the letter keeps spreadsheets from seeing a number
    items = [
        PacketItem(item_id(name, number, pairs), _luck("order", seed, bytes.fromhex(pair.answer)) < 0.5, pair)
        for number, pair in enumerate(pairs, start=1)
    ]
    return Packet(name, run, seed, items, earlier)


def _luck(purpose: str, seed: int, answer: bytes) -> float:
    """A random number in (0, 1) that belongs to the answer: the same for the same purpose and seed, always."""
    digest = blake2b(f"{purpose}\0{seed}\0".encode() + answer, digest_size=8).digest()
    return ((int.from_bytes(digest) >> (64 - BITS)) + 0.5) / 2.0**BITS


def _cell(arm: RecordedArm, wish: Wish) -> Cell:
    pairs = {pair.answer: pair for pair in arm.pairs if _may_be_labelled(pair, wish)}
    return Cell(arm, tuple(pairs[answer] for answer in sorted(pairs)))


def _may_be_labelled(pair: RecordedPair, wish: Wish) -> bool:
    return JUDGED in pair.basis or (wish.checked and not NOTHING_TO_COMPARE.issuperset(pair.basis))


def _wished(arm: RecordedArm, wish: Wish) -> bool:
    return (not wish.tasks or arm.task in wish.tasks) and wish.candidate in (None, arm.label, arm.model)


def _counted(cell: Cell, labelled: Collection[bytes], drawn: int) -> DrawnCell:
    return DrawnCell(cell.arm.task, cell.arm.label, len(cell.pairs), cell.labelled(labelled), drawn)


def _check_known(kind: str, wished: Iterable[str], known: Collection[str]) -> None:
    for name in wished:
        if name not in known:
            raise ConfigError(f"the run has no {kind} {name!r}", f"there is: {', '.join(sorted(known)) or 'none'}")


def _nothing(record: RunRecord, wish: Wish) -> InputError:
    if wish.checked:
        return InputError(f"run {record.run} has no such pair that people could compare", "choose other tasks")
    return InputError(f"no such pair of run {record.run} was decided by a judge", "--all takes those of checks as well")
