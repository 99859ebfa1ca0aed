"""What stands behind a report: the command that makes it again, the data, and examples whose texts wait to be asked."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from support import shop
from support.loopback import Body, Loopback, Reply, prompt

from llmcost.api import Options
from llmcost.api.rerun import command
from llmcost.cli import options
from llmcost.config import ReplaySettings

MARKER = "xyzzyplugh"


def partly_wrong(body: Body) -> Reply:
    """The model "small" mislabels every fourth ticket."""
    said = shop.answer(body)
    wrong = body["model"] == "small" and int(hashlib.sha256(prompt(body).encode()).hexdigest(), 16) % 4 == 0
    return dataclasses.replace(said, text="label-x") if wrong else said


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    """A replay of a log whose every prompt and answer holds a marker, and the same command once more."""
    folder = tmp_path_factory.mktemp("examples")
    shop.write_config(folder / "prices.toml")
    records = [shop.record(number) for number in range(160)]
    for record in records:
        message = record["request"]["messages"][-1]
        message["content"] = f"{message['content']} {MARKER}"
    (folder / "log.jsonl").write_text("not a record\n" + "".join(json.dumps(record) + "\n" for record in records))
    with Loopback(partly_wrong) as server:
        chosen = ["--models", "tiny,small", "--grader", "judge", "--margin", "7%", "--base-url", server.base_url]
        first = shop.run_here(
            "replay", "log.jsonl", "--config", "prices.toml", *chosen, "--yes", "--format", "json", cwd=folder
        )
        assert first.returncode == 0, first.stderr
        report = json.loads(first.stdout)
        asked = server.count()
        again = shop.run_here(*shlex.split(report["command"])[1:], "--yes", "--format", "json", cwd=folder)
        assert server.count() == asked, "what was answered was asked for again"
    assert again.returncode == 0, again.stderr
    return folder, report, again.stdout


def test_the_command_makes_the_same_report_again(ran: tuple[Path, dict[str, Any], str]) -> None:
    _, report, again = ran
    assert report["command"].startswith("llmcost replay log.jsonl --models tiny,small --grader judge")
    assert "--margin 7%" in report["command"] and "--seed 7" in report["command"]
    repeated = json.loads(again)
    assert repeated | {"spend": None, "command": None} == report | {"spend": None, "command": None}


def test_what_was_read_is_said(ran: tuple[Path, dict[str, Any], str]) -> None:
    _, report, _ = ran
    data = report["data"]
    assert (data["records"], data["rejected"], data["calls"]) == (161, 1, 160)
    assert sum(row["cost_usd"] for row in report["by_day"]) == pytest.approx(report["bill"]["before"]["logged_usd"])
    assert sum(row["calls"] for row in report["by_day"]) == 160
    rates = [life["hit_rate"] for life in report["cache_lives"]]
    assert rates == sorted(rates)
    assert report["cache_lives"][0]["ttl"] == "1m"


def test_examples_are_found_in_the_log_and_withheld_until_asked_for(ran: tuple[Path, dict[str, Any], str]) -> None:
    folder, report, _ = ran
    assert report["examples"]
    for example in report["examples"]:
        assert example["prompt"] is example["logged"] is example["candidate"] is None
        assert example["difference"] < 0 and example["words"][0] > 0
    for saved in (folder / ".llmcost" / "runs").rglob("*"):
        assert not saved.is_file() or MARKER.encode() not in saved.read_bytes()

    shown = json.loads(shop.run_here("report", "--show-text", "--examples", "2", "--format", "json", cwd=folder).stdout)
    lines = (folder / "log.jsonl").read_text().splitlines()
    each: dict[tuple[str, str], int] = {}
    for example in shown["examples"]:
        name, _, line = example["where"].rpartition(":")
        record = json.loads(lines[int(line) - 1])
        assert Path(name).name == "log.jsonl"
        assert record["request"]["messages"][-1]["content"] in example["prompt"]
        assert example["logged"] and example["candidate"] is not None
        each[example["task"], example["model"]] = each.get((example["task"], example["model"]), 0) + 1
    assert max(each.values()) == 2
    assert shown | {"examples": None} == report | {"examples": None}


def test_of_a_log_that_is_gone_the_report_shows_what_was_saved_and_says_so(
    ran: tuple[Path, dict[str, Any], str],
) -> None:
    folder, report, _ = ran
    (folder / "log.jsonl").rename(folder / "moved.jsonl")
    try:
        done = shop.run_here("report", "--show-text", "--examples", "2", "--format", "json", cwd=folder)
    finally:
        (folder / "moved.jsonl").rename(folder / "log.jsonl")
    assert done.returncode == 0 and "log.jsonl" in done.stderr
    shown = json.loads(done.stdout)
    assert shown["examples"] == [each for each in report["examples"] if _rank(report, each) < 2]
    assert shown | {"examples": None} == report | {"examples": None}


def _rank(report: dict[str, Any], example: dict[str, Any]) -> int:
    of = [each for each in report["examples"] if (each["task"], each["model"]) == (example["task"], example["model"])]
    return of.index(example)


def test_of_an_answer_that_is_gone_the_rest_is_shown(ran: tuple[Path, dict[str, Any], str]) -> None:
    folder, report, _ = ran
    answers = folder / ".llmcost" / "answers.sqlite"
    answers.rename(folder / "kept.sqlite")
    try:
        done = shop.run_here("report", "--show-text", "--format", "json", cwd=folder)
        more = shop.run_here("report", "--examples", "9", "--format", "json", cwd=folder)
    finally:
        (folder / "kept.sqlite").replace(answers)
    assert done.returncode == 0 and f"no longer has: {len(report['examples'])};" in done.stderr
    shown = json.loads(done.stdout)["examples"]
    assert all(each["prompt"] and each["logged"] and each["candidate"] is None for each in shown)
    assert [each["words"] for each in shown] == [each["words"] for each in report["examples"]]
    assert json.loads(more.stdout)["examples"] == report["examples"], "of no other is known how long its answer was"


def test_the_command_holds_no_secret_and_runs_nothing_else() -> None:
    reading = Options(task_field="metadata.task", fields={"model": "a b"}, since="7d")
    said = command(
        ["a; rm -rf ~.jsonl"], ReplaySettings(models=("m@low",)), reading, "https://u:pa55@host/v1?key=s3cret"
    )
    assert shlex.split(said)[:3] == ["llmcost", "replay", "a; rm -rf ~.jsonl"]
    assert "pa55" not in said and "s3cret" not in said
    assert "--since 7d --task-field metadata.task --map 'model=a b'" in said


@pytest.mark.parametrize("share", [0.02, 0.07, 1 / 30, 0.0123456789012345])
def test_the_command_says_numbers_to_the_last_digit(share: float) -> None:
    """Another margin is another run, whose answers would be paid for again."""
    words = shlex.split(
        command(["log.jsonl"], ReplaySettings(margin=share, alpha=share, budget=share), Options(), "http://h")
    )
    said = dict(zip(words[3::2], words[4::2], strict=True))
    assert (
        options.share(said["--margin"], "") == options.dollars(said["--budget"], "") == float(said["--alpha"]) == share
    )


def test_a_file_that_is_named_like_a_flag_is_still_a_file() -> None:
    said = command(["--yes", "-", "logs/-a"], ReplaySettings(), Options(), "http://h", config=Path("my prices.toml"))
    assert shlex.split(said)[2:5] == ["./--yes", "-", "logs/-a"]
    assert said.endswith("--config 'my prices.toml'")
