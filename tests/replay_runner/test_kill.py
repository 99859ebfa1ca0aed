"""kill −9 at any moment, run again: nothing stored is asked again, and the result is the same, byte by byte."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from support.loopback import LoopbackProcess
from support.runner_process import OUTPUT_USD, RUN, questions

from llmcost.replay.runner import open_store
from llmcost.workspace import Workspace

COUNT = 1500
CONCURRENCY = 32
KILLS = 5
TESTS = Path(__file__).parents[1]


def start(base_url: str, folder: Path, cap: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "support.runner_process", base_url, str(folder), str(COUNT), str(cap)]
    return subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE, text=True)


def finish(base_url: str, folder: Path, cap: float) -> str:
    process = start(base_url, folder, cap)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output


def stored(base_url: str, folder: Path) -> dict[str, bool]:
    """Which questions have a stored answer, by their bodies."""
    with open_store(Workspace(folder)) as store:
        keys = {request.key(base_url): json.dumps(dict(request.body)) for request in questions(COUNT)}
        return {body: True for key, body in keys.items() if key in store.get([key])}


def asked(server: LoopbackProcess, since: int = 0) -> Counter[str]:
    return Counter(json.dumps(request.body) for request in server.requests()[since:])


def kill_after_some_answers(server: LoopbackProcess, folder: Path, cap: float, wait_s: float) -> None:
    before = server.count()
    process = start(server.base_url, folder, cap)
    while process.poll() is None and server.count() == before:
        time.sleep(0.005)
    time.sleep(wait_s)
    process.kill()
    process.communicate()


def test_kills_then_completion(tmp_path: Path) -> None:
    dice, cap = random.Random(5), 20.0
    with LoopbackProcess("support.loopback:slow_echo") as server:
        killed = 0
        for _ in range(KILLS):
            had, seen = stored(server.base_url, tmp_path / "killed"), server.count()
            kill_after_some_answers(server, tmp_path / "killed", cap, dice.uniform(0, 0.06))
            again = asked(server, since=seen)
            assert not set(had) & set(again), "what was stored was asked again"
            killed += len(had) < COUNT
        assert killed == KILLS, "the kills must hit a run that is under way"
        had, seen = stored(server.base_url, tmp_path / "killed"), server.count()
        assert 0 < len(had) < COUNT
        resumed = finish(server.base_url, tmp_path / "killed", cap)
        assert not set(had) & set(asked(server, since=seen))
        assert len(stored(server.base_url, tmp_path / "killed")) == COUNT

        # at most what was in flight at each of the kills was asked twice
        assert sum(times - 1 for times in asked(server).values()) <= KILLS * CONCURRENCY
        # and what was lost then is on the ledger: it counts everything that the server delivered
        delivered = sum(request.usage["completion_tokens"] for request in server.requests() if request.delivered)
        with open_store(Workspace(tmp_path / "killed")) as store:
            assert store.ledger(RUN).spent_usd >= delivered * OUTPUT_USD - 1e-9

        seen = server.count()
        assert finish(server.base_url, tmp_path / "killed", cap) == resumed
        assert server.count() == seen, "a finished run asks nothing"
        assert finish(server.base_url, tmp_path / "whole", cap) == resumed


def test_the_cap_holds_over_all_parts_of_a_killed_run(tmp_path: Path) -> None:
    cap, dice = 0.12, random.Random(6)
    with LoopbackProcess("support.loopback:slow_echo") as server:
        for _ in range(4):
            kill_after_some_answers(server, tmp_path, cap, dice.uniform(0, 0.1))
        process = start(server.base_url, tmp_path, cap)
        process.communicate(timeout=60)
        delivered = sum(request.usage["completion_tokens"] for request in server.requests() if request.delivered)
    assert process.returncode != 0, "the cap is too small for all questions"
    assert 0 < delivered * OUTPUT_USD <= cap
