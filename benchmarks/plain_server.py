"""A server that answers chat completions after a delay that it says, and fails now and then: what benchmarks ask.

    python benchmarks/plain_server.py --delay-ms 20 --broken 0.006 --busy 0.01     prints its base URL

An answer begins with the milliseconds that it was held back. The share `busy` of requests is told to come again (429);
of the share `broken` five in six get a 500, and one loses its connection.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILLING = "x" * 380


class Connection(asyncio.Protocol):
    def __init__(self, delay_ms: float, broken: float, busy: float, dice: random.Random) -> None:
        self._delay_ms, self._broken, self._busy, self._dice = delay_ms, broken, busy, dice
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return
        start = self._received.lower().find(b"content-length:")
        length = int(self._received[start + 15 : self._received.find(b"\r\n", start)])
        if len(self._received) < head + 4 + length:
            return
        del self._received[: head + 4 + length]
        delay_ms = self._dice.lognormvariate(0.0, 0.5) * self._delay_ms
        asyncio.get_running_loop().call_later(delay_ms / 1000, self._answer, delay_ms)

    def _answer(self, delay_ms: float) -> None:
        luck = self._dice.random()
        if luck < self._broken / 6:
            self._transport.abort()
        elif luck < self._broken:
            self._write(500, {"error": {"message": "internal"}})
        elif luck < self._broken + self._busy:
            self._write(429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}})
        else:
            usage = {"prompt_tokens": 500, "completion_tokens": self._dice.randint(1, 200)}
            message = {"role": "assistant", "content": f"{delay_ms:.3f} {FILLING}"}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self._write(200, {"id": "c", "model": "m", "choices": [choice], "usage": usage})

    def _write(self, status: int, body: dict[str, object]) -> None:
        content = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
        if not self._transport.is_closing():
            self._transport.write(head.encode() + content)


@contextmanager
def serve(delay_ms: float, broken: float = 0.0, busy: float = 0.0) -> Iterator[str]:
    """The base URL of a server in a process of its own."""
    shares = ["--delay-ms", str(delay_ms), "--broken", str(broken), "--busy", str(busy)]
    command = [sys.executable, str(Path(__file__)), *shares]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(10)


async def _run(delay_ms: float, broken: float, busy: float) -> None:
    dice = random.Random(7)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(delay_ms, broken, busy, dice), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--broken", type=float, default=0.0)
    parser.add_argument("--busy", type=float, default=0.0)
    options = parser.parse_args()
    asyncio.run(_run(options.delay_ms, options.broken, options.busy))
