"""Everything that an endpoint can do to a request, and what has to come of it: one table of data.

`support.fault_run` tries them out.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from support.loopback import Reply, error

Status = Literal["answered", "rejected", "unreachable", "stop"]
Place = Literal["nobody", "no name", "self-signed", "expired", "wrong host", "valid", "plain at TLS", "TLS at plain"]

NOTHING = "nothing"
ANSWER = "the answer"
THRICE = "3 × the worst case"
WORST = "the worst case"
USAGE = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
PAGE = b"<!doctype html><html><body><h1>Something went wrong</h1></body></html>"
BROKEN = "the reply is not a chat completion"
OK = '"ok", 10 + 2 tokens'
UNKNOWN = '"ok", tokens unknown'
ELSEWHERE = "http://elsewhere"  # stands for the address of another server on this machine
LARGE = 64_000_001
MEGABYTE = 1 << 20
PATIENT_S = 30.0


@dataclass(frozen=True)
class Fault:
    """One thing that an endpoint does, for as long as it is asked, and what has to come of it.

    does      what the server does with each request; or the place of a server that speaks no HTTP with us
    seen      what the client reports of it: the answer, or the error
    attempts  how often the request is sent where two retries are allowed
    money     what the budget counts
    verdict   what it means for the candidate
    timeout_s after which an attempt is given up; long where nothing has to be waited for
    model     that is asked
    """

    group: str
    name: str
    does: Reply | Place
    status: Status
    seen: str
    attempts: int = 1
    money: str = NOTHING
    verdict: str = ""
    timeout_s: float = PATIENT_S
    model: str = "m"

    @property
    def title(self) -> str:
        """What it is called among all."""
        return f"{self.group}: {self.name}"

    @property
    def passes(self) -> bool:
        """Whether a second attempt could find an answer."""
        return self.status == "unreachable" and self.attempts > 1 and isinstance(self.does, Reply)


LEFT_OUT = "left out, reported"
LOST = "its own loss"
STOPS = "none: the run stops"
GRADED = "graded"


def _again(group: str, name: str, does: Reply, seen: str, money: str = THRICE, timeout_s: float = PATIENT_S) -> Fault:
    """What may pass: tried again, then nobody's answer."""
    return Fault(group, name, does, "unreachable", seen, 3, money, LEFT_OUT, timeout_s)


def _own(group: str, name: str, does: Reply, seen: str) -> Fault:
    """A request that the model does not take."""
    return Fault(group, name, does, "rejected", seen, verdict=f"{LOST}: rejected")


def _failed(group: str, name: str, does: Reply, seen: str, why: str) -> Fault:
    """An answer that is none of any use."""
    return Fault(group, name, does, "answered", seen, 1, ANSWER, f"{LOST}: {why}")


def _fine(group: str, name: str, does: Reply, seen: str = OK, money: str = ANSWER) -> Fault:
    """An answer, however it came."""
    return Fault(group, name, does, "answered", seen, 1, money, GRADED)


def _stop(group: str, name: str, does: Reply, seen: str) -> Fault:
    """What no request can survive."""
    return Fault(group, name, does, "stop", f"ENDPOINT refused model m: {seen}", verdict=STOPS)


def _unmet(group: str, name: str, place: Place, seen: str) -> Fault:
    """Nobody to be asked: nothing was sent."""
    return Fault(group, name, place, "stop", f"no answer from ENDPOINT ({seen})", 3, NOTHING, STOPS)


def completion(content: Any = "ok", finish_reason: str | None = "stop", **more: Any) -> dict[str, Any]:
    """A chat completion, with what is asked for in the place of what is usual."""
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return {"id": "cmpl-1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": USAGE, **more}


def _json(body: Any, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, raw=json.dumps(body).encode(), headers=named)


def _html(status: int) -> Reply:
    return Reply(status=status, raw=PAGE, headers={"content-type": "text/html; charset=utf-8"})


def _events(*chunks: Any, done: bool = True) -> Reply:
    lines = [chunk if isinstance(chunk, str) else f"data: {json.dumps(chunk)}" for chunk in chunks]
    raw = "".join(f"{line}\n\n" for line in [*lines, *(["data: [DONE]"] if done else [])])
    return Reply(raw=raw.encode(), headers={"content-type": "text/event-stream"})


