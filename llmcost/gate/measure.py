"""What each task of a log costs per call, how sure that is, and what its tokens are: from calls and their costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.call_site import fingerprint
from llmcost.calls import Calls
from llmcost.errors import LLMCostError
from llmcost.evidence.cost_change import Floats, Integers, Mean, group_means, quantile
from llmcost.pricing import KINDS, Kind, tokens_by_kind

NO_TASK = "untagged"
LONGEST_NAME = 80  # of a task or model: a log may hold anything there
P95 = 0.95


@dataclass(frozen=True, slots=True)
class Log:
    """What a gate looks at; all parallel to `calls`.

    costs    US dollars of a call, NaN where unknown      by_kind  list prices by kind of token, which share them out
    cases    key of the case of a suite that a call answers (None: of none); None: the log is no suite
    begins   whether a call is the first step of its case, so that a case asked again is told from one of many steps;
             None: a case is asked again where a prompt of it is, word by word
    """

    calls: Calls
    costs: Floats
    by_kind: Mapping[Kind, Floats] = field(default_factory=dict)
    cases: Sequence[str | None] | None = None
    begins: Sequence[bool] | None = None

    def __post_init__(self) -> None:
        if len(self.costs) != len(self.calls):
            said = f"{len(self.costs)} costs for {len(self.calls)} calls"
            raise LLMCostError(said, "price the same calls that are checked")


@dataclass(frozen=True, slots=True)
class Use:
    """The priced calls of a task to one model; tokens and US dollars by kind, and dollars that no tokens explain."""

    calls: float
    tokens: dict[Kind, float]
    usd: dict[Kind, float]
    other_usd: float


@dataclass(frozen=True, slots=True)
class TaskCost:
    """One task of a log. Calls are of the real traffic that a sampled log stands for, and so no whole ones.

    shown    its name in this log, where `task` is the fingerprint of a call site
    unknown  answered calls of unknown cost      latency  95th percentile in ms and the error of its logarithm
    models   every model asked for → calls       cases    of a suite: key → cost of asking it once
    """

    task: str
    shown: str
    all: float
    failed: float
    unknown: float
    priced: float
    cost_usd: float
    cost: Mean | None
    tokens: Mean | None
    latency: tuple[float, float] | None
    models: dict[str, float]
    usage: dict[str, Use]
    cases: dict[str, float]


def stable_name(task: str) -> str:
    """The task's name, without words of a prompt: a task named after its call site is known by its fingerprint."""
    site = fingerprint(task)
    return f"call site {site}" if site else task[:LONGEST_NAME]


def measure(log: Log) -> list[TaskCost]:
    """Every task with its cost, sorted by name.

    A failed call without a known cost is no unknown: it is counted as a call and left out of the mean.
    """
    return _Measured(log).tasks() if len(log.calls) else []


class _Measured:
    """The columns of a log that a gate looks at, and the sums of them by task."""

    def __init__(self, log: Log) -> None:
        calls, costs = log.calls, log.costs
        names, self.task = _tasks(calls)
        self.names, merged = np.unique([stable_name(name) for name in names], return_inverse=True)
        self.shown_of = {int(stable): name for name, stable in sorted(zip(names, merged, strict=True), reverse=True)}
        self.task = merged[self.task].astype(np.int64)
        self.weights, self.costs, self.known = calls.weights(), costs, ~np.isnan(costs)
        self.answered = np.asarray(pc.is_null(calls.column("error_type")), dtype=np.bool_)
        self.model, self.models = _models(calls)
        self.tokens = {kind: each * self.weights for kind, each in tokens_by_kind(calls).items()}
        self.usd = _shared_out(costs, log.by_kind, self.weights)
        self.latency, self.cases = calls.floats("latency_ms"), log.cases
        self.begins, self.units, self.calls = log.begins, _units(calls), calls
        self.again = _asked_again(calls, self.cases, self.known) if log.begins is None else {}

    def tasks(self) -> list[TaskCost]:
        number = len(self.names)
        known, units = self.known, self.units
        whole = sum(self.tokens.values()) / self.weights
        means = group_means(self.costs[known], self.weights[known], units[known], self.task[known], number)
        counted = self.answered & ~np.isnan(self.calls.floats("input_tokens"))
        tokens = group_means(whole[counted], self.weights[counted], units[counted], self.task[counted], number)
        in_order = np.argsort(self.task, kind="stable")
        rows = np.split(in_order, np.searchsorted(self.task[in_order], np.arange(1, number)))
        return [self._task(code, rows[code], means[code], tokens[code]) for code in range(number)]

    def _task(self, code: int, rows: Integers, cost: Mean | None, tokens: Mean | None) -> TaskCost:
        priced = rows[self.known[rows]]
        weights, answered = self.weights[rows], self.answered[rows]
        usd = _total(self.costs[priced] * self.weights[priced])
        timed = rows[answered & ~np.isnan(self.latency[rows])]
        return TaskCost(
            task=str(self.names[code]),
            shown=self.shown_of[code],
            all=float(weights.sum()),
            failed=float(weights[~answered].sum()),
            unknown=float(weights[answered & ~self.known[rows]].sum()),
            priced=float(self.weights[priced].sum()),
            cost_usd=usd,
            cost=cost,
            tokens=tokens,
            latency=quantile(self.latency[timed], self.weights[timed], self.units[timed], P95),
            models=self._by_model(rows),
            usage=self._usage(priced),
            cases=self._cases(priced),
        )

    def _by_model(self, rows: Integers) -> dict[str, float]:
        codes, place = np.unique(self.model[rows], return_inverse=True)
        sums = np.bincount(place, self.weights[rows], len(codes)).tolist()
        return {
            self.models[code]: calls for code, calls in zip(codes.tolist(), sums, strict=True) if code >= 0 and calls
        }

    def _usage(self, rows: Integers) -> dict[str, Use]:
        """Model → what its priced calls used; a call of an unnamed model is of "unknown"."""
        found = {}
        for code in np.unique(self.model[rows]).tolist():
            here = rows[self.model[rows] == code]
            found[self.models[code] if code >= 0 else "unknown"] = Use(
                calls=float(self.weights[here].sum()),
                tokens={kind: float(self.tokens[kind][here].sum()) for kind in KINDS},
                usd={kind: _total(self.usd[kind][here]) for kind in KINDS},
                other_usd=_total(self.usd["other"][here]),
            )
        return found

    def _cases(self, rows: Integers) -> dict[str, float]:
        if self.cases is None:
            return {}
        of_case: dict[str, list[int]] = {}
        for row in rows.tolist():
            if (key := self.cases[row]) is not None:
                of_case.setdefault(key, []).append(row)
        return {key: _total(self.costs[of_case[key]]) / self._times(key, of_case[key]) for key in sorted(of_case)}

    def _times(self, key: str, rows: Sequence[int]) -> int:
        """How often the case was asked; what else there is of it are steps, which its cost is the sum of."""
        return max(sum(self.begins[row] for row in rows), 1) if self.begins is not None else self.again[key]


