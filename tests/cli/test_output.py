"""A result arrives whole, whatever the locale of who asked for it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support import shop


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_locale_without_our_characters_loses_nothing(encoding: str, tmp_path) -> None:
    environment = shop.environment({"PYTHONIOENCODING": encoding, "PATH": os.environ["PATH"], "COLUMNS": "80"})
    command = [sys.executable, "-m", "llmcost", "prices", "deepseek-v4-flash"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    shown = done.stdout.decode("utf-8")
    assert shown.startswith("deepseek-v4-flash: $")
    assert "–" in shown
