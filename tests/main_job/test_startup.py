"""Help is quick: it loads none of the heavy libraries."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("pandas", "pyarrow", "httpx", "aiohttp", "numpy", "scipy")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["init", "--help"],
        ["audit", "--help"],
        ["explain", "--help"],
        ["simulate", "--help"],
        ["replay", "--help"],
        ["label", "--help"],
        ["monitor", "--help"],
        ["--version"],
    ],
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys; from llmcost.cli import run; code = run(sys.argv[1:]);"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert outcome.returncode == 0
    assert outcome.stderr.strip() == "[]"


def test_an_audit_does_without_pandas_scipy_and_http() -> None:
    script = "import sys, llmcost.api; print([name for name in ('pandas', 'scipy', 'httpx') if name in sys.modules])"
    outcome = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert outcome.stdout.strip() == "[]"
