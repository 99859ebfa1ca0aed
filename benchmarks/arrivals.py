"""The stacked bill on real arrivals: eight savings on one timeline, against the sum of what each would save alone.

    python benchmarks/arrivals.py azure_conv_2023.csv [--log sample_logs/october.parquet]

The CSV has the columns `TIMESTAMP`, `ContextTokens` and `GeneratedTokens`, such as the traces of Azure's LLM services.
Every arrival asks what a call of the log asked, drawn with replacement: time and tokens are the trace's, task, model,
prompt and latency the call's. A prompt that the log has once is a new one every time that it is drawn, for most of the
calls drawn are such, and no cache would see them again; the others are as popular as they are in the log.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import fsum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmcost import logs, pricing
from llmcost.api.simulating import stack_of
from llmcost.api.traffic import Options, Traffic, load
from llmcost.audit.exemplars import Exemplars
from llmcost.audit.ledger import ledger
from llmcost.audit.prefixes import prefixes
from llmcost.audit.prompt_caching import LEAST_CACHED
from llmcost.audit.savings import Stack
from llmcost.calls import KEY, Calls
from llmcost.config import CacheSettings, Settings
from llmcost.minhash import SKETCH_BYTES
from llmcost.recommend.result import BillStep, ShapleyShare
from llmcost.recommend.stacking import bill_shares, bill_steps, stacked_bills
from llmcost.strategies import (
    Batched,
    Batches,
    CachePolicy,
    CanWait,
    CascadePlan,
    Compressed,
    Compressor,
    Grader,
    NearPolicy,
    PrefixEvidence,
    Swap,
    Tier,
)
from llmcost.strategies.attempts import latency_p95
from llmcost.strategies.timeline import times
from llmcost.workspace import Workspace

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SEED, HOUR_S = 7, 3600.0
SAMPLE = Path(__file__).parents[1] / "sample_logs" / "october.parquet"


def spread(median: float, p95: float) -> Floats:
    """Latencies of a lognormal distribution with these quantiles."""
    return np.sort(median * (p95 / median) ** (np.random.default_rng(SEED).standard_normal(1_000) / 1.645))


# What the steps rest on: tokens and latencies of models as `llmcost demo` measures them, the rest plainly assumed. To
# every task one thing is done besides caches, as in the plan of a replay.
QWEN, FLASH, RATER = "qwen3-8b", "deepseek-v4-flash", "gemini-2.5-flash"
NEAR = NearPolicy(HOUR_S, 0.9)
COMPRESSION = {"translate": Compressed(0.6, 1.0, Compressor(QWEN, 1.1, 0.55, spread(540, 1060)))}
MODEL_MAP = {
    "classify": Swap(QWEN, 1.14, 1.07, spread(154, 261)),
    "reason": Swap(FLASH, 1.03, 1.32, spread(503, 806)),
}
CASCADE = {
    "support chat": CascadePlan(
        (Tier(Swap(FLASH, 1.03, 1.04, spread(804, 1385)), 0.25, Grader(RATER, 1_500, 2, spread(250, 400)), 0.02),)
    )
}
BATCHED = {"summarize": Batched(5, 0.75, 1.05, 60.0)}
RESTS_ON: Mapping[str, str] = {
    "response_cache": "no answer changes: equal requests within 1 h",
    "near_duplicates": "assumed right at a likeness of 0.9 within 1 h",
    "compression": "assumed: translate to 60 % by qwen3-8b",
    "model_map": "as the demo measured: classify, reason",
    "cascade": "assumed: support chat, 25 % escalate",
    "batching": "assumed: summarize, 5 in a call, wait 60 s",
    "batch_api": "no answer changes: what the log shows to wait",
    "prompt_cache": "no answer changes: long beginnings, mended",
}


def main() -> None:
    """Puts the two together, and prints the stack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trace", type=Path)
    parser.add_argument("--log", type=Path, default=SAMPLE)
    chosen = parser.parse_args()
    with TemporaryDirectory() as folder:
        log = load([str(chosen.log)], Options(workers=1), Settings(), Workspace(Path(folder)), lambda _: None)
        stack, evidence = stacked_on(arrivals(chosen.trace), log)
    print_bill(stack, evidence)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """When calls came, in microseconds, and how many tokens they took. Arrays are parallel and in order of time."""

    moments: Ints
    input_tokens: Ints
    output_tokens: Ints


