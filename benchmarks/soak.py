"""Many calls, many in flight: what a long replay takes of memory, of open files, of time.

    python benchmarks/soak.py [--calls 100000] [--in-flight 256] [--delay-ms 30] [--busy 0.01]

Prompts of 2 kB, answers of 400 bytes, through the runner with store, cap and redaction (nothing is found in them), at
a server in another process that fails 6 times in 1,000, and says "too busy" (429) to the share `busy`. Each such word
halves what is in flight, so that one in a hundred leaves a dozen of it. How many there were is printed; `--busy 0` lets
all of them be there. Added latency: what is measured less what the server says that it held the answer back.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from plain_server import serve

from llmcost.endpoint import ChatRequest, Completion, Endpoint
from llmcost.redaction import finder
from llmcost.replay import Budget, Hiding, Runner, open_store
from llmcost.workspace import Workspace

BATCH = 5_000
EVERY_S = 0.25
PAGE = os.sysconf("SC_PAGE_SIZE")
PROMPT = "A ticket of the shop, with what the customer wrote and what was answered before. " * 25


@dataclass
class Watch:
    """What this process holds, looked at four times a second: seconds, bytes, open files, answers so far."""

    answered: int = 0
    latency_ms: float = 0.0  # of all answers together
    rows: list[tuple[float, int, int, int]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        start = time.perf_counter()
        while not self.over.wait(EVERY_S):
            resident = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
            self.rows.append(
                (time.perf_counter() - start, resident, len(os.listdir("/proc/self/fd")), self.answered)  # noqa: PTH208
            )


async def soak(base_url: str, calls: int, in_flight: int, folder: Path, watch: Watch) -> list[float]:
    """Added milliseconds of every answer."""
    added: list[float] = []
    hiding = Hiding(finder(), lambda model: True, "redacted")
    with open_store(Workspace(folder)) as store:
        async with Endpoint(base_url, concurrency=in_flight, backoff_s=0.05) as endpoint:
            runner = Runner(
                lambda model: endpoint, store, "soak", Budget(1e6), lambda r, c: 1e-5, lambda r: 1e-3,
                concurrency=in_flight, hiding=hiding,
            )  # fmt: skip
            for first in range(0, calls, BATCH):
                requests = [asking(number) for number in range(first, min(first + BATCH, calls))]
                answers = await runner(requests, "replay")
                added += [late for answer in answers if (late := beyond(answer)) is not None]
                watch.answered += sum(answer.status == "answered" for answer in answers)
                watch.latency_ms += sum(answer.latency_ms or 0.0 for answer in answers)
    return added


def asking(number: int) -> ChatRequest:
    return ChatRequest({"model": "m", "messages": [{"role": "user", "content": f"{PROMPT} No. {number}"}]})


def beyond(completion: Completion) -> float | None:
    if completion.answer is None or completion.answer.text is None or completion.latency_ms is None:
        return None
    return completion.latency_ms - float(completion.answer.text.split()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--delay-ms", type=float, default=30.0)
    parser.add_argument("--busy", type=float, default=0.01)
    options = parser.parse_args()
    watch = Watch()
    watcher = threading.Thread(target=watch.look)
    with tempfile.TemporaryDirectory() as folder, serve(options.delay_ms, 0.006, options.busy) as base_url:
        watcher.start()
        wall, cpu = time.perf_counter(), time.process_time()
        added = asyncio.run(soak(base_url, options.calls, options.in_flight, Path(folder) / "w", watch))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        watch.over.set()
        watcher.join()
    report(watch, added, wall, cpu)


def report(watch: Watch, added: list[float], wall: float, cpu: float) -> None:
    seconds, resident, files, _ = np.array(watch.rows, dtype=float).T
    late = seconds > seconds[-1] * 0.2
    slope = np.polyfit(seconds[late], resident[late], 1)[0]
    calls = watch.answered / wall
    each = 1000 * cpu / watch.answered
    print(f"{watch.answered:,} answered in {wall:.0f} s: {calls:,.0f} a second, {each:.2f} ms CPU each")
    print(f"= {watch.answered / cpu:,.0f} answered a second of one core")
    print(f"added latency: median {np.median(added):.1f} ms, p95 {np.percentile(added, 95):.1f} ms")
    print(f"in flight on average {watch.latency_ms / 1000 / wall:.0f}; most open files {int(files.max())}")
    tenths = np.linspace(0, len(resident) - 1, 11).astype(int)
    print("memory by tenths of the time, MB: " + " ".join(f"{resident[at] / 1e6:.0f}" for at in tenths))
    print(f"slope of the last 80 %: {slope / calls * 10_000 / 1e6:+.2f} MB per 10,000 calls")


if __name__ == "__main__":
    main()
