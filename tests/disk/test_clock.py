"""The clock is set forward and back by years in the middle of a run: nothing waits for it, nothing is counted by it."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from support import shop
from support.loopback import Loopback, Reply, error, script

YEAR_S = 365 * 86_400.0


def test_a_clock_that_jumps_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write_log(tmp_path / "log.jsonl", 24)
    shop.write_config(tmp_path / "llmcost.toml")
    dice, now, jumps = random.Random(3), time.time, 0

    def jumping() -> float:
        nonlocal jumps
        jumps += 1
        return now() + dice.uniform(-30, 30) * YEAR_S

    refused = script([error(429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"), error(503)], then=Reply())

    def answer(body: dict[str, object]) -> Reply:
        first = refused(body)
        return first if first.status != 200 else shop.answer(body)

    def replayed(name: str, *more: str) -> str:
        with Loopback(answer) as server:
            done = shop.run_here(
                "replay", "log.jsonl", "--models", "tiny", "--grader", "judge", "--base-url", server.base_url, "--yes",
                "--strategies", "map", "--aa", "0", "--format", "csv", *more, cwd=tmp_path,
                env={"LLMCOST_WORKSPACE": str(tmp_path / name)},
            )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    steady = replayed("steady")
    monkeypatch.setattr(time, "time", jumping)
    monkeypatch.setattr(time, "time_ns", lambda: int(jumping() * 1e9))
    began = time.monotonic()
    assert replayed("jumping", "--budget", "5") == steady
    assert time.monotonic() - began < 120
    assert jumps, "somebody looked at the clock: what they see jumps"
