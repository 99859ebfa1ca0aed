"""A bill of ten million calls: time and memory of the whole stack, and of a thousand resamples of what it saves.

    python benchmarks/bill.py [--calls 10000000] [--resamples 1000]

The calls are made up, column by column: eight tasks, three models, a third of the requests asked before, a nightly job
in bursts, one long shared prefix. Measured are the columns that `simulate` would get from a log, not the reading.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmcost import pricing
from llmcost.audit import money_sum
from llmcost.audit.exemplars import Exemplars
from llmcost.audit.ledger import ledger
from llmcost.audit.prefixes import Prefix
from llmcost.audit.prompt_caching import PromptCaching
from llmcost.audit.savings import Stack, Wanted
from llmcost.calls import KEY, SCHEMA, Calls
from llmcost.config import ModelPriceOverride, ModelSettings
from llmcost.recommend.stacking import bill_shares, bill_steps, stacked_bills
from llmcost.strategies import CachePolicy, Swap

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


def main() -> None:
    """Makes the calls, then says what each part took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10_000_000)
    parser.add_argument("--resamples", type=int, default=1_000)
    chosen = parser.parse_args()
    calls = timed(f"making {chosen.calls:,} calls", lambda: synthetic(chosen.calls))
    stack = timed("pricing them once", lambda: stack_of(calls))
    swaps = {"task-2": Swap("cheap-one", 1.05, 1.3), "task-3": Swap("cheap-one")}
    evidence = timed("deciding where steps pay", lambda: stack.evidence(Wanted(swaps=swaps)))
    bills = timed("bills of all subsets", lambda: stacked_bills(stack, evidence))
    for step, share in zip(bill_steps(bills), bill_shares(bills), strict=True):
        dollars = (step.before_usd or 0.0, step.after_usd or 0.0, share.shapley_usd, share.alone_usd or 0.0)
        before, after, worth, alone = (f"{usd:11,.2f}" for usd in dollars)
        print(f"  {step.strategy:15}{before} →{after}  worth{worth}  alone{alone}  p95 {step.latency_p95_ms:,.0f} ms")
    saved = stack.entries.costs - stack.priced(stack.after(evidence))
    low, high = timed(f"{chosen.resamples:,} resamples by hour", lambda: resampled(stack, saved, chosen.resamples))
    print(f"  saved {money_sum(saved) or 0:,.2f} (95 %: {low:,.2f} to {high:,.2f})")


def timed(what: str, work: Callable[[], T]) -> T:
    """What the work gives; prints how long it took, by the clock and in CPU time, and the most memory so far."""
    begun, cpu = time.perf_counter(), time.process_time()
    found = work()
    wall, busy = time.perf_counter() - begun, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{what:30} {wall:7.1f} s   CPU {busy:6.1f} s   peak {peak:5.2f} GB", flush=True)
    return found


def synthetic(n: int) -> Calls:
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
        "messages": pa.array(np.where(site == NIGHTLY, 2, 3).astype(np.int32)),
        "source": pa.array(np.zeros(n, np.int32)),
        "position": pa.array(np.arange(n) * 900),
        "part": pa.array(np.zeros(n, np.int32)),
    }
    arrays = [columns.get(field.name, pa.nulls(n, field.type)) for field in SCHEMA]
    return Calls(pa.table([array.cast(field.type) for array, field in zip(arrays, SCHEMA, strict=True)], schema=SCHEMA))


def labels(codes: npt.NDArray[np.integer], names: list[str] | tuple[str, ...]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(list(names)))


def fingerprints(numbers: npt.NDArray[np.int64]) -> pa.Array:
    """Sixteen bytes for every number."""
    wide = np.zeros((len(numbers), 2), np.int64)
    wide[:, 0] = numbers
    return pa.Array.from_buffers(KEY, len(numbers), [None, pa.py_buffer(wide)])


def stack_of(calls: Calls) -> Stack:
    """The savings of these calls; what a prefix would be read for in a log is said."""
    entries = ledger(calls, pricing.price(calls, BOOK))
    stack = Stack(
        entries, BOOK, CachePolicy(3600.0), (), Exemplars(calls, entries.costs, lambda chosen: [None] * len(chosen))
    )
    found = {f"site-{LONG_PREFIX}": Prefix(9, 4500.0, 4500.0, None, 0.0, False, False)}
    vars(stack)["caching"] = PromptCaching(entries, found, stack.priced, stack.worth_saying)
    return stack


def resampled(stack: Stack, saved: npt.NDArray[np.float64], resamples: int) -> tuple[float, float]:
    """95 % of the total saving when hours are drawn again, with replacement: calls of an hour resemble each other.

    A resample is a vector of weights, one an hour, so that all totals are one product of matrices.
    """
    starts = stack.entries.calls.column("start_time").cast(pa.int64()).to_numpy()
    hours = (starts - starts.min()) // HOUR_US
    by_hour = np.bincount(hours, weights=np.nan_to_num(saved))
    by_hour = by_hour[np.bincount(hours) > 0]
    times = np.random.default_rng(SEED).multinomial(len(by_hour), np.full(len(by_hour), 1 / len(by_hour)), resamples)
    low, high = np.quantile(times @ by_hour, (0.025, 0.975))
    return float(low), float(high)


if __name__ == "__main__":
    main()
