"""Endpoint: one OpenAI-compatible base URL, asked politely, persistently, and never by accident."""

from __future__ import annotations

import asyncio
import math
import random
import time
from types import TracebackType
from typing import Protocol, Self

import httpx

from llmcost.endpoint import http, reply
from llmcost.endpoint.address import checked, shown
from llmcost.endpoint.egress import ANYWHERE, Egress
from llmcost.endpoint.limiter import Limiter
from llmcost.endpoint.messages import ChatRequest, Completion
from llmcost.endpoint.reply import Reply
from llmcost.endpoint.secret import Secret
from llmcost.errors import ConfigError, EndpointError

LONGEST_BACKOFF_S = 30.0
FIRST_CONTACT_RETRIES = 3
PATIENCE = 20  # requests without an answer, while nobody else gets one either, until the endpoint counts as gone

HINTS = {
    400: "check the model's name",
    401: "check the API key: LLMCOST_API_KEY, OPENAI_API_KEY, or the variable that api_key_env names",
    402: "the account has no credit left",
    403: "the key may not use this model or this endpoint: check its permissions",
    404: "check the model's name, and the base URL: /chat/completions is added to it (it often ends in /v1)",
    429: "the account's quota is used up: check its plan and limits",
}
REDIRECTED = "the base URL redirects elsewhere: name the final address, the key is not passed on"
ONE_MODELS = frozenset({400, 403, 404})  # a refusal of the model that was asked; others may still answer
CHECK_URL = "check the base URL (--base-url); a replay that is run again resumes"


class OnFailure(Protocol):
    """Hears of every attempt that failed, and has the last word on whether the request is sent again."""

    async def __call__(self, *, perhaps_billed: bool, again: bool) -> bool:
        """Whether to send it again, if `again` says that this is intended.

        perhaps_billed: the provider may charge for the attempt, though no answer came (timed out, reply lost).
        """


async def _persist(*, perhaps_billed: bool, again: bool) -> bool:
    return again


