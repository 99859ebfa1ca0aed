"""A process that is killed at its first write, at its second …: whatever is left is gone on with, to the same end."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.killing import files, forked

from llmcost.answers import Answer, Usage
from llmcost.endpoint import ChatRequest, Completion
from llmcost.errors import StoreError
from llmcost.replay import Budget, Runner, open_store
from llmcost.workspace import AnswerStore, Workspace

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

RUN, PRICE, WORST, IN_FLIGHT = "run-1", 0.001, 0.01, 2
QUESTIONS = [ChatRequest({"model": "m", "messages": [{"role": "user", "content": f"question {n}"}]}) for n in range(3)]
BASE_URL = "http://127.0.0.1:9/v1"


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A folder on no disk, where there is one: a kill takes nothing from the kernel, and a sync would cost time."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


class Endpoint:
    """Answers at once, and writes down what it is asked where a killed process cannot take it back.

    The second question's first attempt is lost, and perhaps billed; the third is refused, and billed to nobody.
    """

    base_url = BASE_URL

    def __init__(self, log: Path) -> None:
        self._log = log

    async def complete(self, request: ChatRequest, on_failure: Any) -> Completion:
        number = int(request.body["messages"][-1]["content"].split()[1])
        if number == 2:
            await on_failure(perhaps_billed=False, again=False)
            return Completion("m", "rejected", error="refused")
        note(self._log, "asked", number)
        await asyncio.sleep(0)
        if number == 1:
            await on_failure(perhaps_billed=True, again=True)
            note(self._log, "asked", number)
        return Completion("m", "answered", Answer(f"answer {number}", (), None, "stop"), Usage(3, 1, None, 2), 12.5)


def note(log: Path, what: str, number: int) -> None:
    with log.open("a") as file:
        file.write(f"{what} {number}\n")


def told(log: Path, what: str) -> Counter[int]:
    lines = log.read_text().split("\n") if log.exists() else []
    return Counter(int(line.split()[1]) for line in lines if line.startswith(what))


class Noting(AnswerStore[Completion]):
    """A store that says what it has acknowledged."""

    log: Path

    async def put(self, key: bytes, *rest: Any) -> bool:
        kept = await super().put(key, *rest)
        note(self.log, "kept", [request.key(BASE_URL) for request in QUESTIONS].index(key))
        return kept


def replay(folder: Path, log: Path) -> None:
    """A small replay, whose report is saved as `llmcost replay` does it."""
    workspace = Workspace(folder)
    workspace.remember_logs(["log.jsonl"], {})
    Noting.log = log
    with Noting(workspace.prepare().answers, Completion) as store:
        keys = [QUESTIONS[number].key(BASE_URL) for number in told(log, "kept")]
        assert store.get(keys).keys() == set(keys), "an acknowledged answer is gone"
        endpoint: Any = Endpoint(log)
        runner = Runner(lambda _: endpoint, store, RUN, Budget(1.0), lambda *_: PRICE, lambda _: WORST,
                        concurrency=IN_FLIGHT)  # fmt: skip
        answers = asyncio.run(runner(QUESTIONS, "replay"))
        assert store.ledger(RUN).spent_usd >= told(log, "asked").total() * PRICE - 1e-9
    report = json.dumps([str(answer) for answer in answers] + [str(line) for line in runner.spend()])
    workspace.save_record(RUN, b"record")
    workspace.save_run(RUN, report.encode())


def test_a_replay_killed_at_any_write_is_gone_on_with(in_memory: Path) -> None:
    forked(lambda: replay(in_memory / "whole", in_memory / "whole.log"))
    whole = Workspace(in_memory / "whole")
    for number in count(1):
        folder, log = in_memory / f"w{number}", in_memory / f"{number}.log"
        killed = forked(lambda folder=folder, log=log: replay(folder, log), die_at=number)
        kept, asked = told(log, "kept"), told(log, "asked")
        forked(lambda folder=folder, log=log: replay(folder, log))
        again = told(log, "asked") - asked
        assert not again.keys() & kept.keys(), f"write {number}: what was stored is asked again"
        assert sum(again[n] for n in asked) <= IN_FLIGHT * 2, f"write {number}: more than was in flight is asked again"
        assert Workspace(folder).load_run() == whole.load_run(), f"write {number}"
        assert files(folder) == files(whole.path), f"write {number}: something is left"
        if not killed:
            break
    assert number > 60, "these are not all writes"


@contextmanager
def damaged(folder: Path) -> Iterator[Any]:
    """A store of 24 answers with a page of zeros in the middle, and what is in it while it is whole."""
    workspace = Workspace(folder)

    async def fill(store: AnswerStore[Completion]) -> None:
        for n in range(24):
            key = bytes([n * 9]) * 32
            await store.reserve(RUN, key, WORST)
            done = Completion("m", "answered", Answer("word " * 100, (), None, "stop"), Usage(3, 1, None, 2), 12.5)
            await store.put(key, done, PRICE, RUN)

    with open_store(workspace) as store:
        asyncio.run(fill(store))
    content = bytearray(workspace.answers.read_bytes())
    content[4096 * 5 : 4096 * 6] = bytes(4096)
    workspace.answers.write_bytes(content)
    yield SimpleNamespace(content=bytes(content))


def ask_everything(folder: Path) -> str:
    """What reading the whole store comes to: the error, or how much there is."""
    try:
        with open_store(Workspace(folder)) as store:
            found = store.get([bytes([n * 9]) * 32 for n in range(24)])
            return f"{len(found)} {store.ledger(RUN).spent_usd:.4f}"
    except StoreError as error:
        return error.message


def test_a_damaged_store_is_set_aside_whole_whenever_that_is_killed(in_memory: Path) -> None:
    with damaged(in_memory / "damaged") as before:
        shutil.copytree(in_memory / "damaged", in_memory / "whole")
        assert "was damaged" in ask_everything(in_memory / "whole")
        saved = ask_everything(in_memory / "whole")
        assert 10 < int(saved.split()[0]) < 24
        for number in count(1):
            folder = in_memory / f"w{number}"
            shutil.copytree(in_memory / "damaged", folder)
            killed = forked(lambda folder=folder: ask_everything(folder), die_at=number)
            if (said := ask_everything(folder)) != saved:
                assert "was damaged" in said and ask_everything(folder) == saved, f"write {number}"
            assert (folder / "answers.damaged-1.sqlite").read_bytes() == before.content
            assert files(folder) == files(in_memory / "whole"), f"write {number}: something is left"
            if not killed:
                break
    assert number > 40, "these are not all writes"
