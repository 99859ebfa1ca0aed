"""Two processes in one workspace: neither pays for what the other has stored, neither breaks what the other reads."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import shop
from support.killing import Copy, forked, start, wait_until
from support.loopback import Loopback, Reply

from llmcost.answers import Answer, Usage
from llmcost.endpoint import ChatRequest, Completion
from llmcost.replay import Budget, Runner, open_store
from llmcost.workspace import Workspace

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
BASE_URL = "http://127.0.0.1:9/v1"


def replay(server: Loopback, models: str) -> list[str]:
    return ["replay", "log.jsonl", "--models", models, "--grader", "judge", "--base-url", server.base_url,
            "--concurrency", "8", "--strategies", "map", "--aa", "0", "--yes"]  # fmt: skip


def test_the_same_run_is_refused_an_audit_and_another_run_are_not(tmp_path: Path) -> None:
    shop.write_log(tmp_path / "log.jsonl", 24)
    shop.write_config(tmp_path / "llmcost.toml")
    slow = 0.3

    def answer(body: dict[str, Any]) -> Reply:
        return replace(shop.answer(body), delay_s=slow)

    with Loopback(answer) as server, Copy(*replay(server, "tiny"), cwd=tmp_path) as first:
        wait_until(lambda: server.count() > 3)
        same = shop.run_here(*replay(server, "tiny"), cwd=tmp_path)
        assert same.returncode == 5 and "this run is under way in another process" in same.stderr
        assert shop.run_here("audit", "log.jsonl", cwd=tmp_path).returncode == 0
        assert first.poll() is None, "the first was under way all the time"
        slow = 0.005
        other = shop.run_here(*replay(server, "tiny,small"), cwd=tmp_path)
        assert other.returncode == 0, other.stderr
        assert first.wait() == 0, first.err
    assert len(Workspace(tmp_path / ".llmcost").runs()) == 2


class Answering:
    """An endpoint that, while it is asked the first question, sees another process answer the second."""

    base_url = BASE_URL

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.asked: list[str] = []

    async def complete(self, request: ChatRequest, _on_failure: Any) -> Completion:
        text = str(request.body["messages"][0]["content"])
        self.asked.append(text)
        if text == "one":
            with open_store(Workspace(self._folder)) as other:
                await other.put(question("two").key(BASE_URL), answered("theirs"), 0.25, "another run")
        return answered("ours")


def answered(text: str) -> Completion:
    return Completion("m", "answered", Answer(text, (), None, "stop"), Usage(3, 1, None, 2), 12.5)


def question(text: str) -> ChatRequest:
    return ChatRequest({"model": "m", "messages": [{"role": "user", "content": text}]})


def test_what_another_run_has_stored_meanwhile_is_not_asked(tmp_path: Path) -> None:
    endpoint: Any = Answering(tmp_path / "w")
    budget = Budget(1.0)
    with open_store(Workspace(tmp_path / "w")) as store:
        runner = Runner(lambda _: endpoint, store, "r", budget, lambda *_: 0.1, lambda _: 0.2, concurrency=1)
        answers = asyncio.run(runner([question(text) for text in ("one", "two", "three")], "replay"))
        assert [answer.answer.text for answer in answers if answer.answer] == ["ours", "theirs", "ours"]
        assert endpoint.asked == ["one", "three"]
        assert [line.cost_usd for line in runner.spend()] == [pytest.approx(0.45)], "the bill counts what it rests on"
        assert (budget.spent_usd, budget.reserved_usd) == (pytest.approx(0.2), pytest.approx(0.0))
        assert store.ledger("r").spent_usd == pytest.approx(0.2), "the cap counts what this run has spent"


def test_files_are_read_whole_while_others_write_them(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    contents = {str(n): [str(n) * 3000] for n in range(3)}

    def write(name: str) -> None:
        for _ in range(30):
            workspace.remember_logs(["-"], {"who": contents[name]})
            workspace.save_run("r", name.encode() * 9000)

    children = [start(lambda name=name: write(name)) for name in contents]
    wait_until(lambda: workspace.last_logs() is not None and workspace.last_run() is not None)
    while any(os.waitpid(child, os.WNOHANG) == (0, 0) for child in children[:1]):
        last = workspace.last_logs()
        assert last is not None and last.options["who"] in contents.values()
        assert len(set(workspace.load_run())) == 1
    assert [os.waitpid(child, 0)[1] for child in children[1:]] == [0, 0]


def test_a_workspace_is_made_by_several_at_once(tmp_path: Path) -> None:
    for number in range(5):
        workspace = Workspace(tmp_path / f"w{number}")
        children = [start(lambda workspace=workspace: open_store(workspace).close()) for _ in range(3)]
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert not forked(lambda: open_store(workspace).close())