def arrivals(trace: Path) -> Arrivals:
    """The arrivals of a trace, in order of time; fractions of a second may have any number of digits."""
    with trace.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = (
        [_microseconds(row["TIMESTAMP"]) for row in rows],
        [int(row["ContextTokens"]) for row in rows],
        [int(row["GeneratedTokens"]) for row in rows],
    )
    moments, asked, answered = (np.array(column, dtype=np.int64) for column in columns)
    order = np.argsort(moments, kind="stable")
    return Arrivals(moments[order], asked[order], answered[order])


def _microseconds(text: str) -> int:
    whole, _, fraction = text.partition(".")
    seconds = round(datetime.fromisoformat(f"{whole}+00:00").timestamp())
    return seconds * 1_000_000 + int(fraction.ljust(6, "0")[:6])


def stacked_on(came: Arrivals, log: Traffic) -> tuple[Stack, dict[str, Any]]:
    """The stack of a call of the log for every arrival, and what its steps rest on."""
    answered = np.flatnonzero(~log.calls.known("error_type") & ~np.isnan(log.calls.floats("latency_ms")))
    drawn = np.random.default_rng(SEED).choice(answered, len(came.moments))
    calls = _moved(_told_apart(log.calls, drawn), came, log.calls)
    entries = ledger(calls, pricing.price(calls, log.book))
    exemplars = Exemplars(calls, entries.costs, _bodies(log.calls, drawn))
    stack = Stack(entries, log.book, CachePolicy(HOUR_S), (), exemplars)
    waits = stack_of(log, CacheSettings(ttl="1h")).waiting.rows[drawn]
    return stack, _evidence(stack, waits)


def _told_apart(calls: Calls, drawn: Ints) -> Calls:
    """The drawn calls; what the log asks once is new in each drawing: other fingerprints, as far apart as before.

    All that are drawn for the n-th time are changed in the same way, so that those which are nearly the same still are.
    """
    keys = calls.column("prompt_key").to_pylist()
    once = ~_repeated(keys)
    time = np.where(once[drawn], _times_before(drawn), 0)
    pads = np.random.default_rng(SEED).integers(0, 256, (int(time.max()) + 1, 16 + SKETCH_BYTES), dtype=np.uint8)
    pads[0] = 0
    changed = calls.take(drawn)
    for name, pad in (("prompt_key", pads[:, :16]), ("sketch", pads[:, 16:])):
        values = [None if old is None else (np.frombuffer(old, np.uint8) ^ pad[place]).tobytes()
                  for old, place in zip(changed.column(name).to_pylist(), time, strict=True)]  # fmt: skip
        changed = changed.with_column(name, pa.array(values, KEY if name == "prompt_key" else pa.binary(SKETCH_BYTES)))
    return changed


def _repeated(keys: Sequence[bytes | None]) -> Mask:
    """True for calls whose prompt another one has, too."""
    _, which, counts = np.unique([key or b"" for key in keys], return_inverse=True, return_counts=True)
    return np.asarray(counts[which] > 1)


def _times_before(drawn: Ints) -> Ints:
    """How often each was drawn before."""
    order = np.argsort(drawn, kind="stable")
    before = np.empty(len(drawn), dtype=np.int64)
    before[order] = np.arange(len(drawn)) - np.searchsorted(drawn[order], drawn[order])
    return before


