"""What a run graded comes back as it was, and holds no text."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import graded_run

from llmcost.errors import StoreError
from llmcost.trial.record import pack, unpack


def test_what_was_packed_comes_back(tmp_path: Path) -> None:
    run = graded_run.make(tmp_path, 20)
    content = run.workspace.load_record(graded_run.RUN)
    record, calls = unpack(content)
    assert record == run.record
    assert pack(record, calls) == content
    assert len(calls) == len(record.tasks) == 20


def test_it_holds_no_prompt_and_no_answer(tmp_path: Path) -> None:
    run = graded_run.make(tmp_path, 20)
    content = run.workspace.load_record(graded_run.RUN)
    assert b"the parcel of order" not in content
    assert b"logged answer to" not in content


def test_a_damaged_record_is_named_as_such(tmp_path: Path) -> None:
    run = graded_run.make(tmp_path, 10)
    content = run.workspace.load_record(graded_run.RUN)
    for damaged in (content[: len(content) // 2], b"", content.replace(b"ARROW", b"WORRA")):
        if damaged != content:
            with pytest.raises(StoreError, match="record of the run"):
                unpack(damaged)
