"""Which key goes where: the general one to the general endpoint alone, and no other secret anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import shop
from support.loopback import Loopback

GENERAL = "sk-general-0123456789abcdefghijklmnop"
JUDGES = "sk-judges-0123456789abcdefghijklmnop"
OTHER = "planted-secret-of-another-kind-0123456789"
ENV = {"LLMCOST_API_KEY": GENERAL, "JUDGE_API_KEY": JUDGES, "AWS_SECRET_ACCESS_KEY": OTHER}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop.write_log(tmp_path_factory.mktemp("keys") / "log.jsonl", 24)


@pytest.fixture(scope="module")
def general() -> Iterator[Loopback]:
    with Loopback(shop.answer) as server:
        yield server


@pytest.fixture(scope="module")
def other() -> Iterator[Loopback]:
    with Loopback(shop.answer) as server:
        yield server


def configured(folder: Path, **models: str) -> None:
    """The shop's prices, and more said of some models."""
    text = shop.CONFIG
    for name, more in models.items():
        text = text.replace(f"[models.{name}]\n", f"[models.{name}]\n{more}\n")
    (folder / "llmcost.toml").write_text(text, encoding="utf-8")


def seen(server: Loopback, since: int) -> dict[str, set[str | None]]:
    """The keys that each model was asked with."""
    found: dict[str, set[str | None]] = {}
    for request in server.requests[since:]:
        found.setdefault(request.model, set()).add(request.headers.get("authorization"))
    return found


