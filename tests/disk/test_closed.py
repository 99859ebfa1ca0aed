"""A workspace that may not be written: what only remembers goes on without, what pays does not begin."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import shop
from support.killing import Copy, obey_permissions
from support.loopback import Loopback

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
FOLDERS = (".llmcost", ".llmcost/runs", ".llmcost/index")


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(shop.answer) as running:
        yield running


def replay(server: Loopback, models: str) -> list[str]:
    return ["replay", "log.jsonl", "--models", models, "--grader", "judge", "--base-url", server.base_url,
            "--concurrency", "8", "--strategies", "map", "--aa", "0", "--yes"]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, server: Loopback) -> Iterator[Path]:
    """A folder with a log, and a workspace that knows one run and is closed now."""
    shop.write_log(tmp_path / "log.jsonl", 24)
    shop.write_config(tmp_path / "llmcost.toml")
    assert shop.run_here(*replay(server, "tiny"), cwd=tmp_path).returncode == 0
    there = [tmp_path / name for name in FOLDERS if (tmp_path / name).exists()]
    for name in there:
        name.chmod(0o500)
    yield tmp_path
    for name in there:
        name.chmod(0o700)


def test_a_closed_workspace(folder: Path, server: Loopback) -> None:
    def run(*arguments: str) -> tuple[int, str, str]:
        with Copy(*arguments, cwd=folder, before=obey_permissions) as command:
            return command.wait(), command.out, command.err

    code, out, err = run("audit", "log.jsonl")
    assert code == 0 and "24 calls" in out
    assert err.count("this audit is not remembered: cannot use the workspace .llmcost: Permission denied") == 1
    asked = server.count()
    code, out, err = run(*replay(server, "tiny,small"))
    assert (code, out) == (5, "") and "cannot be written" in err and "make it writable" in err
    assert server.count() == asked, "nothing was sent"
    code, out, err = run("report", "--show-text")
    assert code == 0 and "Verdict" in out and "Traceback" not in err


def test_where_no_workspace_can_be_made(tmp_path: Path, server: Loopback) -> None:
    shop.write_log(tmp_path / "log.jsonl", 24)
    shop.write_config(tmp_path / "llmcost.toml")
    for file in (".out", ".err"):
        (tmp_path / file).touch()
    tmp_path.chmod(0o500)
    with Copy("audit", "log.jsonl", cwd=tmp_path, before=obey_permissions) as command:
        assert command.wait() == 0, command.err
        assert "this audit is not remembered" in command.err
    with Copy(*replay(server, "tiny"), cwd=tmp_path, before=obey_permissions) as command:
        assert command.wait() == 5
        assert "cannot use the workspace" in command.err and "LLMCOST_WORKSPACE" in command.err
    tmp_path.chmod(0o700)
    assert server.count() == 0
