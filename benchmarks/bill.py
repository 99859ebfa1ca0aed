"""A bill of ten million calls: time and memory of the whole stack, and of a thousand resamples of what it saves.

    python benchmarks/bill.py [--calls 1000000 10000000] [--resamples 1000] [--all-steps]

The calls are made up, column by column: eight tasks of three call sites each, three models, a third of the requests
asked before, a nightly job in bursts, one long shared prefix. Measured are the columns that `simulate` would get from a
log, not the reading. The steps are those that need no replay and a model map; with --all-steps near duplicates,
compression, a cascade and batches, too, each in a task or two. Memory is counted over that of the calls themselves.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmcost import pricing
from llmcost.audit.exemplars import Exemplars
from llmcost.audit.ledger import ledger
from llmcost.audit.prefixes import Prefix
from llmcost.audit.prompt_caching import PromptCaching
from llmcost.audit.savings import Stack, Wanted
from llmcost.calls import KEY, SCHEMA, Calls
from llmcost.config import ModelPriceOverride, ModelSettings
from llmcost.minhash import SKETCH_BYTES
from llmcost.recommend.stacking import bill_shares, bill_steps
from llmcost.strategies import (
    Batched,
    Batches,
    Bills,
    CachePolicy,
    CascadePlan,
    Change,
    Compressed,
    Compressor,
    Grader,
    NearPolicy,
    Strategy,
    Swap,
    Tier,
    bills,
    changes,
    stacked,
)
from llmcost.strategies.parts import parts

T = TypeVar("T")
SEED, TASKS, SITES = 7, 8, 24
OCTOBER_US, DAYS = 1_790_812_800_000_000, 31
DAY_US, HOUR_US, MINUTE_US = 86_400_000_000, 3_600_000_000, 60_000_000
NIGHTLY, LONG_PREFIX = 0, 1  # call sites
MODELS = ("gpt-4o", "gpt-4o-mini", "gpt-4.1")
BOOK = pricing.load(
    {
        name: ModelSettings(price=ModelPriceOverride(input=usd, output=4 * usd, cache_read=usd / 4, batch_discount=0.5))
        for name, usd in zip((*MODELS, "cheap-one"), (2.5, 0.15, 2.0, 0.1), strict=True)
    }
)


SWAPS = {"task-2": Swap("cheap-one", 1.05, 1.3), "task-3": Swap("cheap-one")}
MEASURED: dict[str, Any] = {
    "near_duplicates": NearPolicy({"task-7": 3600.0}, {"task-7": 0.8}),
    "compression": {
        "task-3": Compressed(0.6, min_tokens=500),
        "task-5": Compressed(0.5, compressor=Compressor("cheap-one", 1.0, 0.5), min_tokens=500),
    },
    "cascade": {"task-4": CascadePlan((Tier(Swap("cheap-one"), 0.3, Grader("cheap-one", 900.0, 5.0)),))},
}
TOGETHER = {"task-0": Batched(5, 0.6, 1.1, 3600.0)}


def main() -> None:
    """Measures bills of every size that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=[10_000_000])
    parser.add_argument("--resamples", type=int, default=1_000)
    parser.add_argument("--all-steps", action="store_true")
    chosen = parser.parse_args()
    for n in chosen.calls:
        measure(n, chosen.resamples, chosen.all_steps)


def measure(n: int, resamples: int, all_steps: bool) -> None:
    """Makes so many calls, then says what each part of their bill took."""
    calls = synthetic(n, all_steps)
    clock = Clock(resident())
    print(f"{n:,} calls, {calls.table.nbytes / 1e9:.2f} GB")
    stack = clock.timed("pricing them once", lambda: stack_of(calls))
    evidence = clock.timed("deciding where steps pay", lambda: stack.evidence(Wanted(swaps=SWAPS)))
    if all_steps:
        evidence |= MEASURED | {"batching": Batches(stack.waiting.rows, TOGETHER)}
    made = [replace(change, strategy=Clocked(change.strategy)) for change in changes(evidence)]
    found = clock.timed(f"bills of {1 << len(made)} subsets", lambda: bills(stack.billed, made))
    clock.timed("waterfall and Shapley shares", lambda: (bill_steps(found), bill_shares(found)))
    after = clock.timed("each call after all steps", lambda: costs_after(stack, made))
    low, high = clock.timed(f"{resamples:,} resamples", lambda: resampled(stack, after, resamples))
    print(f"{'all of it':30} CPU {clock.busy:6.1f} s   peak {clock.peak:5.2f} GB over the calls' own")
    tell(found, made)
    print(f"  the bill changes by {100 * (found.usd[-1] / found.usd[0] - 1):.2f} % (95 %: {low:.2f} to {high:.2f} %)\n")


