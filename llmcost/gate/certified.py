"""What a replay run has shown of models, as plainly as a gate needs it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shown:
    """What a run says of one model on one task.

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
        """What it says of this model on this task; a model's effort ("model@high") is not in a log's name of it."""
        found = [item for item in self.shown if item.task == task and item.model.partition("@")[0] == model]
        return min(found, key=lambda item: (item.loss is None, item.loss or 0.0), default=None)
