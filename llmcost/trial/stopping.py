"""After every look: who has passed, who is dropped, and which task needs no more asking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmcost.evidence.survey import Ratio
from llmcost.trial.cell import Cell, dropped

FUTILE = -1.96  # T at which a candidate is dropped at any look
FUTILE_LATER = 0.0  # T below which it is dropped from the second look on
FINAL = frozenset({"KEEP", "CANNOT_JUDGE"})


def stop(cells: Sequence[Cell], ratios: Mapping[str, Ratio | None], looks: int) -> None:
    """Ends the cells of one task that need no more prompts after the look that was just taken; says why in `ended`.

    ratios  candidate's over incumbent's cost, by the candidate's label
    """
    for cell in (cell for cell in cells if cell.ended is None):
        cell.ended = _decided(cell, looks)
        if cell.ended is None and (why := _hopeless(cell, ratios[cell.label])) is not None:
            dropped(cell, f"dropped at look {cell.look} of {looks}: {why}")
    good = [cell for cell in cells if passed(cell) and saves(ratios[cell.label])]
    best = min(good, key=lambda cell: _cost(ratios[cell.label]), default=None)
    for cell in cells:
        if best is not None and cell.ended is None and _cost(ratios[cell.label]) > _cost(ratios[best.label]):
            dropped(cell, f"not asked further: {best.label} passed and costs less")


def _decided(cell: Cell, looks: int) -> str | None:
    assert cell.verdict is not None
    if passed(cell):
        return f"passed at look {cell.look} of {looks}"
    if cell.verdict.decision in FINAL:
        return f"decided at look {cell.look} of {looks}"
    if cell.look < looks:
        return None
    looser = "passed at the looser limit: " if cell.verdict.decision == "SWITCH_AT" else ""
    return f"{looser}asked all {cell.asked:,} prompts"


def _hopeless(cell: Cell, ratio: Ratio | None) -> str | None:
    statistic = cell.verdict.statistic if cell.verdict else None
    if statistic is not None and (statistic <= FUTILE or (cell.look > 1 and statistic < FUTILE_LATER)):
        return "not on the way to within its limit"
    dearer = ratio is not None and ratio.low is not None and ratio.low >= 1
    return "costs more than what is used now" if dearer else None


def passed(cell: Cell) -> bool:
    """Whether it may be used at the margin asked for."""
    return cell.verdict is not None and cell.verdict.decision == "SWITCH"


def saves(ratio: Ratio | None) -> bool:
    """Whether it certainly costs less."""
    return ratio is not None and ratio.high is not None and ratio.high < 1


def _cost(ratio: Ratio | None) -> float:
    return float("inf") if ratio is None or ratio.value is None else ratio.value
