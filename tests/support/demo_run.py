"""The demo as a stranger runs it, once for all workers of a test session: it takes the longest of all commands."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support import shop

COMMAND = "llmcost demo > demo.txt"


def demo_folder(factory: pytest.TempPathFactory) -> Path:
    """The folder in which `COMMAND` was run, for reading: others look at it, too."""
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
