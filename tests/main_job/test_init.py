"""llmcost init: a configuration that parses, holds nothing of a prompt, and overwrites nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support import shop

import llmcost.api
from llmcost import config

MARKER = "xyzzyplugh"
HOSTILE = 'a"]\n[replay]\nbudget = 1e9 # \x1b[2J'


def log(path: Path, **metadata: str) -> str:
    records = [shop.record(number) for number in range(40)]
    for number, record in enumerate(records):
        record["metadata"] = metadata
        record["request"]["messages"][0]["content"] = f"You rewrite {MARKER} letters of customers."
        if number % 2:
            record["request"]["model"] = record["response"]["model"] = "nobody-prices-this"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return str(path)


def uncommented(text: str) -> str:
    """With every setting that stands there as a comment."""
    return re.sub(r'(?m)^# (?=\[|[\w]+ = |"?\w+"? = )', "", text)


@pytest.mark.parametrize("task", [None, "letters", HOSTILE])
def test_what_is_written_parses_with_and_without_its_comments(tmp_path: Path, task: str | None) -> None:
    path = log(tmp_path / "log.jsonl", **({} if task is None else {"task": task}))
    text = llmcost.api.init(path, workspace=tmp_path / "w")
    (tmp_path / "a.toml").write_text(text, encoding="utf-8")
    (tmp_path / "b.toml").write_text(uncommented(text), encoding="utf-8")
    settings, everything = config.load(tmp_path / "a.toml"), config.load(tmp_path / "b.toml")
    assert settings.logs.paths == (path,)
    assert settings.replay.models and settings.replay.budget is None and everything.replay.budget == 5.0
    assert list(everything.models) == ["nobody-prices-this"]
    assert [rule.call_site is not None for rule in everything.tasks.rules] == ([] if task == "letters" else [True])
    assert MARKER not in text and "rewrite" not in text
    assert "\x1b" not in text


def test_a_rule_that_is_proposed_names_its_call_site(tmp_path: Path) -> None:
    path = log(tmp_path / "log.jsonl")
    rule = uncommented(llmcost.api.init(path, workspace=tmp_path / "w")).replace("field = ", "# field = ")
    (tmp_path / "llmcost.toml").write_text(re.sub(r'name = "\w[\w ]*"', 'name = "letters"', rule), encoding="utf-8")
    found = llmcost.api.audit(path, config=tmp_path / "llmcost.toml", workspace=tmp_path / "w")
    assert [row.task for row in found.result.by_task] == ["letters"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    log(tmp_path / "log.jsonl")
    made = shop.run_here("init", "log.jsonl", cwd=tmp_path)
    assert made.returncode == 0 and made.stdout == "" and "next: llmcost audit" in made.stderr
    (tmp_path / "llmcost.toml").write_text("# mine\n")
    again = shop.run_here("init", "log.jsonl", cwd=tmp_path)
    assert again.returncode == 2 and "there already" in again.stderr
    assert (tmp_path / "llmcost.toml").read_text() == "# mine\n"
    shown = shop.run_here("init", "-o", "-", cwd=tmp_path)
    assert shown.returncode == 0 and 'compare = ["gpt-4o-mini"' in shown.stdout
    (tmp_path / "general.toml").write_text(uncommented(shown.stdout))
    assert config.load(tmp_path / "general.toml").gate.max_increase == 0.05
