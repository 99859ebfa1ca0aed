"""A replay that is killed again and again pays for nothing twice and ends in the same report."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from pathlib import Path

from support import shop
from support.loopback import LoopbackProcess

from llmcost.endpoint import ChatRequest
from llmcost.replay import open_store
from llmcost.workspace import Workspace

KILLS = 5
CONCURRENCY = 16


def command(base_url: str) -> list[str]:
    return [
        "replay", "log.jsonl", "--models", "tiny,small", "--grader", "judge", "--base-url", base_url,
        "--concurrency", str(CONCURRENCY), "--yes", "--format", "json",
    ]  # fmt: skip


def prepare(folder: Path) -> Path:
    folder.mkdir()
    shop.write_log(folder / "log.jsonl", 300)
    shop.write_config(folder / "llmcost.toml")
    return folder


def stored(folder: Path, server: LoopbackProcess) -> set[bytes]:
    """Keys of the asked questions whose answer is in the store now."""
    keys = {
        ChatRequest(request.body, replicate).key(server.base_url)
        for request in server.requests()
        for replicate in (0, 1)
    }
    if not (folder / ".llmcost" / "answers.sqlite").exists():
        return set()
    with open_store(Workspace(folder / ".llmcost")) as store:
        return set(store.get(sorted(keys)))


def test_kills_pay_for_nothing_twice_and_change_no_byte(tmp_path: Path) -> None:
    chance = random.Random(11)
    with LoopbackProcess("support.shop:slow_answer") as server:
        folder = prepare(tmp_path / "killed")
        killed = 0
        while killed < KILLS:
            asked, known = server.asked(), stored(folder, server)
            process = shop.start(*command(server.base_url), cwd=folder)
            while process.poll() is None and server.asked() == asked:
                time.sleep(0.05)  # until it has begun to ask
            time.sleep(chance.uniform(0.02, 0.15))
            if process.poll() is not None:
                break
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
            again = {ChatRequest(request.body).key(server.base_url) for request in server.requests()[asked:]}
            assert not again & known, "a stored answer was asked for again"
        assert killed == KILLS, "the replay was over before it could be killed so often"
        finished = shop.run(*command(server.base_url), cwd=folder)
        assert finished.returncode == 0, finished.stderr

        repeated = Counter(ChatRequest(request.body).key(server.base_url) for request in server.requests())
        twice = sum(count - 1 for count in repeated.values())
        assert 0 < twice <= KILLS * CONCURRENCY, "only what was in flight at a kill may be asked again"

        whole = shop.run(*command(server.base_url), cwd=prepare(tmp_path / "whole"))
    assert whole.returncode == 0, whole.stderr
    assert finished.stdout == whole.stdout
