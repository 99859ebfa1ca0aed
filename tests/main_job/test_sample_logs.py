"""The audit of the sample month: the same in every format, and equal to a count made by hand."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support import real_data, shop

SAMPLES = Path(__file__).parents[2] / "sample_logs"
# Dollars a million tokens (input, cached input, output) as OpenAI lists them; read by hand, not from the price book.
LISTED = {"gpt-4o": ("2.50", "1.25", "10.00"), "gpt-4o-mini": ("0.15", "0.075", "0.60")}


def audit(*arguments: str, cwd: Path) -> dict[str, Any]:
    outcome = shop.run_here("audit", *arguments, "--format", "json", cwd=cwd)
    assert outcome.returncode == 0, outcome.stderr
    found: dict[str, Any] = json.loads(outcome.stdout)
    return found


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return audit(str(SAMPLES / "october.jsonl"), cwd=tmp_path_factory.mktemp("nested"))


@pytest.mark.parametrize("name", ["october-flat.jsonl.gz", "october.parquet"])
def test_every_format_gives_the_same_bill(tmp_path: Path, nested: dict[str, Any], name: str) -> None:
    other = audit(str(SAMPLES / name), cwd=tmp_path)
    assert other["totals"] == nested["totals"]
    for table in ("by_task", "by_model", "by_day", "findings", "potential", "span"):
        assert rounded(other[table]) == rounded(nested[table]), table


def rounded(table: Any) -> Any:
    """A table with numbers of nine digits: 2.045 s are 2,045.0000000000002 ms."""
    return json.loads(json.dumps(table), parse_float=lambda digits: float(f"{float(digits):.9g}"))


def calls() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(task, model, usage) of every good line, read with nothing but json."""
    for line in (SAMPLES / "october.jsonl").read_bytes().splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        task = record.get("metadata", {}).get("task")
        yield task, record["request"]["model"], usage(record.get("response"))


def usage(response: Any) -> dict[str, Any]:
    if isinstance(response, str):
        response = [json.loads(e[6:]) for e in response.split("\n\n") if e.startswith("data: ") and "[DONE]" not in e]
    parts = response if isinstance(response, list) else [response or {}]
    return next((part["usage"] for part in parts if part.get("usage")), {})


def test_an_independent_count_agrees(nested: dict[str, Any]) -> None:
    cost: dict[str, Decimal] = defaultdict(Decimal)
    count: dict[str, int] = defaultdict(int)
    for task, model, used in calls():
        count[task] += 1
        if used:
            fresh, cached, out = (Decimal(price) for price in LISTED[model])
            hits = (used.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
            tokens = (used["prompt_tokens"] - hits) * fresh + hits * cached + used["completion_tokens"] * out
            cost[task] += tokens / 1_000_000
    assert nested["totals"]["calls"] == sum(count.values())
    assert nested["totals"]["cost_usd"] == pytest.approx(float(sum(cost.values())), abs=1e-9)
    for row in nested["by_task"]:
        if row["task"] in cost:
            assert row["calls"] == count[row["task"]]
            assert row["cost_usd"] == pytest.approx(float(cost[row["task"]]), abs=1e-9)


def test_corrupt_lines_are_counted_and_named(nested: dict[str, Any]) -> None:
    source = nested["source"]
    assert source["rejected"] == 14 == len(source["rejects"])
    assert source["records"] == nested["totals"]["calls"] + source["rejected"]
    assert all(reject["line"] > 0 and reject["reason"] for reject in source["rejects"])


def test_real_pairs_are_all_accounted_for(tmp_path: Path) -> None:
    found = audit(str(real_data.path("log_samples", "openai_pairs_openllmetry.jsonl")), cwd=tmp_path)
    totals = found["totals"]
    assert found["source"]["records"] == 80
    assert totals["answered_calls"] + totals["failed_calls"] + found["source"]["rejected"] == 80
    assert (totals["calls"], totals["failed_calls"], found["source"]["rejected"]) == (80, 6, 0)


def test_stdin_directory_and_glob_are_read_alike(tmp_path: Path, nested: dict[str, Any]) -> None:
    (tmp_path / "logs" / "deep").mkdir(parents=True)
    lines = (SAMPLES / "october.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "logs" / "a.jsonl").write_bytes(b"".join(lines[:2000]))
    (tmp_path / "logs" / "deep" / "b.jsonl").write_bytes(b"".join(lines[2000:]))
    for argument in ("logs", "logs/**/*.jsonl"):
        assert audit(argument, cwd=tmp_path)["totals"] == nested["totals"]


def test_a_window_of_time_is_a_part_of_the_log(tmp_path: Path, nested: dict[str, Any]) -> None:
    log = str(SAMPLES / "october.jsonl")
    first = audit(log, "--until", "2026-10-11", cwd=tmp_path)
    rest = audit(log, "--since", "2026-10-11", cwd=tmp_path)
    assert first["totals"]["calls"] + rest["totals"]["calls"] == nested["totals"]["calls"]
    assert first["source"]["outside"] == rest["totals"]["calls"]
    assert audit(log, "--last", "7d", cwd=tmp_path)["totals"]["calls"] < rest["totals"]["calls"]
    empty = shop.run_here("audit", log, "--since", "2030-01-01", cwd=tmp_path)
    assert empty.returncode == 3
    assert "2026-10-01" in empty.stderr