def _delta(content: str | None = None, finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if content is None else {"content": content}
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}], **more}


def _usage(**usage: Any) -> Reply:
    return _json(completion(usage=USAGE | usage))


def _packed(packed: bytes, encoding: str) -> Reply:
    return Reply(raw=packed, headers={"content-encoding": encoding})


def _wire(head: str, body: bytes = b"", after: Any = "close") -> Reply:
    return Reply(wire=head.replace("\n", "\r\n").encode() + body, after=after)


def _deflated(content: bytes, window: int) -> bytes:
    packing = zlib.compressobj(wbits=window)
    return packing.compress(content) + packing.flush()


def _bomb() -> bytes:
    """A gigabyte of nothing, deflated: one block of a megabyte again and again."""
    packing = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    block = packing.compress(bytes(MEGABYTE)) + packing.flush(zlib.Z_FULL_FLUSH)
    return block * 1024


GZIP = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
GOOD = json.dumps(completion()).encode()
HEAD = f"HTTP/1.1 200 OK\ncontent-type: application/json\ncontent-length: {len(GOOD)}\n\n"
DATES = {"date": "Tue, 01 Jul 2025 10:00:00 GMT", "retry_after": "Tue, 01 Jul 2025 10:00:09 GMT"}
HALF = GOOD[: len(GOOD) // 2]


def busy() -> Iterator[Fault]:
    group = "Too busy"
    wait: dict[str, dict[str, str]] = {
        "no Retry-After": {},
        "Retry-After in seconds": {"retry_after": "0.02"},
        "Retry-After as a date": DATES,
        "Retry-After of 30 years": {"retry_after": "1000000000"},
        "Retry-After of −5 s": {"retry_after": "-5"},
        'Retry-After "soon"': {"retry_after": "soon"},
    }
    for name, headers in wait.items():
        yield _again(group, f"429, {name}", error(429, "slow down", **headers), "429 error: slow down", NOTHING)
    yield _again(group, "503 with Retry-After", error(503, "busy", retry_after="0.02"), "503 error: busy", NOTHING)
    yield _again(group, "529 overloaded_error", _anthropic(529, "overloaded_error", "Overloaded"),
                 "529 overloaded_error: Overloaded", NOTHING)  # fmt: skip
    yield _again(group, "498, no capacity", error(498, "full", "capacity_exceeded"), "498 capacity_exceeded: full",
                 NOTHING)  # fmt: skip
    yield _again(group, "413 that is a rate limit", error(413, "on tokens per minute", "rate_limit_exceeded"),
                 "413 rate_limit_exceeded: on tokens per minute", NOTHING)  # fmt: skip
    yield _again(group, "402 with Retry-After", error(402, "in flight", retry_after="0.02"), "402 error: in flight",
                 NOTHING)  # fmt: skip


def broken() -> Iterator[Fault]:
    group = "Broken service"
    yield _again(group, "500", error(500, "internal"), "500 error: internal", NOTHING)
    yield _again(group, "500, empty", Reply(status=500, raw=b""), "500", NOTHING)
    for status, money in (
        (500, NOTHING),
        (502, THRICE),
        (503, NOTHING),
        (504, THRICE),
        (524, THRICE),
        (400, NOTHING),
        (413, NOTHING),
    ):
        yield _again(group, f"{status} with a page of HTML", _html(status), f"{status} a page of HTML", money)


def _anthropic(status: int, kind: str, message: str) -> Reply:
    return _json({"type": "error", "error": {"type": kind, "message": message}}, status)


def mangled() -> Iterator[Fault]:
    group = "No answer in the reply"
    long = f"HTTP/1.1 200 OK\ncontent-type: application/json\ncontent-length: {len(GOOD)}\n\n"
    for name, does in {
        "malformed JSON": Reply(raw=GOOD.replace(b":", b"=", 3)),
        "truncated JSON, its length right": Reply(raw=HALF),
        "empty body": Reply(raw=b""),
        "204": Reply(status=204, raw=b""),
        "a page of HTML in a 200": _html(200),
        "a JSON list": _json([completion()]),
        "JSON nested 100,000 deep": Reply(raw=b"[" * 100_000),
        "no choices at all": _json({"id": "cmpl-1", "usage": USAGE}),
        "choices: []": _json(completion(choices=[])),
        "choices: null": _json(completion(choices=None)),
        "choices: [null]": _json(completion(choices=[None])),
        "a choice without a message": _json(completion(choices=[{"index": 0, "text": "ok"}])),
    }.items():
        yield _again(group, name, does, BROKEN)
    yield _again(group, "truncated JSON, its length wrong", _wire(long, HALF), "the reply broke off")
    yield _failed(group, "content null, no tool calls", _json(completion(None)), "null, 10 + 2 tokens", "empty")
    yield _fine(group, "content as parts", _json(completion([{"type": "text", "text": "ok"}, {"type": "odd"}])))
    yield _fine(group, "duplicate keys: the last one counts", Reply(raw=b'{"choices":[{"message":null}],' + GOOD[1:]))
    yield _fine(group, "a byte-order mark", Reply(raw=b"\xef\xbb\xbf" + GOOD))
    yield _fine(group, "invalid UTF-8", Reply(raw=GOOD.replace(b'"ok"', b'"ok\xff"')), '"ok\ufffd", 10 + 2 tokens')
    yield _fine(
        group, "a lone surrogate", Reply(raw=GOOD.replace(b'"ok"', b'"ok\\ud800"')), '"ok\ufffd", 10 + 2 tokens'
    )
    yield _fine(group, "the id of another reply", _json(completion(id="cmpl-of-somebody-else")))


def own() -> Iterator[Fault]:
    group = "The candidate's own failure"
    refusal = completion()
    refusal["choices"][0]["message"] = {"role": "assistant", "content": None, "refusal": "I cannot help with that"}
    filtered = {"hate": {"filtered": True, "severity": "high"}}
    azure = {"message": "filtered", "code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"}}
    flagged = {"code": 403, "message": "flagged", "metadata": {"reasons": ["violence"], "flagged_input": "…"}}
    yield _failed(group, "a refusal", _json(refusal), "null, 10 + 2 tokens", "refused")
    yield _failed(group, "finish_reason length", _json(completion(finish_reason="length")), OK, "cut off")
    yield _failed(group, "finish_reason content_filter", _json(completion("", "content_filter")),
                  '"", 10 + 2 tokens', "refused")  # fmt: skip
    yield _failed(group, "finish_reason SAFETY (Gemini)", _json(completion(None, "SAFETY")),
                  "null, 10 + 2 tokens", "refused")  # fmt: skip
    yield _failed(group, "the prompt filtered in a 200 (Azure)", _json(completion(choices=[], prompt_filter_results=[
        {"prompt_index": 0, "content_filter_results": filtered}])), "null, 10 + 2 tokens", "refused")  # fmt: skip
    yield _own(group, "400 content_filter", error(400, "flagged", "content_filter"), "400 content_filter: flagged")
    yield _own(group, "400 content_filter (Azure)", _json({"error": azure}, 400), "400 content_filter: filtered")
    yield _own(group, "403 moderation (OpenRouter)", _json({"error": flagged}, 403), "403 content_filter: flagged")
    openai = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
    yield _own(group, "context too long (OpenAI, Azure)", error(400, openai, "context_length_exceeded"),
               f"400 context_length_exceeded: {openai}")  # fmt: skip
    yield _own(group, "context too long (Anthropic)",
               _anthropic(400, "invalid_request_error", "prompt is too long: 9000 tokens > 8192 maximum"),
               "400 invalid_request_error: prompt is too long: 9000 tokens > 8192 maximum")  # fmt: skip
    yield _own(group, "context too long (vLLM)",
               _json({"object": "error", "message": openai, "type": "BadRequestError", "code": 400}, 400),
               f"400 BadRequestError: {openai}")  # fmt: skip
    yield _own(group, "context too long (llama.cpp)",
               _json({"error": {"code": 500, "message": "too long", "type": "exceed_context_size_error"}}, 500),
               "500 exceed_context_size_error: too long")  # fmt: skip
    yield _own(group, "413", error(413, "too large"), "413 error: too large")
    yield _own(group, "422", _json({"detail": [{"msg": "extra fields"}]}, 422), "422 [{'msg': 'extra fields'}]")


