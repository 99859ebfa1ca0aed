"""The demo as a stranger runs it, once for all workers of a test session: it takes the longest of all commands.

Where somebody runs it anyway, LLMCOST_TEST_DEMO names the folder; a file `done` in it says that it is over.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support import shop

COMMAND = "llmcost demo > demo.txt"
LONGEST_S = 300


def demo_folder(factory: pytest.TempPathFactory) -> Path:
    """The folder in which `COMMAND` was run, for reading: others look at it, too."""
    if (running := os.environ.get("LLMCOST_TEST_DEMO")) is not None:
        return _waited_for(Path(running))
    base = factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demo"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "done").exists():
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            environment = shop.environment({"COLUMNS": "80", "PATH": path})
            done = subprocess.run(
                ["bash", "-c", COMMAND], cwd=shared, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            (shared / "done").touch()
    return shared


def _waited_for(folder: Path) -> Path:
    began = time.monotonic()
    while not (folder / "done").exists():
        said = (folder / "demo.err").read_text(encoding="utf-8") if (folder / "demo.err").exists() else ""
        assert time.monotonic() - began < LONGEST_S, f"the demo in {folder} did not end: {said}"
        time.sleep(0.5)
    return folder
