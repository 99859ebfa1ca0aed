"""A full disk: what was acknowledged is intact, the error says what to do, and the same command goes on afterwards."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path

import pytest
from support import shop
from support.killing import Copy, forked, may_write_so_much
from support.loopback import Loopback

from llmcost.answers import Answer, Usage
from llmcost.endpoint import Completion
from llmcost.errors import StoreError
from llmcost.replay import open_store
from llmcost.workspace import Workspace, database

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
LIMIT = 150_000


def answer(number: int) -> Completion:
    return Completion("m", "answered", Answer(f"{number} " * 700, (), None, "stop"), Usage(3, 1, None, 2), 12.5)


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def fill(folder: Path, log: Path) -> None:
    """Stores answers until the disk is full, and writes down which were acknowledged."""

    async def put(store: object) -> None:
        for number in range(1000):
            await store.reserve("r", key(number), 0.5)  # type: ignore[attr-defined]
            await store.put(key(number), answer(number), 0.1, "r")  # type: ignore[attr-defined]
            with log.open("a") as file:
                file.write(f"{number}\n")

    with open_store(Workspace(folder)) as store, pytest.raises(StoreError) as caught:
        asyncio.run(put(store))
    assert "disk is full" in caught.value.message and str(store.path) in caught.value.message
    assert "make room, then run the same command: it resumes" in str(caught.value.hint)


def acknowledged(folder: Path, log: Path) -> int:
    """How many answers were acknowledged; all of them are there and whole."""
    numbers = [int(line) for line in log.read_text().split()]
    with open_store(Workspace(folder)) as store:
        assert store.get([key(n) for n in numbers]) == {key(n): answer(n) for n in numbers}
        ledger = store.ledger("r")  # the last attempt may be open: whoever asked may be charged
        assert (len(ledger.open) <= 1, ledger.settled_usd) == (True, pytest.approx(len(numbers) * 0.1))
        asyncio.run(store.put(key(2000), answer(2000), 0.1, "r"))  # there is room now
    return len(numbers)


def test_a_store_that_may_not_grow(tmp_path: Path) -> None:
    def job() -> None:
        may_write_so_much(LIMIT)
        fill(tmp_path / "w", tmp_path / "log")

    forked(job)
    assert acknowledged(tmp_path / "w", tmp_path / "log") > 4


def test_a_store_that_sqlite_calls_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = database.connect

    def small(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.execute("PRAGMA max_page_count = 40")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(database, "connect", small)
        fill(tmp_path / "w", tmp_path / "log")
    assert acknowledged(tmp_path / "w", tmp_path / "log") > 20


def test_a_report_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    workspace.save_run("r", b"old")

    def job() -> None:
        may_write_so_much(LIMIT)
        with pytest.raises(StoreError, match=r"cannot use the workspace .*: File too large") as caught:
            workspace.save_run("r", bytes(LIMIT * 2))
        assert "make room" in str(caught.value.hint)

    forked(job)
    assert workspace.load_run("r") == b"old"
    assert [file.name for file in (workspace.path / "runs").iterdir()] == ["r.json"]


def test_a_replay_goes_on_when_there_is_room_again(tmp_path: Path) -> None:
    shop.write_log(tmp_path / "log.jsonl", 24)
    shop.write_config(tmp_path / "llmcost.toml")
    with Loopback(shop.answer) as server:
        arguments = ["replay", "log.jsonl", "--models", "tiny", "--grader", "judge", "--base-url", server.base_url,
                     "--concurrency", "8", "--strategies", "map", "--aa", "0", "--yes"]  # fmt: skip
        with Copy(*arguments, cwd=tmp_path, before=lambda: may_write_so_much(LIMIT)) as command:
            assert command.wait() == 5
            assert "disk is full" in command.err and "it resumes" in command.err and "Traceback" not in command.err
        before = server.count()
        done = shop.run_here(*arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    bodies = [str(request.body) for request in server.requests]
    assert before > 10, "the disk was full in the midst of it"
    assert len(bodies) - len(set(bodies)) <= 8, "only what was in flight, and could not be stored, is asked twice"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_result_that_cannot_be_written(tmp_path: Path) -> None:
    shop.write_log(tmp_path / "log.jsonl", 300)
    out = tmp_path / "report.html"
    out.write_text("the last one")
    done = shop.run_here("audit", "log.jsonl", "-o", "/dev/full", cwd=tmp_path)
    assert done.returncode == 3 and "cannot write /dev/full: No space left on device" in done.stderr
    with Copy("audit", "log.jsonl", cwd=tmp_path, stdout="/dev/full") as command:
        assert command.wait() == 3
        assert "cannot write the result: No space left" in command.err and "make room" in command.err
    arguments = ("audit", "log.jsonl", "--format", "html", "-o", str(out))
    with Copy(*arguments, cwd=tmp_path, before=lambda: may_write_so_much(1000)) as command:
        assert command.wait() == 3, command.err
        assert "make room" in command.err
    assert out.read_text() == "the last one"
    assert not [file for file in tmp_path.iterdir() if file.name.endswith(".tmp")]


def test_a_lock_that_cannot_be_taken_for_want_of_room_is_not_somebody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_lock: sqlite3.Connection) -> bool:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorname = "SQLITE_FULL"
        raise error

    with open_store(Workspace(tmp_path / "w")) as store:
        with monkeypatch.context() as patch:
            patch.setattr(database, "taken_alone", full)
            for _ in range(2):
                with pytest.raises(StoreError, match="disk is full"):
                    store.claim("r")
        store.claim("r")
