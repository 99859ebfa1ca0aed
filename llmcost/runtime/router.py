"""Router: asks for each task what its plan says. The same for callers that wait and callers that await."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from llmcost import config
from llmcost.endpoint.address import checked, shown
from llmcost.errors import ConfigError, EndpointError
from llmcost.runtime.background import Background
from llmcost.runtime.caches import Cache, Guarded, MemoryCache
from llmcost.runtime.plans import by_task, read_plan
from llmcost.runtime.record import Record
from llmcost.runtime.reply import BatchError, Reply, Stats
from llmcost.runtime.service import Body, Outcome, Service, service
from llmcost.serving import Plan, TaskPlan

if TYPE_CHECKING:
    from llmcost.endpoint.client import Endpoint

Messages = Sequence[Mapping[str, Any]]

TIMEOUT_S, RETRIES, CONCURRENCY = 60.0, 2, 64  # somebody waits: sooner given up than in a replay
STOPPED_S = 10.0  # an endpoint that is down, or a model that is gone, is asked again after so long


@dataclass(frozen=True, slots=True)
class Answered:
    """A request, what became of it, and what its caller gets; None: an error."""

    body: Body
    outcome: Outcome
    reply: Reply | None


class Router:
    """Executes a plan against one OpenAI-compatible endpoint. Safe to use from many threads and event loops at once.

    plan         what a replay certified; a task that is not in it is asked as it asks
    base_url     where /chat/completions is; https, or http to this machine
    api_key      sent as a bearer token, shown nowhere; None: the endpoint needs none
    cache        where answers are kept of tasks whose plan says so; None: in this process
    timeout_s    for one attempt, from send to last byte
    retries      how often a request is sent again after a passing failure
    concurrency  the most requests in flight; fewer while the endpoint is overloaded

    It works on a thread of its own, which starts with the first request and ends with `close`, or with the program.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        base_url: str,
        api_key: str | None = None,
        cache: Cache | None = None,
        timeout_s: float = TIMEOUT_S,
        retries: int = RETRIES,
        concurrency: int = CONCURRENCY,
    ) -> None:
        self._plans = by_task(plan)
        self._base_url = checked(base_url)
        self._cache = Guarded(MemoryCache() if cache is None else cache)
        self._stats = Stats()
        self._record: Record | None = None
        self._services: dict[str | None, Service] = {}  # by task; None: all that the plan does not have
        self._endpoint: Endpoint | None = None
        self._background = Background(self._end)

        def connect() -> Endpoint:  # a closure, so that the key is no attribute that somebody prints
            from llmcost.endpoint.client import Endpoint

            return Endpoint(
                self._base_url,
                api_key,
                timeout_s=timeout_s,
                retries=retries,
                concurrency=concurrency,
                stopped_s=STOPPED_S,
            )

        self._connect = connect

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        cache: Cache | None = None,
        timeout_s: float = TIMEOUT_S,
        retries: int = RETRIES,
        concurrency: int = CONCURRENCY,
    ) -> Self:
        """The router of the plan in this file.

        Without a base URL that of LLMCOST_BASE_URL or OPENAI_BASE_URL, without a key that of LLMCOST_API_KEY or
        OPENAI_API_KEY. Raises InputError for a file that is no plan, ConfigError for an address that may not be used.
        """
        return cls(
            read_plan(path),
            base_url=config.base_url(base_url, config.Settings()),
            api_key=config.api_key(None) if api_key is None else api_key,
            cache=cache,
            timeout_s=timeout_s,
            retries=retries,
            concurrency=concurrency,
        )

    def __repr__(self) -> str:
        return f"Router({shown(self._base_url)}, tasks={sorted(self._plans)})"

    @property
    def stats(self) -> Stats:
        """What was done so far: a copy, that stays as it is."""
        return replace(self._stats, cache_failures=self._cache.failures)

    def chat(self, task: str, messages: Messages, *, scope: str | None = None, **params: Any) -> Reply:
        """The answer to a request of this task; `params` are those of a chat completion.

        scope  only answers to requests of the same scope are used again: a tenant, say. None: that of `user`, if it is
               among the parameters; else everybody's

        A task that the plan does not have needs `model=` and is asked as it is. Raises EndpointError if there is no
        answer, and ConfigError for a request that cannot be made.
        """
        return self._now(task, [messages], scope, params)[0]

    async def achat(self, task: str, messages: Messages, *, scope: str | None = None, **params: Any) -> Reply:
        """As `chat`, for callers that await. Cancelled, it gives the request up."""
        return (await self._soon(task, [messages], scope, params))[0]

    def batch(
        self, task: str, list_of_messages: Sequence[Messages], *, scope: str | None = None, **params: Any
    ) -> list[Reply]:
        """The answers to many requests of this task, in order; those that the plan batches share questions.

        Raises BatchError, which has the other answers, if some requests got none.
        """
        return self._now(task, list_of_messages, scope, params)

    async def abatch(
        self, task: str, list_of_messages: Sequence[Messages], *, scope: str | None = None, **params: Any
    ) -> list[Reply]:
        """As `batch`, for callers that await."""
        return await self._soon(task, list_of_messages, scope, params)

    def log_to(self, path: str | Path, *, text: bool = False) -> None:
        """From now on appends what is asked to this file, for `llmcost audit`; with `text`, what is said, too.

        Raises ConfigError if the file cannot be written.
        """
        former, self._record = self._record, Record(path, text=text)
        if former is not None:
            former.close()

    def close(self) -> None:
        """Ends what is under way, and gives back connections, cache and thread. Can be called twice."""
        self._background.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    def _now(
        self, task: str, requests: Sequence[Messages], scope: str | None, params: Mapping[str, Any]
    ) -> list[Reply]:
        work = self._background.submit(self._replies(task, self._bodies(task, requests, params), _scope(scope, params)))
        try:
            return work.result()
        except BaseException:
            work.cancel()  # of no effect, unless the caller was interrupted while it waited
            raise

    async def _soon(
        self, task: str, requests: Sequence[Messages], scope: str | None, params: Mapping[str, Any]
    ) -> list[Reply]:
        bodies = self._bodies(task, requests, params)
        return await asyncio.wrap_future(self._background.submit(self._replies(task, bodies, _scope(scope, params))))

    def _bodies(self, task: str, requests: Sequence[Messages], params: Mapping[str, Any]) -> list[Body]:
        """Requests as JSON has them: what the caller changes later, or cannot be sent, does no harm."""
        tiers = self._plan_of(task).tiers
        if not tiers and not params.get("model"):
            known = ", ".join(sorted(self._plans)) or "none"
            raise ConfigError(
                f"the plan names no model for task {task!r}", f"pass model=, or use a task of the plan: {known}"
            )
        for name, (allowed, why) in WHOLE_ANSWERS.items():
            if params.get(name) not in (None, allowed):
                raise ConfigError(f"{name}={params[name]!r} cannot be asked for: {why}", "leave the parameter out")
        named = {"model": tiers[0].model} if tiers else {}
        return [_plain({**params, **named, "messages": list(messages)}) for messages in requests]

    async def _replies(self, task: str, bodies: list[Body], scope: str | None) -> list[Reply]:
        self._stats.calls += len(bodies)
        together = self._plan_of(task).batching is not None
        groups = [bodies] if together else [[body] for body in bodies]
        found = await asyncio.gather(*(self._answered(task, group, scope) for group in groups))
        return _complete(task, [answered for group in found for answered in group])

    async def _answered(self, task: str, bodies: list[Body], scope: str | None) -> list[Answered]:
        """Requests that are asked together, answered, counted and logged."""
        began_s, start = time.time(), time.perf_counter()
        outcomes = await (await self._service(task)).answer(bodies, scope)
        waited_ms = (time.perf_counter() - start) * 1000
        self._count(outcomes)
        answered = [
            Answered(body, found, _reply(found, waited_ms)) for body, found in zip(bodies, outcomes, strict=True)
        ]
        if self._record is not None:
            self._write(self._record, task, began_s, answered)
        return answered

    async def _service(self, task: str) -> Service:
        name = task if task in self._plans else None
        if name not in self._services:
            if self._endpoint is None:
                self._endpoint = self._connect()
                await self._endpoint.__aenter__()
            plan = self._plan_of(task)
            self._services[name] = service(plan, self._endpoint, self._base_url, self._cache, self._stats)
        return self._services[name]

    def _plan_of(self, task: str) -> TaskPlan:
        """What is done for this task: nothing for one that the plan does not have."""
        return self._plans.get(task) or TaskPlan(task, [])

    def _count(self, outcomes: Sequence[Outcome]) -> None:
        self._stats.hits_exact += sum(outcome.cached == "exact" for outcome in outcomes)
        self._stats.hits_near += sum(outcome.cached == "near" for outcome in outcomes)
        self._stats.failed += sum(outcome.error is not None for outcome in outcomes)

    def _write(self, record: Record, task: str, began_s: float, answered: Sequence[Answered]) -> None:
        """Appends what was asked, each question once, though several requests may have shared it."""
        rows, told = [], set[int]()
        for one in answered:
            trace, served = uuid.uuid4().hex, one.outcome.served
            if served is None and one.reply is not None:
                rows.append(record.cached(task, trace, began_s, one.body, one.reply))
            for number, attempt in enumerate(() if served is None else served.attempts):
                if id(attempt.completion) not in told:
                    told.add(id(attempt.completion))
                    rows.append(record.asked(task, trace, began_s, number, attempt))
        try:
            record.write(rows)
        except (OSError, ValueError):  # ValueError: `log_to` has closed it just now
            self._stats.unlogged += len(rows)

    async def _end(self) -> None:
        await self._cache.aclose()
        if self._endpoint is not None:
            await self._endpoint.__aexit__(None, None, None)
        if self._record is not None:
            self._record.close()


