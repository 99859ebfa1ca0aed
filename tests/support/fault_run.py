"""What comes of every fault, when a replay meets it: through a runner with a budget, a store and a price book.

All are tried at once, in one event loop, against servers on this machine; no name is looked up.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any
from unittest import mock

from llmcost.endpoint import ChatRequest, Completion, Endpoint, http, reply
from llmcost.endpoint.messages import Status
from llmcost.errors import EndpointError
from llmcost.grading.identity import Identities
from llmcost.pricing import load
from llmcost.replay import Budget, Runner, open_store
from llmcost.serving.validity import failure
from llmcost.workspace import AnswerStore, Workspace
from support.certificates import ELSEWHERE as OTHER_HOST
from support.certificates import authority
from support.faults import ANSWER, ELSEWHERE, GRADED, LEFT_OUT, LOST, NOTHING, PATIENT_S, STOPS, USAGE, WORST, Fault
from support.loopback import Body, Loopback, Reply

KEY = "sk-planted-0123456789abcdef"
RETRIES = 2
LONGEST_WAIT_S = 0.05  # instead of a minute, so that an absurd Retry-After is over soon
ANSWER_USD, WORST_USD = 0.1, 1.0
UNKNOWN_HOST = "nowhere.invalid"


@dataclass(frozen=True)
class Outcome:
    """What came of a fault, in the words of its row; `reached`: requests that the server has seen."""

    status: str
    seen: str
    attempts: int
    money: str
    verdict: str
    reached: int


def tried(
    faults: Sequence[Fault], folder: Path, largest: int = http.LARGEST_REPLY
) -> tuple[list[Outcome], dict[str, Outcome]]:
    """What comes of every fault that lasts as long as it is asked; and of each that may pass, by title, if it is there
    once, before an answer.

    largest  bytes of a reply that are taken at most: where fewer are, large ones take less time
    """
    once = [fault for fault in faults if fault.passes]
    with _Servers([*faults, *once], len(faults), folder) as servers:
        with mock.patch.object(http, "LARGEST_REPLY", largest):
            outcomes = asyncio.run(_all(servers, folder))
        assert servers.elsewhere.count() == 0, "the request was passed on to another host"
    passed = dict(zip([fault.title for fault in once], outcomes[len(faults) :], strict=True))
    return outcomes[: len(faults)], passed


async def _all(servers: _Servers, folder: Path) -> list[Outcome]:
    another = Identities(load()).another
    with open_store(Workspace(folder / "workspace")) as store:
        trials = [_Trial(number, servers, store, another) for number in range(len(servers.faults))]
        swift = await asyncio.gather(*(trial.run() for trial in trials if not trial.waits))
        slow = await asyncio.gather(*(trial.run() for trial in trials if trial.waits))  # nothing else takes their time
    done = {False: iter(swift), True: iter(slow)}
    return [next(done[trial.waits]) for trial in trials]


class _Servers:
    """Where the requests go: one server for all that speak HTTP with us, and one for every other place.

    The faults from `lasting` on pass after they were met once.
    """

    def __init__(self, faults: Sequence[Fault], lasting: int, folder: Path) -> None:
        self.faults, self._lasting, self._folder = faults, lasting, folder
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self.asked: Counter[int] = Counter()

    def __enter__(self) -> _Servers:
        signs = authority(self._folder)
        self.elsewhere = self._open(None)
        plain = self._open(None)
        tls = {
            "valid": signs.server("valid"),
            "self-signed": signs.self_signed("self-signed"),
            "expired": signs.server("expired", days=-1),
            "wrong host": signs.server("wrong-host", OTHER_HOST),
        }
        secure = {place: self._open(context) for place, context in tls.items()}
        self.urls = {
            "": plain.base_url,
            "nobody": f"http://127.0.0.1:{_closed_port()}/v1",
            "no name": f"https://{UNKNOWN_HOST}/v1",
            "plain at TLS": plain.base_url.replace("http:", "https:"),
            "TLS at plain": secure["valid"].base_url.replace("https:", "http:"),
            **{place: server.base_url for place, server in secure.items()},
        }
        self._stack.enter_context(mock.patch.dict(os.environ, {"SSL_CERT_FILE": str(signs.file)}))
        self._stack.enter_context(mock.patch.object(socket, "getaddrinfo", _looked_up(socket.getaddrinfo)))
        self._stack.enter_context(mock.patch.object(reply, "LONGEST_WAIT_S", LONGEST_WAIT_S))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _open(self, tls: ssl.SSLContext | None) -> Loopback:
        return self._stack.enter_context(Loopback(self._answer, tls))

    def _answer(self, body: Body) -> Reply:
        number = body["fault"]
        with self._lock:
            earlier = self.asked[number]
            self.asked[number] += 1
        does = self.faults[number].does
        if not isinstance(does, Reply) or (number >= self._lasting and earlier):
            return Reply(usage=USAGE)
        return replace(does, headers={name: self._here(value) for name, value in does.headers.items()})

    def _here(self, header: str) -> str:
        return header.replace(f"{ELSEWHERE}/v1", self.elsewhere.base_url)


class _Trial:
    """One fault, met by one client."""

    def __init__(
        self, number: int, servers: _Servers, store: AnswerStore[Completion], another: Callable[[str, str], bool]
    ) -> None:
        self._fault, self._number = servers.faults[number], number
        self._servers, self._store, self._another = servers, store, another
        self._budget, self._retried = Budget(None), 0

    @property
    def waits(self) -> bool:
        """Whether a timeout is waited for."""
        return self._fault.timeout_s < PATIENT_S

    async def run(self) -> Outcome:
        place = self._fault.does if isinstance(self._fault.does, str) else ""
        endpoint = Endpoint(
            self._servers.urls[place], KEY, timeout_s=self._fault.timeout_s, retries=RETRIES, backoff_s=0.01
        )
        messages = [{"role": "user", "content": "Say ok."}]
        request = ChatRequest({"model": self._fault.model, "messages": messages, "fault": self._number})
        async with endpoint:
            runner = Runner(
                lambda _: endpoint, self._store, str(self._number), self._budget, _cost, lambda _: WORST_USD,
                progress=self, another=self._another,
            )  # fmt: skip
            try:
                [completion] = await runner([request], "replay")
            except EndpointError as error:
                return self._outcome("stop", error.message.replace(endpoint.base_url, "ENDPOINT"), STOPS)
        return self._outcome(completion.status, _seen(completion), _verdict(request, completion))

    def _outcome(self, status: str, seen: str, verdict: str) -> Outcome:
        reached = self._servers.asked[self._number]
        return Outcome(status, seen, self._retried + 1, _money(self._budget.spent_usd), verdict, reached)

    def planned(self, model: str, purpose: str, questions: int, stored: int) -> None:
        """Nothing."""

    def answered(self, model: str, purpose: str, cost_usd: float | None) -> None:
        """Nothing."""

    def failed(self, model: str, purpose: str, status: Status) -> None:
        """Nothing."""

    def retried(self, model: str, purpose: str) -> None:
        self._retried += 1


def _cost(_: ChatRequest, completion: Completion) -> float | None:
    usage = completion.usage
    return None if usage.input_tokens is None or usage.output_tokens is None else ANSWER_USD


def _seen(completion: Completion) -> str:
    if completion.answer is None:
        return completion.error or ""
    text = "null" if completion.answer.text is None else f'"{completion.answer.text}"'.replace("\u2028", "\\u2028")
    usage = completion.usage
    known = usage.input_tokens is not None and usage.output_tokens is not None
    return f"{text}, {usage.input_tokens} + {usage.output_tokens} tokens" if known else f"{text}, tokens unknown"


def _verdict(request: ChatRequest, completion: Completion) -> str:
    if completion.status == "unreachable":
        return LEFT_OUT
    if completion.status == "rejected":
        return f"{LOST}: rejected"
    why = failure(completion.answer, request.body)
    return GRADED if why is None else f"{LOST}: {why}"


def _money(usd: float) -> str:
    """Dollars as so many worst cases and so many answers."""
    worst, answers = divmod(round(usd / ANSWER_USD), round(WORST_USD / ANSWER_USD))
    parts = [_times(count, what) for count, what in ((worst, WORST), (answers, ANSWER)) if count]
    return " + ".join(parts) or NOTHING


def _times(count: int, what: str) -> str:
    return what if count == 1 else f"{count} × {what}"


def _looked_up(real: Any) -> Any:
    def look_up(host: Any, *rest: Any, **named: Any) -> Any:
        if host == UNKNOWN_HOST:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *rest, **named)

    return look_up


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


COLUMNS = ("Injected", "What the client sees", "Attempts", "Outcome", "Money counted", "Verdict")
LONGEST_CELL = 70


def tables(faults: Sequence[Fault], outcomes: Sequence[Outcome]) -> str:
    """What came of them in Markdown, one table a group."""
    parts = []
    for group, rows in groupby(zip(faults, outcomes, strict=True), lambda row: row[0].group):
        lines = [" | ".join(COLUMNS), " | ".join(["---"] * len(COLUMNS)), *(_row(*row) for row in rows)]
        parts.append(f"### {group}\n\n" + "\n".join(f"| {line} |" for line in lines))
    return "\n\n".join(parts)


def _row(fault: Fault, outcome: Outcome) -> str:
    seen = outcome.seen if len(outcome.seen) <= LONGEST_CELL else f"{outcome.seen[: LONGEST_CELL - 1]}…"
    cells = (fault.name, f"`{seen}`", str(outcome.attempts), outcome.status, outcome.money, outcome.verdict)
    return " | ".join(cell.replace("|", "\\|") for cell in cells)
