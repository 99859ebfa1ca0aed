"""Answered requests a second of one core, and the milliseconds that are added to each: the replay beside bare clients.

    python benchmarks/throughput.py [--requests 4000] [--in-flight 64]

One server in another process, which answers at once, after 20 ms or after 200 ms, and says so; prompts of 2 kB.
`asyncio streams` is HTTP written by hand, `aiohttp` its client, `endpoint` ours with retries and limits, `runner` that
with store, cap and ledger, `redacting` with placeholders looked for as well. Compare the lines of one run: machines
differ, and are seldom idle. Where answers come faster than one core can take them, what is added is the queue for it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import numpy as np
from plain_server import serve
from soak import asking

from llmcost.endpoint import ChatRequest, Endpoint
from llmcost.redaction import finder
from llmcost.replay import Budget, Hiding, Runner, open_store
from llmcost.workspace import Workspace

Ask = Callable[[ChatRequest], Awaitable[tuple[float, str]]]  # → milliseconds, text of the answer
Client = Callable[[str, list[ChatRequest], int], Awaitable[list[float]]]  # → added milliseconds of each


async def by_streams(base_url: str, requests: list[ChatRequest], in_flight: int) -> list[float]:
    """HTTP/1.1 by hand on kept connections: as little as can be done."""
    host, port = base_url.removeprefix("http://").removesuffix("/v1").split(":")
    idle = [await asyncio.open_connection(host, int(port)) for _ in range(in_flight)]

    async def ask(request: ChatRequest) -> tuple[float, str]:
        reader, writer = idle.pop()
        content = request.content()
        start = time.perf_counter()
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(content) + content)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = json.loads(await reader.readexactly(length))
        idle.append((reader, writer))
        return 1000 * (time.perf_counter() - start), body["choices"][0]["message"]["content"]

    added = await _all(ask, requests, in_flight)
    for _, writer in idle:
        writer.close()
    return added


async def by_aiohttp(base_url: str, requests: list[ChatRequest], in_flight: int) -> list[float]:
    """aiohttp's client."""
    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask(request: ChatRequest) -> tuple[float, str]:
            start = time.perf_counter()
            async with session.post(f"{base_url}/chat/completions", data=request.content()) as response:
                body = json.loads(await response.read())
            return 1000 * (time.perf_counter() - start), body["choices"][0]["message"]["content"]

        return await _all(ask, requests, in_flight)


async def by_endpoint(base_url: str, requests: list[ChatRequest], in_flight: int) -> list[float]:
    """Our client alone."""
    async with Endpoint(base_url, concurrency=in_flight) as endpoint:

        async def ask(request: ChatRequest) -> tuple[float, str]:
            completion = await endpoint.complete(request)
            assert completion.answer is not None and completion.latency_ms is not None
            return completion.latency_ms, completion.answer.text or ""

        return await _all(ask, requests, in_flight)


def by_runner(hiding: Hiding | None) -> Client:
    """The replay's runner, with an empty store."""

    async def run(base_url: str, requests: list[ChatRequest], in_flight: int) -> list[float]:
        with tempfile.TemporaryDirectory() as folder, open_store(Workspace(Path(folder) / "w")) as store:
            async with Endpoint(base_url, concurrency=in_flight) as endpoint:
                runner = Runner(
                    lambda model: endpoint, store, "bench", Budget(100.0), lambda r, c: 1e-6, lambda r: 1e-4,
                    concurrency=in_flight, hiding=hiding,
                )  # fmt: skip
                answers = await runner(requests, "replay")
        return [
            (answer.latency_ms or 0.0) - float((answer.answer.text or "0").split()[0])
            for answer in answers
            if answer.answer is not None
        ]

    return run


async def _all(ask: Ask, requests: list[ChatRequest], in_flight: int) -> list[float]:
    slots = asyncio.Semaphore(in_flight)

    async def one(request: ChatRequest) -> float:
        async with slots:
            milliseconds, text = await ask(request)
            return milliseconds - float(text.split()[0])

    return await asyncio.gather(*map(one, requests))


CLIENTS: dict[str, Client] = {
    "asyncio streams": by_streams,
    "aiohttp": by_aiohttp,
    "endpoint": by_endpoint,
    "runner": by_runner(None),
    "redacting": by_runner(Hiding(finder(), lambda model: True, "redacted")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=4_000)
    parser.add_argument("--in-flight", type=int, default=64)
    options = parser.parse_args()
    requests = [asking(number) for number in range(options.requests)]
    for delay_ms in (0.0, 20.0, 200.0):
        with serve(delay_ms) as base_url:
            for name, client in CLIENTS.items():
                wall, cpu = time.perf_counter(), time.process_time()
                added = asyncio.run(client(base_url, requests, options.in_flight))  # type: ignore[arg-type]
                wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
                assert len(added) == len(requests)
                print(
                    f"{delay_ms:4.0f} ms  {name:16} {len(added) / cpu:7,.0f} answered a second of one core"
                    f"  {len(added) / wall:7,.0f} answered a second  added {np.median(added):5.1f} ms"
                )


if __name__ == "__main__":
    main()