# What a whole answer cannot be: parameter → (the value that is as good as none, why).
WHOLE_ANSWERS: Mapping[str, tuple[Any, str]] = {
    "stream": (False, "an answer that is checked, cached or escalated has to be whole"),
    "n": (1, "a reply is one answer"),
}


def _plain(body: Mapping[str, Any]) -> Body:
    try:
        plain: Body = msgspec.json.decode(msgspec.json.encode(body))
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigError(
            f"the request cannot be written as JSON: {type(error).__name__}",
            "messages and parameters are plain dicts, lists, texts and numbers",
        ) from error
    return plain


def _scope(scope: str | None, params: Mapping[str, Any]) -> str | None:
    user = params.get("user")
    return scope if scope is not None or not user else str(user)


def _reply(outcome: Outcome, waited_ms: float) -> Reply | None:
    if outcome.kept is None:
        return None
    attempts = () if outcome.served is None else outcome.served.attempts
    found = outcome.kept
    return Reply(found.answer, found.model, found.usage, waited_ms, outcome.cached, attempts)


def _complete(task: str, answered: Sequence[Answered]) -> list[Reply]:
    """All replies. Raises what is wrong with the one that is missing; of several requests, with all that has come."""
    errors = [one.outcome.error for one in answered if one.outcome.error is not None]
    if not errors:
        return [one.reply for one in answered if one.reply is not None]
    about = f"task {task!r}: "
    if len(answered) == 1:
        raise EndpointError(about + errors[0].message, errors[0].hint)
    said = f"{about}{len(errors):,} of {len(answered):,} requests got no answer; the first: {errors[0].message}"
    raise BatchError(said, errors[0].hint, [one.reply for one in answered])
