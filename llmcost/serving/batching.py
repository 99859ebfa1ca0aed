"""Batching: several requests of one template in one question, so that what they share is sent and billed once.

Requests become items of a JSON array, and answers come back by id, never by position: an answer that is blank, doubled,
torn or left out costs its own item another question, alone, and does not move the others. What cannot be seen here is a
model that puts a sound answer under another item's id. That is for the replay to find, which grades the answers of a
batch one by one, as it grades any other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from llmcost.answers import Answer
from llmcost.endpoint.messages import ChatRequest, Completion
from llmcost.serving.batch_prompt import (
    Form,
    Item,
    batch_text,
    ladder,
    read_batch_prompt,
    read_reply,
    text_of,
    write_batch,
)
from llmcost.serving.plan import Tier
from llmcost.serving.steps import Attempt, Question, Served, Steps, gather, waited
from llmcost.serving.tiers import ask_tier, for_tier
from llmcost.serving.translation import LEFT_BEHIND

__all__ = ["Item", "KnownForms", "batch_text", "batched", "batches", "read_batch_prompt", "template_key"]

LIMITS = ("max_completion_tokens", "max_tokens")
OVERHEAD_TOKENS = 32  # an item's id, keys and brackets in the reply
ESCAPING = 1.25  # a text grows when it becomes a JSON string: quotes and line breaks take two characters

# Parameters that act on a reply as a whole, or add to it, with the value at which they do nothing: with any other, a
# request is asked alone. A stop sequence would end the batch in its first answer, a penalty would punish the ids.
WHOLE_REPLY: Mapping[str, Any] = {
    "tools": [],
    "functions": [],
    "web_search_options": None,
    "modalities": ["text"],
    "audio": None,
    "n": 1,
    "best_of": 1,
    "logprobs": False,
    "top_logprobs": 0,
    "logit_bias": {},
    "stop": [],
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "repetition_penalty": 1,
    "guided_json": None,
    "guided_choice": None,
    "guided_regex": None,
    "guided_grammar": None,
    "structured_outputs": None,
    "grammar": None,
}


def template_key(request: ChatRequest) -> bytes | None:
    """What is equal for requests that can share a question, in 32 bytes; None if this one must be asked alone.

    It covers the messages before the user's, the form demanded and every other parameter but the model, the limit of
    tokens and what translation leaves behind (who asks, and how the answer travels).
    """
    parts = _parts(request.body)
    return ChatRequest(parts[0], request.replicate).key("") if parts else None


def batches(requests: Sequence[ChatRequest], items: int) -> list[list[int]]:
    """The places of the requests that are asked together: of one template, in order, at most `items` each.

    Batches are in the order of their first requests. Raises ValueError if they may not hold even one.
    """
    if items < 1:
        raise ValueError("a batch holds at least one item")
    found = list[list[int]]()
    filling: dict[bytes, list[int]] = {}
    for place, key in enumerate(map(template_key, requests)):
        if key is not None and len(filling.get(key, ())) % items:
            filling[key].append(place)
            continue
        found.append([place])
        if key is not None:
            filling[key] = found[-1]
    return found


class KnownForms:
    """The form of reply that each model was found to take: one object for all batches, so that none asks in vain."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, Form], Form] = {}

    def to_try(self, model: str, forms: Sequence[Form]) -> Sequence[Form]:
        """The one of these forms that the model takes, if that is known; else all, strictest first."""
        taken = self._taken.get((model, forms[0]))
        return forms if taken is None else [taken]

    def take(self, model: str, forms: Sequence[Form], form: Form) -> None:
        """Remember that the model answered a question of this form."""
        self._taken[model, forms[0]] = form


def batched(requests: Sequence[ChatRequest], tier: Tier, known: KnownForms | None = None) -> Steps[list[Served]]:
    """The answers to requests of one template, asked in one question; in the order of the requests.

    Items without a sound answer are asked alone, all in one further round; so is every item if the batch came to
    nothing. A request bears an equal share of the batch and all of its own second asking. The answers are given out
    together, so each waits for both rounds. Raises ValueError if the requests are not of one template.
    """
    if len(requests) <= 1:
        return (yield from gather([ask_tier(request, tier) for request in requests]))
    shared, inputs = _common(requests)
    asked = yield from _ask(requests, tier, known or KnownForms())
    answer = asked[-1].completion.answer
    answers = read_reply((answer.text if answer else None) or "", shared, inputs)
    missing = [place for place, answer in enumerate(answers) if answer is None]
    alone = yield from gather([ask_tier(requests[place], tier) for place in missing])
    again = dict(zip(missing, alone, strict=True))
    wait = _both(waited([[attempt.completion] for attempt in asked]), alone)
    return [_served(answer, asked, again.get(place), wait) for place, answer in enumerate(answers)]


