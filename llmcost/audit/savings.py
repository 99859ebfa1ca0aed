"""What strategies would have taken off this log's bill: applied to the calls, then priced, never estimated apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import fsum
from typing import Any

import numpy as np

from llmcost.audit.exemplars import Exemplars
from llmcost.audit.groups import Floats, Ints, Mask, exact_sum, money_sum, money_sums
from llmcost.audit.ledger import Labels, Ledger
from llmcost.audit.places import Places, places
from llmcost.audit.prefixes import prefixes
from llmcost.audit.prompt_caching import PromptCaching
from llmcost.audit.rhythm import Waiting, waiting
from llmcost.calls import Calls
from llmcost.pricing import PriceBook, repriced
from llmcost.pricing.cost import from_app_cache
from llmcost.strategies import (
    BatchApi,
    Batches,
    CachePolicy,
    CanWait,
    PrefixEvidence,
    ResponseCache,
    Route,
    Swap,
    changes,
    stacked,
)
from llmcost.strategies.attempts import per_row
from llmcost.strategies.parts import parts
from llmcost.strategies.response_cache import Answered, answered, same_requests
from llmcost.strategies.stack import of_rows

# Dollars are worth a reader's time from these on: a share of the bill, or a sum a month.
MIN_SHARE = 0.005
MIN_MONTHLY_USD = 100.0


@dataclass(frozen=True, slots=True)
class TaskSaving:
    """What one change takes off the bill of one task, or one call site, over the calls priced before and after.

    calls  that it changes          before, after  their bill in dollars of the log; None: not known of any
    """

    calls: int
    before: float | None
    after: float | None

    @property
    def usd(self) -> float | None:
        """The saving; None if it is not known."""
        return None if self.before is None or self.after is None else self.before - self.after


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which steps of the stack are asked for; without swaps no task changes its model.

    measured  what other steps rest on, as a replay has shown it, by their names
    """

    response_cache: bool = True
    batch_api: bool = True
    prompt_cache: bool = True
    swaps: Mapping[str, Swap] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tasks(self) -> set[str]:
        """The tasks whose calls a step treats together."""
        by_task = [each for each in self.measured.values() if isinstance(each, Mapping)]
        by_task += [each.tasks for each in self.measured.values() if isinstance(each, Batches)]
        return {*self.swaps, *(task for each in by_task for task in each)}


@dataclass(frozen=True, slots=True)
class BilledCalls:
    """Calls and what they cost today, by the bill and by the price list, in dollars of the real traffic."""

    calls: Calls
    costs: Floats
    listed: Floats
    book: PriceBook

    def part(self, rows: Ints) -> BilledCalls:
        """The same of these rows alone."""
        return self if len(rows) == len(self.calls) else self._taken(rows)

    def priced(self, after: Calls) -> Floats:
        """What every call costs when they become these, over all its attempts; NaN: unknown."""
        if after is self.calls:
            return self.costs
        if len(after) == len(self.calls):
            return repriced(self.calls, self.costs, self.listed, after, self.book)
        rows = per_row(after, np.arange(len(self.calls), dtype=np.int64))
        attempts = self._taken(rows).priced(after)
        return np.asarray(np.bincount(rows, weights=attempts, minlength=len(self.calls)), dtype=np.float64)

    def dollars(self, after: Calls) -> list[float]:
        """The dollars of the calls when they become these, over those whose cost is known today, summed exactly.

        One whose cost would no longer be known costs what it does today: nothing is saved by not knowing.
        """
        return exact_sum(self._known(self.priced(after)))

    def _taken(self, rows: Ints) -> BilledCalls:
        costs = self.costs[rows]
        listed = costs if self.listed is self.costs else self.listed[rows]
        return BilledCalls(self.calls.take(rows), costs, listed, self.book)

    def _known(self, dollars: Floats) -> Floats:
        kept = np.where(np.isnan(dollars), self.costs, dollars)
        return kept[~np.isnan(self.costs)]


ALL_UNCHANGED = Wanted()  # every step that changes no answer


