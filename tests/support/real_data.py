"""Real logs and answers that nobody on this project wrote, kept beside the checkout and never copied into it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("LLMCOST_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


def path(*parts: str) -> Path:
    """A file of the real data; skips the test, with the reason, where it is absent."""
    found = ROOT.joinpath(*parts)
    if not found.exists():
        pytest.skip(f"real data not on this machine: {found.name} (set LLMCOST_TEST_DATA)")
    return found
