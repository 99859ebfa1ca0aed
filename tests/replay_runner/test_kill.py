"""kill −9 at any moment, run again: nothing stored is asked again, the cap holds, and the result is the same."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from support.killing import start, wait_until
from support.loopback import Loopback, Received, slow_echo

from llmcost.endpoint import ChatRequest, Completion, client
from llmcost.replay import Budget, Runner, open_store
from llmcost.workspace import Workspace

COUNT = 400
CONCURRENCY = 16
KILLS = 4
RUN = "run-1"
OUTPUT_USD, WORST_USD = 1e-5, 1e-3
QUESTIONS = [
    ChatRequest({"model": ("cheap", "dear")[n % 2], "messages": [{"role": "user", "content": f"question {n}"}]})
    for n in range(COUNT)
]


def cost(_request: ChatRequest, completion: Completion) -> float | None:
    tokens = completion.usage.output_tokens
    return None if tokens is None else tokens * OUTPUT_USD


async def replay(base_url: str, folder: Path, cap: float) -> str:
    """Asks all questions; the answers and the bill."""
    with open_store(Workspace(folder)) as store:
        async with client.Endpoint(base_url, "sk-planted-0123456789abcdef", backoff_s=0.01) as endpoint:
            runner = Runner(lambda _: endpoint, store, RUN, Budget(cap), cost, lambda _: WORST_USD,
                            concurrency=CONCURRENCY)  # fmt: skip
            answers = await runner(QUESTIONS, "replay")
            return f"{[(answer.model, answer.answer) for answer in answers]} {runner.spend()}"


def begin(server: Loopback, folder: Path, cap: float) -> int:
    """Starts a replay in a process of its own, which writes its result beside the workspace."""
    result = folder.with_suffix(".txt")
    return start(lambda: result.write_text(asyncio.run(replay(server.base_url, folder, cap))))


def finish(server: Loopback, folder: Path, cap: float) -> str:
    _, status = os.waitpid(begin(server, folder, cap), 0)
    assert status == 0
    return folder.with_suffix(".txt").read_text()


def kill_after_some_answers(server: Loopback, folder: Path, cap: float, wait_s: float) -> None:
    before = server.count()
    child = begin(server, folder, cap)
    wait_until(lambda: server.count() > before or os.waitpid(child, os.WNOHANG)[0] != 0)
    time.sleep(wait_s)
    with suppress(ProcessLookupError, ChildProcessError):  # the cap had ended it before
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def stored(server: Loopback, folder: Path) -> set[str]:
    """The questions that have a stored answer, by their bodies."""
    by_key = {question.key(server.base_url): json.dumps(dict(question.body)) for question in QUESTIONS}
    with open_store(Workspace(folder)) as store:
        return {by_key[key] for key in store.get(list(by_key))}


def asked(requests: list[Received]) -> Counter[str]:
    return Counter(json.dumps(request.body) for request in requests)


def test_kills_then_completion(tmp_path: Path) -> None:
    dice, cap, folder = random.Random(5), 20.0, tmp_path / "killed"
    with Loopback(slow_echo) as server:
        for kill in range(KILLS + 1):
            had, seen = stored(server, folder), server.count()
            assert len(had) < COUNT, "the kills must hit a run that is under way"
            if kill < KILLS:
                kill_after_some_answers(server, folder, cap, dice.uniform(0, 0.05))
            else:
                resumed = finish(server, folder, cap)
            assert not had & asked(server.requests[seen:]).keys(), "what was stored was asked again"
        assert len(stored(server, folder)) == COUNT

        # at most what was in flight at each of the kills was asked twice
        assert sum(times - 1 for times in asked(server.requests).values()) <= KILLS * CONCURRENCY
        # and what was lost then is on the ledger: it counts everything that the server delivered
        delivered = sum(request.usage["completion_tokens"] for request in server.delivered)
        with open_store(Workspace(folder)) as store:
            assert store.ledger(RUN).spent_usd >= delivered * OUTPUT_USD - 1e-9

        seen = server.count()
        assert finish(server, folder, cap) == resumed
        assert server.count() == seen, "a finished run asks nothing"
        assert finish(server, tmp_path / "whole", cap) == resumed


def test_the_cap_holds_over_all_parts_of_a_killed_run(tmp_path: Path) -> None:
    cap, dice, folder = 0.03, random.Random(6), tmp_path / "killed"
    with Loopback(slow_echo) as server:
        for _ in range(3):
            kill_after_some_answers(server, folder, cap, dice.uniform(0, 0.05))
        _, status = os.waitpid(begin(server, folder, cap), 0)
        delivered = sum(request.usage["completion_tokens"] for request in server.delivered)
    assert status != 0, "the cap is too small for all questions"
    assert 0 < delivered * OUTPUT_USD <= cap
