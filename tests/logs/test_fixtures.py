"""One folder a format: its `in.*`, by name, give the calls of `calls.json` (what differs from a blank call).

A new format adds a folder, no code.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import pytest

from llmcost import logs
from llmcost.calls import Call

FOLDERS = sorted((Path(__file__).parent / "fixtures").iterdir())
BLANK = msgspec.to_builtins(Call())


def described(call: Call) -> dict[str, Any]:
    """The call as JSON values, without what a blank call has too."""
    values = msgspec.to_builtins(call)
    chosen = {field.name: values[field.name] for field in fields(Call) if values[field.name] != BLANK[field.name]}
    return {name: _known(value) if name in ("usage", "answer") else value for name, value in chosen.items()}


def _known(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item not in (None, [], ())}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_format_reads_its_fixture(folder: Path) -> None:
    log = logs.read(sorted(map(str, folder.glob("in.*"))), call_site=lambda call: None)
    assert log.rejected == 0
    assert {source.format for source in log.calls.sources} == {folder.name}
    calls = json.loads(json.dumps([described(call) for call in logs.bodies(log.calls)]))
    assert calls == json.loads((folder / "calls.json").read_text())


def test_every_built_in_format_has_a_fixture() -> None:
    assert {folder.name for folder in FOLDERS} >= set(logs.known_formats())