def test_each_key_goes_to_its_own_endpoint_alone(log: Path, tmp_path: Path, general: Loopback, other: Loopback) -> None:
    """A model elsewhere without a key of its own is asked without one; two keys at one address stay two."""
    here, there = len(general.requests), len(other.requests)
    configured(
        tmp_path,
        tiny=f'base_url = "{other.base_url}"',
        judge=f'base_url = "{other.base_url}/"\napi_key_env = "JUDGE_API_KEY"',
    )
    outcome = shop.run_here(
        "replay", str(log), "--models", "tiny,small", "--grader", "judge", "--base-url", general.base_url, "--aa", "0",
        "--yes", cwd=tmp_path, env=ENV,
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    assert seen(general, here) == {"small": {f"Bearer {GENERAL}"}}
    assert seen(other, there) == {"tiny": {None}, "judge": {f"Bearer {JUDGES}"}}
    said = " ".join(outcome.stderr.split())
    assert "key of JUDGE_API_KEY" in said and GENERAL not in said


def test_a_name_for_a_call_site_is_asked_for_in_the_same_way(
    log: Path, tmp_path: Path, general: Loopback, other: Loopback
) -> None:
    there = len(other.requests)
    configured(tmp_path, tiny=f'base_url = "{other.base_url}"')
    outcome = shop.run_here(
        "audit", str(log), "--name-with", "tiny", "--base-url", general.base_url, "--yes", cwd=tmp_path, env=ENV
    )
    assert outcome.returncode == 0, outcome.stderr
    assert seen(other, there) == {"tiny": {None}}
    assert f"{other.base_url.split('/')[2]} (this machine); up to 2 requests to tiny; not encrypted; no key" in (
        outcome.stderr
    )


@pytest.mark.parametrize("where", ["general", "model"])
def test_no_configuration_has_another_secret_sent(log: Path, tmp_path: Path, general: Loopback, where: str) -> None:
    here = len(general.requests)
    line = 'api_key_env = "AWS_SECRET_ACCESS_KEY"'
    configured(tmp_path, **({"tiny": line} if where == "model" else {}))
    if where == "general":
        with (tmp_path / "llmcost.toml").open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    command = ["replay", str(log), "--models", "tiny", "--base-url", general.base_url]
    for more in (["--yes"], ["--dry-run"]):
        outcome = shop.run_here(*command, *more, cwd=tmp_path, env=ENV)
        assert outcome.returncode == 2 and "does not look like the key" in outcome.stderr
        assert OTHER not in outcome.stderr
    assert len(general.requests) == here
    allowed = {**ENV, "LLMCOST_KEY_VARIABLES": "AWS_SECRET_ACCESS_KEY"}
    outcome = shop.run_here(*command, "--yes", "--aa", "0", cwd=tmp_path, env=allowed)
    assert outcome.returncode == 0, outcome.stderr
    assert seen(general, here) == {"tiny": {f"Bearer {OTHER}"}}


EVIL = "https://collect.evil.example/v1"


@pytest.mark.parametrize(("where", "yes"), [("general", True), ("general", False), ("model", True), ("grader", True)])
def test_in_ci_a_pull_request_cannot_have_keys_or_prompts_sent_elsewhere(
    log: Path, tmp_path: Path, general: Loopback, where: str, yes: bool
) -> None:
    """Its configuration names a host of its own, a key for it, and allows itself the host."""
    here = len(general.requests)
    line = f'base_url = "{EVIL}"\napi_key_env = "LLMCOST_API_KEY"'
    configured(tmp_path, **{"model": {"tiny": line}, "grader": {"judge": line}}.get(where, {}))
    with (tmp_path / "llmcost.toml").open("a", encoding="utf-8") as file:
        file.write(f'{line if where == "general" else ""}\n[egress]\nallow_hosts = ["*.evil.example"]\n')
    named = {"LLMCOST_BASE_URL": general.base_url}
    outcome = shop.run_here(
        "replay", str(log), "--models", "tiny", "--grader", "judge", *(["--yes"] if yes else []),
        cwd=tmp_path, env={**ENV, **named, "CI": "true"},
    )  # fmt: skip
    assert outcome.returncode == 2, outcome.stderr
    assert "collect.evil.example is named by the configuration alone" in outcome.stderr
    assert "--allow-host collect.evil.example" in outcome.stderr
    assert len(general.requests) == here


def test_in_ci_what_the_job_names_is_asked_without_a_question(log: Path, tmp_path: Path, general: Loopback) -> None:
    configured(tmp_path)
    command = ["replay", str(log), "--models", "tiny", "--aa", "0"]
    outcome = shop.run_here(*command, cwd=tmp_path, env={**ENV, "CI": "true", "LLMCOST_BASE_URL": general.base_url})
    assert outcome.returncode == 0 and "nothing was sent" not in outcome.stderr, outcome.stderr
    outcome = shop.run_here(*command, "--seed", "8", cwd=tmp_path, env={**ENV, "CI": "false", "LLMCOST_BASE_URL": EVIL})
    assert outcome.returncode == 0 and "nothing was sent" in outcome.stderr, outcome.stderr


def test_in_ci_a_vendor_is_named_by_the_job(log: Path, tmp_path: Path) -> None:
    """Planned only: the host of the configuration is named again by a flag, and the estimate says who it is."""
    configured(tmp_path)
    with (tmp_path / "llmcost.toml").open("a", encoding="utf-8") as file:
        file.write('base_url = "https://api.deepseek.com/v1"\n')
    command = ["replay", str(log), "--models", "tiny", "--dry-run", "--format", "json"]
    env = {"OPENAI_API_KEY": GENERAL, "CI": "1", "HTTPS_PROXY": "http://user:hunter2secret@proxy.corp.example:3128"}
    assert shop.run_here(*command, cwd=tmp_path, env=env).returncode == 2
    outcome = shop.run_here(*command, "--allow-host", "api.deepseek.com", cwd=tmp_path, env=env)
    assert outcome.returncode == 0, outcome.stderr
    [found] = json.loads(outcome.stdout)["destinations"]
    assert found["calls"] == json.loads(outcome.stdout)["calls"] > 0
    fields = {each["name"]: each["requests"] for each in found.pop("fields")}
    assert fields == {"messages": found["calls"], "system": found["calls"]}
    assert found.pop("calls") > 0
    assert found == {
        "host": "api.deepseek.com", "provider": "DeepSeek", "country": "CN", "region": None,
        "note": "OPENAI_API_KEY is named after OpenAI", "models": ["tiny", "gpt-4o", "gpt-4o-mini"],
        "keys": ["OPENAI_API_KEY"], "encrypted": True, "proxy": "proxy.corp.example:3128",
    }  # fmt: skip
    assert "hunter2" not in outcome.stdout + outcome.stderr
