"""Requests of a task → outcomes: from the cache, from the same request under way, or asked as the plan says.

All of it runs on one event loop, so nothing here is locked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import msgspec

from llmcost.call_site import call_site
from llmcost.endpoint.messages import ChatRequest, Completion
from llmcost.errors import EndpointError
from llmcost.runtime.caches import Guarded
from llmcost.runtime.reply import Cached, Kept, Stats, kept
from llmcost.serving import Caching, Served, Server, Steps, TaskPlan, Tier, ask_together, gather
from llmcost.serving.keys import Keys, Wording
from llmcost.serving.tiers import ask_tier
from llmcost.serving.validity import free_checks

if TYPE_CHECKING:
    from llmcost.runtime.near import NearIndex

Body = dict[str, Any]

WITHOUT_ANSWER = {"rejected": "did not take the request", "unreachable": "cannot be reached", "answered": "is silent"}
TRY_LATER = "try again later, or name a `fallback` model in the task's plan"


class Transport(Protocol):
    """Whoever sends a request: `llmcost.endpoint.Endpoint`."""

    async def complete(self, request: ChatRequest) -> Completion:
        """What came of the request. Raises EndpointError if none of its model can succeed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request.

    kept    the answer; None: there is none, and `error` says why
    cached  how it was found; None: it was asked for
    served  what was asked for it; None if it was found
    """

    kept: Kept | None
    cached: Cached | None = None
    served: Served | None = None
    error: EndpointError | None = None


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request whose answer may be kept."""

    request: Body
    key: bytes
    wording: Wording | None


Flight: TypeAlias = "asyncio.Future[Outcome | None]"


class Service(Protocol):
    """Answers the requests of a task."""

    async def answer(self, bodies: Sequence[Body], scope: str | None) -> list[Outcome]:
        """What became of these requests, in order."""


class Asking:
    """Every request is asked, as the plan says."""

    def __init__(self, plan: TaskPlan, transport: Transport, stats: Stats) -> None:
        self._plan, self._transport, self._stats = plan, transport, stats
        self._server = Server(plan)

    async def answer(self, bodies: Sequence[Body], scope: str | None) -> list[Outcome]:
        """What became of these requests, in order. Nobody else's answer is used, whatever the scope."""
        hints: dict[str, str | None] = {}

        async def ask(requests: list[ChatRequest]) -> list[Completion]:
            return list(await asyncio.gather(*(self._complete(request, hints) for request in requests)))

        served = await ask_together(self._steps(list(map(ChatRequest, bodies))), ask)
        return [_outcome(one, hints) for one in served]

    async def _complete(self, request: ChatRequest, hints: dict[str, str | None]) -> Completion:
        """A model that cannot be asked is one that does not answer: the next one of the plan may."""
        try:
            return await self._transport.complete(request)
        except EndpointError as error:
            hints[request.model] = error.hint
            return Completion(request.model, "unreachable", error=error.message)

    def _steps(self, requests: list[ChatRequest]) -> Steps[list[Served]]:
        served = yield from self._server.serve(requests)
        self._stats.escalated += sum(map(_escalated, served))
        failed = [place for place, one in enumerate(served) if one.completion.status != "answered"]
        if self._plan.fallback is not None and failed:
            self._stats.fell_back += len(failed)
            fallback = Tier(self._plan.fallback)
            again = yield from gather([ask_tier(requests[place], fallback) for place in failed])
            for place, one in zip(failed, again, strict=True):
                served[place] = replace(one, attempts=served[place].attempts + one.attempts)
        return served


