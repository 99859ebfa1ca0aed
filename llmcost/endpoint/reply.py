"""One HTTP response → what it means for the request: answered, rejected, try again, or stop the whole run."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from msgspec.json import encode

from llmcost.endpoint import parse, sse
from llmcost.endpoint.messages import Completion
from llmcost.endpoint.secret import Secret

Meaning = Literal["answered", "rejected", "again", "stop"]

LONGEST_ERROR = 300
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
}
OVERLOAD = frozenset({429, 503, 529})
# The gateway gave up on a model that may have gone on, and may be billed. Other errors are not billed by anybody.
PERHAPS_BILLED = frozenset({502, 504, 524})
HOPELESS = frozenset({"insufficient_quota", "billing_hard_limit_reached", "model_not_found", "invalid_model"})
FILTERED = frozenset(
    {"content_filter", "content_policy_violation", "moderation_blocked", "responsibleaipolicyviolation"}
)


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
    if not 200 <= status < 300:
        return _refused(model, status, headers, key.scrub_bytes(content), key)
    try:
        body = _body(headers, key.scrub_bytes(content))
        if body.get("error") and not body.get("choices"):
            return _refused(model, _code_of(body["error"]), headers, encode({"error": body["error"]}), key)
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


def _refused(model: str, status: int, headers: Mapping[str, str], content: bytes, key: Secret) -> Reply:
    code, message = _error_of(content)
    problem = key.scrub(f"{status} {code + ': ' if code else ''}{message}".strip())[:LONGEST_ERROR]
    meaning = _meaning(status, code.lower())
    return Reply(
        meaning,
        Completion(model, "rejected", error=problem) if meaning == "rejected" else None,
        problem,
        status,
        retry_after_s=retry_after(headers.get("retry-after"), headers.get("date")),
        overload=status in OVERLOAD,
        perhaps_billed=status in PERHAPS_BILLED,
    )


def _meaning(status: int, code: str) -> Meaning:
    if code in HOPELESS:
        return "stop"
    if code in FILTERED:
        return "rejected"
    return MEANINGS.get(status, "again" if status >= 500 else "stop")


def _error_of(content: bytes) -> tuple[str, str]:
    """Code and message of an error body in any of the usual shapes; the beginning of the text where it has none."""
    try:
        body = parse.decode(content)
    except (ValueError, RecursionError):
        body = None
    error = body.get("error", body) if isinstance(body, dict) else None
    if isinstance(error, dict):
        message = error.get("message") or error.get("detail") or error.get("msg") or ""
        return _line(error.get("code") or error.get("type") or ""), _line(message)
    return "", _line(error if isinstance(error, str) else content[:LONGEST_ERROR].decode("utf-8", "replace"))


def _line(value: Any) -> str:
    """One printable line: an error text may hold anything, terminal escapes included."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in str(value)).split())


def _code_of(error: Any) -> int:
    """The status that an error inside a 200 stands for: some gateways put it there; 502 if it does not say."""
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 502


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
