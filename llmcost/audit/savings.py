"""What strategies would have taken off this log's bill: applied to the calls, then priced, never estimated apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from llmcost.audit.groups import Floats, Ints, Mask, money_sum, money_sums
from llmcost.audit.ledger import Ledger
from llmcost.calls import Calls
from llmcost.pricing import PriceBook, repriced
from llmcost.strategies import CachePolicy, Route, Swap
from llmcost.strategies.response_cache import answered_from_cache, hits


@dataclass(frozen=True, slots=True)
class TaskSaving:
    """What one change takes off one task's bill, in dollars of the log, over the calls priced before and after.

    calls  that it changes          before, after  their bill; None: not known of any
    """

    calls: int
    before: float | None
    after: float | None

    @property
    def usd(self) -> float | None:
        """The saving; None if it is not known."""
        return None if self.before is None or self.after is None else self.before - self.after


@dataclass(frozen=True)
class Stack:
    """Strategies on one timeline of calls: what the log becomes when each sees what the previous left.

    ttl_s    how long answers may be kept          compare  the models that tasks could move to
    """

    entries: Ledger
    book: PriceBook
    ttl_s: float
    compare: tuple[str, ...]

    @cached_property
    def hits(self) -> Mask:
        """True for every call that an exact response cache would have answered."""
        return hits(self.entries.calls, CachePolicy(self.ttl_s))

    @cached_property
    def cached(self) -> Calls:
        """The calls behind an exact response cache."""
        return answered_from_cache(self.entries.calls, self.hits)

    @cached_property
    def repeats(self) -> dict[str, TaskSaving]:
        """What the response cache saves, by task."""
        return self.by_task(self.priced(self.cached), self.hits)

    @cached_property
    def cheaper(self) -> dict[str, tuple[str, TaskSaving]]:
        """For every task the model that would have cost least for the same tokens, if less than today."""
        best: dict[str, tuple[str, TaskSaving]] = {}
        for model, costs in self.costs_at.items():
            changed = ~np.isnan(costs) & (costs != self.entries.costs) & self.entries.priced
            for task, saving in self.by_task(costs, changed).items():
                if (saving.usd or 0.0) > (best[task][1].usd or 0.0 if task in best else 0.0):
                    best[task] = (model, saving)
        return best

    @cached_property
    def costs_at(self) -> dict[str, Floats]:
        """What every call would have cost with each model to compare with, for the same tokens."""
        entries, known = self.entries, [model for model in self.compare if self.book.find(model) is not None]
        return {
            model: self.priced(Route().apply(entries.calls, dict.fromkeys(entries.tasks.names, Swap(model))))
            for model in known
        }

    def no_answer_change(self) -> float | None:
        """Dollars of the log that go without changing an answer."""
        return self.saved_by(self.cached)

    def if_untested_passed(self) -> float | None:
        """Dollars of the log that would go if every task could move to its cheapest model as well."""
        return self.saved_by(Route().apply(self.cached, swaps(self.cheaper)))

    def saved_by(self, after: Calls) -> float | None:
        """Dollars of the log that `after` saves, over the calls whose cost is known both before and after."""
        return money_sum(self.entries.costs - self.priced(after))

    def priced(self, calls: Calls) -> Floats:
        """What the calls of this timeline cost, in dollars of the real traffic."""
        entries = self.entries
        if calls is entries.calls:
            return entries.costs
        return repriced(entries.calls, entries.costs, entries.listed, calls, self.book)

    def priced_rows(self, rows: Ints, after: Calls) -> Floats:
        """What the calls of these rows cost after they became `after`, in dollars of the real traffic."""
        entries = self.entries
        billed = entries.costs[rows]
        listed = billed if entries.costs is entries.listed else entries.listed[rows]
        return repriced(entries.calls.take(rows), billed, listed, after, self.book)

    def by_task(self, costs: Floats, changed: Mask) -> dict[str, TaskSaving]:
        """Savings of the tasks where something changed."""
        tasks = self.entries.tasks
        size, comparable = len(tasks.names), changed & ~np.isnan(costs) & self.entries.priced
        n = self.entries.counts(tasks, changed)
        before = money_sums(tasks.codes, size, np.where(comparable, self.entries.costs, np.nan))
        after = money_sums(tasks.codes, size, np.where(comparable, costs, np.nan))
        rows = zip(tasks.names, n, before, after, strict=True)
        return {name: TaskSaving(calls, was, now) for name, calls, was, now in rows if calls}


def swaps(best: Mapping[str, tuple[str, TaskSaving]]) -> dict[str, Swap]:
    """The model map of these choices, for the same tokens."""
    return {task: Swap(model) for task, (model, _) in best.items()}