def _tasks(calls: Calls) -> tuple[list[str], Integers]:
    """Names and, per row, the index of its name; null is `NO_TASK`."""
    codes, names = calls.codes("task")
    return ([*names, NO_TASK], np.where(codes < 0, len(names), codes)) if (codes < 0).any() else (names, codes)


def _models(calls: Calls) -> tuple[Integers, list[str]]:
    """Per row the model asked for, the one that answered where none was named, as an index (−1: none); sorted names.

    A model that was told how hard to think is another one, "gpt-5@low": a run tries them apart.
    """
    asked = pc.cast(calls.column("request_model"), pa.string())
    model = pc.coalesce(asked, pc.cast(calls.column("response_model"), pa.string()))
    model = pc.coalesce(
        pc.binary_join_element_wise(model, pc.cast(calls.column("reasoning_effort"), pa.string()), "@"), model
    )
    filled = np.asarray(pc.fill_null(model, "").to_numpy(zero_copy_only=False), dtype=object)
    encoded = pa.array(filled, pa.string()).dictionary_encode()
    names, codes = encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False)
    short = [name[:LONGEST_NAME] for name in names]
    order = sorted(set(filter(None, short)))
    places = {name: place for place, name in enumerate(order)}
    place = np.array([places[name] if name else -1 for name in short] or [-1], dtype=np.int64)
    return place[codes], order


def _units(calls: Calls) -> Integers:
    """Per row what it is not independent of: its conversation, else the same prompt, else nothing but itself."""
    key = pc.coalesce(calls.column("session_key"), calls.column("prompt_key")).combine_chunks()
    encoded = key.dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.where(codes < 0, len(encoded.dictionary) + np.arange(len(codes)), codes)


def _asked_again(calls: Calls, cases: Sequence[str | None] | None, known: npt.NDArray[np.bool_]) -> dict[str, int]:
    """Case → how often one and the same prompt of it was asked, of priced calls."""
    counts: dict[str, Counter[bytes | None]] = {}
    prompts = calls.column("prompt_key").to_pylist() if cases is not None else []
    for key, prompt, priced in zip(cases or (), prompts, known.tolist(), strict=False):
        if key is not None and priced:
            counts.setdefault(key, Counter())[prompt] += 1
    return {key: max(found.values()) for key, found in counts.items()}


def _shared_out(costs: Floats, by_kind: Mapping[Kind, Floats], weights: Floats) -> dict[str, Floats]:
    """What each call costs, by kind as the list price has it; what no tokens explain is "other". US dollars."""
    listed = {kind: np.nan_to_num(by_kind[kind]) if kind in by_kind else np.zeros(len(costs)) for kind in KINDS}
    total = np.sum(list(listed.values()), axis=0)
    explained = total > 0
    share = np.divide(costs, total, out=np.zeros(len(costs)), where=explained) * weights
    other = np.where(explained, 0.0, costs) * weights
    return {**{kind: np.nan_to_num(each * share) for kind, each in listed.items()}, "other": np.nan_to_num(other)}


def _total(values: npt.NDArray[np.float64]) -> float:
    """Their sum, added from the smallest up: the same in whatever order the log was written."""
    return float(np.sort(values).sum())
