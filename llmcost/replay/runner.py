"""Runner: puts questions to their endpoints once, within the cap, and keeps every answer before it counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from llmcost.endpoint import ChatRequest, Completion, Status
from llmcost.errors import BudgetError, ConfigError
from llmcost.replay.budget import PICO, Budget
from llmcost.replay.hiding import Asked, Hiding, readable
from llmcost.workspace import AnswerStore, Workspace

if TYPE_CHECKING:
    from llmcost.endpoint import Endpoint  # at run time only its caller needs it, and httpx

RESUME = "raise --budget and run the same command: it resumes"


class Progress(Protocol):
    """Hears what happens, question by question."""

    def planned(self, model: str, purpose: str, questions: int, stored: int) -> None:
        """So many questions are about to be asked; so many of them have their answer in the store already."""

    def answered(self, model: str, purpose: str, cost_usd: float | None) -> None:
        """A question was answered and stored."""

    def failed(self, model: str, purpose: str, status: Status) -> None:
        """A question stays without an answer: rejected or unreachable."""

    def retried(self, model: str, purpose: str) -> None:
        """A question is sent again."""


class Silent:
    """Progress that nobody watches."""

    def planned(self, model: str, purpose: str, questions: int, stored: int) -> None:
        """Nothing."""

    def answered(self, model: str, purpose: str, cost_usd: float | None) -> None:
        """Nothing."""

    def failed(self, model: str, purpose: str, status: Status) -> None:
        """Nothing."""

    def retried(self, model: str, purpose: str) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Spend:
    """One line of a run's bill: the answers it rests on, at what they cost when they were asked for.

    `cost_usd` is the sum of the known costs; `unpriced` answers have none.
    """

    purpose: str
    model: str
    answers: int
    cost_usd: float
    unpriced: int


@dataclass(slots=True)
class Line:
    """A line of the bill while it grows: answers, whole trillionths of a dollar of those with a known cost, the others.

    Sums of whole numbers are the same in any order, so a bill is that of an uninterrupted run to the last digit.
    """

    answers: int = 0
    pico_usd: int = 0
    unpriced: int = 0


@dataclass(slots=True)
class Question:
    """One distinct question of a batch, as it is sent, and its attempts: how many were reserved, how many of those came
    to nothing but may be charged, and whether the cap forbade another."""

    asked: Asked
    key: bytes
    purpose: str
    endpoint: Endpoint
    worst_usd: float | None = None
    reserved: int = 0
    lost: int = 0
    out_of_money: bool = False

    @property
    def request(self) -> ChatRequest:
        """What goes on the wire."""
        return self.asked.request

    @property
    def worst(self) -> float:
        """What an attempt sets aside; nothing if the model has no price (there is no cap then)."""
        return self.worst_usd or 0.0


@dataclass(slots=True)
class Batch:
    """The questions of one call of the runner, and what became of them."""

    questions: dict[bytes, Question]
    stored: dict[bytes, Completion]
    tasks: dict[bytes, asyncio.Task[Completion]] = field(default_factory=dict)
    out_of_money: bool = False

    def missing(self) -> Iterable[Question]:
        """The questions that have to be asked, in order."""
        return (question for key, question in self.questions.items() if key not in self.stored)


def open_store(workspace: Workspace) -> AnswerStore[Completion]:
    """The workspace's store of answers, made if it was not there; close it, or use it in `with`."""
    return AnswerStore(workspace.prepare().answers, Completion)


