"""One HTTP response → what it means for the request: answered, rejected, try again, or stop the whole run."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from msgspec.json import encode

from llmcost.endpoint import parse, sse
from llmcost.endpoint.messages import Completion
from llmcost.endpoint.secret import Secret

Meaning = Literal["answered", "rejected", "again", "stop"]

LONGEST_ERROR = 300
LONGEST_READ = 4_000  # characters of an error text that are looked at
LONGEST_WAIT_S = 60.0
RECORDED_LATENCY = "x-llmcost-recorded-latency-ms"

MEANINGS: Mapping[int, Meaning] = {
    400: "rejected",
    413: "rejected",
    422: "rejected",
    408: "again",
    409: "again",
    425: "again",
    429: "again",
    498: "again",  # Groq: no capacity at the moment
    499: "again",  # a gateway's own client hung up
}
OVERLOAD = frozenset({429, 498, 503, 529})
# The gateway gave up on a model that may have gone on, and may be billed. Other errors are not billed by anybody.
PERHAPS_BILLED = frozenset({502, 504, 524})
# What providers call an error, whatever the HTTP status. In order: the first that is found.
WORDS: tuple[tuple[frozenset[str], Meaning], ...] = (
    (
        frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "account_deactivated"})
        | frozenset({"model_not_found", "invalid_model", "model_decommissioned", "deploymentnotfound"})
        | frozenset({"invalid_api_key", "api_key_invalid", "authentication_error"}),
        "stop",
    ),
    (
        frozenset({"content_filter", "content_policy_violation", "moderation_blocked", "responsibleaipolicyviolation"}),
        "rejected",
    ),
    (frozenset({"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"}), "rejected"),
    (frozenset({"rate_limit_exceeded", "rate_limit_error", "overloaded_error"}), "again"),
)
# What some providers answer with a 400, by the words that the message begins with → the status that it stands for. Left
# a 400, an empty account would count as the candidate's loss, prompt by prompt.
MISTAKEN_400: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile("your credit balance is too low", re.IGNORECASE), 402),
    (re.compile("api key (not valid|expired|not found)|incorrect api key", re.IGNORECASE), 401),
)
# Inside a 200: the status that a kind of error stands for, where the error names no number. Else 502: it broke off.
KINDS: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "overloaded_error": 529,
}
A_PAGE = "a page of HTML"  # what a proxy says, where an API would say JSON
MODERATED = "content_filter"  # the word for a refusal that has none, but shows what was flagged


@dataclass(frozen=True, slots=True)
class Reply:
    """What one attempt came to.

    completion     of an answered or rejected request
    problem        what went wrong, fit to be printed
    overload       the endpoint is too busy: send less
    perhaps_billed the provider may have done the work and may charge for it, though there is no answer
    """

    meaning: Meaning
    completion: Completion | None = None
    problem: str = ""
    status: int | None = None
    retry_after_s: float | None = None
    overload: bool = False
    perhaps_billed: bool = False
    unconnected: bool = False


def read(model: str, status: int, headers: Mapping[str, str], content: bytes, latency_ms: float, key: Secret) -> Reply:
    """The meaning of a response to a request for `model`; `headers` finds names in any case."""
    content = key.scrub_bytes(content)
    if not 200 <= status < 300:
        return _refused(model, status, headers, content, key)
    try:
        body = _body(headers, content)
        if (error := parse.error_of(body)) is not None:
            return _failed_inside(model, error, parse.has_begun(body), headers, key)
        completion = Completion(
            model=model,
            status="answered",
            answer=parse.answer_of(body),
            usage=parse.usage_of(body),
            latency_ms=_recorded(headers.get(RECORDED_LATENCY), latency_ms),
            served_model=parse.served_model(body),
            first_token=parse.first_token_of(body),
        )
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return Reply("again", problem="the reply is not a chat completion", status=status, perhaps_billed=True)
    return Reply("answered", completion, status=status)


def _body(headers: Mapping[str, str], content: bytes) -> dict[str, Any]:
    stream = sse.is_stream(headers.get("content-type", ""), content)
    body = sse.assemble(content) if stream else parse.decode(content)
    if not isinstance(body, dict):
        raise ValueError("not an object")
    return body


def _failed_inside(model: str, error: Any, begun: bool, headers: Mapping[str, str], key: Secret) -> Reply:
    """An error inside a 200: whatever it says, it may be charged if an answer had `begun`, or if it just broke off."""
    status = _status_inside(error)
    reply = _refused(model, status, headers, encode({"error": error}), key)
    return replace(reply, perhaps_billed=begun or (reply.meaning == "again" and status not in OVERLOAD))


def _refused(model: str, status: int, headers: Mapping[str, str], content: bytes, key: Secret) -> Reply:
    words, message = _error_of(content)
    code = next((f"{word}: " for word in words if not word.isdigit()), "")
    problem = key.scrub(f"{status} {code}{message}".strip())[:LONGEST_ERROR]
    if status == 400:
        status = next((meant for words_of, meant in MISTAKEN_400 if words_of.match(message)), status)
    wait_s = retry_after(headers.get("retry-after"), headers.get("date"))
    meaning = _meaning(status, {word.lower() for word in words}, wait_s)
    if meaning == "rejected" and message == A_PAGE:  # a proxy in between: no model was asked
        meaning = "again"
    return Reply(
        meaning,
        Completion(model, "rejected", error=problem) if meaning == "rejected" else None,
        problem,
        status,
        retry_after_s=wait_s,
        overload=meaning == "again" and (status in OVERLOAD or status == 413),
        perhaps_billed=status in PERHAPS_BILLED,
    )


def _meaning(status: int, words: Set[str], wait_s: float | None) -> Meaning:
    named = next((meaning for known, meaning in WORDS if known & words), None)
    if named is None and status == 402 and wait_s:  # OpenRouter: what is in flight has taken up the credit for now
        return "again"
    return named or MEANINGS.get(status, "again" if status >= 500 else "stop")


def _error_of(content: bytes) -> tuple[list[str], str]:
    """What an error body calls its error, most telling first, and its message, in any of the usual shapes.

    The beginning of the text where it has none of them.
    """
    try:
        body = parse.decode(content)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, list) and body:  # Gemini
        body = body[0]
    error = body.get("error", body) if isinstance(body, dict) else None
    if isinstance(error, dict):
        message = error.get("message") or error.get("detail") or error.get("msg") or ""
        return _words(error), _line(message)
    if content[:LONGEST_ERROR].lstrip().startswith(b"<"):
        return [], A_PAGE
    return [], _line(error if isinstance(error, str) else content[:LONGEST_ERROR].decode("utf-8", "replace"))


def _words(error: Mapping[str, Any]) -> list[str]:
    inner, metadata = (error.get(name) for name in ("innererror", "metadata"))
    flagged = isinstance(metadata, dict) and {"flagged_input", "reasons"} & metadata.keys()
    found = [error.get(name) for name in ("code", "type", "status")]
    found += [inner.get("code") if isinstance(inner, dict) else None, MODERATED if flagged else None]
    return [_line(word) for word in found if word]


def _line(value: Any) -> str:
    """One printable line: an error text may hold anything, terminal escapes included, and be of any length."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in str(value)[:LONGEST_READ]).split())


