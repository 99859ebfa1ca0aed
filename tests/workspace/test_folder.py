"""The workspace is private, keeps to itself, and never leaves half a file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from llmcost.errors import InputError, StoreError
from llmcost.workspace import LastLogs, Workspace


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_is_made_on_the_first_write_private_and_ignored(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "deep" / ".llmcost")
    assert workspace.last_logs() is None and workspace.runs() == []
    assert not workspace.path.exists()
    workspace.save_run("r1", b"{}")
    assert mode(workspace.path) == 0o700
    assert (workspace.path / ".gitignore").read_text() == "*\n"
    files = [path for path in workspace.path.rglob("*") if path.is_file()]
    assert {mode(path) for path in files} == {0o600}
    assert {path.name for path in files} == {".gitignore", "r1.json", "last_run"}


def test_is_found_by_the_environment(tmp_path: Path) -> None:
    assert Workspace.find({}).path == Path(".llmcost")
    assert Workspace.find({"LLMCOST_WORKSPACE": str(tmp_path)}).path == tmp_path


def test_remembers_the_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(tmp_path / "w")
    workspace.remember_logs(["logs/*.jsonl", "-", "s3://bucket/x"], {"map": {"model": "m"}, "task_field": None})
    expected = (str(tmp_path / "logs" / "*.jsonl"), "-", "s3://bucket/x")
    assert workspace.last_logs() == LastLogs(expected, {"map": {"model": "m"}, "task_field": None})


def test_runs_come_back_byte_for_byte_the_last_one_by_default(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    for number, name in enumerate(["b", "a", "c"]):
        workspace.save_run(name, f"report {name}".encode())
        os.utime(workspace.path / "runs" / f"{name}.json", ns=(number, number))
    assert workspace.runs() == ["b", "a", "c"]
    assert workspace.load_run("a") == b"report a"
    assert workspace.load_run() == b"report c"
    workspace.save_run("b", b"again")
    assert workspace.load_run() == b"again"


def test_a_packets_key_comes_back_and_is_private(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    assert workspace.packet("p1") is None
    workspace.save_packet("p1", b"{}")
    assert workspace.packet("p1") == b"{}"
    assert mode(workspace.path / "packets" / "p1.json") == 0o600
    assert mode(workspace.path / "packets") == 0o700
    assert workspace.packet("../last_run") is None


def test_a_run_without_a_record_is_not_called_unknown(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    workspace.save_run("r1", b"{}")
    with pytest.raises(InputError, match="its report alone"):
        workspace.load_record("r1")
    with pytest.raises(InputError, match="no run r2"):
        workspace.load_record("r2")


def test_an_unknown_run_names_the_known_ones(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    with pytest.raises(InputError, match="no run is saved"):
        workspace.load_run()
    workspace.save_run("r1", b"{}")
    with pytest.raises(InputError) as caught:
        workspace.load_run("r2")
    assert "r2" in caught.value.message and "r1" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "a\nb", "x" * 200])
def test_a_run_cannot_be_named_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        Workspace(tmp_path / "w").save_run(name, b"{}")


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    tmp_path.chmod(0o755)
    with pytest.raises(StoreError, match="holds other files"):
        Workspace(tmp_path).prepare()
    (tmp_path / ".gitignore").write_text("*.o\n")
    with pytest.raises(StoreError, match="gitignore of its own"):
        Workspace(tmp_path).prepare()
    assert mode(tmp_path) == 0o755


def test_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "w").write_text("a file")
    with pytest.raises(StoreError) as caught:
        Workspace(tmp_path / "w").save_run("r", b"")
    assert "LLMCOST_WORKSPACE" in str(caught.value.hint)


def test_damaged_last_logs(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w").prepare()
    (workspace.path / "last_logs.json").write_bytes(b'{"paths": 3')
    with pytest.raises(StoreError, match="damaged"):
        workspace.last_logs()


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path / "w")
    workspace.save_run("r", b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        workspace.save_run("r", b"new")
    assert workspace.load_run("r") == b"old"
    assert sorted(path.name for path in (workspace.path / "runs").iterdir()) == ["r.json"]
