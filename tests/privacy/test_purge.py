"""A purge says what it would delete, deletes that and nothing else, and leaves no text behind."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import shop
from support.loopback import Body, Loopback, Reply

from llmcost.endpoint import Completion
from llmcost.replay import open_store
from llmcost.workspace import AnswerStore, Workspace

MARK = "an answer that nobody else gives"
YEAR_S = 365 * 86_400


def marked(body: Body) -> Reply:
    said = shop.answer(body)
    return said if body["model"] == "judge" else Reply(text=f"{said.text} {MARK}", headers=said.headers)


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which two runs were made."""
    folder = tmp_path_factory.mktemp("replayed")
    shop.write_log(folder / "log.jsonl", 40)
    shop.write_config(folder / "llmcost.toml")
    assert shop.run_here("audit", "log.jsonl", cwd=folder).returncode == 0
    with Loopback(marked) as server:
        for seed in ("7", "8"):
            outcome = shop.run_here(
                "replay", "log.jsonl", "--models", "tiny", "--grader", "judge", "--base-url", server.base_url,
                "--seed", seed, "--yes", cwd=folder,
            )  # fmt: skip
            assert outcome.returncode == 0, outcome.stderr
    return folder


@pytest.fixture
def folder(replayed: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it."""
    for file in replayed.rglob("*"):
        if file.is_file():
            target = tmp_path / file.relative_to(replayed)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            target.write_bytes(file.read_bytes())
    yield tmp_path


def purge(folder: Path, *arguments: str) -> dict[str, object]:
    outcome = shop.run_here("purge", *arguments, "--format", "json", cwd=folder)
    assert outcome.returncode == 0, outcome.stderr
    found: dict[str, object] = json.loads(outcome.stdout)
    return found


def contents(folder: Path) -> dict[str, bytes]:
    place = folder / ".llmcost"
    return {str(file.relative_to(place)): file.read_bytes() for file in place.rglob("*") if file.is_file()}


def test_all_that_is_kept_is_named_and_then_gone(folder: Path) -> None:
    before = contents(folder)
    said = purge(folder, "--dry-run")
    assert contents(folder) == before
    assert said["purged"] is False
    held = {item["what"]: item for item in said["held"]}  # type: ignore[attr-defined]
    with open_store(Workspace(folder / ".llmcost")) as store:
        assert held["answers"]["answers"] == store.count() > 40
    named = sum(item["files"] for item in held.values())
    assert named >= len(before) - 2  # all but .gitignore and answers.lock
    purge(folder, "--yes")
    assert set(contents(folder)) == {".gitignore", "answers.lock"}  # by which processes know of each other


def test_without_yes_nothing_is_deleted(folder: Path) -> None:
    before = contents(folder)
    outcome = shop.run_here("purge", cwd=folder, env={"CI": "true"})
    assert "nothing was deleted" in outcome.stderr
    assert set(contents(folder)) == set(before)


def test_one_run_goes_with_its_answers_and_the_other_stays(folder: Path) -> None:
    place = Workspace(folder / ".llmcost")
    first, second = place.runs()
    with open_store(place) as store:
        count = store.count()
    said = purge(folder, "--run", second, "--yes")
    assert said["runs"] == [second]
    assert place.runs() == [first] and place.last_run() == first
    with AnswerStore(place.answers, Completion) as kept:
        assert 0 < kept.count() < count
        assert kept.ledger(second).spent_usd == 0 < kept.ledger(first).spent_usd
    assert json.loads(shop.run_here("report", "--format", "json", cwd=folder).stdout)["run"] == first


def test_what_is_deleted_is_not_left_in_free_pages(folder: Path) -> None:
    assert any(MARK.encode() in content for content in contents(folder).values())
    place = Workspace(folder / ".llmcost")
    purge(folder, *(word for run in place.runs() for word in ("--run", run)), "--yes")
    assert place.answers.exists()
    assert not any(MARK.encode() in content for content in contents(folder).values())


def test_what_is_older_goes_and_what_is_not_stays(folder: Path) -> None:
    place = Workspace(folder / ".llmcost")
    first, second = place.runs()
    for name in (f"runs/{first}.json", "last_audit.json"):
        file = place.path / name
        if file.exists():
            os.utime(file, (file.stat().st_atime, file.stat().st_mtime - YEAR_S))
    assert purge(folder, "--older-than", "30d", "--yes")["runs"] == [first]
    assert place.runs() == [second]
    assert (place.path / "last_logs.json").exists()


def test_kinds_are_deleted_alone(folder: Path) -> None:
    purge(folder, "answers", "--yes")
    left = set(contents(folder))
    assert not [name for name in left if name.startswith("answers") and name != "answers.lock"]
    assert {"last_run", "last_logs.json"} <= left
    wrong = shop.run_here("purge", "answer", cwd=folder)
    assert wrong.returncode == 2 and "answers, runs, labels, logs" in wrong.stderr


def test_a_store_in_use_is_left_alone(folder: Path) -> None:
    place = Workspace(folder / ".llmcost")
    with open_store(place):
        outcome = shop.run_here("purge", "--yes", cwd=folder)
    assert outcome.returncode == 5 and "in use" in outcome.stderr
    assert place.runs()


def test_prices_stay(folder: Path) -> None:
    prices = folder / ".llmcost" / "prices.json.gz"
    prices.write_bytes(b"prices")
    purge(folder, "--yes")
    assert prices.read_bytes() == b"prices"