def _status_inside(error: Any) -> int:
    """The status that an error inside a 200 stands for: some gateways put it there; 502 if it does not say."""
    words = _words(error) if isinstance(error, dict) else []
    numbers = (int(word) for word in words if word.isascii() and word.isdigit() and len(word) == 3)
    number = next((number for number in numbers if 400 <= number < 600), None)
    return number or next((KINDS[word] for word in words if word in KINDS), 502)


def _recorded(header: str | None, measured_ms: float) -> float:
    """The latency that a recorded endpoint says the model once took; else what was measured here."""
    try:
        recorded = float(header) if header is not None else measured_ms
    except ValueError:
        return measured_ms
    return recorded if math.isfinite(recorded) and recorded >= 0 else measured_ms


def retry_after(value: str | None, now: str | None) -> float | None:
    """Seconds to wait, at most `LONGEST_WAIT_S`: given as seconds, or as a date relative to the server's own `now`."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value, now)
    return min(seconds, LONGEST_WAIT_S) if math.isfinite(seconds) and seconds > 0 else None


def _until(date: str, now: str | None) -> float:
    try:
        then = _utc(date)
        return (then - (_utc(now) if now else datetime.datetime.now(datetime.UTC))).total_seconds()
    except (ValueError, TypeError):
        return math.nan


def _utc(date: str) -> datetime.datetime:
    moment = parsedate_to_datetime(date)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