def counts() -> Iterator[Fault]:
    group = "Usage that cannot be"
    details = {"prompt_tokens_details": {"cached_tokens": 11}}
    yield _fine(group, "no usage", _json(completion(usage=None)), UNKNOWN, WORST)
    yield _fine(group, "negative", _usage(prompt_tokens=-10), UNKNOWN, WORST)
    yield _fine(group, "10¹⁵ tokens", _usage(completion_tokens=10**15), UNKNOWN, WORST)
    yield _fine(group, "as text", _usage(prompt_tokens="10"), UNKNOWN, WORST)
    yield _fine(group, "NaN", Reply(raw=GOOD.replace(b'"prompt_tokens": 10', b'"prompt_tokens": NaN')), UNKNOWN, WORST)
    yield _fine(group, "2.5 tokens", _usage(completion_tokens=2.5), UNKNOWN, WORST)
    yield _fine(group, "10.0 tokens", _usage(prompt_tokens=10.0))
    yield _fine(group, "more cached than there are", _usage(**details))
    yield _fine(group, "a list", _json(completion(usage=[10, 2])), UNKNOWN, WORST)


def lines() -> Iterator[Fault]:
    group = "The connection"
    yield _again(group, "no answer, ever", _wire("", after="hang"), "timed out", timeout_s=0.5)
    yield _again(group, "a body that drips, for ever", _wire(HEAD.replace(str(len(GOOD)), "9999"), HALF, "drip"),
                 "timed out", timeout_s=0.5)  # fmt: skip
    yield _again(group, "headers that drip, for ever", _wire("HTTP/1.1 200 OK\nx-slow: ", after="drip"),
                 "timed out", timeout_s=0.5)  # fmt: skip
    yield _again(group, "closed before a reply", Reply(drop="before"), "the server closed the connection")
    yield _again(group, "reset before a reply", _wire("", after="reset"), "the server closed the connection")
    yield _again(group, "reset within the headers", _wire("HTTP/1.1 200 OK\nx-half: ", after="reset"),
                 "the server closed the connection")  # fmt: skip
    yield _again(group, "reset within the body", _wire(HEAD, HALF, "reset"), "the reply broke off")
    yield _unmet(group, "nobody listens", "nobody", "connection refused")
    yield _unmet(group, "the name is not known", "no name", "the host name is not known")
    yield _unmet(group, "a certificate that signs itself", "self-signed", "its certificate is not valid here")
    yield _unmet(group, "a certificate that has expired", "expired", "its certificate is not valid here")
    yield _unmet(group, "a certificate of another host", "wrong host", "its certificate is not valid here")
    yield _unmet(group, "no TLS where TLS is asked for", "plain at TLS", "no TLS connection")
    yield replace(_again(group, "TLS where none is asked for", Reply(), "the server closed the connection"),
                  does="TLS at plain")  # fmt: skip
    yield replace(_fine(group, "a valid certificate (for comparison)", Reply()), does="valid")


