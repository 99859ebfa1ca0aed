"""The bill of the whole log before and after a plan. Quantities change; only price() turns them into dollars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from llmcost.audit import latency_quantiles, money_sum, monthly, span_days
from llmcost.audit.savings import BilledCalls
from llmcost.calls import Calls
from llmcost.pricing import PriceBook, price
from llmcost.recommend.plan import Pick
from llmcost.recommend.result import BillSide
from llmcost.strategies import Route, Strategy, Swap
from llmcost.trial.result import CandidateTrial, TaskTrial


@dataclass(frozen=True, slots=True)
class BilledLog:
    """The log as it was billed, and everything needed to bill it otherwise.

    costs   USD of every row, NaN unknown, and of all the calls of the real traffic that it stands for
    listed  the same by the price list: where the log's own costs are taken, a call that stays keeps them
    """

    calls: Calls
    costs: npt.NDArray[np.float64]
    listed: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    book: PriceBook
    trials: Mapping[tuple[str, str], CandidateTrial]

    def routed(self, picks: Sequence[Pick]) -> Calls:
        """The calls as they would be with these models, tokens and latencies as replayed."""
        swaps = self.swaps(picks)
        return Route().apply(self.calls, swaps) if swaps else self.calls

    def swaps(self, picks: Sequence[Pick]) -> dict[str, Swap]:
        """What asking these models does to the calls of each task, as replayed."""
        return {pick.task: self._swap(pick) for pick in picks}

    def priced(self, calls: Calls) -> float | None:
        """The total in USD of the calls whose logged cost is known; None if there are none.

        Calls of unknown cost stay out of both sides, or a plan would be charged for what was never counted before.
        """
        dollars = BilledCalls(self.calls, self.costs, self.listed, self.book).priced(calls)
        return money_sum(np.where(self.priced_rows, dollars, np.nan))

    def count(self, rows: npt.NDArray[np.int64]) -> int:
        """Calls of the real traffic in these rows, rounded."""
        return round(float(self.weights[rows].sum()))

    @property
    def priced_rows(self) -> npt.NDArray[np.bool_]:
        """True where the logged cost is known."""
        return np.isfinite(self.costs)

    def side(self, calls: Calls) -> BillSide:
        """One side of the bill."""
        usd = self.priced(calls)
        p50, p95 = latency_quantiles(calls)
        priced = float(self.weights[self.priced_rows].sum())
        return BillSide(monthly(usd, span_days(self.calls)), usd, None if usd is None else usd / priced, p50, p95)

    def task_cost(self, task: str) -> float | None:
        """What a task cost in the log."""
        return money_sum(self.costs[self.rows(task)])

    def task_cost_after(self, task: str, strategy: Strategy, evidence: Any) -> float | None:
        """What its calls whose cost is known would have cost under this strategy, for what is known of the task."""
        rows = self.rows(task)
        after = strategy.apply(self.calls.take(rows[self.priced_rows[rows]]), {task: evidence})
        return money_sum(price(after, self.book) * after.weights())

    def rows(self, task: str) -> npt.NDArray[np.int64]:
        """The rows of a task."""
        codes, names = self.calls.codes("task")
        return np.flatnonzero(codes == names.index(task)) if task in names else np.empty(0, dtype=np.int64)

    def _swap(self, pick: Pick) -> Swap:
        """The measured swap, its tokens calibrated so that the task's bill meets the estimated cost ratio.

        Tokens are scaled uniformly, costs are not uniform; without this the bill and the per-task savings would be
        two estimates of one thing.
        """
        trial = self.trials[pick.task, pick.model]
        swap = Swap(trial.model, trial.input_ratio or 1.0, trial.output_ratio or 1.0, trial.latencies_ms)
        before = self.task_cost(pick.task)
        after = self.task_cost_after(pick.task, Route(), swap)
        ratio = trial.cost_ratio.value if trial.cost_ratio else None
        if not before or not after or ratio is None:
            return swap
        scale = ratio * before / after
        return replace(
            swap, input_token_ratio=swap.input_token_ratio * scale, output_token_ratio=swap.output_token_ratio * scale
        )


def billed_log(calls: Calls, costs: npt.NDArray[np.float64], book: PriceBook, tasks: Sequence[TaskTrial]) -> BilledLog:
    """The log ready to be billed under any plan made of these trials; `costs` are USD a call, NaN unknown."""
    trials = {(task.task, candidate.label): candidate for task in tasks for candidate in task.candidates}
    weights = calls.weights()
    return BilledLog(calls, costs * weights, price(calls, book) * weights, weights, book, trials)
