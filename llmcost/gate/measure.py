"""What each task of a log costs per call, from calls and their costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.calls import Calls
from llmcost.errors import LLMCostError

NO_TASK = "untagged"


@dataclass(frozen=True, slots=True)
class TaskCost:
    """One task of a log; US dollars. Calls are of the real traffic that a sampled log stands for, and so no whole ones.

    priced   calls of known cost      unknown   calls that were answered, but what they cost is not known
    """

    task: str
    all: float
    priced: float
    unknown: float
    cost_usd: float
    models: dict[str, int]

    @property
    def calls(self) -> int:
        """Calls of the task, rounded."""
        return round(self.all)

    @property
    def priced_calls(self) -> int:
        """Those of known cost, rounded."""
        return round(self.priced)

    @property
    def unknown_calls(self) -> int:
        """Those that were answered at an unknown cost, rounded."""
        return round(self.unknown)

    @property
    def cost_per_call_usd(self) -> float | None:
        """Mean cost of the priced calls; None if there is none."""
        return self.cost_usd / self.priced if self.priced else None

    @property
    def unknown_share(self) -> float:
        """Share of the calls of unknown cost among those that were answered or cost something."""
        seen = self.unknown + self.priced
        return self.unknown / seen if seen else 0.0


def measure(calls: Calls, costs: npt.NDArray[np.float64]) -> dict[str, TaskCost]:
    """Task → its cost, sorted by name. `costs` is parallel to `calls`, US dollars of a call, NaN where unknown.

    A failed call without a known cost is no unknown: it is counted as a call and left out of the mean.
    """
    if len(costs) != len(calls):
        raise LLMCostError(f"{len(costs)} costs for {len(calls)} calls", "price the same calls that are checked")
    names, codes = _encoded(calls.column("task"))
    known, weights = ~np.isnan(costs), calls.weights()
    answered = np.asarray(pc.is_null(calls.column("error_type")).to_numpy(), dtype=np.bool_)
    tasks, totals = np.unique(codes), _sums(codes, np.where(known, costs * weights, 0.0), len(names))
    models = _models(calls, codes)
    measured = [
        TaskCost(
            task=names[code],
            all=float(weights[here := codes == code].sum()),
            priced=float(weights[here & known].sum()),
            unknown=float(weights[here & ~known & answered].sum()),
            cost_usd=float(totals[code]),
            models=models.get(int(code), {}),
        )
        for code in tasks
    ]
    return {task.task: task for task in sorted(measured, key=lambda task: task.task)}


def _encoded(column: pa.ChunkedArray) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Names and, per row, the index of its name; null is `NO_TASK`."""
    filled = pc.fill_null(pc.cast(column, pa.string()), NO_TASK).combine_chunks()
    encoded = pc.dictionary_encode(filled)
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def _sums(codes: npt.NDArray[np.int64], costs: npt.NDArray[np.float64], number: int) -> npt.NDArray[np.float64]:
    """Sum of costs per code, added from the smallest up: the same in whatever order the log was written."""
    order = np.argsort(costs, kind="stable")
    return np.bincount(codes[order], weights=costs[order], minlength=number).astype(np.float64)


def _models(calls: Calls, codes: npt.NDArray[np.int64]) -> dict[int, dict[str, int]]:
    """Code → model asked for → calls; the model that answered where none was named."""
    asked = pc.cast(calls.column("request_model"), pa.string())
    model = pc.coalesce(asked, pc.cast(calls.column("response_model"), pa.string()))
    rows = pa.table({"code": codes, "model": model, "calls": calls.weights()})
    counted = rows.group_by(["code", "model"]).aggregate([("calls", "sum")])
    found: dict[int, dict[str, int]] = {}
    for row in counted.sort_by([("code", "ascending"), ("model", "ascending")]).to_pylist():
        if row["model"] is not None:
            found.setdefault(row["code"], {})[row["model"]] = round(row["calls_sum"])
    return found
