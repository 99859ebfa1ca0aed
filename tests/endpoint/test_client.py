"""What a caller gets for everything an endpoint can do to a request. Every server here is real and on this machine."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import ssl
import subprocess
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from support.loopback import Loopback, Reply, error, script

from llmcost.answers import Answer, ToolCall, Usage
from llmcost.endpoint import ChatRequest, Completion, Endpoint
from llmcost.errors import ConfigError, EndpointError, LLMCostError

KEY = "sk-planted-0123456789abcdef"


def ask(text: str = "2+2?", model: str = "m", **body: Any) -> ChatRequest:
    return ChatRequest({"model": model, "messages": [{"role": "user", "content": text}], **body})


def endpoint(url: str, **settings: Any) -> Endpoint:
    return Endpoint(url, KEY, **{"backoff_s": 0.01, "retries": 3, "timeout_s": 5.0, **settings})


def with_endpoint(url: str, use: Callable[[Endpoint], Awaitable[Any]], **settings: Any) -> Any:
    async def main() -> Any:
        async with endpoint(url, **settings) as opened:
            return await use(opened)

    return asyncio.run(main())


def complete(url: str, request: ChatRequest | None = None, **settings: Any) -> Completion:
    completion: Completion = with_endpoint(url, lambda opened: opened.complete(request or ask()), **settings)
    return completion


def served(reply: Reply, **settings: Any) -> Completion:
    with Loopback(lambda _body: reply) as server:
        return complete(server.base_url, **settings)


def test_an_answer_with_everything() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 40},
    }
    with Loopback(lambda _body: Reply(text="four", tool_calls=(("add", '{"a": 2}'),), usage=usage)) as server:
        completion = complete(server.base_url, ask(temperature=0))
        received = server.requests[0]
    assert completion.status == "answered"
    assert completion.answer == Answer("four", (ToolCall("add", '{"a": 2}'),), None, "tool_calls")
    assert completion.usage == Usage(100, 64, None, 50, 40)
    assert completion.served_model == "m"
    assert completion.latency_ms is not None and completion.latency_ms > 0
    assert received.body == dict(ask(temperature=0).body)
    assert received.path == "/v1/chat/completions"
    assert received.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({}, Usage()),
        ({"prompt_tokens": -1, "completion_tokens": 3}, Usage(None, None, None, 3, None)),
        ({"prompt_tokens": 10**15, "completion_tokens": True}, Usage()),
        ({"prompt_tokens": 1e400, "completion_tokens": "7"}, Usage()),
        ({"prompt_tokens": 10.0, "completion_tokens": 2.5}, Usage(10, None, None, None, None)),
        ({"prompt_tokens": 10, "prompt_cache_hit_tokens": 8, "completion_tokens": 1}, Usage(10, 8, None, 1, None)),
        ({"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 11}}, Usage(10)),
        ({"prompt_tokens": 10, "prompt_tokens_details": None, "completion_tokens": 0}, Usage(10, None, None, 0, None)),
        ({"prompt_tokens": 10, "cache_creation_input_tokens": 4}, Usage(10, None, 4)),
        (
            # the reasoning is in the total alone
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 115,
                "completion_tokens_details": {"reasoning_tokens": 100},
            },
            Usage(10, None, None, 105, 100),
        ),
    ],
)
def test_usage_that_cannot_be_is_unknown(usage: dict[str, Any], expected: Usage) -> None:
    body = json.dumps({"choices": [{"message": {"content": "x"}}], "usage": usage}).replace("Infinity", "1e400")
    completion = served(Reply(raw=body.encode()))
    assert completion.status == "answered"
    assert completion.usage == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"choices": [{"message": {"content": None}, "finish_reason": "length"}]}, Answer(finish_reason="length")),
        ({"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"type": "x"}]}}]}, Answer("a")),
        ({"choices": [{"message": {"refusal": "no"}}]}, Answer(refusal="no")),
        (
            {"choices": [{"message": {"function_call": {"name": "f", "arguments": {"a": 1}}}}]},
            Answer(tool_calls=(ToolCall("f", '{"a":1}'),)),
        ),
    ],
)
def test_shapes_of_answers(raw: dict[str, Any], expected: Answer) -> None:
    completion = served(Reply(raw=json.dumps(raw).encode()))
    assert (completion.status, completion.answer) == ("answered", expected)


def test_a_lone_surrogate_goes_out_and_comes_back() -> None:
    with Loopback(lambda _body: Reply(raw=b'{"choices":[{"message":{"content":"a\\ud800b"}}]}')) as server:
        completion = complete(server.base_url, ask("x\ud800y"))
        assert server.requests[0].body["messages"][0]["content"] == "x\ud800y"
    assert completion.answer == Answer("a\ufffdb")
    assert len(ask("x\ud800y").key("u")) == 32


@pytest.mark.parametrize("content_type", ["text/event-stream", "application/json"])
def test_a_stream_nobody_asked_for_is_assembled(content_type: str) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 5}
    reply = Reply(
        text="forty-two",
        tool_calls=(("add", '{"a": 2}'), ("sub", "{}")),
        usage=usage,
        stream=True,
        headers={"content-type": content_type},
    )
    completion = served(reply)
    assert completion.answer == Answer(
        "forty-two", (ToolCall("add", '{"a": 2}'), ToolCall("sub", "{}")), None, "tool_calls"
    )
    assert completion.usage == Usage(7, None, None, 5, None)


@pytest.mark.parametrize(
    "reply",
    [
        error(400, "context is too long", "context_length_exceeded"),
        error(413, "too large"),
        error(422, "unsupported parameter"),
        error(400, "flagged", "content_filter"),
        error(403, "flagged", "moderation_blocked"),
        Reply(status=400, raw=b"no"),
        Reply(status=400, raw=b'{"detail": [{"msg": "no"}]}'),
        Reply(raw=b'{"error": {"code": 400, "message": "inside a 200"}}'),
    ],
)
def test_what_the_model_cannot_take_is_rejected_and_not_retried(reply: Reply) -> None:
    with Loopback(lambda _body: reply) as server:
        completion = complete(server.base_url)
        assert server.count() == 1
    assert completion.status == "rejected"
    assert completion.error is not None and completion.error.startswith(("400 ", "403 ", "413 ", "422 "))


def test_an_error_text_is_short_printable_and_without_the_key() -> None:
    completion = served(error(400, f"bad key {KEY}\x1b[31m\n and Bearer {KEY[:9]}zzzzz " + "x" * 1000))
    assert completion.error is not None
    assert len(completion.error) <= 300
    assert completion.error.isprintable()
    assert "planted" not in completion.error


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (error(401, f"Incorrect API key provided: {KEY}"), ("401", "API key")),
        (error(403, "not allowed"), ("403", "permissions")),
        (error(404, "The model does not exist", "model_not_found"), ("404", "model-x", "model's name")),
        (error(400, "nope", "model_not_found"), ("400", "model-x")),
        (error(402, "Insufficient Balance"), ("402", "credit")),
        (error(429, "You exceeded your current quota", "insufficient_quota"), ("429", "quota")),
        (Reply(status=302, headers={"location": "https://elsewhere.example/v1"}, raw=b""), ("302", "redirects")),
    ],
)
def test_what_no_request_can_survive_stops_the_run(reply: Reply, words: tuple[str, ...]) -> None:
    with Loopback(lambda _body: reply) as server, pytest.raises(EndpointError) as caught:
        complete(server.base_url, ask(model="model-x"))
    assert server.count() == 1
    text = f"{caught.value.message} {caught.value.hint}"
    assert f"127.0.0.1:{server.port}" in text
    assert all(word in text for word in words), text
    assert "planted" not in text


PASSING = [
    error(408),
    error(409),
    error(429),
    error(500),
    error(502),
    error(503),
    error(529),
    Reply(delay_s=3),
    Reply(drop="before"),
    Reply(drop="middle"),
    Reply(raw=b"not json"),
    Reply(raw=b'"a string"'),
    Reply(raw=b'{"no": "choices"}'),
    Reply(raw=b'{"choices": []}'),
    Reply(raw=b'{"choices": ["odd"]}'),
    Reply(raw=b'{"choices": [], "error": {"message": "upstream"}}'),
    Reply(raw=b'data: {"choices": [{"delta": {"content": "half"}}]}\n\n'),
    Reply(raw=b"data: {broken\n\n", headers={"content-type": "text/event-stream"}),
    Reply(raw=b"\x00\x01", headers={"content-encoding": "gzip"}),
    Reply(raw=b"[" * 100_000),
]


@pytest.mark.parametrize("fault", PASSING, ids=range(len(PASSING)))
def test_a_passing_fault_is_retried_until_the_answer(fault: Reply) -> None:
    with Loopback(script([fault, fault])) as server:
        completion = complete(server.base_url, timeout_s=0.3)
        assert server.count() == 3
    assert completion.status == "answered"


@pytest.mark.parametrize("fault", PASSING, ids=range(len(PASSING)))
def test_a_lasting_fault_ends_unreachable(fault: Reply) -> None:
    with Loopback(lambda _body: fault) as server:
        completion = complete(server.base_url, timeout_s=0.3, retries=1)
        assert server.count() == 2
    assert completion.status == "unreachable"
    assert completion.answer is None
    assert completion.error


@pytest.mark.parametrize(
    ("fault", "billed"),
    [(error(429), False), (error(500), False), (error(504), True), (Reply(drop="middle"), True), (PASSING[7], True)],
)
def test_the_caller_hears_which_attempts_may_be_charged_and_has_the_last_word(fault: Reply, billed: bool) -> None:
    heard: list[tuple[bool, bool]] = []

    async def on_failure(*, perhaps_billed: bool, again: bool) -> bool:
        heard.append((perhaps_billed, again))
        return len(heard) < 2

    with Loopback(lambda _body: fault) as server:
        completion = with_endpoint(server.base_url, lambda opened: opened.complete(ask(), on_failure), timeout_s=0.2)
        assert server.count() == 2
    assert completion.status == "unreachable"
    assert heard == [(billed, True), (billed, True)]


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_nobody_there_is_said_at_once() -> None:
    url = f"http://127.0.0.1:{closed_port()}/v1"
    with pytest.raises(EndpointError) as caught:
        complete(url, retries=1000)
    assert caught.value.message == f"no answer from {url} (connection refused)"
    assert "--base-url" in str(caught.value.hint)


def serve_once_each(context: ssl.SSLContext | None, use: Callable[[str], Any]) -> Any:
    """A server that speaks no HTTP: it greets and hangs up."""

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 not a web server\r\n")
        writer.close()

    async def main() -> Any:
        async with await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context) as server:
            return await use(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")

    return asyncio.run(main())


async def complete_here(url: str) -> Completion:
    async with endpoint(url) as opened:
        return await opened.complete(ask())


def test_a_server_without_tls() -> None:
    with pytest.raises(EndpointError, match=r"no answer from https://127.* \(no TLS connection\)"):
        serve_once_each(None, complete_here)


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("needs the openssl command to make a certificate")
    pem = tmp_path / "both.pem"
    request = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    subprocess.run([*request, "-keyout", str(pem), "-out", str(tmp_path / "c.pem")], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "c.pem", pem)
    with pytest.raises(EndpointError, match="its certificate is not valid here"):
        serve_once_each(context, complete_here)


def test_an_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(
        EndpointError, match=r"no answer from https://nowhere\.invalid/v1 \(the host name is not known\)"
    ):
        complete("https://nowhere.invalid/v1")


def test_many_unreachable_in_a_row_stop_the_run() -> None:
    async def many(opened: Endpoint) -> None:
        for number in range(30):
            assert (await opened.complete(ask(str(number)))).status == "unreachable"

    with Loopback(lambda _body: error(500)) as server:
        with pytest.raises(EndpointError, match="20 requests in a row got no answer"):
            with_endpoint(server.base_url, many, retries=0)
        assert server.count() == 20


def test_scattered_failures_are_no_outage_though_they_are_the_last_to_end() -> None:
    """What fails is tried again, so that all failures end after all answers."""

    def answer(body: dict[str, Any]) -> Reply:
        return error(500) if int(body["messages"][0]["content"]) % 10 == 0 else Reply(text="fine")

    async def many(opened: Endpoint) -> list[Completion]:
        return await asyncio.gather(*(opened.complete(ask(str(number))) for number in range(400)))

    with Loopback(answer) as server:
        done = with_endpoint(server.base_url, many, retries=1, concurrency=64)
    assert sum(completion.status == "unreachable" for completion in done) == 40


def test_a_run_may_be_more_patient() -> None:
    async def many(opened: Endpoint) -> list[Completion]:
        return [await opened.complete(ask(str(number))) for number in range(30)]

    with Loopback(lambda _body: error(500)) as server:
        assert len(with_endpoint(server.base_url, many, retries=0, patience=50)) == 30


def test_one_hopeless_request_stops_those_that_wait() -> None:
    async def many(opened: Endpoint) -> list[Any]:
        asked = (opened.complete(ask(str(number))) for number in range(50))
        return await asyncio.gather(*asked, return_exceptions=True)

    with Loopback(lambda _body: error(401)) as server:
        results = with_endpoint(server.base_url, many, concurrency=2)
        assert server.count() <= 4
    assert all(isinstance(result, EndpointError) for result in results)


def test_retry_after_holds_everybody_back() -> None:
    async def many(opened: Endpoint) -> list[Completion]:
        first = await opened.complete(ask("first"))
        return [first, *await asyncio.gather(*(opened.complete(ask(str(number))) for number in range(8)))]

    faults = [error(429, retry_after="0.3")]
    with Loopback(script([Reply(), *faults])) as server:
        results = with_endpoint(server.base_url, many, concurrency=1)
        assert server.count() == 10
    assert all(result.status == "answered" for result in results)


def test_never_more_in_flight_than_allowed() -> None:
    async def many(opened: Endpoint) -> list[Completion]:
        return list(await asyncio.gather(*(opened.complete(ask(str(number))) for number in range(40))))

    with Loopback(lambda _body: Reply(delay_s=0.01)) as server:
        results = with_endpoint(server.base_url, many, concurrency=5)
        assert server.most_in_flight <= 5
    assert [result.status for result in results] == ["answered"] * 40


@pytest.mark.parametrize(("header", "wins"), [("1234.5", True), ("-1", False), ("nan", False), ("soon", False)])
def test_a_recorded_latency_wins(header: str, wins: bool) -> None:
    completion = served(Reply(headers={"x-llmcost-recorded-latency-ms": header}))
    assert (completion.latency_ms == 1234.5) is wins
    assert completion.latency_ms is not None and completion.latency_ms > 0


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/v1",
        "http://10.0.0.1/v1",
        "http://127.0.0.1.example.com/v1",
        "ftp://localhost/",
        "api.openai.com/v1",
        "",
        "https://user:secretpass@example.com/v1",
        "https://example.com/v1?key=secretpass",
        "https://example.com:port/v1",
        "https://[::1/v1",
    ],
)
def test_addresses_that_are_not_talked_to(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Endpoint(url)
    assert "secretpass" not in caught.value.message


@pytest.mark.parametrize("url", ["http://localhost:1/v1/", "http://[::1]:8000", "http://127.0.0.2", "https://a.b/v1"])
def test_addresses_that_are(url: str) -> None:
    assert Endpoint(url).base_url == url.rstrip("/")


def test_this_machine_is_reached_without_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    assert served(Reply()).status == "answered"


def test_other_hosts_are_reached_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(EndpointError, match="the proxy cannot be reached"):
        complete("https://nowhere.invalid/v1")


def test_a_key_that_cannot_be_a_header() -> None:
    with pytest.raises(ConfigError) as caught:
        Endpoint("https://example.com", "sk-planted-\n-evil")
    assert "planted" not in f"{caught.value.message} {caught.value.hint}"


def test_a_placeholder_key_does_not_change_answers() -> None:
    async def main() -> Completion:
        with Loopback(lambda _body: Reply(text="the list is EMPTY")) as server:
            async with Endpoint(server.base_url, "EMPTY") as opened:
                return await opened.complete(ask())

    assert asyncio.run(main()).answer == Answer("the list is EMPTY", finish_reason="stop")


LEAKS = [
    error(401, f"Incorrect API key provided: {KEY}"),
    error(403, KEY),
    error(404, KEY, KEY),
    error(500, KEY),
    Reply(status=400, raw=KEY.encode()),
    Reply(raw=KEY.encode()),
    Reply(text=KEY),
    Reply(drop="before"),
    Reply(drop="middle"),
    Reply(delay_s=2),
    Reply(status=302, headers={"location": f"https://x/?{KEY}"}, raw=b""),
    Reply(raw=b"\x00", headers={"content-encoding": "gzip"}),
]


@pytest.mark.parametrize("reply", LEAKS, ids=range(len(LEAKS)))
def test_the_key_is_nowhere(reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with Loopback(lambda _body: reply) as server:
        seen = [repr(endpoint(server.base_url)), str(vars(endpoint(server.base_url)))]
        try:
            seen.append(repr(complete(server.base_url, timeout_s=0.1, retries=1)))
        except LLMCostError as caught:
            seen += [*traceback.format_exception(caught), repr(caught.__cause__), repr(caught.__context__)]
    seen.append(caplog.text)
    assert not any("planted" in text for text in seen), seen


def test_a_model_that_is_not_there_stops_its_own_requests_alone() -> None:
    def answer(body: dict[str, Any]) -> Reply:
        return error(404, "no such model", "model_not_found") if body["model"] == "gone" else Reply(text="here")

    async def use(opened: Endpoint) -> Completion:
        for _ in range(2):
            with pytest.raises(EndpointError, match="gone"):
                await opened.complete(ask(model="gone"))
        return await opened.complete(ask(model="there"))

    with Loopback(answer) as server:
        completion = with_endpoint(server.base_url, use)
        assert completion.answer == Answer(text="here", finish_reason="stop")
        assert server.count("gone") == 1