@dataclass(frozen=True)
class Stack:
    """Strategies on one timeline of calls: what the log becomes when each sees what the previous left.

    cache    what an exact response cache keeps, and how long      compare  the models that tasks could move to
    """

    entries: Ledger
    book: PriceBook
    cache: CachePolicy
    compare: tuple[str, ...]
    exemplars: Exemplars

    @cached_property
    def billed(self) -> BilledCalls:
        """The calls, and what they cost."""
        return BilledCalls(self.entries.calls, self.entries.costs, self.entries.listed, self.book)

    @property
    def ttl_s(self) -> Mapping[str, float] | float:
        """How long answers may be kept, in seconds: for all tasks, or by task."""
        return self.cache.ttl_s

    @cached_property
    def requests(self) -> Ints:
        """A number for every different request: model, prompt and end user; −1: not known."""
        return same_requests(self.entries.calls)

    @cached_property
    def hits(self) -> Mask:
        """True for every call that an exact response cache would have answered."""
        return self.cache_hits.rows

    @cached_property
    def cache_hits(self) -> Answered:
        """What that cache would have answered, and after how long a wait."""
        return answered(self.entries.calls, self.cache, self.requests)

    @cached_property
    def cached(self) -> Calls:
        """The calls behind an exact response cache."""
        return ResponseCache().apply(self.entries.calls, self.cache_hits)

    @cached_property
    def caching(self) -> PromptCaching:
        """What the provider's prompt cache would save."""
        found = prefixes(self.entries.calls, self.exemplars)
        return PromptCaching(self.entries, found, self.priced, self.worth_saying)

    @cached_property
    def prompt_cached(self) -> Calls:
        """What the response cache leaves, with the provider's prompt cache used where it is not."""
        return self.caching.used(self.cached)

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

    @cached_property
    def places(self) -> Places:
        """Where in the customer's code the calls come from."""
        return places(self.entries)

    @cached_property
    def answered(self) -> Mask:
        """True where a provider answered."""
        answered: Mask = ~self.entries.failed & ~from_app_cache(self.entries.calls)
        return answered

    @cached_property
    def bill(self) -> float | None:
        """Dollars of the whole log; None: no call of it is priced."""
        return money_sum(self.entries.costs)

    @cached_property
    def waiting(self) -> Waiting:
        """The calls that nobody seems to wait for."""
        return waiting(self.entries.calls, self.answered, self.places.grouped)

    @cached_property
    def batches(self) -> dict[int, TaskSaving]:
        """What a Batch API saves on them, by place, where it is worth a reader's time."""
        rows, after = np.flatnonzero(self.waiting.rows), self.entries.costs.copy()
        waiting = self.billed.part(rows)
        after[rows] = waiting.priced(BatchApi().apply(waiting.calls, CanWait(np.ones(len(rows), dtype=bool))))
        saved = self.by_group(self.places.grouped, after, self.waiting.rows & (after < self.entries.costs))
        return {index: saving for index, saving in enumerate(saved) if self.worth_saying(saving.usd)}

    def batched(self, calls: Calls) -> Calls:
        """These calls with those places in a batch."""
        return BatchApi().apply(calls, CanWait(self._could_wait)) if self.batches else calls

    def worth_saying(self, usd: float | None) -> bool:
        """Whether so many dollars of the log are at least 0.5 % of its bill, or $100 a month."""
        if not usd or usd <= 0 or not self.bill:
            return False
        return usd >= MIN_SHARE * self.bill or (self.entries.monthly(usd) or 0.0) >= MIN_MONTHLY_USD

    def evidence(self, wanted: Wanted = ALL_UNCHANGED) -> dict[str, Any]:
        """What each wanted step of `strategies.STACK` rests on, by its name.

        Batch API and prompt cache are used where they pay after the response cache and the model map: at each place
        whichever of the two takes more off.
        """
        found: dict[str, Any] = {"response_cache": self.cache_hits} if wanted.response_cache else {}
        if wanted.swaps:
            found["model_map"] = wanted.swaps
        found |= wanted.measured
        waits: Mask = np.zeros(len(self.entries.calls), dtype=bool)
        sites: dict[str, PrefixEvidence] = {}
        undecided = self._undecided(wanted)
        # Part by part, so that no more than a part of the calls is held twice, and only where there is a choice.
        for rows in parts(self.entries.calls, {"task": wanted.tasks, "call_site": None}):
            if not undecided[rows].any():
                continue
            part = self._part(rows, wanted)
            left = part.after({name: of_rows(each, rows) for name, each in found.items()})
            if wanted.batch_api:
                waits[rows] = part._better_in_a_batch(left, wanted.prompt_cache)
                left = BatchApi().apply(left, CanWait(waits[rows]))
            if wanted.prompt_cache:
                sites |= part.caching.using(left)
        return (
            found | ({"batch_api": CanWait(waits)} if waits.any() else {}) | ({"prompt_cache": sites} if sites else {})
        )

    def _undecided(self, wanted: Wanted) -> Mask:
        """The calls that a Batch API or a prompt cache might be good for."""
        found: Mask = np.zeros(len(self.entries.calls), dtype=bool)
        if wanted.batch_api:
            found |= self._could_wait
        if wanted.prompt_cache:
            sites = self.caching.sites
            found |= np.array([*(name in self.caching.unused for name in sites.names), False])[sites.codes]
        return found

    @property
    def _could_wait(self) -> Mask:
        """The calls that could wait, where a Batch API is worth a reader's time."""
        could: Mask = self.waiting.rows & np.isin(self.places.grouped.codes, list(self.batches))
        return could

    def _part(self, rows: Ints, wanted: Wanted) -> Stack:
        """The stack on some of the calls, with what the wanted steps need to know of all of them."""
        part = replace(self, entries=self.entries.take(rows))
        if wanted.response_cache:
            vars(part).update(cache_hits=self.cache_hits.take(rows))
        if wanted.batch_api:
            places, waiting = self.places.take(rows), self.waiting.take(rows)
            vars(part).update(batches=self.batches, places=places, waiting=waiting)
        if wanted.prompt_cache:
            vars(part).update(caching=self.caching.of(part.entries, part.billed.priced))
        return part

    def after(self, evidence: Mapping[str, Any]) -> Calls:
        """The calls after the steps of the stack that there is evidence for."""
        first = {"response_cache"} & evidence.keys()
        rest = {name: found for name, found in evidence.items() if name not in first}
        return stacked(self.cached if first else self.entries.calls, changes(rest))

    def _better_in_a_batch(self, left: Calls, or_prompt_cache: bool) -> Mask:
        """The calls of places where a batch costs less than what is left, or than a prompt cache there would."""
        batched = self.batched(left)
        if batched is left:
            return np.zeros(len(self.entries.calls), dtype=bool)  # of every call, however many attempts it takes
        rival = self.caching.used(left) if or_prompt_cache else left
        places = self.places.grouped
        pays = self._pays(places, self.priced(rival), self.priced(batched))
        chosen: Mask = self._could_wait & pays[places.codes]
        return chosen

    @cached_property
    def unchanged(self) -> Floats:
        """What every call costs after all that changes no answer."""
        return self.priced(self.after(self.evidence()))

    def total(self, calls: Calls) -> float:
        """Dollars of these calls, over those whose cost is known today."""
        return fsum(self.billed.dollars(calls))

    def no_answer_change(self) -> float | None:
        """Dollars of the log that go without changing an answer."""
        return self.saved_by(self.unchanged)

    def if_untested_passed(self) -> float | None:
        """Dollars of the log that would go if broken prefixes were mended and tasks moved to cheaper models as well."""
        mended = self.caching.mended(self.prompt_cached)
        costs = self.unchanged if mended is self.prompt_cached else self._where_less(self.unchanged, mended)
        moved = self.batched(Route().apply(self.cached, swaps(self.cheaper)))
        return self.saved_by(self._where_less(costs, moved))

    def saved_by(self, after: Floats) -> float | None:
        """Dollars of the log that these costs are below today's, over the calls whose cost is known in both."""
        return money_sum(self.entries.costs - after)

    def _where_less(self, costs: Floats, after: Calls) -> Floats:
        """Costs after a further change that is made to those tasks alone whose bill it lowers.

        One change can spoil another: who leaves a provider leaves its cache and its batches, too.
        """
        changed, tasks = self.priced(after), self.entries.tasks
        return np.where(self._pays(tasks, costs, changed)[tasks.codes], changed, costs)

    def _pays(self, grouped: Labels, costs: Floats, changed: Floats) -> Mask:
        """True for every group that costs less when changed, over the calls whose cost is known in both."""
        both = ~np.isnan(costs) & ~np.isnan(changed)
        codes, size = grouped.codes[both], len(grouped.names)
        sums = zip(*(money_sums(codes, size, each[both]) for each in (costs, changed)), strict=True)
        return np.array([was is not None and now is not None and now < was for was, now in sums], dtype=bool)

    def priced(self, calls: Calls) -> Floats:
        """What the calls of this timeline cost, in dollars of the real traffic."""
        return self._cached_costs if calls is vars(self).get("cached") else self.billed.priced(calls)

    @cached_property
    def _cached_costs(self) -> Floats:
        return self.billed.priced(self.cached)

    def by_task(self, costs: Floats, changed: Mask) -> dict[str, TaskSaving]:
        """Savings of the tasks where something changed."""
        tasks = self.entries.tasks
        found = zip(tasks.names, self.by_group(tasks, costs, changed), strict=True)
        return {name: saving for name, saving in found if saving.calls}

    def by_group(self, grouped: Labels, costs: Floats, changed: Mask) -> list[TaskSaving]:
        """Savings of every group, over the calls that changed."""
        comparable = np.flatnonzero(changed & ~np.isnan(costs) & self.entries.priced)
        codes, size = grouped.codes[comparable], len(grouped.names)
        before = money_sums(codes, size, self.entries.costs[comparable])
        after = money_sums(codes, size, costs[comparable])
        n = self.entries.counts(grouped, changed)
        return [TaskSaving(*row) for row in zip(n, before, after, strict=True)]


def swaps(best: Mapping[str, tuple[str, TaskSaving]]) -> dict[str, Swap]:
    """The model map of these choices, for the same tokens."""
    return {task: Swap(model) for task, (model, _) in best.items()}