class Remembering:
    """Answers are kept for a time, and the same request is asked once, however often it is made meanwhile."""

    def __init__(self, asking: Asking, caching: Caching, keys: Keys, cache: Guarded) -> None:
        self._asking, self._caching, self._keys, self._cache = asking, caching, keys, cache
        self._flights: dict[bytes, Flight] = {}
        self._index: NearIndex | None = None
        if caching.near is not None:
            from llmcost.runtime.near import NearIndex

            self._index = NearIndex()

    async def answer(self, bodies: Sequence[Body], scope: str | None) -> list[Outcome]:
        """What became of these requests, in order. Only answers of the same scope are used again."""
        asked = [self._keyed(body, scope) for body in bodies]
        loop = asyncio.get_running_loop()
        led: dict[bytes, int] = {}
        for place, one in enumerate(asked):
            if one.key not in self._flights:
                self._flights[one.key] = loop.create_future()
                led[one.key] = place
        flights = [self._flights[one.key] for one in asked]
        outcomes = dict(
            zip(led.values(), await self._lead([asked[place] for place in led.values()], scope), strict=True)
        )
        followers = [place for place in range(len(asked)) if place not in outcomes]
        landed = [await asyncio.shield(flights[place]) for place in followers]
        left = [place for place, outcome in zip(followers, landed, strict=True) if outcome is None]
        outcomes |= {place: _shared(found) for place, found in zip(followers, landed, strict=True) if found is not None}
        outcomes |= dict(zip(left, await self._ask([asked[place] for place in left], scope), strict=True))
        return [outcomes[place] for place in range(len(asked))]

    async def _lead(self, asked: Sequence[Keyed], scope: str | None) -> list[Outcome]:
        """Outcomes of requests of which each is the first of its kind; those that wait for them hear of it."""
        try:
            outcomes = await self._found_or_asked(asked, scope)
            for one, outcome in zip(asked, outcomes, strict=True):
                self._flights[one.key].set_result(outcome if _may_be_kept(one.request, outcome) else None)
            return outcomes
        finally:
            for one in asked:
                flight = self._flights.pop(one.key)
                if not flight.done():
                    flight.set_result(None)

    async def _found_or_asked(self, asked: Sequence[Keyed], scope: str | None) -> list[Outcome]:
        found = await asyncio.gather(*map(self._find, asked))
        missing = [one for one, outcome in zip(asked, found, strict=True) if outcome is None]
        answered = iter(await self._ask(missing, scope))
        return [next(answered) if outcome is None else outcome for outcome in found]

    async def _find(self, asked: Keyed) -> Outcome | None:
        """The answer that is kept of this request, or of one that is nearly the same."""
        exact = await self._cache.get(asked.key)
        if exact is not None:
            return self._read(exact, "exact")
        if self._index is None or self._caching.near is None or asked.wording is None:
            return None
        key = self._index.find(asked.wording, call_site(asked), self._caching.near)
        near = None if key is None else await self._cache.get(key)
        return None if near is None else self._read(near, "near")

    def _read(self, value: bytes, cached: Cached) -> Outcome | None:
        found = kept(value)
        if found is None:
            self._cache.failures += 1  # one entry that nobody can read is no reason to leave the cache alone
            return None
        return Outcome(found, cached)

    async def _ask(self, asked: Sequence[Keyed], scope: str | None) -> list[Outcome]:
        """Outcomes of requests that are asked now; what may be kept of them is."""
        if not asked:
            return []
        began_s = time.monotonic()
        outcomes = await self._asking.answer([one.request for one in asked], scope)
        left_s = self._caching.ttl_s - (time.monotonic() - began_s)  # of a time that counts from the request
        await asyncio.gather(*(self._keep(one, outcome, left_s) for one, outcome in zip(asked, outcomes, strict=True)))
        return outcomes

    async def _keep(self, asked: Keyed, outcome: Outcome, left_s: float) -> None:
        if left_s <= 0 or not _may_be_kept(asked.request, outcome):
            return
        await self._cache.put(asked.key, msgspec.json.encode(outcome.kept), left_s)
        if self._index is not None and asked.wording is not None:
            self._index.add(asked.wording, call_site(asked), asked.key, left_s)

    def _keyed(self, body: Body, scope: str | None) -> Keyed:
        wording = None if self._index is None else self._keys.wording(body, scope)
        return Keyed(body, self._keys.exact(body, scope), wording)


def service(plan: TaskPlan, transport: Transport, base_url: str, cache: Guarded, stats: Stats) -> Service:
    """Whoever answers the requests of a task with this plan."""
    asking = Asking(plan, transport, stats)
    if plan.caching is None:
        return asking
    return Remembering(asking, plan.caching, Keys(base_url, plan), cache)


def _outcome(served: Served, hints: Mapping[str, str | None]) -> Outcome:
    completion = served.completion
    if completion.status == "answered" and completion.answer is not None:
        return Outcome(Kept(completion.answer, completion.model, completion.usage), served=served)
    why = f"{completion.model} {WITHOUT_ANSWER[completion.status]}: {completion.error or 'no reason given'}"
    return Outcome(None, served=served, error=EndpointError(why, hints.get(completion.model) or TRY_LATER))


def _may_be_kept(body: Body, outcome: Outcome) -> bool:
    """Not an error, a refusal, an answer that was cut off or is not in the form asked for. What was kept, was so."""
    if outcome.served is None:
        return outcome.kept is not None
    return free_checks(ChatRequest(body), outcome.served.completion) is None


def _shared(outcome: Outcome) -> Outcome:
    """The outcome as it is for those that waited for it."""
    return Outcome(outcome.kept, outcome.cached or "exact")


def _escalated(served: Served) -> bool:
    """Whether more than one model was asked for the answer."""
    bodies = [attempt.request.body for attempt in served.attempts if attempt.role == "answer"]
    return len({(body["model"], body.get("reasoning_effort")) for body in bodies}) > 1
