"""Which prompts of the log are asked again: a seeded sample per task, by calls and by cost.

The unit is the distinct prompt of a task; its repeats in the log are one unit that stands for all of its calls. Half of
the chance to be drawn follows its calls (for quality), half its cost (for savings, whose error is in the few expensive
calls). What is drawn depends on the seed and on the fingerprints alone: not on the order, the files or the other tasks
of the log; and a larger sample keeps almost all of a smaller one, so what was already paid for is used again.

Source: B. Rosén, "On sampling with probability proportional to size", J. Statist. Plann. Inference 62 (1997), 159–191
(Pareto order sampling with permanent random numbers).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.calls import Calls
from llmcost.errors import ConfigError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

UNTAGGED = "untagged"
FAILED = "failed in the log"
NO_BODY = "the log holds no body"
BODY_REASONS: dict[str, str | None] = {
    "full": None,
    "truncated": "the body was cut off in the log",
    "redacted": "the body was redacted in the log",
    "absent": NO_BODY,
    "server_side_history": "earlier turns are kept by the provider, not in the log",
    "unsupported": "the request is of a kind that cannot be asked again",
}
NO_ANSWER_TO_COMPARE = "embeddings have no answer to grade"
NO_PROMPT = "no prompt was found in the body"
LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Sample:
    """The prompts to ask, in the seeded random order of asking; the arrays are parallel, one entry a distinct prompt.

    rows            row of the calls that stands for the prompt: the earliest of its calls
    tasks           the task of each prompt
    inclusion       π, the chance with which the prompt was drawn; 1: certain
    weights         calls of the log that it stands for: its calls / π
    population      distinct prompts that could have been drawn, per task; 0 where a task has none
    calls_per_task  the calls behind them
    not_replayable  calls that cannot be asked again, per reason

    Calls are those of the real traffic, where the log is itself a sample of it.
    """

    rows: Ints
    tasks: list[str]
    inclusion: Floats
    weights: Floats
    population: dict[str, int]
    calls_per_task: dict[str, int]
    not_replayable: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Prompts:
    """Distinct prompts in the order of (task, fingerprint); arrays are parallel."""

    task: Ints  # index into the names of the tasks
    high: Words  # the two halves of the fingerprint
    low: Words
    row: Ints
    calls: Floats
    cost: Floats


def draw(
    calls: Calls,
    costs: Floats,
    *,
    per_task: int,
    seed: int,
    replayable: npt.NDArray[np.bool_] | Sequence[str | None] | None = None,
) -> Sample:
    """A sample of at most `per_task` distinct prompts of each task; all of them where there are no more.

    costs       of each call, in any one currency; NaN where unknown (taken as the mean of the task for the design only)
    replayable  what the caller knows besides the log: a mask, or why each call cannot be asked again (None: it can)

    Raises ConfigError for per_task < 1.
    """
    if per_task < 1:
        raise ConfigError(f"a sample of {per_task} prompts a task is none", "ask for at least 1, for a verdict for 150")
    reasons = _reasons(calls, replayable)
    names, task = _tasks(calls)
    eligible = np.flatnonzero(pc.is_null(reasons).to_numpy(zero_copy_only=False))
    standing = calls.weights()
    prompts = _distinct(calls, task, costs, standing, eligible)
    parts = [_draw_task(prompts, index, name, per_task, seed) for index, name in enumerate(names)]
    chosen = np.concatenate([part[0] for part in parts]) if parts else np.empty(0, np.int64)
    inclusion = np.concatenate([part[1] for part in parts]) if parts else np.empty(0)
    order = np.argsort(_uniforms(prompts.high[chosen], prompts.low[chosen], f"asking\0{seed}"), kind="stable")
    chosen, inclusion = chosen[order], inclusion[order]
    return Sample(
        rows=prompts.row[chosen],
        tasks=[names[index] for index in prompts.task[chosen]],
        inclusion=inclusion,
        weights=prompts.calls[chosen] / inclusion,
        population=_per_task(names, prompts.task),
        calls_per_task=_per_task(names, task[eligible], standing[eligible]),
        not_replayable=_tally(reasons, standing),
    )


def inclusion_probabilities(calls: Floats, costs: Floats, n: int) -> Floats:
    """π of each prompt: n(½ · its share of the calls + ½ · its share of the cost), at most 1, summing to n.

    Where that passes 1 the prompt is certain, and the rest of the sample is shared among the others.
    """
    if calls.size <= n:
        return np.ones(calls.size)
    size = calls / calls.sum()
    if costs.sum() > 0:
        size = 0.5 * size + 0.5 * costs / costs.sum()
    certain = np.zeros(size.size, np.bool_)
    while True:
        scale = (n - certain.sum()) / size[~certain].sum()
        beyond = ~certain & (size * scale >= 1)
        if not beyond.any():
            return np.where(certain, 1.0, size * scale)
        certain |= beyond


def _draw_task(prompts: _Prompts, index: int, name: str, n: int, seed: int) -> tuple[Ints, Floats]:
    """Which prompts of a task are drawn (the n that rank first of π-adjusted random numbers), and their π."""
    members = slice(*np.searchsorted(prompts.task, [index, index + 1]))
    inclusion = inclusion_probabilities(prompts.calls[members], prompts.cost[members], n)
    luck = _uniforms(prompts.high[members], prompts.low[members], f"draw\0{seed}\0{name}")
    rank = luck / (1 - luck) * (1 - inclusion) / inclusion  # 0 where certain
    drawn = np.sort(np.argsort(rank, kind="stable")[:n])
    return members.start + drawn, inclusion[drawn]


def _distinct(calls: Calls, task: Ints, costs: Floats, standing: Floats, eligible: Ints) -> _Prompts:
    """The distinct prompts of the eligible calls. Sorted by content first, so that no order of the log shows."""
    rows = eligible[_content_order(calls, task, costs, eligible)]
    keys = _key_words(calls, rows)
    standing = standing[rows]
    task, costs = task[rows], _known_or_mean(costs[rows], task[rows]) * standing
    changes = (np.diff(task) != 0) | (np.diff(keys, axis=0) != 0).any(axis=1)
    starts = np.flatnonzero(np.concatenate([np.ones(min(rows.size, 1), np.bool_), changes]))
    high, low = keys[starts].T
    return _Prompts(
        task=task[starts],
        high=high,
        low=low,
        row=rows[starts],
        calls=np.add.reduceat(standing, starts) if starts.size else standing,
        cost=np.add.reduceat(costs, starts) if starts.size else costs,
    )


def _content_order(calls: Calls, task: Ints, costs: Floats, rows: Ints) -> Ints:
    """Order by task, prompt, time, id; what ties in those by its figures, and only then by place in the file."""
    names = ["prompt_key", "start_time", "id", "input_tokens", "output_tokens", "latency_ms"]
    places = ["source", "position", "part"]
    chosen = pa.array(rows, pa.int64())
    columns: dict[str, pa.ChunkedArray | pa.Array] = {"task": pa.array(task[rows])}
    columns |= {name: calls.column(name).take(chosen) for name in names}
    columns |= {"cost": pa.array(costs[rows])} | {name: calls.column(name).take(chosen) for name in places}
    order = pc.sort_indices(pa.table(columns), sort_keys=[(name, "ascending") for name in columns])
    return np.asarray(order.to_numpy(), dtype=np.int64)


def _key_words(calls: Calls, rows: Ints) -> Words:
    """Fingerprints as pairs of 64-bit words, shape (rows, 2)."""
    column = calls.column("prompt_key").take(pa.array(rows, pa.int64()))
    raw = b"".join(column.cast(pa.binary()).to_pylist())
    return np.frombuffer(raw, dtype=">u8").reshape(-1, 2).astype(np.uint64)


def _known_or_mean(costs: Floats, task: Ints) -> Floats:
    """Costs with the unknown taken as the mean of their task; 0 where a task has no known cost."""
    known = np.isfinite(costs)
    slots = int(task.max()) + 1 if task.size else 0
    count = np.bincount(task[known], minlength=slots)
    total = np.bincount(task[known], weights=costs[known], minlength=slots)
    mean = total / np.maximum(count, 1)
    return np.maximum(np.where(known, costs, mean[task]), 0.0)


def _uniforms(high: Words, low: Words, salt: str) -> Floats:
    """Random numbers in (0, 1) that belong to the fingerprints: the same key and salt give the same number, always."""
    start = np.frombuffer(blake2b(salt.encode(), digest_size=16).digest(), dtype="<u8").astype(np.uint64)
    bits = _mix(_mix(high ^ start[0]) ^ low ^ start[1])
    return np.asarray(((bits >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53, dtype=np.float64)


def _mix(words: Words) -> Words:
    """SplitMix64's finaliser: every input bit reaches every output bit."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _tasks(calls: Calls) -> tuple[list[str], Ints]:
    """The names of all tasks of the log, sorted, and for each call the index of its own."""
    column = pc.fill_null(calls.column("task").cast(pa.string()), UNTAGGED)
    names: list[str] = sorted(pc.unique(column).to_pylist())
    index = pc.index_in(column, pa.array(names, pa.string()))
    return names, np.asarray(index.to_numpy(zero_copy_only=False), dtype=np.int64)


