"""A support product's October: which scenario was asked when, what it answered, and how the log tells it.

`python -m llmcost.demo.files --out DIR` writes it as the sample logs. Same seed, same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from llmcost.demo.answers import DATED, Answers
from llmcost.demo.meter import cacheable_tokens, latency_ms, prompt_tokens, reply_tokens, text_tokens, usage
from llmcost.demo.scenario import Dice, Scenario, share
from llmcost.demo.scenarios import all_scenarios
from llmcost.demo.wire import completion, failure

SEED = 2026
MONTH = datetime(2026, 10, 1, tzinfo=UTC)
DAYS = 31
SECOND = 1_000_000
CACHE_LIFETIME = 60 * 60 * SECOND
WEEKDAYS = (1.0, 1.05, 1.0, 0.95, 0.9, 0.45, 0.35)  # Monday first
BY_DAY = (1, 1, 0, 0, 0, 1, 3, 6, 9, 11, 11, 10, 8, 9, 10, 10, 9, 8, 6, 5, 5, 4, 3, 2)
BY_NIGHT = (6, 14, 18, 14, 8, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2)
HOURS = {"summarize": BY_NIGHT}
REPEATED = {"classify": 0.27, "extract": 0.05, "code": 0.06, "summarize": 0.03, "translate": 0.08, "reason": 0.04}
CHANNELS = {"support chat": ("web", "app"), "classify": ("email", "web"), "extract": ("email",)}
FAILURES = (
    (
        429,
        "Rate limit reached for {model} on tokens per min. Please try again in 1.2s.",
        "tokens",
        "rate_limit_exceeded",
    ),
    (429, "Rate limit reached for {model} on requests per min.", "requests", "rate_limit_exceeded"),
    (500, "The server had an error while processing your request. Sorry about that!", "server_error", None),
    (503, "The engine is currently overloaded, please try again later.", "server_error", None),
    (400, "Invalid value for 'max_tokens': must be at least 1.", "invalid_request_error", "invalid_value"),
)

Wire = Literal["whole", "chunks", "sse"]


@dataclass(frozen=True, slots=True)
class Record:
    """One logged attempt. `response` is the whole body even where it was streamed; `wire` says how it was logged."""

    time_us: int
    latency_ms: int
    status: int
    metadata: Mapping[str, Any]
    request: Mapping[str, Any]
    response: Mapping[str, Any]
    wire: Wire = "whole"
    metered: bool = True


@dataclass(frozen=True, slots=True)
class Event:
    """A scenario is asked at a time, for the nth time."""

    time_us: int
    scenario: Scenario
    copy: int


def traffic(seed: int = SEED) -> list[Record]:
    """The month's records in order of time, about 5,100."""
    scenarios = all_scenarios(seed)
    return _records(sorted(_events(scenarios, seed), key=lambda e: (e.time_us, e.scenario.id)), Answers(scenarios))


def variant(records: Sequence[Record], task: str, model: str) -> list[Record]:
    """The same traffic with one task moved to another model, as a careless deployment would do it."""
    dated = DATED.get(model, model)
    return [
        replace(
            record,
            request={**record.request, "model": model},
            response={**record.response, "model": dated} if "model" in record.response else record.response,
        )
        if record.metadata.get("task") == task
        else record
        for record in records
    ]


def remix(records: Sequence[Record], factors: Mapping[str, float]) -> list[Record]:
    """The same calls in another task mix: each call of a task appears `factor` times on average (1 if not named)."""
    return [
        record if copy == 0 else _again(record, copy)
        for record in records
        for copy in range(_copies(record, factors.get(str(record.metadata.get("task")), 1.0)))
    ]


def _copies(record: Record, factor: float) -> int:
    return int(factor + share(str(record.time_us), str(record.metadata.get("session_id"))))


def _again(record: Record, copy: int) -> Record:
    response = {**record.response}
    if "id" in response:
        response["id"] += f"-{copy}"
    return replace(record, time_us=record.time_us + copy * 3 * 3600 * SECOND, response=response)


def _events(scenarios: Iterable[Scenario], seed: int) -> Iterator[Event]:
    dice, session, clock = Dice(f"{seed}:times"), None, 0
    for scenario in scenarios:
        if scenario.popular:
            yield from _bursts(scenario, dice)
            continue
        continued = scenario.session is not None and scenario.session == session
        clock = clock + dice.between(35, 240) * SECOND if continued else _moment(scenario.task, dice)
        session = scenario.session
        yield Event(clock, scenario, 0)
        if dice.chance(REPEATED.get(scenario.task, 0.0)):
            yield Event(clock + dice.between(5, 5400) * SECOND, scenario, 1)


