"""`llmcost redact` copies logs of any shape; the copy is audited like the log, and holds none of its values."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from support import shop

ANNA, PHONE, KEY = "anna.schmidt@example.org", "+49 30 901820", "sk-proj-Zk3vT9qLw8Xy2Bn5Rc7Md1Fh6Jg4Ps0a"


def record(number: int) -> dict[str, Any]:
    said = shop.record(number)
    said["request"]["messages"][1]["content"] += f" Reach {ANNA} or {PHONE}; token={KEY}"
    said["response"]["choices"][0]["message"]["content"] += f" (for {ANNA})"
    return said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(record(number)) + "\n" for number in range(20)))
    return tmp_path


def redact(folder: Path, *arguments: str) -> dict[str, Any]:
    outcome = shop.run_here("redact", *arguments, "--format", "json", cwd=folder)
    assert outcome.returncode == 0, outcome.stderr
    found: dict[str, Any] = json.loads(outcome.stderr)
    return found


def audited(folder: Path, log: str) -> dict[str, Any]:
    outcome = shop.run_here("audit", log, "--format", "json", cwd=folder)
    assert outcome.returncode == 0, outcome.stderr
    found: dict[str, Any] = json.loads(outcome.stdout)
    return found


def test_the_copy_holds_no_value_and_is_audited_alike(folder: Path) -> None:
    said = redact(folder, "log.jsonl", "-o", "copy.jsonl")
    copy = (folder / "copy.jsonl").read_text(encoding="utf-8")
    assert not [value for value in (ANNA, PHONE, KEY) if value in copy]
    assert said["found"] == {"EMAIL": 1, "PHONE": 1, "SECRET": 1}
    assert copy.count("<EMAIL_1>") == 40
    before, after = audited(folder, "log.jsonl"), audited(folder, "copy.jsonl")
    assert before["totals"] == after["totals"]
    assert [row["calls"] for row in before["by_task"]] == [row["calls"] for row in after["by_task"]]


@pytest.mark.parametrize("name", ["copy.jsonl.gz", "copy.jsonl.zst"])
def test_copies_are_compressed_as_they_are_called(name: str, folder: Path) -> None:
    redact(folder, "log.jsonl", "-o", name)
    content = (folder / name).read_bytes()
    unpacked = gzip.decompress(content) if name.endswith("gz") else zstandard.decompress(content, 1 << 24)
    assert len(unpacked.splitlines()) == 20
    assert audited(folder, name)["totals"]["calls"] == 20


def test_parquet_becomes_lines_and_several_logs_a_folder(folder: Path) -> None:
    rows = [{"model": "gpt-4o", "prompt": f"mail {ANNA}", "response": "ok", "input_tokens": 5, "output_tokens": 1}] * 3
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet")
    said = redact(folder, "log.jsonl", "rows.parquet", "-o", "out")
    assert [item["output"] for item in said["files"]] == ["out/log.jsonl", "out/rows.jsonl"]
    assert (folder / "out" / "rows.jsonl").read_text().count("<EMAIL_1>") == 3
    assert said["found"]["EMAIL"] == 1  # the same in both


def test_a_line_that_cannot_be_read_is_left_out_and_said(folder: Path) -> None:
    log = folder / "log.jsonl"
    log.write_text(log.read_text() + f"not json, of {ANNA}\n" + json.dumps(record(20)) + "\n")
    said = redact(folder, "log.jsonl", "-o", "copy.jsonl")
    assert (said["files"][0]["records"], said["files"][0]["left_out"]) == (21, 1)
    assert said["left_out"][0]["line"] == 21
    assert ANNA not in (folder / "copy.jsonl").read_text()


def test_without_a_file_the_copy_goes_to_stdout_alone(folder: Path) -> None:
    outcome = shop.run("redact", "log.jsonl", cwd=folder)
    assert outcome.returncode == 0
    assert len([json.loads(line) for line in outcome.stdout.splitlines()]) == 20
    assert "1 e-mail address" in outcome.stderr


def test_a_log_is_never_overwritten(folder: Path) -> None:
    before = (folder / "log.jsonl").read_bytes()
    outcome = shop.run_here("redact", "log.jsonl", "-o", "log.jsonl", cwd=folder)
    assert outcome.returncode == 2 and "is the log itself" in outcome.stderr
    assert (folder / "log.jsonl").read_bytes() == before


def test_patterns_of_the_configuration_are_used(folder: Path) -> None:
    (folder / "llmcost.toml").write_text('[redact]\nkinds = []\npatterns = { ORDER = "order [0-9]+" }\n')
    said = redact(folder, "log.jsonl", "-o", "copy.jsonl")
    assert list(said["found"]) == ["ORDER"]
    assert "<ORDER_1>" in (folder / "copy.jsonl").read_text()
