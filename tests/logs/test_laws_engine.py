"""Who reads a log, in what pieces and in what order, does not change what the audit says of it, to the byte."""

from __future__ import annotations

import itertools
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.mutations import Mutator, corpus

import llmcost
from llmcost import logs, tasks
from llmcost.logs import fragments
from llmcost.logs.formats import BUILTIN
from llmcost.logs.model import SequentialFormat

GENERATOR = Path(__file__).parents[2] / "benchmarks"
SHAPES = corpus()
IN_PIECES = sorted(name for name, form in BUILTIN.items() if not isinstance(form, SequentialFormat))


@pytest.fixture(scope="module")
def traffic() -> list[bytes]:
    """Lines of a log with everything in it: retries, repeats, cut answers, failures, damaged lines."""
    sys.path.insert(0, str(GENERATOR))
    try:
        from logs_generator import lines
    finally:
        sys.path.remove(str(GENERATOR))
    return [*itertools.islice(lines(3, 4_000_000), 1_500), b'{"cut": \n', b"\xff\n", b"\n"]


@pytest.fixture
def audit(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Audits files of these contents; the result as the JSON that users get, without where it was read."""

    def run(*contents: bytes, **choices: Any) -> dict[str, Any]:
        folder = tmp_path / "logs"
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for number, content in enumerate(contents):
            (folder / f"{number:02}.jsonl").write_bytes(content)
        options = llmcost.Options(**choices)
        found = llmcost.audit([str(folder)], options=options, workspace=tmp_path / "workspace").result
        plain = msgspec.to_builtins(found)
        source = plain.pop("source")
        return plain | {"counts": [source[name] for name in ("records", "rejected", "passed_over")]}

    return run


def rows(log: logs.Log) -> list[str]:
    return [repr(row) for row in log.calls.table.to_pylist()]


@pytest.mark.parametrize("name", IN_PIECES)
def test_fragments_of_any_size_make_up_the_same_log(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "log.jsonl"
    odd = list(Mutator(17, SHAPES[name], SHAPES[name]).lines(12))
    file.write_bytes(b"\r\n\n".join((*SHAPES[name], *odd, b"  ", *SHAPES[name])))
    whole = logs.read([str(file)], call_site=tasks.call_site)
    for size in (997, 9_973):
        monkeypatch.setattr(fragments, "FRAGMENT_BYTES", size)
        pieces = logs.read([str(file)], call_site=tasks.call_site)
        assert rows(pieces) == rows(whole), size
        assert (pieces.records, pieces.rejected, pieces.passed_over) == (
            whole.records, whole.rejected, whole.passed_over,
        )  # fmt: skip
        assert pieces.rejects == whole.rejects


def test_any_number_of_workers_gives_the_same_audit(
    traffic: list[bytes], audit: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fragments, "FRAGMENT_BYTES", 1_000_000)
    results = [json.dumps(audit(b"".join(traffic), workers=workers)) for workers in (1, 2, 3)]
    assert results[0] == results[1] == results[2]


def test_the_order_of_the_lines_does_not_change_the_audit(
    traffic: list[bytes], audit: Callable[..., dict[str, Any]]
) -> None:
    shuffled = list(traffic)
    random.Random(5).shuffle(shuffled)
    assert differing(audit(b"".join(shuffled)), audit(b"".join(traffic))) == {}


def test_how_a_log_is_split_over_files_does_not_change_the_audit(
    traffic: list[bytes], audit: Callable[..., dict[str, Any]]
) -> None:
    thirds = [b"".join(traffic[start::3]) for start in range(3)]
    assert differing(audit(*thirds), audit(b"".join(traffic))) == {}


def differing(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The fields in which two results differ."""
    return {name: (value, other[name]) for name, value in one.items() if value != other[name]}