def _moved(calls: Calls, came: Arrivals, log: Calls) -> Calls:
    """The calls at the times and with the tokens of the arrivals, on the first day of the log.

    Each is a request of its own. Of the input as much is read from the provider's cache as of the call's in the log.
    """
    day_us = 86_400_000_000
    first = int(times(log).min())
    moments = came.moments + (first // day_us - int(came.moments[0]) // day_us) * day_us
    share = np.nan_to_num(calls.floats("cache_read_tokens") / calls.floats("input_tokens"))
    columns = {
        "start_time": pa.array(moments).cast(pa.timestamp("us", tz="UTC")),
        "input_tokens": pa.array(came.input_tokens),
        "output_tokens": pa.array(came.output_tokens),
        "cache_read_tokens": pa.array(np.rint(share * came.input_tokens).astype(np.int64)),
        "cache_write_tokens": pa.nulls(len(calls), pa.int64()),
        "reasoning_tokens": pa.nulls(len(calls), pa.int64()),
        "position": pa.array(np.arange(len(calls))),
    }
    for name, values in columns.items():
        calls = calls.with_column(name, values)
    return calls


def _bodies(log: Calls, drawn: Ints) -> Callable[[Calls], list[Any]]:
    """How the bodies of drawn calls are read: those of the log's calls that they were."""
    return lambda chosen: logs.bodies(log.take(drawn[chosen.column("position").to_numpy()]))


def _evidence(stack: Stack, waits: Mask) -> dict[str, Any]:
    found = prefixes(stack.entries.calls, stack.exemplars)
    long = {site: PrefixEvidence(each.static) for site, each in found.items() if each.static >= LEAST_CACHED}
    return {
        "response_cache": stack.cache_hits,
        "near_duplicates": NEAR,
        "compression": COMPRESSION,
        "model_map": MODEL_MAP,
        "cascade": CASCADE,
        "batching": Batches(waits, BATCHED),
        "batch_api": CanWait(waits),
        "prompt_cache": long,
    }


def print_bill(stack: Stack, evidence: Mapping[str, Any]) -> None:
    """The steps, and whether their savings are the whole saving."""
    found = stacked_bills(stack, evidence)
    steps, shares = bill_steps(found), bill_shares(found)
    before, after = found.usd[0], found.usd[-1]
    minutes = float(np.ptp(times(stack.entries.calls))) / 6e7
    print(f"{stack.entries.total:,} calls in {minutes:.0f} minutes, ${before:,.2f}; "
          f"an exact cache answers {stack.hits.mean():.1%}")  # fmt: skip
    print(f"{'':16}{'before $':>10}{'after $':>9}{'saves $':>9}{'p95 s':>8}{'worth $':>9}{'alone $':>9}  rests on")
    print(f"{'as it is':16}{'':10}{before:9.2f}{'':9}{_seconds(latency_p95(stack.entries.calls)):>8}")
    for step, share in zip(steps, shares, strict=True):
        print(_line(step, share))
    saved, fallen = before - after, fsum(_saves(step) for step in steps)
    worth, alone = fsum(share.shapley_usd for share in shares), fsum(share.alone_usd or 0.0 for share in shares)
    assert abs(fallen - saved) <= 1e-9 * saved and abs(worth - saved) <= 1e-9 * saved
    print(f"whole stack: ${before:.2f} → ${after:.2f}, saves ${saved:.2f} ({saved / before:.1%})")
    print(f"  the steps' savings sum to it within {abs(fallen - saved) / saved:.0e}, the worths within "
          f"{abs(worth - saved) / saved:.0e}")  # fmt: skip
    twice = before - stack.total(stack.cached)  # a near-duplicate cache answers equal requests, too
    for what, usd in (("", alone), (", equal requests once", alone - twice)):
        print(f"  savings alone, added up{what}: ${usd:.2f} ({usd / before:.1%}), {usd / saved - 1:.1%} too much")


def _line(step: BillStep, share: ShapleyShare) -> str:
    figures = f"{step.before_usd or 0:10.2f}{step.after_usd or 0:9.2f}{_saves(step):9.2f}"
    worth = f"{share.shapley_usd:9.2f}{share.alone_usd or 0:9.2f}"
    return f"{step.strategy:16}{figures}{_seconds(step.latency_p95_ms):>8}{worth}  {RESTS_ON[step.strategy]}"


def _saves(step: BillStep) -> float:
    return (step.before_usd or 0.0) - (step.after_usd or 0.0)


def _seconds(ms: float | None) -> str:
    return "–" if ms is None else f"{ms / 1000:.2f}"


if __name__ == "__main__":
    main()
