"""The recorded endpoint: a real HTTP/1.1 server on the loopback interface that answers like several models.

`python -m llmcost.demo.server --port 0` prints its base URL and serves until it is stopped or its input ends.
POST /v1/chat/completions · GET /v1/models · GET /_stats
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus

import msgspec
import xxhash

from llmcost.demo.book import RecordedAnswers, Response, models, throttled

HOST = "127.0.0.1"
LATENCY_HEADER = "x-llmcost-recorded-latency-ms"
THROTTLED = 100  # one in so many requests is told to come again, once
LARGEST_BODY = 16_000_000


class RecordedEndpoint:
    """Routes requests and counts them: what was asked, answered, refused, and answered more than once."""

    def __init__(self, answers: RecordedAnswers, throttle: int = THROTTLED) -> None:
        self._answers = answers
        self._throttle = throttle
        self._put_off: set[int] = set()
        self._answered: set[int] = set()
        self.counts: Counter[str] = Counter(requests=0, answered=0, repeated=0, throttled=0, rejected=0)

    def handle(self, method: str, path: str, content: bytes) -> Response:
        """The response to one request."""
        match method, path.partition("?")[0]:
            case "POST", "/v1/chat/completions":
                return self._complete(content)
            case "GET", "/v1/models":
                return Response(200, models())
            case "GET", "/_stats":
                return Response(200, msgspec.json.encode(self.counts))
        return Response(404, b'{"error":{"message":"no such path","type":"invalid_request_error","code":"404"}}')

    def _complete(self, content: bytes) -> Response:
        self.counts["requests"] += 1
        question = xxhash.xxh3_64_intdigest(content)
        if self._throttle and question % self._throttle == 0 and question not in self._put_off:
            self._put_off.add(question)
            self.counts["throttled"] += 1
            return throttled()
        response = self._answers.respond(content)
        if response.status != HTTPStatus.OK:
            self.counts["rejected"] += 1
            return response
        self.counts["answered"] += 1
        self.counts["repeated"] += question in self._answered
        self._answered.add(question)
        return response


class Connection(asyncio.Protocol):
    """One kept-alive connection: parses requests as they arrive and answers them in order."""

    def __init__(self, endpoint: RecordedEndpoint) -> None:
        self._endpoint = endpoint
        self._received = bytearray()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete by now."""
        self._received += data
        while self._transport is not None and self._answer_next(self._transport):
            pass

    def _answer_next(self, transport: asyncio.WriteTransport) -> bool:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return False
        first, *lines = bytes(self._received[:end]).decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        words, length = first.split(), headers.get("content-length", "0")
        if len(words) != 3 or not length.isdigit() or int(length) > LARGEST_BODY or "transfer-encoding" in headers:
            transport.write(_http(Response(400, b'{"error":{"message":"bad request"}}')))
            transport.close()
            return False
        start, stop = end + 4, end + 4 + int(length)
        if len(self._received) < stop:
            return False
        content = bytes(self._received[start:stop])
        del self._received[:stop]
        transport.write(_http(self._endpoint.handle(words[0], words[1], content)))
        if headers.get("connection", "").lower() == "close":
            transport.close()
            return False
        return True


def _http(response: Response) -> bytes:
    status = HTTPStatus(response.status)
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"content-type: {response.kind}",
        f"content-length: {len(response.content)}",
        f"{LATENCY_HEADER}: {response.latency_ms}",
    ]
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        lines.append("retry-after: 0")
    return "\r\n".join([*lines, "", ""]).encode() + response.content


async def _run(port: int, throttle: int, until_eof: bool) -> None:
    endpoint = RecordedEndpoint(RecordedAnswers(), throttle)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(endpoint), HOST, port, backlog=1024)
    sys.stdout.write(f"http://{HOST}:{server.sockets[0].getsockname()[1]}/v1\n")
    sys.stdout.flush()
    if until_eof:
        await asyncio.to_thread(sys.stdin.read)
        server.close()
    else:
        await server.serve_forever()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the recorded answers."""
    parser = argparse.ArgumentParser(description="Serve the recorded answers to the sample traffic.")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--throttle", type=int, default=THROTTLED, help="refuse one in so many once; 0: never")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input ends")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(_run(options.port, options.throttle, options.until_eof))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
