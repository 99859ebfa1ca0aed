"""What every translation of a provider's own interface into chat completions needs, both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from llmcost.answers import Usage
from llmcost.calls import BodyState, Call
from llmcost.logs.answers import answer_of
from llmcost.logs.exchange import Exchange, call_of, error_of
from llmcost.logs.model import NotACall, ReadOptions, Record
from llmcost.logs.values import instant_us, text

Chat = dict[str, Any]

ODD_TYPES = (TypeError, ValueError, LookupError, AttributeError)


class Untranslatable(Exception):  # noqa: N818 - a finding about a request, not a failure of the program
    """Raised for a request that chat completions cannot ask; carries the state of its body."""

    def __init__(self, state: BodyState = "unsupported") -> None:
        super().__init__(state)
        self.state: BodyState = state


def known(values: Iterable[tuple[str, Any]]) -> Chat:
    """The pairs that say something, as an object."""
    return {key: value for key, value in values if value is not None}


def text_or_parts(parts: Sequence[Chat], *, always_text: bool = False) -> Any:
    """Content of a message: text if it is one text part (or text parts only, with `always_text`), else the parts."""
    texts = [part["text"] for part in parts if part["type"] == "text"]
    if len(texts) == len(parts) and (always_text or len(parts) <= 1):
        return "".join(texts)
    return list(parts)


def tool_call(identity: Any, name: Any, arguments: Any) -> Chat:
    """A tool call with its arguments as JSON text."""
    written = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments or {}).decode()
    return known([("id", identity), ("type", "function"), ("function", {"name": name, "arguments": written})])


def assistant_message(texts: Sequence[str], calls: Sequence[Chat]) -> Chat:
    """What an assistant said and called."""
    message: Chat = {"role": "assistant", "content": "".join(texts) if texts else None}
    return {**message, "tool_calls": list(calls)} if calls else message


def answer_body(message: Chat | None, finish_reason: Any, usage: Usage, facts: Mapping[str, Any]) -> Chat:
    """A chat completion that says the same; `facts` are its other fields, such as model and error."""
    body = known(facts.items())
    if message is not None:
        body["choices"] = [{"index": 0, "message": message, "finish_reason": finish_reason}]
    if usage != Usage():
        body["usage"] = _usage_block(usage)
    return body


def translated_call(
    record: Record,
    request: Mapping[str, Any] | None,
    to_chat: Callable[[Mapping[str, Any]], Chat],
    response: Mapping[str, Any],
    tags: Mapping[str, str],
    options: ReadOptions,
    facts: Mapping[str, Any] | None = None,
) -> Call:
    """The call of a request in another interface and its response, translated already; bodies as chat has them."""
    state: BodyState = "unsupported"
    try:
        chat = None if request is None else to_chat(request)
        return call_of(record, Exchange(chat, response), tags, options, facts)
    except Untranslatable as reason:
        state = reason.state
    except ODD_TYPES:  # what it cost is known all the same
        pass
    asked = {key: request[key] for key in ("model", "stream") if request and key in request}
    return replace(call_of(record, Exchange(asked, response), tags, options, facts), request=None, body_state=state)


def fragment_of(
    record: Record,
    exchange: Exchange,
    tags: Mapping[str, str],
    options: ReadOptions,
    facts: Mapping[str, Any],
) -> Call:
    """The call of a record that is a part of one, and so may name no model: what it does say."""
    try:
        return call_of(record, exchange, tags, options, facts)
    except NotACall:
        error = error_of(exchange.response if isinstance(exchange.response, dict) else {}, facts)
        return Call(
            id=text(facts.get("id")),
            start_time_us=instant_us(facts.get("start")),
            service_tier=text(facts.get("service_tier")),
            error_type=error,
            answer=None if error else answer_of(exchange.response),
            body_state="absent",
        )


def _usage_block(usage: Usage) -> Chat:
    return known(
        [
            ("prompt_tokens", usage.input_tokens),
            ("completion_tokens", usage.output_tokens),
            ("prompt_tokens_details", known([("cached_tokens", usage.cache_read_tokens),
                                             ("cache_write_tokens", usage.cache_write_tokens)])),
            ("completion_tokens_details", known([("reasoning_tokens", usage.reasoning_tokens)])),
            ("cache_creation", known([("ephemeral_1h_input_tokens", usage.cache_write_1h_tokens)])),
        ]
    )  # fmt: skip