class Endpoint:
    """Asks the models behind one base URL; an async context manager.

    base_url      where /chat/completions is; https, or http to this machine
    api_key       sent as a bearer token, shown nowhere
    timeout_s     for one attempt, from send to last byte
    retries       how often a request is sent again after a passing failure
    concurrency   the most requests in flight; fewer while the endpoint is overloaded
    backoff_s     the first pause before a retry; it doubles, with jitter seeded by `seed`
    patience      the most requests in a row that stay without an answer while no other gets one
    stopped_s     how long nothing more is asked of a model or endpoint once that is hopeless; a run never asks again
    egress        the hosts that may be talked to: ConfigError if this is none of them
    """

    def __init__(  # noqa: PLR0913  one parameter a choice
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        timeout_s: float = 120.0,
        retries: int = 6,
        concurrency: int = 64,
        backoff_s: float = 0.5,
        seed: int = 0,
        patience: int = PATIENCE,
        stopped_s: float = math.inf,
        egress: Egress = ANYWHERE,
    ) -> None:
        self.base_url = checked(base_url)
        egress.require(self.base_url)
        self._key = Secret(api_key)
        if not self._key.sendable():
            raise ConfigError("the API key holds characters that cannot be sent", "check the variable it is read from")
        self._timeout_s, self._retries, self._backoff_s = timeout_s, retries, backoff_s
        self._limiter = Limiter(concurrency)
        self._jitter = random.Random(seed)
        self._client: httpx.AsyncClient | None = None
        self._heard = False
        self._patience = patience
        self._answers = 0
        self._unreachable_in_a_row = 0
        self._stopped_s = stopped_s
        self._stopped: dict[str | None, tuple[str, str, float]] = {}  # by model, until when; None: the whole endpoint

    def __repr__(self) -> str:
        return f"Endpoint({shown(self.base_url)})"

    async def __aenter__(self) -> Self:
        connections = self._limiter.ceiling
        self._client = http.open_client(self.base_url, self._key, self._timeout_s, connections)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def complete(self, request: ChatRequest, on_failure: OnFailure = _persist) -> Completion:
        """What came of the request, after as many retries as it takes and the settings allow.

        Raises EndpointError if no request of its model can succeed: a wrong key, an unknown model, nobody there.
        """
        content, answers = request.content(), self._answers
        for attempt in range(self._retries + 1):
            self._raise_if_stopped(request.model)
            result = await self._attempt(request.model, content)
            if result.perhaps_billed and result.meaning != "again":
                await on_failure(perhaps_billed=True, again=False)
            if result.completion is not None:
                self._answers += 1
                self._unreachable_in_a_row = 0
                return result.completion
            self._stop_if_hopeless(request.model, result, attempt)
            if not await on_failure(perhaps_billed=result.perhaps_billed, again=attempt < self._retries):
                break
            await asyncio.sleep(self._pause(attempt, result))
        return self._unreachable(request.model, result, alone=self._answers > answers)

    async def _attempt(self, model: str, content: bytes) -> Reply:
        slot = await self._limiter.acquire()
        try:
            self._raise_if_stopped(model)
            result = await self._send(model, content)
        finally:
            self._limiter.release()
        if result.overload:
            self._limiter.overloaded(slot, result.retry_after_s)
        elif result.completion is not None:
            self._limiter.succeeded()
        return result

    async def _send(self, model: str, content: bytes) -> Reply:
        if self._client is None:
            raise RuntimeError("an Endpoint is used inside `async with`")
        start = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout_s):
                response, body = await http.post(self._client, f"{self.base_url}/chat/completions", content)
        except http.FAILURES as error:
            return _lost(error)
        latency_ms = (time.perf_counter() - start) * 1000
        self._heard = True
        return reply.read(model, response.status_code, response.headers, body, latency_ms, self._key)

    def _pause(self, attempt: int, result: Reply) -> float:
        """Seconds until the next attempt: exponential, half of it at random, never before the endpoint wants it."""
        longest = min(LONGEST_BACKOFF_S, self._backoff_s * 2.0**attempt)
        return max(longest * (0.5 + self._jitter.random() / 2), result.retry_after_s or 0.0)

    def _stop_if_hopeless(self, model: str, result: Reply, attempt: int) -> None:
        where, status = shown(self.base_url), result.status
        if result.meaning == "stop":
            redirected = status is not None and 300 <= status < 400
            hint = REDIRECTED if redirected else HINTS.get(status or 0, CHECK_URL)
            self._stop(
                f"{where} refused model {model}: {result.problem}", hint, model if status in ONE_MODELS else None
            )
        if result.unconnected and not self._heard and attempt >= min(FIRST_CONTACT_RETRIES, self._retries):
            self._stop(f"no answer from {where} ({result.problem})", f"nothing was sent; {CHECK_URL}")

    def _unreachable(self, model: str, result: Reply, *, alone: bool) -> Completion:
        """The request stays without an answer; `alone`: while it was tried, others got theirs.

        What fails is the last to end, because it is tried again and again: that alone is no sign of an outage.
        """
        self._unreachable_in_a_row = 0 if alone else self._unreachable_in_a_row + 1
        if self._unreachable_in_a_row >= self._patience:
            self._stop(
                f"{self._unreachable_in_a_row} requests in a row got no answer from {shown(self.base_url)}"
                f" (the last one: {result.problem})",
                "try again later; a replay that is run again resumes, what it was answered is stored",
            )
        return Completion(model, "unreachable", error=result.problem)

    def _stop(self, message: str, hint: str, model: str | None = None) -> None:
        self._stopped.setdefault(model, (message, hint, time.monotonic() + self._stopped_s))
        self._raise_if_stopped(model)

    def _raise_if_stopped(self, model: str | None) -> None:
        """One hopeless request stops those that wait, too: they would fail alike."""
        for stopped in (None, model):
            if stopped in self._stopped:
                message, hint, until = self._stopped[stopped]
                if time.monotonic() < until:
                    raise EndpointError(message, hint)
                del self._stopped[stopped]


def _lost(error: BaseException) -> Reply:
    """The request whose connection failed. Of the error only a few known words are kept: it knows the headers."""
    unsent = http.never_sent(error)
    late = http.timed_out(error)
    return Reply("again", problem=http.reason(error), overload=late, perhaps_billed=not unsent, unconnected=unsent)
