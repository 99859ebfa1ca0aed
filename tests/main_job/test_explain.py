"""llmcost explain: a page for every kind, with the figures of the last audit, and help for a name that is not known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import shop

import llmcost
from llmcost.audit import pages
from llmcost.workspace import Workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    log = shop.write_log(tmp_path / "log.jsonl", 80)
    log.write_text(log.read_text() * 2)  # every request twice at the same time
    return tmp_path


def said(*arguments: str, cwd: Path) -> str:
    outcome = shop.run_here("explain", *arguments, cwd=cwd)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout


@pytest.mark.parametrize("kind", pages.kinds())
def test_every_kind_is_explained_without_a_workspace(kind: str, tmp_path: Path) -> None:
    page = said(kind, cwd=tmp_path)
    assert page.startswith(f"{kind}\n")
    words = " ".join(page.split())
    for paragraph in pages.page(kind):
        assert " ".join(f"{paragraph.lead} {paragraph.text}".split()) in words
    assert "Nothing was audited here yet" in page
    assert not list(tmp_path.iterdir()), "explaining leaves nothing behind"


def test_without_a_name_every_kind_is_listed(tmp_path: Path) -> None:
    listed = said(cwd=tmp_path)
    for kind in pages.kinds():
        assert kind in listed


def test_a_finding_of_the_last_audit_shows_its_own_figures(folder: Path) -> None:
    shop.run_here("audit", "log.jsonl", cwd=folder)
    one = said("exact-duplicates:chat", cwd=folder)
    assert "Last audit: log.jsonl · 1–28 Oct 2026: 1 finding" in one
    assert "40 calls · $" in one and "no answer changes" in one and "→ keep answers for 1h" in one
    every = said("exact-duplicates", cwd=folder)
    assert ": 2 findings" in every and "exact-duplicates:" in every.rpartition("Next:")[2]
    assert re.search(r"Last audit: log.jsonl .*: \d+ findings", said(cwd=folder))


def test_a_kind_that_the_last_audit_did_not_find_says_so(folder: Path) -> None:
    shop.run_here("audit", "log.jsonl", cwd=folder)
    assert "1–28 Oct 2026: not found" in said("unpriced-models", cwd=folder)


@pytest.mark.parametrize(
    ("name", "near"),
    [("exact-duplicate", "exact-duplicates"), ("duplicates", "exact-duplicates"), ("failed", "failed-calls")],
)
def test_a_name_that_is_not_known_is_an_error_with_near_ones(name: str, near: str, tmp_path: Path) -> None:
    outcome = shop.run_here("explain", name, cwd=tmp_path)
    assert outcome.returncode == 2
    assert f"no finding is called '{name}'" in outcome.stderr and near in outcome.stderr
    far = shop.run_here("explain", "zzzzzz", cwd=tmp_path)
    assert "did you mean" not in far.stderr and "llmcost explain lists every kind" in far.stderr


def test_what_is_kept_of_an_audit_holds_no_table_and_no_rejected_text(folder: Path) -> None:
    with (folder / "log.jsonl").open("a") as log:
        log.write("this line is no JSON\n")
    found = llmcost.audit([str(folder / "log.jsonl")], workspace=folder / "place")
    assert found.result.by_task and found.result.source.rejects
    kept = Workspace(folder / "place").last_audit() or b""
    assert b'"by_task":[]' in kept and b'"rejects":[]' in kept and b"Ticket" not in kept


def test_a_damaged_memory_is_as_good_as_none(folder: Path) -> None:
    shop.run_here("audit", "log.jsonl", cwd=folder)
    (folder / ".llmcost" / "last_audit.json").write_text("{")
    assert "Nothing was audited here yet" in said("exact-duplicates", cwd=folder)