def tell(found: Bills, made: Sequence[Change]) -> None:
    """Prints what each step does, and the CPU time that its strategy took under all subsets."""
    for step, share, change in zip(bill_steps(found), bill_shares(found), made, strict=True):
        dollars = (step.before_usd or 0.0, step.after_usd or 0.0, share.shapley_usd, share.alone_usd or 0.0)
        before, after, worth, alone = (f"{usd:11,.2f}" for usd in dollars)
        print(
            f"  {step.strategy:15}{before} →{after}  worth{worth}  alone{alone}  p95 {step.latency_p95_ms:,.0f} ms"
            f"  CPU {getattr(change.strategy, 'busy', 0.0):5.1f} s"
        )


class Clocked:
    """A strategy that counts the CPU time that it takes."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy, self.name, self.busy = strategy, strategy.name, 0.0

    def apply(self, calls: Calls, evidence: Any) -> Calls:
        """The calls as they would have been."""
        begun = time.process_time()
        after = self.strategy.apply(calls, evidence)
        self.busy += time.process_time() - begun
        return after


@dataclass
class Clock:
    """CPU seconds so far, and the most memory over what there was at first, in GB."""

    base: float
    busy: float = 0.0
    peak: float = 0.0

    def timed(self, what: str, work: Callable[[], T]) -> T:
        """What the work gives; prints how long it took, and the most memory that it needed."""
        Path("/proc/self/clear_refs").write_text("5")  # so that the peak is that of this part
        begun, cpu = time.perf_counter(), time.process_time()
        found = work()
        wall, busy = time.perf_counter() - begun, time.process_time() - cpu
        over = resident("VmHWM") - self.base
        print(f"{what:30} CPU {busy:6.1f} s   peak {over:5.2f} GB   {wall:6.1f} s by the clock", flush=True)
        self.busy, self.peak = self.busy + busy, max(self.peak, over)
        return found


def resident(which: str = "VmRSS") -> float:
    """Memory of this process in GB, now or (VmHWM) at most, by the Linux kernel."""
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) / 1e6


def synthetic(n: int, sketched: bool = False) -> Calls:
    """So many calls of a month, most of them of people, one call site at work by night."""
    draw = np.random.default_rng(SEED)
    site = draw.integers(0, SITES, n)
    day = draw.integers(0, DAYS, n) * DAY_US
    people = 7 * HOUR_US + draw.triangular(0, 7, 14, n) * HOUR_US
    moment = np.where(site == NIGHTLY, 2 * HOUR_US + draw.random(n) * 20 * MINUTE_US, people)
    asked = np.where(draw.random(n) < 1 / 3, draw.zipf(1.3, n) % (n // 20 + 1), n + np.arange(n))
    tokens = np.where(site == LONG_PREFIX, 6000, draw.integers(200, 3000, n))
    columns = {
        "start_time": pa.array((OCTOBER_US + day + moment).astype(np.int64)).cast(pa.timestamp("us", tz="UTC")),
        "latency_ms": pa.array(draw.lognormal(7, 0.6, n)),
        "operation": labels(np.zeros(n, np.int32), ["chat"]),
        "provider": labels(np.zeros(n, np.int32), ["openai"]),
        "request_model": labels(site % len(MODELS), MODELS),
        "response_model": labels(site % len(MODELS), MODELS),
        "stream": pa.array(np.zeros(n, bool)),
        "input_tokens": pa.array(tokens),
        "cache_read_tokens": pa.array(np.zeros(n, np.int64)),
        "output_tokens": pa.array(draw.integers(10, 400, n)),
        "call_site": labels(site, [f"site-{number}" for number in range(SITES)]),
        "task": labels(site % TASKS, [f"task-{number}" for number in range(TASKS)]),
        "prompt_key": fingerprints(asked * SITES + site),
        "prompt_bytes": pa.array(tokens * 4),
        "messages": pa.array(np.where(site == NIGHTLY, 2, 3).astype(np.int32)),
        "source": pa.array(np.zeros(n, np.int32)),
        "position": pa.array(np.arange(n) * 900),
        "part": pa.array(np.zeros(n, np.int32)),
    }
    if sketched:
        columns["sketch"] = sketches(asked // 2)
    arrays = [columns.get(field.name, pa.nulls(n, field.type)) for field in SCHEMA]
    return Calls(pa.table([array.cast(field.type) for array, field in zip(arrays, SCHEMA, strict=True)], schema=SCHEMA))


def labels(codes: npt.NDArray[np.integer], names: list[str] | tuple[str, ...]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(list(names)))


def fingerprints(numbers: npt.NDArray[np.int64]) -> pa.Array:
    """Sixteen bytes for every number."""
    wide = np.zeros((len(numbers), 2), np.int64)
    wide[:, 0] = numbers
    return pa.Array.from_buffers(KEY, len(numbers), [None, pa.py_buffer(wide)])


def sketches(numbers: npt.NDArray[np.int64]) -> pa.Array:
    """Sixty-four bytes for every number."""
    wide = np.repeat(numbers[:, None], SKETCH_BYTES // 8, axis=1) * np.arange(1, 2 * SKETCH_BYTES // 8, 2) * 0x9E3779B1
    return pa.Array.from_buffers(
        pa.binary(SKETCH_BYTES), len(numbers), [None, pa.py_buffer(np.ascontiguousarray(wide))]
    )


def stack_of(calls: Calls) -> Stack:
    """The savings of these calls; what a prefix would be read for in a log is said."""
    entries = ledger(calls, pricing.price(calls, BOOK))
    stack = Stack(
        entries, BOOK, CachePolicy(3600.0), (), Exemplars(calls, entries.costs, lambda chosen: [None] * len(chosen))
    )
    found = {f"site-{LONG_PREFIX}": Prefix(9, 4500.0, 4500.0, None, 0.0, False, False)}
    vars(stack)["caching"] = PromptCaching(entries, found, stack.priced, stack.worth_saying)
    return stack


def costs_after(stack: Stack, made: Sequence[Change]) -> npt.NDArray[np.float64]:
    """What every call costs after all steps; what it does today where that would not be known."""
    after = stack.entries.costs.copy()
    for rows in parts(stack.entries.calls, dict.fromkeys(("task", "call_site", "prompt_key"))):
        part = stack.billed.part(rows)
        after[rows] = part.priced(stacked(part.calls, [change.of(rows) for change in made]))
    return np.where(np.isnan(after), stack.entries.costs, after)


def resampled(stack: Stack, after: npt.NDArray[np.float64], resamples: int) -> tuple[float, float]:
    """95 % of the bill's change in per cent, when the hours of every task are drawn again, with replacement.

    Calls of an hour resemble each other, and tasks do not. A resample is a vector of weights, one an hour, so that all
    bills of a task are one product of matrices.
    """
    entries, draw = stack.entries, np.random.default_rng(SEED)
    starts = entries.calls.column("start_time").cast(pa.int64()).to_numpy()
    hours = (starts - starts.min()) // HOUR_US
    cell, width = entries.tasks.codes * (hours.max() + 1) + hours, int(hours.max()) + 1
    size = len(entries.tasks.names) * width
    sums = [
        np.bincount(cell, weights, size).reshape(-1, width) for weights in (None, np.nan_to_num(entries.costs), after)
    ]
    totals = np.zeros((resamples, 2))
    for calls, was, now in zip(*sums, strict=True):
        busy = np.flatnonzero(calls)
        times = draw.multinomial(len(busy), np.full(len(busy), 1 / len(busy)), resamples)
        totals += times @ np.column_stack((was, now))[busy]
    low, high = np.quantile(100 * (totals[:, 1] / totals[:, 0] - 1), (0.025, 0.975))
    return float(low), float(high)


if __name__ == "__main__":
    main()
