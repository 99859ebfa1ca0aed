"""What the two halves of `llmcost label` come to. Light to import, as the command line's help has it at hand."""

from __future__ import annotations

import msgspec


class DrawnCell(msgspec.Struct, frozen=True):
    """One candidate on one task: how many pairs could be labelled, are labelled already, and are in the packet."""

    task: str
    candidate: str
    pairs: int
    labelled: int
    drawn: int


class LabelExport(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.label-export/1"):
    """A packet that was written.

    page, table  its two files, either of which people may fill in
    missing      pairs left out, because the candidate's answer is no longer in the store
    """

    packet: str
    run: str
    page: str
    table: str
    cells: list[DrawnCell]
    missing: int

    @property
    def drawn(self) -> int:
        """Pairs in the packet."""
        return sum(cell.drawn for cell in self.cells)


class BadRow(msgspec.Struct, frozen=True):
    """A row that says nothing usable: where it is (file:line), and what is wrong with it."""

    place: str
    reason: str


class LabelledCell(msgspec.Struct, frozen=True):
    """One candidate on one task: people's verdicts on it so far, of all packets; `split` where people disagreed."""

    task: str
    candidate: str
    labels: int
    better: int
    same: int
    worse: int
    split: int


class LabelImport(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.label-import/1"):
    """Verdicts that were taken in.

    labels     pairs that people labelled in these files
    skipped    rows without a verdict, or with "skip"
    replaced   labels of the same packets that were kept before, and are no longer
    shared     pairs that several people labelled; `agreement` is the share of two people's verdicts that are the same
    """

    packets: list[str]
    files: int
    labels: int
    skipped: int
    replaced: int
    bad: list[BadRow]
    shared: int
    agreement: float | None
    cells: list[LabelledCell]
