"""The recorded endpoint over real HTTP."""

import http.client
import json
import subprocess
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

from llmcost import demo
from llmcost.answers import Answer
from llmcost.demo.answers import Answers
from llmcost.demo.book import MODELS, RecordedAnswers
from llmcost.demo.meter import text_tokens
from llmcost.demo.scenarios import all_scenarios
from llmcost.demo.server import LATENCY_HEADER, RecordedEndpoint
from llmcost.demo.traffic import SEED, traffic
from llmcost.grading.judge import parse_verdict, write_prompt
from llmcost.grading.pairs import Pair


@pytest.fixture(scope="module")
def base_url():
    with demo.serve() as url:
        yield url


@pytest.fixture(scope="module")
def scenarios():
    return all_scenarios(SEED)


@pytest.fixture(scope="module")
def answers(scenarios):
    return Answers(scenarios)


def post(base_url, body):
    """Status, headers and body of a request, asked again where the endpoint says so."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"{base_url}/chat/completions", content, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            if error.status == 429 and error.headers["retry-after"] == "0":
                return post(base_url, body)
            return error.status, error.headers, error.read()


def get(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.loads(response.read())


def test_it_lists_its_models(base_url):
    assert [model["id"] for model in get(f"{base_url}/models")["data"]] == list(MODELS)


def test_it_answers_logged_requests_as_the_recorded_models_did(base_url, scenarios, answers):
    for scenario in scenarios[::97]:
        for model in demo.CANDIDATES:
            status, headers, content = post(
                base_url, {"model": model, "messages": scenario.messages, **scenario.params}
            )
            body = json.loads(content)
            reply = answers.replayed(scenario, model).reply
            assert status == 200
            assert body["model"] == model
            assert body["choices"][0]["message"]["content"] == reply.text
            assert body["choices"][0]["finish_reason"] == reply.finish_reason
            assert int(headers[LATENCY_HEADER]) > 50
            assert body["usage"]["completion_tokens"] >= max(1, text_tokens(reply.text or ""))


def test_every_logged_request_can_be_replayed_verbatim():
    endpoint = RecordedEndpoint(RecordedAnswers(), throttle=0)
    for record in traffic():
        content = json.dumps({**record.request, "model": "qwen3-8b"}).encode()
        assert endpoint.handle("POST", "/v1/chat/completions", content).status == 200


def test_tool_calls_come_as_tool_calls(base_url, scenarios, answers):
    scenario = next(
        s
        for s in scenarios
        if s.good.tool_calls and answers.replayed(s, "qwen3-8b").reply.tool_calls == s.good.tool_calls
    )
    _, _, content = post(base_url, {"model": "qwen3-8b", "messages": scenario.messages, **scenario.params})
    (choice,) = json.loads(content)["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"]["name"] == scenario.good.tool_calls[0].name


@pytest.mark.parametrize("name", ["Qwen/Qwen3-8B", "openrouter/qwen/qwen3-8b"])
def test_a_model_is_known_by_its_providers_names_too(base_url, scenarios, name):
    status, _, content = post(base_url, {"model": name, "messages": scenarios[0].messages})
    assert (status, json.loads(content)["model"]) == (200, "qwen3-8b")


def test_a_stream_is_answered_as_a_stream(base_url, scenarios, answers):
    body = {"model": "deepseek-v4-flash", "messages": scenarios[0].messages, "stream": True}
    _, headers, content = post(base_url, {**body, "stream_options": {"include_usage": True}})
    lines = [line.removeprefix("data: ") for line in content.decode().split("\n\n") if line]
    chunks = [json.loads(line) for line in lines[:-1]]
    said = "".join(c["delta"].get("content", "") for chunk in chunks for c in chunk["choices"])
    assert headers["content-type"] == "text/event-stream"
    assert lines[-1] == "[DONE]"
    assert said == answers.replayed(scenarios[0], "deepseek-v4-flash").reply.text
    assert chunks[-1]["usage"]["prompt_tokens"] > 0


def test_graders_grade(base_url, scenarios):
    good, bad = scenarios[0].good, scenarios[0].flawed[0]
    request = {"messages": scenarios[0].messages, **scenarios[0].params}
    prompt = write_prompt(Pair(request, Answer(bad.text), Answer(good.text)), swapped=False)
    said = [json.loads(post(base_url, {"model": grader, **prompt})[2]) for grader in demo.GRADERS]
    assert "B" in {parse_verdict(body["choices"][0]["message"]["content"]) for body in said}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "400"),
        (b'{"model": "qwen3-8b"}', 400, "400"),
        (b'{"model": "qwen3-8b", "messages": "hello"}', 400, "unknown_prompt"),
        ({"model": "qwen3-8b", "messages": [{"role": "user", "content": "Never asked"}]}, 400, "unknown_prompt"),
        (
            {"model": "gemini-2.5-flash", "messages": [{"role": "user", "content": "Never asked"}]},
            400,
            "unknown_prompt",
        ),
        ({"model": "gpt-5", "messages": []}, 404, "model_not_found"),
    ],
)
def test_what_was_not_recorded_is_refused_clearly(base_url, body, status, code):
    found, _, content = post(base_url, body)
    assert (found, json.loads(content)["error"]["code"]) == (status, code)


def test_it_counts(scenarios):
    with demo.serve() as url:
        body = {"model": "qwen3-8b", "messages": scenarios[1].messages}
        for _ in range(3):
            post(url, body)
        post(url, b"{")
        counts = get(url.removesuffix("/v1") + "/_stats")
    assert (counts["answered"], counts["repeated"], counts["rejected"]) == (3, 2, 1)
    assert counts["requests"] == counts["answered"] + counts["rejected"] + counts["throttled"]


def test_now_and_then_it_wants_to_be_asked_again_and_once_only(scenarios):
    endpoint = RecordedEndpoint(RecordedAnswers(), throttle=10)
    asked = [json.dumps({"model": "qwen3-8b", "messages": scenario.messages}).encode() for scenario in scenarios[:400]]
    first = [endpoint.handle("POST", "/v1/chat/completions", content).status for content in asked]
    again = [endpoint.handle("POST", "/v1/chat/completions", content).status for content in asked]
    assert set(first) == {200, 429}
    assert 15 < first.count(429) < 80
    assert set(again) == {200}


def test_a_connection_is_kept_and_requests_may_come_in_pieces(base_url, scenarios):
    where = urlsplit(base_url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
    content = json.dumps({"model": "qwen3-8b", "messages": scenarios[2].messages}).encode()
    post(base_url, content)
    for _ in range(2):
        connection.putrequest("POST", "/v1/chat/completions")
        connection.putheader("Content-Length", str(len(content)))
        connection.endheaders()
        for start in range(0, len(content), 50):
            connection.send(content[start : start + 50])
        response = connection.getresponse()
        assert response.status == 200
        assert json.loads(response.read())["object"] == "chat.completion"
    connection.request("GET", "/nothing")
    assert connection.getresponse().status == 404
    connection.close()


def test_the_server_is_gone_after_the_block():
    with demo.serve() as url:
        get(f"{url}/models")
    with pytest.raises(urllib.error.URLError):
        get(f"{url}/models")


def test_the_server_ends_when_its_parent_dies():
    starter = (
        "import os, sys; from llmcost import demo; c = demo.serve(); print(c.__enter__(), flush=True); os._exit(9)"
    )
    died = subprocess.run([sys.executable, "-c", starter], capture_output=True, text=True, timeout=30, check=False)
    assert died.returncode == 9
    with pytest.raises(urllib.error.URLError):
        while True:  # it ends as soon as it notices
            get(f"{died.stdout.strip()}/models")
