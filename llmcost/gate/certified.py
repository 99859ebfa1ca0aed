"""What a replay run has shown of models, as plainly as a gate needs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmcost.gate.measure import stable_name


@dataclass(frozen=True, slots=True)
class Shown:
    """What a run says of one model ("gpt-5@low": and how hard it was to think) on one task.

    loss  the largest loss of quality that it has not ruled out, a share; None: it has ruled out nothing
    """

    task: str
    model: str
    verdict: str
    loss: float | None
    margin: float


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run: what it says of every model that it tried, and of its whole plan.

    loss  the largest loss of quality of the plan that it has not ruled out; None: it is not known
    """

    run: str
    shown: list[Shown]
    loss: float | None

    def of(self, task: str, model: str) -> Shown | None:
        """What it says of this model on a task, by its stable name; None: it did not try it there.

        With the same effort, else with none. Of a log that does not tell the effort, the worst that was tried counts.
        """
        here = [item for item in self.shown if stable_name(item.task) == task and _same(item.model, model)]
        for label in (model, model.partition("@")[0]):
            if found := [item for item in here if item.model.partition("@")[2] == label.partition("@")[2]]:
                return _worst(found)
        return None if "@" in model else _worst(here)


def _same(one: str, other: str) -> bool:
    """Whether two names are of one model, whatever provider stands before them."""
    first, second = (name.partition("@")[0] for name in (one, other))
    return first == second or first.endswith(f"/{second}") or second.endswith(f"/{first}")


def _worst(found: Sequence[Shown]) -> Shown | None:
    return max(found, key=lambda item: (item.loss is None, item.loss or 0.0), default=None)
