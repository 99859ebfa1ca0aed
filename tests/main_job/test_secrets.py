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


PASSWORD = "hunter2-of-the-proxy"
IN_PATH = "4f9c2d7be81a4c03a6d5e2f1b0c9d8e7"


def without(outcome: subprocess.CompletedProcess[str], *secrets: str) -> None:
    for secret in secrets:
        assert secret not in outcome.stdout + outcome.stderr


@pytest.mark.parametrize(
    "proxy",
    ["http://user:{}@127.0.0.1:9", "user:{}@127.0.0.1:9", "socks5://user:{}@127.0.0.1:9", "http://user:{}@[broken"],
)
def test_the_password_of_a_proxy_is_shown_nowhere(tmp_path: Path, proxy: str) -> None:
    shop.write_log(tmp_path / "log.jsonl", 8)
    (tmp_path / "llmcost.toml").write_text(shop.CONFIG + "retries = 0\n", encoding="utf-8")
    env = {**ENV, "HTTPS_PROXY": proxy.format(PASSWORD)}
    command = ["replay", "log.jsonl", "--models", "tiny", "--base-url", "https://api.vendor.example/v1"]
    codes = []
    for more in (["--dry-run"], ["--dry-run", "--format", "json"], ["--yes"]):
        outcome = shop.run_here(*command, *more, cwd=tmp_path, env=env)
        codes.append(outcome.returncode)
        without(outcome, PASSWORD)
        no_key(outcome, tmp_path)
    unusable = "socks5" in proxy or "broken" in proxy
    assert codes == ([2, 2, 2] if unusable else [0, 0, 4])
    update = shop.run_here("prices", "update", cwd=tmp_path, env=env)
    assert update.returncode == (2 if unusable else 4)
    without(update, PASSWORD)


def test_a_key_in_the_path_of_the_endpoint_is_in_no_output(tmp_path: Path) -> None:
    shop.write_log(tmp_path / "log.jsonl", 8)
    (tmp_path / "llmcost.toml").write_text(shop.CONFIG + "retries = 0\n", encoding="utf-8")
    command = ["replay", "log.jsonl", "--models", "tiny", "--aa", "0"]
    with Loopback(shop.answer) as server:
        url = f"http://127.0.0.1:{server.port}/{IN_PATH}/v1"
        for more in (["--dry-run"], ["--dry-run", "--format", "json"], ["--yes"], ["--yes", "--format", "json"]):
            outcome = shop.run_here(*command, *more, "--base-url", url, cwd=tmp_path, env=ENV)
            assert outcome.returncode == 0, outcome.stderr
            without(outcome, IN_PATH)
        assert server.requests[0].path == f"/{IN_PATH}/v1/chat/completions"
    assert "127.0.0.1" in outcome.stdout
    for more in (["report"], ["report", "--format", "json"], ["report", "--format", "html"], ["export"]):
        without(shop.run_here(*more, cwd=tmp_path, env=ENV), IN_PATH)
    for broken in (f"http://127.0.0.1:9/{IN_PATH}/v1", f"http://192.0.2.1/{IN_PATH}/v1", f"https://h/{IN_PATH}?x"):
        outcome = shop.run_here(*command, "--seed", "8", "--yes", "--base-url", broken, cwd=tmp_path, env=ENV)
        assert outcome.returncode in (2, 4)
        without(outcome, IN_PATH)


def test_no_variable_of_the_environment_is_in_a_report(tmp_path: Path) -> None:
    shop.write_log(tmp_path / "log.jsonl", 12)
    shop.write_config(tmp_path / "llmcost.toml")
    planted = {f"PLANTED_{name}": f"value-of-{name.lower()}-0123456789" for name in ("TOKEN", "PASSWORD", "HOME")}
    headers = {"set-cookie": "session=cookie-of-the-endpoint", "x-request-id": "id-of-the-request"}

    def answer(body: Body) -> Reply:
        said = shop.answer(body)
        return Reply(text=said.text, headers={**said.headers, **headers})

    with Loopback(answer) as server:
        outcome = shop.run_here(
            "replay", "log.jsonl", "--models", "tiny", "--grader", "judge", "--aa", "0", "--base-url", server.base_url,
            "--yes", cwd=tmp_path, env={**ENV, **planted},
        )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    secrets = [value.encode() for value in (*planted.values(), "cookie-of-the-endpoint", "id-of-the-request")]
    for file in (file for file in tmp_path.rglob("*") if file.is_file()):
        assert not [secret for secret in secrets if secret in file.read_bytes()], file
