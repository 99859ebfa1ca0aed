"""SECURITY.md promises nothing that no test holds, and links to nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
PROMISES = [
    line for line in PAGE.splitlines() if line.startswith("| ") and "held by" not in line and line.count("|") == 4
]


def test_every_promise_names_a_test_that_is_there() -> None:
    assert len(PROMISES) > 15
    for promise in PROMISES:
        named = re.findall(r"`(tests/[\w/.]+)`", promise.split("|")[3])
        assert named, promise
        assert not [path for path in named if not (ROOT / path).exists()]
        assert all((ROOT / path).suffix == ".py" or any((ROOT / path).glob("test_*.py")) for path in named)


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", PAGE)
    assert links and not [link for link in links if not (ROOT / link).exists()]
