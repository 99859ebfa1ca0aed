"""A replay that is killed again and again pays for nothing twice and ends in the same report."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from pathlib import Path

from support import shop
from support.killing import Copy, wait_until
from support.loopback import Loopback, Received

from llmcost.endpoint import ChatRequest
from llmcost.replay import open_store
from llmcost.workspace import Workspace

KILLS = 5
CONCURRENCY = 8


def replay(folder: Path, server: Loopback) -> Copy:
    return Copy(
        "replay", "log.jsonl", "--models", "tiny,small", "--grader", "judge", "--base-url", server.base_url,
        "--concurrency", str(CONCURRENCY), "--yes", "--format", "json", cwd=folder,
    )  # fmt: skip


def prepare(folder: Path) -> Path:
    folder.mkdir()
    shop.write_log(folder / "log.jsonl", 48)
    shop.write_config(folder / "llmcost.toml")
    return folder


def keys(requests: list[Received], server: Loopback) -> list[bytes]:
    return [ChatRequest(request.body).key(server.base_url) for request in requests]


def stored(folder: Path, server: Loopback) -> set[bytes]:
    """Keys of the asked questions whose answer is in the store now."""
    if not (folder / ".llmcost" / "answers.sqlite").exists():
        return set()
    with open_store(Workspace(folder / ".llmcost")) as store:
        return set(store.get(sorted(set(keys(server.requests, server)))))


def finished(folder: Path, server: Loopback) -> str:
    with replay(folder, server) as command:
        assert command.wait() == 0, command.err
        return command.out


def test_kills_pay_for_nothing_twice_and_change_no_byte(tmp_path: Path) -> None:
    chance = random.Random(11)
    with Loopback(shop.slow_answer) as server:
        folder = prepare(tmp_path / "killed")
        for _ in range(KILLS):
            asked, known = server.count(), stored(folder, server)
            with replay(folder, server) as command:
                wait_until(lambda asked=asked: server.count() > asked)  # until it has begun to ask
                time.sleep(chance.uniform(0.02, 0.1))
                assert command.poll() is None, "the replay was over before it could be killed so often"
                command.send(signal.SIGKILL)
                command.wait()
            assert not set(keys(server.requests[asked:], server)) & known, "a stored answer was asked for again"
        server.answer = shop.answer  # nobody is killed any more
        killed = finished(folder, server)
        twice = sum(count - 1 for count in Counter(keys(server.requests, server)).values())
        assert 0 < twice <= KILLS * CONCURRENCY, "only what was in flight at a kill may be asked again"
        assert killed == finished(prepare(tmp_path / "whole"), server)