def account() -> Iterator[Fault]:
    group = "The account, the address"
    poor = "Your credit balance is too low to access the Anthropic API."
    yield _stop(group, "401", error(401, "no such key", "invalid_api_key"), "401 invalid_api_key: no such key")
    yield _stop(group, "400 that is a wrong key (Gemini)",
                _json([{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}], 400),
                "400 INVALID_ARGUMENT: API key not valid.")  # fmt: skip
    yield _stop(group, "402", error(402, "Insufficient Balance"), "402 error: Insufficient Balance")
    yield _stop(group, "400 that is an empty account (Anthropic)", _anthropic(400, "invalid_request_error", poor),
                f"400 invalid_request_error: {poor}")  # fmt: skip
    yield _stop(group, "429 insufficient_quota", error(429, "quota", "insufficient_quota"),
                "429 insufficient_quota: quota")  # fmt: skip
    yield _stop(group, "403", error(403, "not allowed"), "403 error: not allowed")
    yield _stop(group, "404 model_not_found", error(404, "no such model", "model_not_found"),
                "404 model_not_found: no such model")  # fmt: skip
    yield _stop(group, "404 with a page of HTML", _html(404), "404 a page of HTML")
    yield _stop(group, "405", error(405, "not here"), "405 error: not here")
    for status in (301, 302, 307, 308):
        moved = Reply(status=status, raw=b"", headers={"location": f"{ELSEWHERE}/v1/chat/completions"})
        yield _stop(group, f"{status} to another host", moved, str(status))