def _served(text: str | None, asked: Sequence[Attempt], alone: Served | None, wait: float | None) -> Served:
    """What became of an item: how it was answered alone, or else its answer in the batch.

    Which of the batch's tokens are this item's nobody knows: its usage is unknown, and what it costs is its share.
    """
    if alone is not None:
        return Served(alone.completion, (*asked, *alone.attempts), wait)
    batch = asked[-1].completion
    answer = Answer(text, finish_reason="stop")
    completion = Completion(
        batch.model, "answered", answer, latency_ms=batch.latency_ms, served_model=batch.served_model
    )
    return Served(completion, tuple(asked), wait)


def _both(batch_ms: float | None, alone: Sequence[Served]) -> float | None:
    """Milliseconds of the batch and of the round after it, if there was one; None: not known of one of them."""
    again = [served.latency_ms for served in alone if served.latency_ms is not None]
    return None if batch_ms is None or len(again) < len(alone) else batch_ms + max(again, default=0.0)


def _parts(body: Mapping[str, Any]) -> tuple[dict[str, Any], str] | None:
    """What a request has in common with others (as messages: those before the user's), and its own text."""
    if any(body.get(name) not in (None, idle) for name, idle in WHOLE_REPLY.items()) or _kind(body) not in KINDS:
        return None
    match body.get("messages"):
        case [*before, {"role": "user", "content": content, **more}] if not _said(more) and all(map(_opens, before)):
            text = text_of(content)
        case _:
            return None
    if text is None or not text.strip():
        return None
    own = {"model", *LIMITS, *WHOLE_REPLY, *LEFT_BEHIND}
    shared = {name: value for name, value in body.items() if name not in own and value is not None}
    return {**shared, "messages": before}, text


KINDS = ("text", "json_object", "json_schema")


def _kind(body: Mapping[str, Any]) -> Any:
    form = body.get("response_format") or {"type": "text"}
    return form.get("type") if isinstance(form, Mapping) else None


def _said(more: Mapping[object, Any]) -> bool:
    """Whether a message says more than its text: the name of who speaks, say."""
    return any(value is not None for value in more.values())


def _opens(message: Any) -> bool:
    """Whether this is a message of the template: instructions, in text."""
    instructs = isinstance(message, Mapping) and message.get("role") in ("system", "developer")
    return instructs and text_of(message.get("content")) is not None


def _common(requests: Sequence[ChatRequest]) -> tuple[dict[str, Any], list[str]]:
    """What these requests have in common, and the text of each."""
    parts = [parts for request in requests if (parts := _parts(request.body))]
    if len(parts) < len(requests) or len(set(map(template_key, requests))) > 1:
        raise ValueError("only requests of one template are asked together: see template_key")
    return parts[0][0], [text for _, text in parts]


def _ask(requests: Sequence[ChatRequest], tier: Tier, known: KnownForms) -> Steps[list[Attempt]]:
    """The batch asked in one form after the other, until one is not rejected: the last attempt is what came of it.

    A batch that is rejected in a form that the model is known to take is rejected for what it holds.
    """
    forms, asked = ladder(_common(requests)[0]), list[Attempt]()
    for form in known.to_try(tier.model, forms):
        question = _question(requests, form, tier)
        if any(question == attempt.request for attempt in asked):
            continue  # the tier sets the response_format by itself
        [completion] = yield [Question("answer", question)]
        asked.append(Attempt("answer", question, completion, share=1 / len(requests)))
        if completion.status == "answered":
            known.take(tier.model, forms, form)
        if completion.status != "rejected":
            break
    return asked


def _question(requests: Sequence[ChatRequest], form: Form, tier: Tier) -> ChatRequest:
    body = {**write_batch(*_common(requests), form), **_limit(requests, tier)}
    params = {name: value for name, value in tier.params.items() if name not in LIMITS}  # they limit one answer
    return for_tier(ChatRequest(body, requests[0].replicate), msgspec.structs.replace(tier, params=params))


def _limit(requests: Sequence[ChatRequest], tier: Tier) -> dict[str, int]:
    """A limit of tokens with room for all that the requests may take at this tier; none if one of them has none."""
    bodies = [for_tier(request, tier).body for request in requests]
    limits = [{name: body[name] for name in LIMITS if isinstance(body.get(name), int)} for body in bodies]
    if not all(limits):
        return {}
    total = sum(max(limit.values()) for limit in limits)
    return {next(iter(limits[0])): math.ceil(total * ESCAPING) + OVERHEAD_TOKENS * len(requests)}
