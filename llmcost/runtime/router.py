"""Router: asks for each task what its plan says. The same for callers that wait and callers that await."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from llmcost.serving import Plan

if TYPE_CHECKING:
    from llmcost.endpoint.client import Endpoint

Messages = Sequence[Mapping[str, Any]]

STOPPED_S = 10.0  # an endpoint that is down, or a model that is gone, is asked again after so long


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
        timeout_s: float = 60.0,
        retries: int = 2,
        concurrency: int = 64,
    ) -> None:
        self._plans = by_task(plan)
        self._base_url = checked(base_url)
        self._cache = Guarded(cache or MemoryCache())
        self._stats = Stats()
        self._record: Record | None = None
        self._services: dict[str | None, Service] = {}
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
        cls, path: str | Path, *, base_url: str | None = None, api_key: str | None = None, cache: Cache | None = None
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
        self._record = Record(path, text=text)

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
        plan = self._plans.get(task)
        if plan is None and not params.get("model"):
            known = ", ".join(sorted(self._plans)) or "none"
            raise ConfigError(
                f"the plan has no task {task!r}, and no model is given", f"tasks of the plan: {known}; or pass model="
            )
        for name, (allowed, why) in WHOLE_ANSWERS.items():
            if params.get(name) not in (None, allowed):
                raise ConfigError(f"{name}={params[name]!r} cannot be asked for: {why}", "leave the parameter out")
        named = {"model": plan.tiers[0].model} if plan is not None and not params.get("model") else {}
        return [_plain({**params, **named, "messages": list(messages)}) for messages in requests]

    async def _replies(self, task: str, bodies: list[Body], scope: str | None) -> list[Reply]:
        began_s, start = time.time(), time.perf_counter()
        self._stats.calls += len(bodies)
        outcomes = await (await self._service(task)).answer(bodies, scope)
        waited_ms = (time.perf_counter() - start) * 1000
        self._count(outcomes)
        replies = [_reply(outcome, waited_ms) for outcome in outcomes]
        if self._record is not None:
            self._write(self._record, task, began_s, list(zip(bodies, outcomes, replies, strict=True)))
        return _complete(task, outcomes, replies)

    async def _service(self, task: str) -> Service:
        name = task if task in self._plans else None
        if name not in self._services:
            if self._endpoint is None:
                self._endpoint = self._connect()
                await self._endpoint.__aenter__()
            found = service(self._plans.get(task), self._endpoint, self._base_url, self._cache, self._stats)
            self._services[name] = found
        return self._services[name]

    def _count(self, outcomes: Sequence[Outcome]) -> None:
        self._stats.hits_exact += sum(outcome.cached == "exact" for outcome in outcomes)
        self._stats.hits_near += sum(outcome.cached == "near" for outcome in outcomes)
        self._stats.failed += sum(outcome.error is not None for outcome in outcomes)

    def _write(
        self, record: Record, task: str, began_s: float, answered: Sequence[tuple[Body, Outcome, Reply | None]]
    ) -> None:
        """Appends what was asked, each question once, though several requests may have shared it."""
        rows, told = [], set[int]()
        for body, outcome, reply in answered:
            trace = uuid.uuid4().hex
            if outcome.served is None and reply is not None:
                rows.append(record.cached(task, trace, began_s, body, reply))
            for number, attempt in enumerate(() if outcome.served is None else outcome.served.attempts):
                if id(attempt.completion) not in told:
                    told.add(id(attempt.completion))
                    rows.append(record.asked(task, trace, began_s, number, attempt))
        try:
            record.write(rows)
        except OSError:
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


def _complete(task: str, outcomes: Sequence[Outcome], replies: list[Reply | None]) -> list[Reply]:
    """All replies. Raises what is wrong with the one that is missing; of several requests, with all that has come."""
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if not errors:
        return [reply for reply in replies if reply is not None]
    about = f"task {task!r}: "
    if len(outcomes) == 1:
        raise EndpointError(about + errors[0].message, errors[0].hint)
    said = f"{about}{len(errors):,} of {len(outcomes):,} requests got no answer; the first: {errors[0].message}"
    raise BatchError(said, errors[0].hint, replies)