def streams() -> Iterator[Fault]:
    group = "A stream instead of a body"
    failed = {"error": {"code": 502, "message": "provider disconnected"}}
    long = {"error": {"code": "context_length_exceeded", "message": "too long"}}
    flagged = {"error": {"code": "content_filter", "message": "flagged"}}
    usage = {"choices": [], "usage": USAGE}
    yield _fine(group, "whole", _events(_delta("o"), _delta("k", "stop"), usage))
    yield _fine(group, "whole, after a comment, its type a lie",
                replace(_events(": PROCESSING", _delta("ok", "stop"), usage), headers={}))  # fmt: skip
    yield _fine(group, "a line separator (U+2028) in a text",
                _events("data: " + json.dumps(_delta("o\u2028k", "stop"), ensure_ascii=False), usage),
                '"o\\u2028k", 10 + 2 tokens')  # fmt: skip
    yield _again(group, "broken off, the connection closed", _events(_delta("half"), done=False), BROKEN)
    yield _again(group, "no event but the last", _events(), BROKEN)
    yield _again(group, "an event that is no JSON", _events(_delta("half"), "data: {broken"), BROKEN)
    yield _again(group, "an error event after half an answer", _events(_delta("half"), failed),
                 "502 provider disconnected")  # fmt: skip
    yield _again(group, "an error event within a choice (OpenRouter)",
                 _events(_delta("half", "error") | failed), "502 provider disconnected")  # fmt: skip
    yield _again(group, "an error event (vLLM)",
                 _events(_delta("half"), {"object": "error", "message": "died", "type": "EngineDeadError"}),
                 "502 EngineDeadError: died")  # fmt: skip
    yield Fault(group, "a content filter after half an answer", _events(_delta("half"), flagged), "rejected",
                "502 content_filter: flagged", 1, WORST, f"{LOST}: rejected")  # fmt: skip
    yield _again(group, "429 after half an answer", _events(_delta("half"), {"error": {"code": 429}}), "429")
    yield _own(group, "an error event: context too long", _events(long), "502 context_length_exceeded: too long")


def packed() -> Iterator[Fault]:
    group = "Compressed, large, odd"
    undone = "the reply cannot be decompressed"
    yield _fine(group, "gzip", _packed(gzip.compress(GOOD), "gzip"))
    yield _fine(group, "deflate", _packed(zlib.compress(GOOD), "deflate"))
    yield _fine(group, "deflate without its header", _packed(_deflated(GOOD, -zlib.MAX_WBITS), "deflate"))
    yield _again(group, "gzip that is none", _packed(GOOD, "gzip"), undone)
    yield _again(group, "deflate that is none", _packed(GOOD, "deflate"), undone)
    yield _again(group, "gzip, cut off", _packed(gzip.compress(GOOD)[:-20], "gzip"), undone)
    yield _again(group, "br, which nobody asked for", _packed(GOOD, "br"), undone)
    yield _again(group, "gzip within gzip", _packed(gzip.compress(gzip.compress(GOOD)), "gzip, gzip"), undone)
    yield _again(group, "a bomb: a gigabyte in a megabyte of gzip", _packed(GZIP + _bomb(), "gzip"),
                 "the reply is too large")  # fmt: skip
    yield _again(group, "a bomb of deflate", _packed(_bomb(), "deflate"), "the reply is too large")
    yield _again(group, "a reply of more than 64 MB", Reply(raw=bytes(LARGE)), "the reply is too large")
    yield _again(group, "headers of 1 MB", Reply(headers={"x-long": "x" * MEGABYTE}), "the reply is not HTTP")
    yield _again(group, "no HTTP at all", _wire("220 mail.example ready\n"), "the reply is not HTTP")
    yield _again(group, "chunks of a wrong length",
                 _wire("HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\nzz\n"), "the reply is not HTTP")  # fmt: skip
    yield _fine(group, "HTTP/1.0, no length", _wire("HTTP/1.0 200 OK\n\n", GOOD))
    yield _again(group, "HTTP/1.0, no length, cut off", _wire("HTTP/1.0 200 OK\n\n", HALF), BROKEN)
    yield _fine(group, "100 Continue first", _wire(f"HTTP/1.1 100 Continue\n\n{HEAD}", GOOD))
    yield _fine(group, "103 Early Hints first", _wire(f"HTTP/1.1 103 Early Hints\nlink: </x>\n\n{HEAD}", GOOD))


