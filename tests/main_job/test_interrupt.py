"""Ctrl-C, `kill` and a lost terminal: what is in flight is kept, the exit code says which, the next run resumes."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import shop
from support.killing import Copy, start, wait_until
from support.loopback import Loopback, Reply

from llmcost import signals
from llmcost.api.endpoints import wait_for
from llmcost.replay import open_store
from llmcost.workspace import Workspace

SIGNALS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "hung up"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shop.write_log(tmp_path / "log.jsonl", 48)
    shop.write_config(tmp_path / "llmcost.toml")
    return tmp_path


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(shop.slow_answer) as running:
        yield running


def replay(server: Loopback) -> list[str]:
    return ["replay", "log.jsonl", "--models", "tiny", "--grader", "judge", "--base-url", server.base_url,
            "--concurrency", "8", "--aa", "0", "--strategies", "map"]  # fmt: skip


def test_each_signal_keeps_what_was_answered(folder: Path, server: Loopback) -> None:
    for number, word in SIGNALS.items():
        before = server.count()
        with Copy(*replay(server), "--yes", cwd=folder) as command:
            wait_until(lambda before=before: server.count() > before + 20)
            command.send(number)
            assert command.wait() == 128 + number
            assert command.out == ""
            assert f"error: {word}; every answer that was paid for is stored" in command.err
            assert "it resumes" in command.err and "Traceback" not in command.err
    with Copy(*replay(server), "--yes", cwd=folder) as command:
        assert command.wait() == 0, command.err
    bodies = [str(request.body) for request in server.requests]
    assert len(set(bodies)) == len(bodies), "what was in flight was answered, stored and not asked again"


def test_a_second_signal_does_not_wait_for_what_is_in_flight(folder: Path, server: Loopback) -> None:
    asked = 0

    def stuck(body: dict[str, object]) -> Reply:
        nonlocal asked
        asked += 1
        return shop.answer(body) if asked < 10 else Reply(delay_s=60)

    server.answer = stuck
    with Copy(*replay(server), "--yes", cwd=folder) as command:
        wait_until(lambda: asked == 17)
        command.send(signal.SIGTERM)
        wait_until(lambda: "once more stops at once" in command.err)
        began = time.monotonic()
        command.send(signal.SIGTERM)
        assert command.wait() == 143
        assert time.monotonic() - began < 5
        assert "error: terminated at once" in command.err and "Traceback" not in command.err
    with open_store(Workspace(folder / ".llmcost")) as store:
        assert store.count() == 9, "what had been answered is stored"


def test_while_a_log_is_read(folder: Path) -> None:
    reading, writing = os.pipe()
    with Copy("audit", "-", cwd=folder, stdin=reading) as command:
        os.close(reading)
        os.write(writing, (folder / "log.jsonl").read_bytes()[:5000])
        time.sleep(0.1)
        command.send(signal.SIGTERM)
        assert command.wait(10) == 143
        assert "error: terminated" in command.err and "Traceback" not in command.err
    os.close(writing)


def test_a_signal_that_comes_in_a_callback_of_the_collector_is_not_lost() -> None:
    def job() -> None:
        signals.heed(lambda line: None)
        watched = set("it")
        watcher = weakref.ref(watched, lambda _: os.kill(os.getpid(), signal.SIGTERM))
        del watched  # what the callback raises, Python prints and forgets
        time.sleep(30)
        assert watcher() is None

    began = time.monotonic()
    _, status = os.waitpid(start(job), 0)
    assert os.waitstatus_to_exitcode(status) == 1, "Stopped went through"
    assert time.monotonic() - began < 10


def test_while_it_asks_whether_to_send(folder: Path, server: Loopback) -> None:
    ours, theirs = pty.openpty()
    with Copy(*replay(server), cwd=folder, stdin=theirs) as command:
        wait_until(lambda: "Send?" in command.err)
        command.send(signal.SIGTERM)
        assert command.wait(10) == 143
        assert "Traceback" not in command.err
    os.close(ours)
    os.close(theirs)
    assert server.count() == 0


def test_in_a_notebook_it_cancels_the_job_and_waits_for_what_that_keeps() -> None:
    ended: list[str] = []

    async def job() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            ended.append("stored")

    async def cell() -> None:
        wait_for(job())

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(cell())
    finally:
        signal.signal(signal.SIGALRM, before)
    assert ended == ["stored"]
