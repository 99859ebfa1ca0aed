"""The recorded endpoint's answers, without a word of HTTP: a request body in, a status and a body out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from llmcost.demo.answers import DATED, GRADERS, PROFILES, Answers
from llmcost.demo.judges import Judges
from llmcost.demo.known import KnownAnswers
from llmcost.demo.meter import cacheable_tokens, latency_ms, prompt_tokens, reply_tokens, text_tokens, usage
from llmcost.demo.rating import RATER, Ratings
from llmcost.demo.scenario import Message, Reply, Scenario, prompt_key, share
from llmcost.demo.scenarios import all_scenarios
from llmcost.demo.shortening import core, shortened
from llmcost.demo.traffic import MONTH, SEED
from llmcost.demo.wire import chunks, completion, events, failure, logprobs
from llmcost.serving.batching import batch_text, read_batch_prompt
from llmcost.serving.compression import read_compressor_prompt

MODELS = (*PROFILES, RATER, *GRADERS)
CACHED = {"deepseek-v4-flash": 0.7, "gpt-4o": 0.5, "gpt-4o-mini": 0.5}  # how often a long prompt is found in the cache

# Shares of the good answers that are spoilt: LEFT_OUT · s² where a share s of the prompt was left out, and
# AMONG_OTHERS · k² where k items stand in one question.
LEFT_OUT = 0.1
AMONG_OTHERS = 0.0002


@dataclass(frozen=True, slots=True)
class Response:
    """What the endpoint sends back. `latency_ms` is the recorded one: nobody has to wait for it."""

    status: int
    content: bytes
    latency_ms: int = 0
    kind: str = "application/json"


@dataclass(frozen=True, slots=True)
class Found:
    """A reply, how many tokens of its prompt a provider's cache served, and what its jitter goes by."""

    reply: Reply
    cached: int
    seed: str


class RecordedAnswers:
    """Answers chat-completions requests about the sample traffic as the recorded models and graders did."""

    def __init__(self, seed: int = SEED) -> None:
        scenarios = all_scenarios(seed)
        self._answers = Answers(scenarios)
        self._scenarios = {prompt_key(scenario.messages): scenario for scenario in scenarios}
        self._cores = {prompt_key(_cores(scenario.messages)): scenario for scenario in scenarios}
        known = KnownAnswers(self._answers)
        self._judges, self._ratings = Judges(known), Ratings(known)

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
        found = self._found(body, model) if isinstance(messages, list) else None
        if found is None:
            return _error(400, f"Nothing was recorded of {model} for this.", "invalid_request_error", "unknown_prompt")
        return _completed(body, model, found)

    def _found(self, body: Mapping[str, Any], model: str) -> Found | None:
        """What the model was recorded to reply to this; None: nothing."""
        if model in GRADERS:
            verdict = self._judges.verdict(body, model)
            return None if verdict is None else _besides(body, Reply(verdict))
        if (rating := self._ratings.reply(body, model)) is not None:
            return _besides(body, rating)
        if (asked := read_compressor_prompt(body)) is not None:
            return _besides(body, Reply(shortened(asked.text, asked.words)))
        return self._answered(body, model) if model in PROFILES else None

    def _answered(self, body: Mapping[str, Any], model: str) -> Found | None:
        if (items := read_batch_prompt(body)) is None:
            scenario = self._scenario(body["messages"])
            return None if scenario is None else self._alone(body["messages"], model, scenario)
        known = [(item, scenario) for item in items if (scenario := self._scenario(item.messages)) is not None]
        strain = AMONG_OTHERS * len(items) ** 2
        replies = {item.id: self._reply(item.messages, model, scenario, strain).text for item, scenario in known}
        spoken = {name: text for name, text in replies.items() if text is not None}
        return _besides(body, Reply(batch_text(spoken))) if known else None

    def _alone(self, messages: Sequence[Message], model: str, scenario: Scenario) -> Found:
        prefix = text_tokens(str(messages[0]["content"]))
        found = share(scenario.id, model, "cache") < CACHED.get(model, 0)
        cached = cacheable_tokens(prefix) if found and "{now}" not in scenario.messages[0]["content"] else 0
        return Found(self._reply(messages, model, scenario), cached, scenario.id)

    def _reply(self, messages: Sequence[Message], model: str, scenario: Scenario, strain: float = 0.0) -> Reply:
        left_out = max(0.0, 1 - _size(messages) / _size(scenario.messages))
        return self._answers.replayed(scenario, model, strain + LEFT_OUT * left_out**2).reply

    def _scenario(self, messages: Sequence[Message]) -> Scenario | None:
        """The scenario of these messages, which may have been shortened."""
        return self._scenarios.get(prompt_key(messages)) or self._cores.get(prompt_key(_cores(messages)))


def models() -> bytes:
    """The body of the list of models."""
    listed = [{"id": name, "object": "model", "created": 0, "owned_by": "recorded"} for name in MODELS]
    return msgspec.json.encode({"object": "list", "data": listed})


def throttled() -> Response:
    """What the endpoint says when it is asked too fast."""
    return _error(429, "Rate limit reached. Please try again at once.", "requests", "rate_limit_exceeded")


def _cores(messages: Sequence[Message]) -> list[Message]:
    """The messages with what every shortening keeps of them."""
    return [{**message, "content": core(text)} if (text := _text(message)) else message for message in messages]


def _size(messages: Sequence[Message]) -> int:
    return sum(len(_text(message)) for message in messages)


def _text(message: Message) -> str:
    text = message.get("content") if isinstance(message, Mapping) else None
    return text if isinstance(text, str) else ""


def _besides(body: Mapping[str, Any], reply: Reply) -> Found:
    return Found(reply, 0, prompt_key(body["messages"]).hex())


def _completed(body: Mapping[str, Any], model: str, found: Found) -> Response:
    reply, seed = found.reply, found.seed
    read, written = prompt_tokens(model, body["messages"], body), reply_tokens(model, reply)
    name = f"{int(share(seed, model) * 16**12):012x}"
    created = int(MONTH.timestamp())
    used = usage(read, written, min(found.cached, read))
    whole = completion(name, created, DATED.get(model, model), reply, used)
    if body.get("logprobs") and reply.odds:
        whole["choices"][0]["logprobs"] = logprobs(reply)
    latency = latency_ms(model, read, written, seed, model)
    if body.get("stream"):
        metered = bool((body.get("stream_options") or {}).get("include_usage"))
        return Response(200, events(chunks(whole, metered=metered)).encode(), latency, "text/event-stream")
    return Response(200, msgspec.json.encode(whole), latency)


def _error(status: int, message: str, kind: str, code: str | None) -> Response:
    return Response(status, msgspec.json.encode(failure(status, message, kind, code)))
