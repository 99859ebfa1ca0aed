"""A connection on which something came that nobody had asked for is not used again."""

from __future__ import annotations

import asyncio
import json

import pytest
from support.faults import completion

from llmcost.endpoint import ChatRequest, Endpoint

PAUSE_S = 0.05


def reply(text: str) -> bytes:
    content = json.dumps(completion(text)).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(content) + content


class Twice:
    """Answers, and after a while, on the same connection, answers once more."""

    def __init__(self, delay_s: float) -> None:
        self.delay_s, self.connections = delay_s, 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.split("content-length:")[1].split("\r\n")[0])
                body = json.loads(await reader.readexactly(length))
                writer.write(reply(f"to {body['messages'][0]['content']}"))
                await asyncio.sleep(self.delay_s)
                writer.write(reply("to nobody"))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@pytest.mark.parametrize("delay_s", [0.0, PAUSE_S / 10])
def test_a_second_reply_is_not_taken_for_the_next_answer(delay_s: float) -> None:
    async def main() -> tuple[list[str | None], int]:
        serve, texts = Twice(delay_s), []
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            async with Endpoint(url, retries=0) as endpoint:
                for number in range(3):
                    found = await endpoint.complete(ChatRequest({"model": "m", "messages": [{"content": str(number)}]}))
                    texts.append(found.answer.text if found.answer else None)
                    await asyncio.sleep(PAUSE_S)
        return texts, serve.connections

    assert asyncio.run(main()) == (["to 0", "to 1", "to 2"], 3)