def _reasons(calls: Calls, replayable: npt.NDArray[np.bool_] | Sequence[str | None] | None) -> pa.ChunkedArray:
    """For each call why it cannot be asked again; null where it can. The first that applies is named."""
    body = calls.column("body_state").cast(pa.string())
    texts = pa.array([*BODY_REASONS.values(), NO_BODY], pa.string())
    state = pc.fill_null(pc.index_in(body, pa.array(list(BODY_REASONS))), len(BODY_REASONS))
    embeds = pc.fill_null(pc.equal(calls.column("operation").cast(pa.string()), "embeddings"), False)
    return pc.coalesce(
        _where(pc.is_valid(calls.column("error_type")), FAILED),
        _where(embeds, NO_ANSWER_TO_COMPARE),
        texts.take(state.combine_chunks()),
        _where(pc.is_null(calls.column("prompt_key")), NO_PROMPT),
        _callers_reasons(len(calls), replayable),
    )


def _callers_reasons(count: int, replayable: npt.NDArray[np.bool_] | Sequence[str | None] | None) -> pa.Array:
    if replayable is None:
        return pa.nulls(count, pa.string())
    if isinstance(replayable, np.ndarray):
        return _where(pa.array(~replayable), LEFT_OUT)
    return pa.array(replayable, pa.string())


def _where(mask: pa.ChunkedArray | pa.Array, text: str) -> pa.ChunkedArray | pa.Array:
    return pc.if_else(mask, pa.scalar(text), pa.scalar(None, pa.string()))


def _tally(reasons: pa.ChunkedArray, standing: Floats) -> dict[str, int]:
    """Calls per reason, most first."""
    tallied = pa.table({"reason": reasons, "calls": standing}).group_by("reason").aggregate([("calls", "sum")])
    counts = {row["reason"]: round(row["calls_sum"]) for row in tallied.to_pylist() if row["reason"] is not None}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _per_task(names: Sequence[str], task: Ints, standing: Floats | None = None) -> dict[str, int]:
    counts = np.bincount(task, weights=standing, minlength=len(names))
    return {name: round(count) for name, count in zip(names, counts.tolist(), strict=True)}
