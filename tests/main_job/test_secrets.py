"""An API key reaches the endpoint it is for and nothing else: no file, no output, no error."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import shop
from support.loopback import Body, Loopback, Reply, error

ENV = {"LLMCOST_API_KEY": shop.KEY}


def quoting(body: Body) -> Reply:
    """An endpoint that repeats the key in its error, as some do."""
    return error(401, f"Incorrect API key provided: {shop.KEY}")


FAULTS: dict[str, Callable[[Body], Reply]] = {
    "fine": shop.answer,
    "refused": quoting,
    "forbidden": lambda body: error(403, f"key {shop.KEY} may not"),
    "missing": lambda body: error(404, f"no model for {shop.KEY}"),
    "rejected": lambda body: error(400, f"bad request by {shop.KEY}"),
    "busy": lambda body: error(429, f"slow down, {shop.KEY}", retry_after="0"),
    "broken": lambda body: error(500, f"oops {shop.KEY}"),
    "html": lambda body: Reply(status=502, raw=f"<html>{shop.KEY}</html>".encode()),
    "nonsense": lambda body: Reply(raw=f"{{{shop.KEY}".encode()),
    "echo": lambda body: Reply(text=f"your key is {shop.KEY}"),
}


def no_key(outcome: subprocess.CompletedProcess[str], folder: Path) -> None:
    assert shop.KEY not in outcome.stdout
    assert shop.KEY not in outcome.stderr
    holding = [file for file in folder.rglob("*") if file.is_file() and shop.KEY.encode() in file.read_bytes()]
    assert not holding


@pytest.mark.parametrize("fault", FAULTS)
def test_the_key_is_in_no_file_and_no_output(tmp_path: Path, fault: str) -> None:
    shop.write_log(tmp_path / "log.jsonl", 12)
    (tmp_path / "llmcost.toml").write_text(shop.CONFIG + "retries = 1\n", encoding="utf-8")
    with Loopback(FAULTS[fault]) as server:
        outcome = shop.run_here(
            "replay", "log.jsonl", "--models", "tiny", "--grader", "judge", "--base-url", server.base_url, "--yes",
            cwd=tmp_path, env={**ENV, "LLMCOST_DEBUG": "1"},
        )  # fmt: skip
        assert server.requests[0].headers["authorization"] == f"Bearer {shop.KEY}"
    no_key(outcome, tmp_path)
    no_key(shop.run_here("report", cwd=tmp_path, env=ENV), tmp_path)


def test_no_error_of_the_command_line_shows_the_key(tmp_path: Path) -> None:
    shop.write_log(tmp_path / "log.jsonl", 4)
    (tmp_path / "broken.toml").write_text(f"[replay]\nnonsense = '{shop.KEY[:3]}'\n", encoding="utf-8")
    for arguments in (
        ["replay", "log.jsonl", "--models", "tiny", "--base-url", "http://127.0.0.1:9/v1", "--yes", "--budget", "1"],
        ["replay", "log.jsonl", "--models", "tiny", "--base-url", "http://192.0.2.1/v1", "--yes"],
        ["replay", "log.jsonl", "--models", "tiny"],
        ["replay", "absent.jsonl", "--models", "tiny", "--base-url", "http://127.0.0.1:9/v1"],
        ["audit", "log.jsonl", "--config", "broken.toml"],
        ["check", "log.jsonl", "--baseline", "absent.json"],
        ["report", "nothing"],
        ["export", "--to", "nowhere"],
    ):
        outcome = shop.run_here(*arguments, cwd=tmp_path, env=ENV)
        assert outcome.returncode in (2, 3, 4), (arguments, outcome.stderr)
        assert outcome.stderr.startswith("error: ") or "\nerror: " in outcome.stderr
        assert "hint:" in outcome.stderr, (arguments, outcome.stderr)
        no_key(outcome, tmp_path)