class Runner:
    """Asks questions for one run; an `llmcost.endpoint.Ask`.

    endpoint_of   model → its endpoint, open for as long as the runner is used
    store         where answers are looked up first, and kept
    run           the id of the run: the cap holds for all its parts, those of killed processes included
    cost          what an answer did cost, in US dollars; None if unknown
    worst_case    what a request can cost at most; None if its model has no price
    concurrency   the most questions under way, of all models together
    another       (model asked, model that says it answered) → whether these are known to be two
    hiding        what questions hold when they are sent, and answers when they are kept; by default all of it
    """

    grace_s = 20.0  # how long an interrupt waits for what is in flight

    def __init__(  # noqa: PLR0913  one parameter a choice
        self,
        endpoint_of: Callable[[str], Endpoint],
        store: AnswerStore[Completion],
        run: str,
        budget: Budget,
        cost: Callable[[ChatRequest, Completion], float | None],
        worst_case: Callable[[ChatRequest], float | None],
        *,
        progress: Progress | None = None,
        concurrency: int = 64,
        another: Callable[[str, str], bool] = lambda asked, said: False,
        hiding: Hiding | None = None,
    ) -> None:
        self._hiding = hiding or Hiding()
        self._endpoint_of, self._store, self._run, self._budget = endpoint_of, store, run, budget
        self._cost, self._worst_case = cost, worst_case
        self._progress: Progress = progress or Silent()
        self._another = another
        self._slots = asyncio.Semaphore(concurrency)
        self._settled = asyncio.Condition()
        self._in_flight = 0
        self._interrupted = False
        self._tasks: dict[bytes, asyncio.Task[Completion]] = {}
        self._used: set[bytes] = set()
        self._lines: dict[tuple[str, str], Line] = {}
        self._earlier: dict[bytes, list[float]] | None = None

    async def __call__(self, requests: Sequence[ChatRequest], purpose: str) -> list[Completion]:
        """Completions parallel to `requests`, each answer stored before it is returned.

        Equal questions are asked once; what the store has is not asked at all. What another model has answered is paid
        and stored, but nobody's answer. Raises BudgetError when the next question could pass the cap, after everything
        in flight was stored; EndpointError if no question can succeed; ConfigError, before anything is sent, if there
        is a cap and a model without a price.
        """
        self._take_up_ledger()
        keys, asked, batch = self._batch(requests, purpose)
        try:
            await self._launch(batch)
            if batch.tasks:
                await asyncio.wait(batch.tasks.values())
        except asyncio.CancelledError:
            await self._drain()
            raise
        self._raise_failure(batch)
        return [self._told(question, batch, key) for question, key in zip(asked, keys, strict=True)]

    def _told(self, asked: Asked, batch: Batch, key: bytes) -> Completion:
        """What came of a question, with its own values: another one may look the same where these are hidden."""
        came = batch.stored[key] if key in batch.stored else batch.tasks[key].result()
        return self._hiding.told(asked, self._own(came))

    def _own(self, completion: Completion) -> Completion:
        """The completion, if the model that was asked has answered; else that it has not, and who did."""
        said = completion.served_model
        if completion.status != "answered" or said is None or not self._another(completion.model, said):
            return completion
        return Completion(completion.model, "unreachable", served_model=said, error=f"answered by {said}")

    def spend(self) -> list[Spend]:
        """The run's bill by purpose and model: every distinct answer it used, at its stored cost, old or new.

        A run that was interrupted and taken up again has the same bill as one that was not.
        """
        return [
            Spend(purpose, model, line.answers, line.pico_usd / PICO, line.unpriced)
            for (purpose, model), line in sorted(self._lines.items())
        ]

    def _use(self, question: Question, cost_usd: float | None) -> None:
        """Puts an answer on the bill, the first time that it is used."""
        if question.key in self._used:
            return
        self._used.add(question.key)
        line = self._lines.setdefault((question.purpose, question.request.model), Line())
        line.answers += 1
        line.unpriced += cost_usd is None
        line.pico_usd += round((cost_usd or 0.0) * PICO)

    def _take_up_ledger(self) -> None:
        """Books what earlier parts of this run have spent; attempts of unknown end keep their worst case set aside."""
        if self._earlier is not None:
            return
        self._store.claim(self._run)
        ledger = self._store.ledger(self._run)
        self._budget.charge(ledger.settled_usd)
        self._earlier = {}
        for key, worst in ledger.open:
            self._budget.hold(worst)
            self._earlier.setdefault(key, []).append(worst)

    def _batch(self, requests: Sequence[ChatRequest], purpose: str) -> tuple[list[bytes], list[Asked], Batch]:
        keys, every, questions = [], [self._hiding.asked(request) for request in requests], {}
        for asked in every:
            endpoint = self._endpoint_of(asked.request.model)
            key = asked.request.key(endpoint.base_url)
            keys.append(key)
            if key not in questions:
                questions[key] = Question(asked, key, purpose, endpoint)
        stored = self._store.get(list(questions))
        batch = Batch(questions, {key: found for key, found in stored.items() if readable(found)})
        self._reuse(batch)
        for question in batch.missing():
            question.worst_usd = self._worst_case(question.request)
            if question.worst_usd is None and self._budget.cap_usd is not None:
                raise _unpriced(question.request.model)
        self._announce(batch, purpose)
        return keys, every, batch

    def _reuse(self, batch: Batch) -> None:
        """Notes the stored answers as used, at what they did cost, whoever paid for them."""
        for key, cost in self._store.costs(list(batch.stored)).items():
            question = batch.questions[key]
            self._use(question, cost)

    def _announce(self, batch: Batch, purpose: str) -> None:
        counts: dict[str, list[int]] = {}
        for key, question in batch.questions.items():
            count = counts.setdefault(question.request.model, [0, 0])
            count[0] += 1
            count[1] += key in batch.stored
        for model, (questions, stored) in counts.items():
            self._progress.planned(model, purpose, questions, stored)

    async def _launch(self, batch: Batch) -> None:
        """Starts the questions in order, as slots and money come free; stops at the first failure."""
        failed = asyncio.Event()
        for question in batch.missing():
            if (task := self._under_way(question.key)) is not None:
                batch.tasks[question.key] = task
                continue
            await self._slots.acquire()
            if failed.is_set() or not await self._reserve(question, batch):
                self._slots.release()
                return
            if failed.is_set():  # while this one waited for money
                self._budget.settle(question.worst, 0.0)
                self._slots.release()
                return
            self._in_flight += 1
            task = asyncio.create_task(self._finish(question))
            task.add_done_callback(lambda done: failed.set() if _failed(done) else None)
            self._tasks[question.key] = batch.tasks[question.key] = task
            task.add_done_callback(partial(self._forget, question.key))

    def _under_way(self, key: bytes) -> asyncio.Task[Completion] | None:
        """The task of another batch that asks the same question."""
        task = self._tasks.get(key)
        return None if task is None or task.done() else task

    def _forget(self, key: bytes, done: asyncio.Task[Completion]) -> None:
        """Drops what has ended: who comes later finds the answer in the store."""
        if self._tasks.get(key) is done:
            del self._tasks[key]

    async def _reserve(self, question: Question, batch: Batch) -> bool:
        """Sets the worst case aside; waits for what is in flight to free money, and gives up when nothing is."""
        async with self._settled:
            while not self._budget.try_reserve(question.worst):
                if not self._in_flight:
                    batch.out_of_money = True
                    return False
                await self._settled.wait()
        question.reserved = 1
        return True

    async def _finish(self, question: Question) -> Completion:
        """The question's completion, and its slot and money given back."""
        try:
            return await self._ask(question)
        finally:
            self._slots.release()
            self._in_flight -= 1
            async with self._settled:
                self._settled.notify_all()

    async def _ask(self, question: Question) -> Completion:
        if not await self._store.begin(self._run, question.key, question.worst_usd):
            if readable(found := self._store.get([question.key])[question.key]):
                return self._take(question, found)
            await self._store.reserve(self._run, question.key, question.worst_usd)

        async def on_failure(*, perhaps_billed: bool, again: bool) -> bool:
            return await self._try_again(question, perhaps_billed, again)

        completed = False
        try:
            completion = await question.endpoint.complete(question.request, on_failure)
            completed = completion.status == "answered"
        except asyncio.CancelledError:
            raise  # whatever was sent may be charged: its reservation stays
        except BaseException:
            await self._write_off(question)
            raise
        if completed:
            return await self._keep(question, completion)
        await self._write_off(question)
        self._progress.failed(question.request.model, question.purpose, completion.status)
        return completion

    async def _try_again(self, question: Question, perhaps_billed: bool, again: bool) -> bool:
        """Whether the question is sent again: an attempt that may be charged needs another reservation."""
        question.lost += perhaps_billed
        if not again or self._interrupted:
            return False
        if perhaps_billed:
            if not self._budget.try_reserve(question.worst):
                question.out_of_money = True
                return False
            question.reserved += 1
            await self._store.reserve(self._run, question.key, question.worst_usd)
        self._progress.retried(question.request.model, question.purpose)
        return True

    def _take(self, question: Question, answer: Completion) -> Completion:
        """The answer that another process has stored since the batch began: nothing is sent."""
        key, cost = question.key, self._store.costs([question.key])[question.key]
        self._budget.settle(question.worst, 0.0)
        self._write_off_earlier(key)
        self._use(question, cost)
        self._progress.answered(question.request.model, question.purpose, None)
        return answer

    def _settle(self, question: Question, paid: float | None) -> None:
        """Books the attempt that was answered at what it cost, those before it at their worst.

        What an answer cost says nothing of a lost attempt: what came too late is likelier to have been long.
        """
        self._budget.settle(question.worst, question.worst if paid is None else paid)
        for _ in range(question.reserved - 1):
            self._budget.settle(question.worst, max(question.worst, paid or 0.0))
        self._write_off_earlier(question.key)

    def _write_off_earlier(self, key: bytes) -> None:
        """Books the attempts of killed processes at a question that is answered now."""
        for reserved in (self._earlier or {}).pop(key, []):
            self._budget.settle(reserved, reserved)

    async def _keep(self, question: Question, completion: Completion) -> Completion:
        """The answer as it is stored now: this one, or that of another process that was faster."""
        key, paid = question.key, self._cost(question.request, completion)
        kept = await self._store.put(key, self._hiding.kept(question.asked, completion), paid, self._run)
        self._settle(question, paid)
        answer, cost = (completion, paid) if kept else self._faster(key, completion, paid)
        self._use(question, cost)
        self._progress.answered(question.request.model, question.purpose, paid)
        return answer

    def _faster(self, key: bytes, completion: Completion, paid: float | None) -> tuple[Completion, float | None]:
        """The answer that another process has stored, and its cost; this one, where of that one no text was kept."""
        stored = self._store.get([key])[key]
        return (stored, self._store.costs([key])[key]) if readable(stored) else (completion, paid)

    async def _write_off(self, question: Question) -> None:
        """Frees the attempt that is not charged; those that may be count as spent."""
        for _ in range(question.lost):
            self._budget.settle(question.worst, question.worst)
        for _ in range(question.reserved - question.lost):
            await self._store.release(self._run, question.key)
            self._budget.settle(question.worst, 0.0)

    async def _drain(self) -> None:
        """Interrupted: what is in flight may finish and is stored, for as long as somebody may be made to wait.

        All of it, not this batch's alone: whoever returns first ends the wait of the others.
        """
        self._interrupted = True
        pending = [task for task in self._tasks.values() if not task.done()]
        if pending:
            _, late = await asyncio.wait(pending, timeout=self.grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _raise_failure(self, batch: Batch) -> None:
        for task in batch.tasks.values():
            if _failed(task):
                task.result()
        if batch.out_of_money or any(question.out_of_money for question in batch.questions.values()):
            raise self._out_of_money(batch)

    def _out_of_money(self, batch: Batch) -> BudgetError:
        answered = sum(task.result().status == "answered" for task in batch.tasks.values()) + len(batch.stored)
        spent, excess = self._budget.spent_usd + self._budget.reserved_usd, self._budget.excess_usd
        beyond = f" (answers cost up to ${excess:.6g} more than their worst case)" if excess else ""
        return BudgetError(
            f"stopped at ${spent:.6g} of ${self._budget.cap_usd:g}:"
            f" {answered:,} of {len(batch.questions):,} answers stored; the next one could pass the cap{beyond}",
            RESUME,
        )


def _failed(task: asyncio.Task[Completion]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _unpriced(model: str) -> ConfigError:
    return ConfigError(
        f"a cap cannot be kept for a model without a price: {model}",
        f'add its price to llmcost.toml: [models."{model}"] price = {{ input = …, output = … }}',
    )
