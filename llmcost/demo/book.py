"""The recorded endpoint's answers, without a word of HTTP: a request body in, a status and a body out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from llmcost.demo.answers import DATED, GRADERS, PROFILES, Answers
from llmcost.demo.judges import Judges
from llmcost.demo.meter import cacheable_tokens, latency_ms, prompt_tokens, reply_tokens, text_tokens, usage
from llmcost.demo.scenario import Reply, Scenario, prompt_key, share
from llmcost.demo.scenarios import all_scenarios
from llmcost.demo.traffic import MONTH, SEED
from llmcost.demo.wire import chunks, completion, events, failure

MODELS = (*PROFILES, *GRADERS)
CACHED = {"deepseek-v4-flash": 0.7, "gpt-4o": 0.5, "gpt-4o-mini": 0.5}  # how often a long prompt is found in the cache


@dataclass(frozen=True, slots=True)
class Response:
    """What the endpoint sends back. `latency_ms` is the recorded one: nobody has to wait for it."""

    status: int
    content: bytes
    latency_ms: int = 0
    kind: str = "application/json"


class RecordedAnswers:
    """Answers chat-completions requests about the sample traffic as the recorded models and graders did."""

    def __init__(self, seed: int = SEED) -> None:
        scenarios = all_scenarios(seed)
        self._answers = Answers(scenarios)
        self._scenarios = {prompt_key(scenario.messages): scenario for scenario in scenarios}
        self._judges = Judges(self._answers)

    def respond(self, content: bytes) -> Response:
        """The response to a request body."""
        try:
            body = msgspec.json.decode(content, type=dict[str, Any])
            model, messages = str(body["model"]).lower().rpartition("/")[2], body["messages"]
        except (msgspec.DecodeError, KeyError):
            return _error(400, "The body must be a JSON object with model and messages.", "invalid_request_error", None)
        if model not in MODELS:
            return _error(
                404, f"The model {body['model']!r} was not recorded.", "invalid_request_error", "model_not_found"
            )
        if model in GRADERS:
            return self._graded(body, model)
        scenario = self._scenarios.get(prompt_key(messages)) if isinstance(messages, list) else None
        if scenario is None:
            return _error(400, "This prompt was not recorded.", "invalid_request_error", "unknown_prompt")
        return self._replayed(body, model, scenario)

    def _replayed(self, body: Mapping[str, Any], model: str, scenario: Scenario) -> Response:
        reply = self._answers.replayed(scenario, model).reply
        prefix = text_tokens(str(scenario.messages[0]["content"]))
        found = share(scenario.id, model, "cache") < CACHED.get(model, 0)
        cached = cacheable_tokens(prefix) if found and "{now}" not in scenario.messages[0]["content"] else 0
        return _completed(body, model, reply, cached, scenario.id)

    def _graded(self, body: Mapping[str, Any], model: str) -> Response:
        verdict = self._judges.verdict(body, model)
        if verdict is None:
            return _error(400, f"{model} was recorded as a judge only.", "invalid_request_error", "unknown_prompt")
        return _completed(body, model, Reply(verdict), 0, prompt_key(body["messages"]).hex())


def models() -> bytes:
    """The body of the list of models."""
    listed = [{"id": name, "object": "model", "created": 0, "owned_by": "recorded"} for name in MODELS]
    return msgspec.json.encode({"object": "list", "data": listed})


def throttled() -> Response:
    """What the endpoint says when it is asked too fast."""
    return _error(429, "Rate limit reached. Please try again at once.", "requests", "rate_limit_exceeded")


def _completed(body: Mapping[str, Any], model: str, reply: Reply, cached: int, seed: str) -> Response:
    read, written = prompt_tokens(model, body["messages"], body), reply_tokens(model, reply)
    name = f"{int(share(seed, model) * 16**12):012x}"
    created = int(MONTH.timestamp())
    used = usage(read, written, min(cached, read))
    whole = completion(name, created, DATED.get(model, model), reply, used)
    latency = latency_ms(model, read, written, seed, model)
    if body.get("stream"):
        metered = bool((body.get("stream_options") or {}).get("include_usage"))
        return Response(200, events(chunks(whole, metered=metered)).encode(), latency, "text/event-stream")
    return Response(200, msgspec.json.encode(whole), latency)


def _error(status: int, message: str, kind: str, code: str | None) -> Response:
    return Response(status, msgspec.json.encode(failure(status, message, kind, code)))
