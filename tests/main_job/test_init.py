"""llmcost init: a configuration that parses, holds nothing of a prompt, and overwrites nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support import shop

import llmcost.api
from llmcost import config
from llmcost.api import Options
from llmcost.errors import ConfigError
from llmcost.grading import refuse_related_judges

UNPRICED = 'nobody/prices "this"'
MARKER = "xyzzyplugh"
HOSTILE = 'a"]\n[replay]\nbudget = 1e9 # \x1b[2J'  # of several lines: no name of a task
QUOTED = '#budget = 1e9 "]#\\'


def log(path: Path, **metadata: str) -> str:
    """40 calls of one system prompt, half of them of a model that nobody prices."""
    records = [shop.record(number) for number in range(40)]
    for number, record in enumerate(records):
        record["metadata"] = metadata
        record["request"]["messages"][0]["content"] = f"You rewrite {MARKER} letters of customers."
        if number % 2:
            record["request"]["model"] = record["response"]["model"] = UNPRICED
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return str(path)


def uncommented(text: str) -> str:
    """With every setting that stands there as a comment."""
    return re.sub(r"(?m)^#(?! )", "", text)


def loaded(text: str, folder: Path) -> config.Settings:
    (folder / "loaded.toml").write_text(text, encoding="utf-8")
    return config.load(folder / "loaded.toml")


@pytest.mark.parametrize("task", [None, "letters", HOSTILE, QUOTED])
def test_what_is_written_parses_with_and_without_its_comments(tmp_path: Path, task: str | None) -> None:
    path = log(tmp_path / "log.jsonl", **({} if task is None else {"task": task}))
    text = llmcost.api.init(path, workspace=tmp_path / "w")
    settings, everything = loaded(text, tmp_path), loaded(uncommented(text), tmp_path)
    assert settings.logs.paths == (path,) and settings.replay.models
    unmade = config.Settings(logs=settings.logs, replay=config.ReplaySettings(models=settings.replay.models))
    assert settings == unmade
    assert everything.replay.budget == 5.0 and list(everything.models) == [UNPRICED]
    assert [rule.call_site is not None for rule in everything.tasks.rules] == (
        [] if task in ("letters", QUOTED) else [True]
    )
    assert MARKER not in text and "rewrite" not in text
    assert "\x1b" not in text


def test_a_price_that_is_to_be_filled_in_is_not_free_of_charge(tmp_path: Path) -> None:
    text = llmcost.api.init(log(tmp_path / "log.jsonl"), workspace=tmp_path / "w")
    price = loaded(uncommented(text), tmp_path).models[UNPRICED].price
    assert price is not None and price.input > 100 and price.output > 100


def test_a_rule_that_is_proposed_names_its_call_site(tmp_path: Path) -> None:
    path = log(tmp_path / "log.jsonl")
    rule = uncommented(llmcost.api.init(path, workspace=tmp_path / "w")).replace("\nfield = ", "\n#field = ")
    (tmp_path / "llmcost.toml").write_text(re.sub(r'name = "\w[\w ]*"', 'name = "letters"', rule), encoding="utf-8")
    found = llmcost.api.audit(path, config=tmp_path / "llmcost.toml", workspace=tmp_path / "w")
    assert [row.task for row in found.result.by_task] == ["letters"]


def test_what_a_user_said_of_the_log_is_kept(tmp_path: Path) -> None:
    path = log(tmp_path / "log.jsonl", feature="letters")
    said = Options(task_field="metadata.feature", expected_field="metadata.want", fields={"model": "request.model"})
    settings = loaded(llmcost.api.init(path, options=said, workspace=tmp_path / "w"), tmp_path)
    assert settings.tasks.field == "metadata.feature"
    assert settings.logs.expected_field == "metadata.want" and settings.logs.map == {"model": "request.model"}


def test_checks_are_those_that_the_answers_ask_for(tmp_path: Path) -> None:
    path = shop.write_log(tmp_path / "log.jsonl", 400)
    text = llmcost.api.init(str(path), workspace=tmp_path / "w")
    assert loaded(uncommented(text), tmp_path).checks == {"label": config.CheckSettings("exact", margin=0.02)}
    assert "# label: 200 calls, expected answers in the log are checked as exact, 5 labels are nearly all" in text
    assert "# without an expected answer in the log: chat\n" in text


@pytest.mark.parametrize("answers_today", ["gemini-2.5-pro", "claude-opus-4-1", "gpt-4o"])
def test_no_grader_is_proposed_that_a_replay_would_refuse(tmp_path: Path, answers_today: str) -> None:
    record = shop.record(1)
    record["request"]["model"] = record["response"]["model"] = answers_today
    (tmp_path / "log.jsonl").write_text(json.dumps(record))
    replay = loaded(
        uncommented(llmcost.api.init(str(tmp_path / "log.jsonl"), workspace=tmp_path / "w")), tmp_path
    ).replay
    assert len(replay.graders) == 2
    refuse_related_judges(replay.graders, replay.models, [answers_today])


def test_no_host_is_guessed_and_no_credential_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = log(tmp_path / "log.jsonl")
    monkeypatch.delenv("LLMCOST_BASE_URL", raising=False)
    assert loaded(llmcost.api.init(path, workspace=tmp_path / "w"), tmp_path).replay.base_url is None
    monkeypatch.setenv("LLMCOST_BASE_URL", f"https://user:{shop.KEY}@models.example/v1?key={shop.KEY}")
    text = llmcost.api.init(path, workspace=tmp_path / "w")
    assert loaded(text, tmp_path).replay.base_url == "https://models.example/v1" and shop.KEY not in text


def test_nothing_is_overwritten_and_the_last_log_is_remembered(tmp_path: Path) -> None:
    log(tmp_path / "log.jsonl")
    general = shop.run_here("init", "--stdout", cwd=tmp_path)
    assert general.returncode == 0 and "a general file" in general.stderr
    assert loaded(general.stdout, tmp_path) == config.Settings()
    assert loaded(uncommented(general.stdout), tmp_path).logs.paths == ("logs/*.jsonl",)
    made = shop.run_here("init", "log.jsonl", cwd=tmp_path)
    assert made.returncode == 0 and made.stdout == "" and "next: llmcost audit\n" in made.stderr
    written = (tmp_path / "llmcost.toml").read_text(encoding="utf-8")
    again = shop.run_here("init", "log.jsonl", cwd=tmp_path)
    assert again.returncode == 2 and "there already" in again.stderr
    assert (tmp_path / "llmcost.toml").read_text(encoding="utf-8") == written
    assert shop.run_here("audit", cwd=tmp_path).returncode == 0
    last = shop.run_here("init", "-o", "other.toml", cwd=tmp_path)
    assert "next: llmcost audit --config other.toml\n" in last.stderr
    assert (tmp_path / "other.toml").read_text(encoding="utf-8") == written


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="cannot write"):
        llmcost.api.init(output=tmp_path / "no-such-folder" / "llmcost.toml", workspace=tmp_path / "w")
    assert list(tmp_path.iterdir()) == []
