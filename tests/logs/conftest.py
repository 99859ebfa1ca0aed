from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmcost import logs
from llmcost.calls import Call


@pytest.fixture
def read_records(tmp_path: Path) -> Callable[..., tuple[logs.Log, list[Call]]]:
    """Writes records as JSONL and reads them: the log, and its calls with bodies."""

    def read(*records: Any, **options: Any) -> tuple[logs.Log, list[Call]]:
        file = tmp_path / "log.jsonl"
        file.write_text("".join(json.dumps(record) + "\n" for record in records))
        log = logs.read([str(file)], logs.ReadOptions(**options), call_site=lambda call: None)
        return log, logs.bodies(log.calls)

    return read
