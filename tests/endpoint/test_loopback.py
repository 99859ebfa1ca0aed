"""The server that every other test relies on: it answers, counts, breaks on request, and lives in its own process."""

from __future__ import annotations

import json
import urllib.request

from support.loopback import Loopback, LoopbackProcess, Reply


def _post(base_url: str, body: dict[str, object]) -> dict[str, object]:
    request = urllib.request.Request(base_url + "/chat/completions", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=5) as response:
        answer: dict[str, object] = json.load(response)
    return answer


def test_answers_and_counts() -> None:
    with Loopback(lambda body: Reply(text="four", usage={"prompt_tokens": 3})) as server:
        answer = _post(server.base_url, {"model": "m", "messages": [{"role": "user", "content": "2+2"}]})
        assert answer["choices"][0]["message"]["content"] == "four"
        assert answer["usage"] == {"prompt_tokens": 3}
        assert (server.count("m"), server.count("other"), len(server.delivered)) == (1, 0, 1)


def test_serves_from_its_own_process() -> None:
    with LoopbackProcess() as server:
        body = {"model": "m", "messages": [{"role": "user", "content": "2+2"}]}
        assert _post(server.base_url, body)["choices"] == _post(server.base_url, body)["choices"]
        assert server.count("m") == 2
        assert all(request.delivered and request.usage["prompt_tokens"] > 0 for request in server.requests())
