"""Names of call sites from a model: one call each, said and asked before, capped, never paid for twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support import shop
from support.loopback import Loopback, Reply

from llmcost import api
from llmcost.answers import Answer
from llmcost.endpoint import Completion
from llmcost.errors import BudgetError, ConfigError

NAMES = {
    "You label tickets.": "Label parcel tickets",
    "You answer customers.": "**answer customers kindly and at length**\nx",
}


def name(body: dict[str, Any]) -> Reply:
    shown = body["messages"][-1]["content"]
    return Reply(text=next(said for system, said in NAMES.items() if system in shown))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shop.write_log(tmp_path / "log.jsonl", 40)
    shop.write_config(tmp_path / "llmcost.toml")
    return tmp_path


def audit(folder: Path, *arguments: str) -> tuple[dict[str, Any], str]:
    outcome = shop.run_here("audit", "log.jsonl", *arguments, "--format", "json", cwd=folder)
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout), outcome.stderr


def names(found: dict[str, Any]) -> dict[str, tuple[str | None, str | None]]:
    return {site["task"]: (site["name"], site["named_by"]) for site in found["call_sites"]}


def test_one_call_a_call_site_and_never_again(folder: Path) -> None:
    with Loopback(name) as server:
        asked = ["--name-with", "tiny", "--base-url", server.base_url, "--budget", "$1", "--yes"]
        found, told = audit(folder, *asked)
        assert names(found) == {
            "label": ("label parcel tickets", "tiny"),
            "chat": ("answer customers kindly and", "tiny"),
        }
        assert server.count() == server.count("tiny") == 2
        host = server.base_url.removeprefix("http://").removesuffix("/v1")
        assert "2 call sites, one call each to tiny, at most $0.000" in told
        assert f"to: {host} " in told
        assert "cap $1" in told
        again, told = audit(folder, *asked)
        assert names(again) == names(found)
        assert server.count() == 2
        assert "to name" not in told


def test_only_what_is_said_is_sent(folder: Path) -> None:
    with Loopback(name) as server:
        audit(folder, "--name-with", "tiny", "--base-url", server.base_url, "--yes")
        texts = [json.dumps(request.body) for request in server.requests]
        assert all(text.count("Ticket ") == 1 for text in texts)  # one prompt of each


def test_nothing_is_sent_without_consent(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with Loopback(name) as server:
        found, told = audit(folder, "--name-with", "tiny", "--base-url", server.base_url)
        assert server.count() == 0
        assert set(names(found).values()) == {(None, None)}
        assert "nothing was sent" in told


def test_without_the_flag_no_name_and_no_network(folder: Path) -> None:
    found, _ = audit(folder)
    assert set(names(found).values()) == {(None, None)}


def named_by(folder: Path, model: str, url: str | None, budget: float | None = None) -> api.AuditView:
    return api.audit(
        [str(folder / "log.jsonl")],
        name_with=model,
        base_url=url,
        budget=budget,
        agreed=lambda said: True,
        config=folder / "llmcost.toml",
        workspace=folder / "w",
    )


def test_the_cap_is_kept(folder: Path) -> None:
    with Loopback(name) as server:
        with pytest.raises(BudgetError):
            named_by(folder, "tiny", server.base_url, budget=1e-9)
        assert server.count() == 0


def test_a_model_without_a_price_has_no_cap_to_keep(folder: Path) -> None:
    with Loopback(name) as server:
        with pytest.raises(ConfigError, match="no price"):
            named_by(folder, "unheard-of", server.base_url, budget=1.0)
        assert server.count() == 0
        assert named_by(folder, "unheard-of", server.base_url).result.call_sites[0].named_by == "unheard-of"


def test_no_host_that_was_not_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LLMCOST_BASE_URL", "OPENAI_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ConfigError, match="no endpoint"):
        named_by(folder, "tiny", None)


@pytest.mark.parametrize(
    ("said", "read"),
    [("Triage bug reports.\nBecause …", "triage bug reports"), ("\x1b[31mred", "31mred"), ("  ", None), (None, None)],
)
def test_what_counts_as_a_name(said: str | None, read: str | None) -> None:
    from llmcost.api.naming import read_name

    assert read_name(Completion("m", "answered", Answer(said))) == read