def _bursts(scenario: Scenario, dice: Dice) -> Iterator[Event]:
    """A question that many visitors have: several times a month, a few within the hour each time."""
    copy = 0
    for _ in range(dice.between(1, 2)):
        clock = _moment(scenario.task, dice)
        for _ in range(dice.pick((1, 1, 2, 2, 3, 4))):
            yield Event(clock, scenario, copy)
            clock, copy = clock + dice.between(20, 900) * SECOND, copy + 1


def _moment(task: str, dice: Dice) -> int:
    start = MONTH.weekday()
    day = dice.weighted([WEEKDAYS[(start + day) % 7] for day in range(DAYS)])
    hour = dice.weighted(HOURS.get(task, BY_DAY))
    seconds = (day * 24 + hour) * 3600 + dice.uniform(0, 3500)
    return int(MONTH.timestamp()) * SECOND + int(seconds * 1000) * 1000


def _records(events: Iterable[Event], answers: Answers) -> list[Record]:
    """Records of the events in order; a provider's prompt cache is remembered from one to the next."""
    dice, seen, records = Dice("records"), dict[str, tuple[int, int]](), list[Record]()
    for event in events:
        if dice.chance(0.024):
            records.append(_failed(event, dice))
        records.append(_answered(event, answers, seen, dice))
    return sorted(records, key=lambda record: record.time_us)


def _answered(event: Event, answers: Answers, seen: dict[str, tuple[int, int]], dice: Dice) -> Record:
    scenario, reply = event.scenario, answers.logged(event.scenario, event.copy).reply
    wire, metered = _wire(scenario, dice)
    request = _request(event, wire, metered)
    read = prompt_tokens(scenario.model, request["messages"], scenario.params)
    written = reply_tokens(scenario.model, reply)
    cached = min(_cached(event, request["messages"], seen), read)
    latency = latency_ms(scenario.model, read, written, scenario.id, str(event.time_us))
    done = (event.time_us + latency * 1000) // SECOND
    name = f"{int(share(scenario.id, str(event.time_us)) * 16**12):012x}"
    body = completion(name, done, DATED[scenario.model], reply, usage(read, written, cached))
    return Record(event.time_us, latency, 200, _metadata(event), request, body, wire, metered)


def _wire(scenario: Scenario, dice: Dice) -> tuple[Wire, bool]:
    if scenario.task != "support chat" or not dice.chance(0.18):
        return "whole", True
    return dice.pick(("chunks", "sse")), not (dice.chance(0.1) and scenario.good.text)


def _failed(event: Event, dice: Dice) -> Record:
    """The attempt that failed just before the one that was answered."""
    status, message, kind, code = dice.pick(FAILURES)
    request = _request(event, "whole", True)
    if status == 400:
        request["max_tokens"] = 0
    body = failure(status, message.format(model=request["model"]), kind, code)
    before = event.time_us - dice.between(900, 6000) * 1000
    return Record(before, dice.between(40, 700), status, _metadata(event), request, body)


def _request(event: Event, wire: Wire, metered: bool) -> dict[str, Any]:
    scenario = event.scenario
    request: dict[str, Any] = {"model": scenario.model, "messages": _timed(event), **scenario.params}
    if wire != "whole":
        request["stream"] = True
        if metered:
            request["stream_options"] = {"include_usage": True}
    if scenario.session is not None or "tools" in scenario.params:
        request["user"] = f"u-{int(share(scenario.session or scenario.id) * 900_000) + 100_000}"
    return request


def _timed(event: Event) -> list[dict[str, Any]]:
    now = datetime.fromtimestamp(event.time_us // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    first, *rest = event.scenario.messages
    return [{**first, "content": first["content"].replace("{now}", now)}, *map(dict, rest)]


def _metadata(event: Event) -> dict[str, Any]:
    scenario = event.scenario
    channels = CHANNELS.get(scenario.task, ("internal",))
    metadata: dict[str, Any] = {"task": scenario.task} if scenario.tagged else {}
    metadata["channel"] = channels[int(share(scenario.id) * len(channels))]
    if scenario.session is not None:
        metadata["session_id"] = scenario.session
    return metadata if scenario.expected is None else {**metadata, "expected": scenario.expected}


def _cached(event: Event, messages: Sequence[Mapping[str, Any]], seen: dict[str, tuple[int, int]]) -> int:
    """Tokens that the provider's prompt cache served: the longest prefix of messages that was sent a while ago."""
    prefix, tokens, hit = "", 0, 0
    for message in messages:
        prefix = f"{prefix}\x1f{message['content']}"
        tokens += text_tokens(message["content"])
        if event.time_us - seen.get(prefix, (-CACHE_LIFETIME - 1, 0))[0] <= CACHE_LIFETIME:
            hit = tokens
        seen[prefix] = (event.time_us, tokens)
    return cacheable_tokens(hit)
