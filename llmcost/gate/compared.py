"""One task then and now, and what the difference is worth."""

from __future__ import annotations

from dataclasses import dataclass

from llmcost.gate.measure import TaskCost
from llmcost.gate.result import BaselineTask

ROUNDING = 1e-8  # a baseline keeps ten digits


@dataclass(frozen=True, slots=True)
class Compared:
    """One task of the baseline beside what it is now; now is None where the log no longer has it. US dollars."""

    past: BaselineTask
    now: TaskCost | None

    @property
    def past_per_call(self) -> float | None:
        """Cost per call in the baseline."""
        return None if self.past.cost_per_call_usd is None else float(self.past.cost_per_call_usd)

    @property
    def now_per_call(self) -> float | None:
        """Cost per call in the log; None where it has no call of known cost."""
        return None if self.now is None else self.now.cost_per_call_usd

    @property
    def past_usd(self) -> float:
        """What the baseline's calls cost."""
        return past_usd(self.past)

    @property
    def effect_usd(self) -> float:
        """What the change costs on the baseline's own calls; 0 where one side is not known or only rounding differs."""
        if self.past_per_call is None or self.now_per_call is None or self.change == 0.0:
            return 0.0
        return self.past.priced_calls * (self.now_per_call - self.past_per_call)

    @property
    def change(self) -> float | None:
        """The relative change of the cost per call."""
        return relative(self.past_per_call, self.now_per_call)

    @property
    def new_models(self) -> list[str]:
        """Models that the baseline did not know in this task."""
        return [] if self.now is None else [model for model in self.now.models if model not in self.past.models]

    def regressed(self, max_increase: float) -> bool:
        """Whether a call costs more than `max_increase` above what it did; anything at all, where it was free."""
        if self.past_per_call is None or self.now_per_call is None:
            return False
        return exceeds(self.now_per_call, self.past_per_call, max_increase)

    def hidden(self, max_increase: float) -> bool:
        """Whether the share of answered calls of unknown cost grew by more than `max_increase`."""
        if self.now is None or not self.now.unknown_calls or not self.past.priced_calls:
            return False
        before = 1 - self.past.priced_calls / self.past.calls
        return not self.now.priced_calls or self.now.unknown_share > before + max_increase


def past_usd(task: BaselineTask) -> float:
    """What the calls of a baseline's task cost, at its cost per call."""
    return task.priced_calls * float(task.cost_per_call_usd or 0)


def exceeds(now: float, past: float, max_increase: float) -> bool:
    """Whether `now` is more than `max_increase` above `past`, beyond what rounding explains."""
    return now > past * (1 + max_increase) * (1 + ROUNDING)


def relative(past: float | None, now: float | None) -> float | None:
    """The relative change; None where a side is unknown or the past is nothing. Rounding is no change."""
    if past is None or now is None:
        return None
    if past == 0:
        return 0.0 if now == 0 else None
    change = now / past - 1
    return 0.0 if abs(change) < ROUNDING else change
