"""Where the models of a paid job are asked: their endpoints, keys and prices, and the runner that keeps the cap."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Collection, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

from llmcost import signals
from llmcost.api.routes import Route, route
from llmcost.config import ModelSettings, ReplaySettings, Settings
from llmcost.endpoint import Ask, ChatRequest, Completion
from llmcost.endpoint.address import is_loopback
from llmcost.endpoint.client import PATIENCE, Endpoint
from llmcost.endpoint.egress import ANYWHERE, Egress
from llmcost.errors import ConfigError
from llmcost.grading.identity import Identities
from llmcost.open_files import room_for
from llmcost.recommend.result import Redaction, Spend
from llmcost.redaction import finder
from llmcost.replay import Budget, Hiding, Progress, PurposeSpend, Runner, open_store, readable
from llmcost.serving import CandidateModel, translate
from llmcost.trial import Tariff
from llmcost.workspace import AnswerStore, Workspace

T = TypeVar("T")

MOST_PATIENCE = 200  # unanswered requests in a row: beyond, an outage costs more time than any run is worth
CONTROLS = "controls"  # the purpose of what is asked to test graders and replay


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The models that a job may ask, graders included, and what it takes to ask them.

    hiding  what questions hold when they are sent, and answers when they are kept
    egress  the hosts that may be talked to
    """

    models: tuple[str, ...]
    tariff: Tariff
    replay: ReplaySettings
    base_url: str
    hiding: Hiding
    egress: Egress = ANYWHERE

    @property
    def host(self) -> str:
        """The host that the prompts go to."""
        urls = {route.url for route in self.routes()} or {self.base_url}
        return ", ".join(sorted({urlsplit(url).netloc for url in urls}))

    def url_of(self, model: str) -> str:
        """The base URL of a model: its own if the configuration names one, else the general one."""
        return self.route(model).url

    def route(self, model: str) -> Route:
        """Where a model is asked, and with whose key."""
        return route(self.settings(model), self.base_url, self.replay.api_key_env)

    def routes(self) -> list[Route]:
        """Every endpoint of the job, once for each key."""
        return sorted({self.route(model) for model in self.models})

    def key(self, request: ChatRequest) -> bytes:
        """The content address of a request, as it is sent, at its endpoint."""
        return self.hiding.asked(request).request.key(self.url_of(request.model))

    def settings(self, model: str) -> ModelSettings:
        """What the configuration says of a model."""
        return self.tariff.models.get(model, ModelSettings())

    def redaction(self, bodies: Sequence[Mapping[str, Any]]) -> Redaction | None:
        """What is hidden of these prompts where they leave this machine; None: they do not, and nothing is."""
        elsewhere = [model for model in self.models if not is_loopback(self.url_of(model))]
        hidden = [model for model in self.models if self.hiding.leaves(model)]
        hosts = sorted({urlsplit(self.url_of(model)).netloc for model in (*elsewhere, *hidden)})
        if not hosts:
            return None
        survey = self.hiding.survey(bodies)
        on = set(elsewhere) <= set(hidden)
        return Redaction(on, hosts, dict(survey.found), survey.prompts, len(bodies), survey.unseen)

    def as_taken(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A judge's request with the parameters that its model takes."""
        model = str(body["model"])
        return translate(dict(body), CandidateModel(model), self.settings(model))[0]

    def stored(self, requests: Iterable[ChatRequest], workspace: Workspace) -> Collection[bytes]:
        """Keys of those requests that are answered already. Makes no workspace where there is none."""
        if not workspace.answers.exists():
            return frozenset()
        keys = {self.key(request) for request in requests}
        with open_store(workspace) as store:
            return {key for key, found in store.get(list(keys)).items() if readable(found)}

    def refuse_uncapped(self) -> None:
        """A model without a price can be asked without a cap on this machine alone, where perhaps nobody bills it."""
        unpriced = [model for model in self.models if self.tariff.book.find(model) is None]
        elsewhere = [model for model in unpriced if not is_loopback(self.url_of(model))]
        if unpriced if self.replay.budget is not None else elsewhere:
            raise ConfigError(
                f"no price is known for {', '.join(unpriced)}: no cap can be kept",
                'add [models."NAME"] price = {input = …, output = …} ($ a million tokens; 0 for your own machine)',
            )

    @asynccontextmanager
    async def runner(
        self, store: AnswerStore[Completion], run: str, budget: Budget, progress: Progress | None, questions: int
    ) -> AsyncIterator[Runner]:
        """A runner of this run within the budget, with every endpoint open as long as the block lasts.

        questions  of the whole run: where a tenth of them may go unanswered, so many in a row are no outage. When a
                   run is taken up again, those that failed before are all that is left.
        """
        patience = min(max(PATIENCE, questions // 10), MOST_PATIENCE)
        room_for(self.replay.concurrency * len(self.routes()))
        async with AsyncExitStack() as stack:
            opened = {
                route: await stack.enter_async_context(self._endpoint(route, patience)) for route in self.routes()
            }
            of_model = {model: opened[self.route(model)] for model in self.models}
            yield Runner(
                of_model.__getitem__,
                store,
                run,
                budget,
                self.tariff.paid,
                lambda request: self.tariff.most(request) or 0.0,  # unpriced ones have been allowed by now
                progress=progress,
                concurrency=self.replay.concurrency,
                another=Identities(self.tariff.book).another,
                hiding=self.hiding,
            )

    def _endpoint(self, route: Route, patience: int) -> Endpoint:
        return Endpoint(
            route.url,
            route.key(),
            timeout_s=self.replay.timeout_s,
            retries=self.replay.retries,
            concurrency=self.replay.concurrency,
            seed=self.replay.seed,
            patience=patience,
            egress=self.egress,
        )


def endpoints(
    models: Iterable[str],
    tariff: Tariff,
    replay: ReplaySettings,
    base_url: str,
    settings: Settings,
    egress: Egress = ANYWHERE,
) -> Endpoints:
    """What it takes to ask these models, each once. Raises ConfigError if one is where nothing may be sent."""
    found = Endpoints(tuple(dict.fromkeys(models)), tariff, replay, base_url, hiding(settings, base_url), egress)
    for each in found.routes():
        each.require(egress)
    return found


def hiding(settings: Settings, base_url: str) -> Hiding:
    """How questions are hidden by these settings: by default where the model is not on this machine."""
    redact, enabled = settings.redact, settings.redact.enabled

    @cache
    def leaves(model: str) -> bool:
        where = route(settings.models.get(model, ModelSettings()), base_url, None).url
        return enabled if enabled is not None else not is_loopback(where)

    found = finder(redact.kinds, redact.patterns, redact.languages)
    return Hiding(found, leaves, settings.workspace.store_text)


class ForControls:
    """The same asking, on the line of the bill that the controls are."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def __call__(self, requests: Sequence[ChatRequest], purpose: str) -> list[Completion]:
        """Completions parallel to `requests`."""
        return await self._ask(requests, CONTROLS)


def spend_of(lines: Sequence[PurposeSpend], cap: float) -> Spend:
    """What a runner spent, by what it was for."""
    usd: Mapping[str, float] = {
        purpose: math.fsum(line.cost_usd for line in lines if line.purpose == purpose)
        for purpose in ("replay", "grading", CONTROLS)
    }
    return Spend(usd["replay"], usd["grading"], sum(line.answers for line in lines), cap, usd[CONTROLS])


def wait_for(job: Coroutine[Any, Any, T]) -> T:
    """The job's result, also from inside a notebook, whose own event loop is running already.

    An interrupt cancels the job, which stores what is in flight before it ends; a second one does not wait for that.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return signals.run(job)
    return _elsewhere(job)


def _elsewhere(job: Coroutine[Any, Any, T]) -> T:
    """The job's result, from a loop in a thread of its own: an interrupt is raised here, and cancels the job there."""
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any] | None]] = Future()

    async def main() -> T:
        begun.set_result((asyncio.get_running_loop(), asyncio.current_task()))
        return await job

    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(asyncio.run, main())
        try:
            return result.result()
        finally:
            loop, task = begun.result()
            if task is not None and not result.done():
                loop.call_soon_threadsafe(task.cancel)