def inside() -> Iterator[Fault]:
    group = "An error in a 200"

    def held(**fields: Any) -> Reply:
        return _json({"error": fields})

    choice = {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "error"}
    yield _again(group, "a message alone", _json({"error": "upstream died"}), "502 upstream died")
    yield _again(group, "code 502", held(code=502, message="upstream died"), "502 upstream died")
    yield _again(group, "code 429", held(code=429, message="slow down"), "429 slow down", NOTHING)
    yield _again(group, "overloaded_error", held(type="overloaded_error", message="Overloaded"),
                 "529 overloaded_error: Overloaded", NOTHING)  # fmt: skip
    yield _again(group, "in the choice (OpenRouter)",
                 _json(completion(choices=[choice | {"error": {"code": 502, "message": "upstream died"}}])),
                 "502 upstream died")  # fmt: skip
    yield _again(group, "finish_reason error", _json(completion(choices=[choice])), "502 the answer broke off")
    yield _own(group, "invalid_request_error", held(type="invalid_request_error", message="too long"),
               "400 invalid_request_error: too long")  # fmt: skip
    yield _own(group, "code content_filter", held(code="content_filter", message="flagged"),
               "502 content_filter: flagged")  # fmt: skip
    yield _stop(group, "authentication_error", held(type="authentication_error", message="no such key"),
                "401 authentication_error: no such key")  # fmt: skip
    yield _fine(group, "beside a whole answer", _json(completion(error={"code": 0, "message": "none"})))


def identities() -> Iterator[Fault]:
    group = "Another model's answer"
    same = {
        "a dated snapshot": ("gpt-4o", "gpt-4o-2024-08-06"),
        "with its vendor": ("qwen3-8b", "Qwen/Qwen3-8B"),
        "with its quantisation": ("qwen3-8b", "qwen3-8b-q4_K_M"),
        "an alias that moves": ("deepseek-chat", "deepseek-v3.1"),
        "asked by a deployment's name": ("our-deployment", "gpt-4o-2024-08-06"),
        "the name of a route": ("gpt-4o", "our-router"),
        "no name": ("gpt-4o", ""),
    }
    for name, (asked, said) in same.items():
        yield replace(
            _fine(group, f"{name}: {asked} → {said or 'nothing'}", _json(completion(model=said))), model=asked
        )
    others = {
        "a smaller one": ("gpt-4o", "gpt-4o-mini-2024-07-18"),
        "another size": ("qwen3-8b", "Qwen/Qwen3-14B"),
        "another maker": ("claude-sonnet-4-5", "gpt-4o-mini"),
    }
    for name, (asked, said) in others.items():
        yield Fault(group, f"{name}: {asked} → {said}", _json(completion(model=said)), "unreachable",
                    f"answered by {said}", 1, ANSWER, LEFT_OUT, model=asked)  # fmt: skip


FAULTS: tuple[Fault, ...] = (
    *busy(), *broken(), *mangled(), *own(), *counts(), *lines(), *account(), *streams(), *packed(), *inside(),
    *identities(),
)  # fmt: skip
