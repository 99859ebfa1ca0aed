"""A real OpenAI-compatible server on 127.0.0.1 whose answers, and faults, are a function of the request body.

In this process, in a thread:

    with Loopback(lambda body: Reply(text="42")) as server:
        ...  # server.base_url, server.requests, server.count("gpt-4o")

In another process, so that what it saw outlives a killed client (`answer` is a path such as "support.loopback:echo"):

    with LoopbackProcess("support.loopback:echo") as server:
        ...  # server.base_url, server.requests(), server.count("gpt-4o")

The server answers GET /_requests with everything that it was asked, and /models with an empty list.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import importlib
import json
import socket
import ssl
import struct
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

Body = dict[str, Any]
Drop = Literal["before", "middle"]
After = Literal["keep", "close", "reset", "hang", "drip"]

TLS_HELLO = b"\x16"
DRIP_S = 0.05
LONGEST_HANG_S = 60.0


@dataclass(frozen=True)
class Reply:
    """What the server does with one request.

    usage    None: counted from the lengths of the texts (4 bytes a token); {}: the reply has no usage at all
    raw      these bytes instead of a chat completion
    drop     the connection is closed "before" a byte of the reply, or in the "middle" of its body
    stream   the answer comes as server-sent events although nobody asked for them
    wire     these bytes as they are, instead of an HTTP message
    after    what becomes of the connection then: "reset" breaks it off (RST), "hang" leaves it silent, "drip" sends a
             byte now and then, for ever
    """

    text: str | None = "ok"
    tool_calls: tuple[tuple[str, str], ...] = ()
    refusal: str | None = None
    finish_reason: str | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    usage: Mapping[str, Any] | None = None
    raw: bytes | None = None
    delay_s: float = 0.0
    drop: Drop | None = None
    stream: bool = False
    wire: bytes | None = None
    after: After = "keep"


@dataclass
class Received:
    """One request as it arrived; `delivered` once the last byte of a 200 was handed to the network."""

    model: str
    body: Body
    headers: dict[str, str]
    path: str
    delivered: bool = False
    usage: dict[str, Any] = field(default_factory=dict)


Answerer = Callable[[Body], Reply]


def error(status: int, message: str = "no", code: str | None = None, **headers: str) -> Reply:
    """A reply with an OpenAI-style error body; header names are written with underscores."""
    body = {"error": {"message": message, "type": "error", "param": None, "code": code}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, raw=json.dumps(body).encode(), headers=named)


def script(replies: Iterable[Reply], then: Reply | None = None) -> Answerer:
    """An answerer that gives these replies one after the other, and `then` (plain "ok") ever after."""
    waiting = iter(list(replies))
    lock = threading.Lock()

    def answer(_body: Body) -> Reply:
        with lock:
            return next(waiting, then or Reply())

    return answer


def prompt(body: Body) -> str:
    """The text of the last message."""
    return str(body.get("messages", [{"content": ""}])[-1].get("content", ""))


def echo(body: Body) -> Reply:
    """Always the same answer to the same question."""
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return Reply(text=f"{body['model']} says {digest[:16]} to {prompt(body)}")


def slow_echo(body: Body) -> Reply:
    """As `echo`, after 5 to 20 ms that depend on the question alone."""
    reply = echo(body)
    return Reply(text=reply.text, delay_s=0.005 + (len(reply.text or "") * 7919 % 16) / 1000)


class Loopback:
    """The server in a thread of this process."""

    def __init__(self, answer: Answerer | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer or echo
        self._tls = tls
        self.requests: list[Received] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ready = threading.Event()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def base_url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}/v1"

    @property
    def delivered(self) -> list[Received]:
        return [request for request in self.requests if request.delivered]

    def count(self, model: str | None = None) -> int:
        """Requests received, of one model or of all."""
        return sum(1 for request in self.requests if model in (None, request.model))

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the loopback server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._main())
        finally:
            self._loop.close()

    async def _main(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        current = asyncio.current_task()
        rest = [task for task in asyncio.all_tasks() if task is not current]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._exchange(reader, writer):
                pass
        self._writers.discard(writer)
        writer.close()
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its reply; False when the connection is to be closed."""
        begun = await reader.readexactly(1)
        if begun == TLS_HELLO:  # as servers do that are asked for TLS where they speak none
            writer.write(_http(400, b"plain HTTP is spoken here", {}))
            return False
        head = (begun + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        if method == "GET":
            writer.write(_http(200, json.dumps(self._seen(path)).encode(), {}))
            await writer.drain()
            return True
        received = Received("", json.loads(content), headers, path)
        received.model = str(received.body.get("model"))
        self.requests.append(received)
        return await self._reply(received, writer)

    def _seen(self, path: str) -> Any:
        if path == "/_count":
            return len(self.requests)
        return [asdict(request) for request in self.requests] if path == "/_requests" else {"data": []}

    async def _reply(self, received: Received, writer: asyncio.StreamWriter) -> bool:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            reply = self.answer(received.body)
            if reply.delay_s:
                await asyncio.sleep(reply.delay_s)
        finally:
            self.in_flight -= 1
        content = _content(received, reply)
        message = _http(reply.status, content, _headers(reply)) if reply.wire is None else reply.wire
        if reply.drop == "before":
            return False
        if reply.drop == "middle":
            writer.write(message[: len(message) - 20])
            await writer.drain()
            return False
        if writer.is_closing():  # the client has gone: nothing was delivered
            return False
        received.delivered = reply.status == 200
        writer.write(message)
        await writer.drain()
        return await _afterwards(reply.after, writer)


async def _afterwards(after: After, writer: asyncio.StreamWriter) -> bool:
    """Whether the connection stays open for the next request."""
    if after == "reset":
        await asyncio.sleep(0.01)  # what was written has to be on its way: a reset throws away what was not
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    elif after == "hang":
        await asyncio.sleep(LONGEST_HANG_S)
    while after == "drip" and not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(DRIP_S)
    return after == "keep"


class LoopbackProcess:
    """The server in a process of its own: it lives on, and keeps count, when the client is killed."""

    def __init__(self, answer: str = "support.loopback:echo") -> None:
        self._answer = answer
        self.base_url = ""

    def __enter__(self) -> Self:
        tests = Path(__file__).parents[1]
        command = [sys.executable, "-m", "support.loopback", "--answer", self._answer]
        self._process = subprocess.Popen(command, cwd=tests, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.base_url = self._process.stdout.readline().strip()
        if not self.base_url:
            raise RuntimeError("the loopback server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate("stop\n", timeout=10)

    def requests(self) -> list[Received]:
        """Everything asked so far, as the server saw it."""
        return [Received(**item) for item in self._told("/_requests")]

    def asked(self) -> int:
        """How much was asked so far, in few bytes: for those who look often."""
        return int(self._told("/_count"))

    def _told(self, path: str) -> Any:
        with urllib.request.urlopen(self.base_url.removesuffix("/v1") + path, timeout=30) as response:
            return json.load(response)

    def count(self, model: str | None = None) -> int:
        """Requests received, of one model or of all."""
        return sum(1 for request in self.requests() if model in (None, request.model))


def _http(status: int, content: bytes, headers: Mapping[str, str]) -> bytes:
    fields = {"content-type": "application/json", "content-length": str(len(content)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Scripted\r\n{lines}\r\n".encode("latin-1") + content


def _headers(reply: Reply) -> Mapping[str, str]:
    return {**({"content-type": "text/event-stream"} if reply.stream else {}), **reply.headers}


def _content(received: Received, reply: Reply) -> bytes:
    if reply.raw is not None:
        return reply.raw
    received.usage = _usage(received.body, reply)
    completion = _completion(received, reply)
    return _events(completion) if reply.stream else json.dumps(completion).encode()


def _usage(body: Body, reply: Reply) -> dict[str, Any]:
    if reply.usage is not None:
        return dict(reply.usage)
    asked = len(json.dumps(body.get("messages", ""), ensure_ascii=False).encode())
    said = len((reply.text or "").encode()) + sum(len(name) + len(args) for name, args in reply.tool_calls)
    counted = {"prompt_tokens": -(-asked // 4), "completion_tokens": -(-said // 4)}
    return {**counted, "total_tokens": sum(counted.values())}


def _completion(received: Received, reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.tool_calls:
        message["tool_calls"] = [
            {"id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for index, (name, arguments) in enumerate(reply.tool_calls)
        ]
    if reply.refusal is not None:
        message["refusal"] = reply.refusal
    reason = reply.finish_reason or ("tool_calls" if reply.tool_calls else "stop")
    usage = {"usage": received.usage} if received.usage else {}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return {"id": "cmpl-1", "object": "chat.completion", "model": received.model, "choices": [choice], **usage}


def _events(completion: dict[str, Any]) -> bytes:
    """The completion as a stream of server-sent events: text by halves, tool arguments by halves, usage at the end."""
    choice = completion["choices"][0]
    message = choice["message"]
    deltas: list[dict[str, Any]] = [{"role": "assistant"}]
    if text := message["content"]:
        deltas += [{"content": text[: len(text) // 2]}, {"content": text[len(text) // 2 :]}]
    for index, call in enumerate(message.get("tool_calls", ())):
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        half = len(arguments) // 2
        deltas.append({"tool_calls": [{**call, "index": index, "function": {"name": name, "arguments": ""}}]})
        for piece in (arguments[:half], arguments[half:]):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    chunks: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]})
    chunks.append({"choices": [], "usage": completion.get("usage")})
    lines = [json.dumps({"model": completion["model"], **chunk}) for chunk in chunks]
    return "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode()


def _main() -> None:
    parser = argparse.ArgumentParser(description="serve until stdin ends; the first line of stdout is the base URL")
    parser.add_argument("--answer", default="support.loopback:echo", metavar="MODULE:FUNCTION")
    module, _, name = parser.parse_args().answer.partition(":")
    with Loopback(getattr(importlib.import_module(module), name)) as server:
        print(server.base_url, flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    _main()
