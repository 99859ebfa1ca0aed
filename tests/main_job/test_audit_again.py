"""An audit of what was audited before: the same bytes, and nothing read; of anything else: computed anew."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support import forms

import llmcost
from llmcost.api import traffic

CONFIG = "[audit]\ncache_ttl = '2h'\n"
PRICED = '[models."gpt-4o"]\nprice = {input = 1.0, output = 2.0}\n'


def record(number: int) -> dict[str, Any]:
    return {
        "timestamp": 1_790_000_000 + number,
        "model": "gpt-4o",
        "prompt": f"What is {number % 9}?",
        "response": "It.",
        "prompt_tokens": 10 + number,
        "completion_tokens": 3,
        "metadata": {"team": "a"},
    }


class Desk:
    """A log, a configuration and a workspace; `reads` counts how often a log was read."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.log, self.config = folder, folder / "log.jsonl", folder / "llmcost.toml"
        self.log.write_bytes(forms.jsonl([record(number) for number in range(60)]))
        self.config.write_text(CONFIG)
        self.reads = 0
        read = traffic.logs.read

        def counted(*args: Any, **choices: Any) -> Any:
            self.reads += 1
            return read(*args, **choices)

        monkeypatch.setattr(traffic.logs, "read", counted)

    def audit(self, **choices: Any) -> bytes:
        """The result as bytes."""
        paths = choices.pop("paths", [str(self.log)])
        found = llmcost.audit(paths, config=self.config, workspace=self.folder / "workspace", **choices)
        return msgspec.json.encode(found.result)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def test_unchanged_gives_the_same_bytes_and_reads_nothing(desk: Desk) -> None:
    said: list[str] = []
    first = desk.audit()
    assert desk.audit(say=said.append) == first
    assert desk.reads == 1
    assert said == ["nothing changed since the last audit: its result is shown"]


def test_who_reads_does_not_matter(desk: Desk) -> None:
    first = desk.audit(options=llmcost.Options(workers=1))
    assert desk.audit(options=llmcost.Options(workers=2)) == first
    assert desk.reads == 1


def grown(desk: Desk) -> None:
    with desk.log.open("ab") as file:
        file.write(forms.jsonl([record(99)]))


def same_size(desk: Desk) -> None:
    desk.log.write_bytes(desk.log.read_bytes().replace(b'"a"', b'"b"'))


def touched(desk: Desk) -> None:
    os.utime(desk.log, ns=(1, 1))


def configured(desk: Desk) -> None:
    desk.config.write_text(CONFIG + PRICED)


def damaged(desk: Desk) -> None:
    file = desk.folder / "workspace" / "audit_of_state"
    file.write_bytes(file.read_bytes()[:-50])


@pytest.mark.parametrize("change", [grown, same_size, touched, configured, damaged])
def test_what_changed_is_audited_anew(desk: Desk, change: Callable[[Desk], None]) -> None:
    desk.audit()
    change(desk)
    again = desk.audit()
    assert desk.reads == 2
    assert again == desk.audit(), "and kept in its turn"
    assert desk.reads == 2


@pytest.mark.parametrize(
    "choices",
    [
        {"by": ["team"]}, {"top": 30}, {"options": llmcost.Options(since="2026-01-01")},
        {"options": llmcost.Options(task_field="team")}, {"options": llmcost.Options(cost_mode="auto")},
        {"options": llmcost.Options(fields={"model": "team"})}, {"options": llmcost.Options(estimate_tokens=True)},
    ],
    ids=["by", "top", "since", "task", "costs", "fields", "estimate"],
)  # fmt: skip
def test_what_is_asked_otherwise_is_audited_anew(desk: Desk, choices: dict[str, Any]) -> None:
    desk.audit()
    desk.audit(**choices)
    assert desk.reads == 2


def test_new_prices_of_the_workspace_count(desk: Desk) -> None:
    desk.audit()
    bundled = Path(llmcost.__file__).parent / "pricing"
    book = next(bundled.rglob("*.json.gz"))
    (desk.folder / "workspace" / "prices.json.gz").write_bytes(book.read_bytes())
    desk.audit()
    assert desk.reads == 2


def test_a_file_more_in_the_folder_counts(desk: Desk) -> None:
    logs = desk.folder / "logs"
    logs.mkdir()
    (logs / "one.jsonl").write_bytes(desk.log.read_bytes())
    desk.audit(paths=[str(logs)])
    (logs / "two.jsonl").write_bytes(forms.jsonl([record(77)]))
    assert b'"calls":61' in desk.audit(paths=[str(logs)])


def test_a_log_that_changes_while_it_is_audited_is_audited_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        assign = traffic.tasks.assign

        def meanwhile(*args: Any, **choices: Any) -> Any:
            grown(desk)
            return assign(*args, **choices)

        patched.setattr(traffic.tasks, "assign", meanwhile)
        assert b'"calls":60' in desk.audit()
    assert b'"calls":61' in desk.audit()
    assert desk.reads == 2


def test_what_is_kept_is_for_the_owner_alone(desk: Desk) -> None:
    desk.audit()
    kept = desk.folder / "workspace" / "audit_of_state"
    assert kept.stat().st_mode & 0o777 == 0o600
