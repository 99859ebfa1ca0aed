from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.object_store import KEY_ID, SECRET, S3Server

STORES = ("AWS_", "AZURE_", "GOOGLE_", "STORAGE_EMULATOR_HOST")


@pytest.fixture(scope="session")
def server() -> Iterator[S3Server]:
    server = S3Server()
    yield server
    server.stop()


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user of no object store: no variables, no files at home; and Amazon's machines are not asked either."""
    for name in [name for name in os.environ if name.startswith(STORES)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def s3(server: S3Server, alone: None, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server without buckets, and an environment that names it."""
    server.reset()
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    return server
