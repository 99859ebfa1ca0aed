"""Answered requests a second of the replay, store and cap included, against the recorded endpoint on another core."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from llmcost import demo
from llmcost.demo.scenarios import all_scenarios
from llmcost.demo.traffic import SEED
from llmcost.endpoint import ChatRequest, Endpoint
from llmcost.replay import Budget, Runner, open_store
from llmcost.workspace import Workspace

IN_FLIGHT = (1, 16, 64, 256)
REQUESTS = 3_000


async def measure(base_url: str, requests: list[ChatRequest], in_flight: int) -> tuple[float, float]:
    """Wall and CPU seconds for all requests at so many in flight, into an empty store."""
    with tempfile.TemporaryDirectory() as folder, open_store(Workspace(Path(folder) / "w")) as store:
        async with Endpoint(base_url, concurrency=in_flight) as endpoint:
            runner = Runner(
                lambda model: endpoint, store, "bench", Budget(100.0), lambda r, c: 1e-6, lambda r: 1e-4,
                concurrency=in_flight,
            )  # fmt: skip
            wall, cpu = time.perf_counter(), time.process_time()
            answers = await runner(requests, "replay")
            assert all(answer.status == "answered" for answer in answers)
            return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """One line for each number of requests in flight."""
    scenarios = all_scenarios(SEED)
    bodies = [{"model": "qwen3-8b", "messages": list(s.messages), **s.params} for s in scenarios][:REQUESTS]
    requests = [ChatRequest(body) for body in bodies]
    with demo.serve() as base_url:
        for in_flight in IN_FLIGHT:
            wall, cpu = asyncio.run(measure(base_url, requests, in_flight))
            each = 1000 * cpu / len(requests)
            print(f"{in_flight:4} in flight  {len(requests) / wall:7.0f} answers/s  {each:.2f} ms CPU each")


if __name__ == "__main__":
    main()
