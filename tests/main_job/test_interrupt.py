"""Ctrl-C: what is in flight is kept, the exit code is 130, the same command resumes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from support import shop
from support.loopback import LoopbackProcess


def test_an_interrupt_keeps_what_was_answered(tmp_path: Path) -> None:
    shop.write_log(tmp_path / "log.jsonl", 200)
    shop.write_config(tmp_path / "llmcost.toml")
    with LoopbackProcess("support.shop:slow_answer") as server:
        arguments = ["replay", "log.jsonl", "--models", "tiny", "--grader", "judge", "--base-url", server.base_url]
        command = [sys.executable, "-m", "llmcost", *arguments, "--yes", "--concurrency", "8"]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=shop.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        while len(server.requests()) < 40:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert out == ""
        assert "error: interrupted" in err and "resumes" in err
        assert "Traceback" not in err

        asked = len(server.requests())
        resumed = shop.run(*arguments, "--yes", cwd=tmp_path)
        assert resumed.returncode == 0, resumed.stderr
        bodies = [str(request.body) for request in server.requests()]
        assert len(set(bodies)) == len(bodies) > asked, "what was in flight was answered, stored and not asked again"
