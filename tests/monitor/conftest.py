from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import switched
from support.loopback import Loopback
from support.switched import Switched


@pytest.fixture(scope="session")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder after a replay that switched both tasks."""
    folder = tmp_path_factory.mktemp("switched")
    with Loopback(switched.answers()) as server:
        report = switched.replayed(folder, server)
    assert {task["task"]: task["choice"]["verdict"] for task in report["tasks"]} == {
        "label": "SWITCH",
        "chat": "SWITCH",
    }
    return folder


@pytest.fixture
def shop_now(replayed: Path, tmp_path: Path) -> Iterator[Switched]:
    """A copy of it, with an endpoint whose models all answer well."""
    shutil.copytree(replayed, tmp_path / "shop")
    with Loopback(switched.answers()) as server:
        yield Switched(tmp_path / "shop", server)
